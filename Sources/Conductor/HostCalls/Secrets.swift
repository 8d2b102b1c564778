import Integrity
import Keystore
import Sodium

/// What zomes encrypt, and one-time keys.
extension Cell {
    func useKeys(_ operation: HostOperation, _ request: HostRequest) throws(PlasmidError) {
        let keystore = conductor.keystore
        switch operation {
        case .encrypt:
            let wanted = try request.decode(EncryptRequest.self)
            try Self.checkSize(wanted.data)
            request.succeed(try keystore.encrypt(wanted.data, to: wanted.to, by: id.agent).asBin)
        case .decrypt:
            let wanted = try request.decode(DecryptRequest.self)
            request.succeed(try keystore.decrypt(wanted.data, from: wanted.from, by: id.agent).asBin)
        case .seal:
            let wanted = try request.decode(SecretRequest.self)
            try Self.checkSize(wanted.data)
            let nonce = conductor.options.randomBytes(SecretBox.nonceBytes)
            request.succeed(
                (nonce + SecretBox.seal(wanted.data, nonce: nonce, key: try Self.secret(wanted.key))).asBin)
        case .unseal:
            let wanted = try request.decode(SecretRequest.self)
            request.succeed(try Self.unseal(wanted).asBin)
        default:
            let data = try request.decode(SignOneTimeRequest.self).data
            guard data.count <= Limits.oneTimeSignatures else {
                throw PlasmidError(
                    .tooLarge, "\(data.count) messages are too many for one one-time key",
                    hint: "at most \(Limits.oneTimeSignatures)")
            }
            let messages = data.map {
                SigningDomain.app(dna: id.dna, zome: zomes[request.step.zome].name, data: $0)
            }
            let (key, signatures) = try Keystore.signOnce(messages)
            request.succeed(OneTimeSignatures(key: key, signatures: signatures).packed)
        }
    }

    private static func checkSize(_ data: [UInt8]) throws(PlasmidError) {
        guard data.count <= Limits.entryBytes else {
            throw PlasmidError(
                .tooLarge, "\(data.count) bytes are too many to encrypt at once",
                hint: "at most \(Limits.entryBytes), as an entry has")
        }
    }

    private static func secret(_ key: [UInt8]) throws(PlasmidError) -> Bytes32 {
        guard let key = Bytes32(key) else {
            throw PlasmidError(.badInput, "a secret to seal with has 32 bytes, not \(key.count)")
        }
        return key
    }

    private static func unseal(_ wanted: SecretRequest) throws(PlasmidError) -> [UInt8] {
        let key = try secret(wanted.key)
        let nonce = Array(wanted.data.prefix(SecretBox.nonceBytes))
        guard nonce.count == SecretBox.nonceBytes,
            let plain = SecretBox.open(Array(wanted.data[SecretBox.nonceBytes...]), nonce: nonce, key: key)
        else {
            throw PlasmidError(
                .decryptionFailed, "these bytes were not sealed under this secret",
                hint: "they were altered or cut, or the secret is another")
        }
        return plain
    }
}

extension [UInt8] {
    /// As one MessagePack bin.
    fileprivate var asBin: [UInt8] {
        var writer = MessagePackWriter(reserving: count + 8)
        writer.writeBinary(self)
        return writer.bytes
    }
}
