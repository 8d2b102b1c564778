import Integrity

extension Host {
    /// Encrypts bytes to an agent: that agent and this one can read them, and that they are from this agent is certain to both
    /// (but to nobody else). No contact is needed before. 40 bytes longer than the data; at most 4,000,000 bytes.
    /// - Throws: `badInput` for a key that nobody can have; `tooLarge`.
    public func encrypt(_ data: [UInt8], to agent: AgentKey) async throws -> [UInt8] {
        try await bytes(.encrypt, EncryptRequest(to: agent, data: data))
    }

    /// Decrypts what an agent encrypted to this one (or this one to that agent).
    /// - Throws: `decryptionFailed` for bytes that were altered or cut, or are from or for somebody else.
    public func decrypt(_ data: [UInt8], from agent: AgentKey) async throws -> [UInt8] {
        try await bytes(.decrypt, DecryptRequest(from: agent, data: data))
    }

    /// Seals bytes under a secret of 32 bytes that others have too (``randomBytes(_:)`` makes one). 40 bytes longer than the
    /// data; at most 4,000,000 bytes.
    /// - Throws: `badInput` for a key of another length; `tooLarge`.
    public func seal(_ data: [UInt8], key: [UInt8]) async throws -> [UInt8] {
        try await bytes(.seal, SecretRequest(key: key, data: data))
    }

    /// Opens what ``seal(_:key:)`` sealed.
    /// - Throws: `decryptionFailed` for bytes that were altered or cut, or sealed under another key.
    public func unseal(_ data: [UInt8], key: [UInt8]) async throws -> [UInt8] {
        try await bytes(.unseal, SecretRequest(key: key, data: data))
    }

    /// Signs up to 1,000 messages with a key that is made for this and forgotten at once. ``verify(_:of:by:zome:)`` knows such signatures by the key
    /// that is given with them.
    public func signOneTime(_ data: [[UInt8]]) async throws -> OneTimeSignatures {
        try await live.ask(.signOneTime, SignOneTimeRequest(data: data))
    }

    /// 64 bytes that nobody can guess, as a capability's secret.
    public func generateCapSecret() async throws -> CapSecret {
        guard let secret = CapSecret(try await randomBytes(64)) else {
            throw ZomeError(.malformedMessagePack, "the host answered 64 random bytes with another count")
        }
        return secret
    }

    /// What the DNA manifest says of this zome: name, types, functions.
    public func zomeInfo() async throws -> ZomeInfo { try await live.ask(.zomeInfo, NoInput()) }

    private func bytes(_ operation: HostOperation, _ request: some Packable) async throws -> [UInt8] {
        let answer: PackedBytes = try await live.ask(operation, request)
        return answer.bytes
    }
}

/// Addresses, computed here without asking anyone.
extension EntryValue {
    /// The address that this value has, or would have, as an entry.
    /// - Throws: `badResult` when it cannot be written as MessagePack.
    public func entryHash() throws -> EntryHash { Entry.app(try ValueCodec.output(self)).hash }
}
