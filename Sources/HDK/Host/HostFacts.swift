import Integrity

extension Host {
    /// This cell's agent and the head of its chain, writes of this call included.
    public func agentInfo() async throws -> AgentInfo { try await live.ask(.agentInfo, NoInput()) }

    /// What the DNA manifest says: name, hash, network seed, zomes, types.
    public func dnaInfo() async throws -> DnaInfo { try await live.dnaInfo() }

    /// The DNA's properties, read as a value.
    /// - Throws: `badInput` when they are not such a value.
    public func properties<Value: Decodable>(as type: Value.Type) async throws -> Value {
        try await live.properties(as: type)
    }

    /// How this call came in: its caller, zome and function, and whether a secret was shown.
    public func callInfo() async throws -> CallInfo { try await live.ask(.callInfo, NoInput()) }

    /// Signs some bytes as this agent. What is signed is not the bare bytes but the bytes in the domain of this app and
    /// zome, so that no zome can make a signature that means something elsewhere; `verify` knows the same domain.
    public func sign(_ data: [UInt8]) async throws -> Signature {
        try await live.ask(.sign, SignRequest(data: data))
    }

    /// Whether an agent signed these bytes with `sign`, in this DNA, in this zome or the one that is named.
    public func verify(
        _ signature: Signature, of data: [UInt8], by agent: AgentKey, zome: String? = nil
    ) async throws -> Bool {
        try await live.verify(signature, of: data, by: agent, zome: zome)
    }

    /// BLAKE2b-256 of some bytes: 32 bytes.
    public func hash(_ data: [UInt8]) async throws -> [UInt8] { try await live.hash(data) }

    /// Bytes that nobody can guess. At most 65,536.
    public func randomBytes(_ count: Int) async throws -> [UInt8] {
        let answer: PackedBytes = try await live.ask(
            .randomBytes, RandomBytesRequest(count: UInt32(clamping: count)))
        return answer.bytes
    }

    /// What the conductor's clock says.
    public func time() async throws -> Timestamp { try await live.ask(.time, NoInput()) }

    /// The public key that the keystore holds under a name.
    /// - Throws: `keyNotFound`.
    public func keystoreGetPublicKey(_ id: String) async throws -> AgentKey {
        try await live.ask(.keystoreGetPublicKey, KeystoreGetPublicKeyRequest(id: id))
    }

    /// Writes a line into the conductor's log. Not for secrets.
    public func log(_ level: LogLevel, _ message: String) async throws { try await live.log(level, message) }
}

extension LiveCall {
    func dnaInfo() async throws(ZomeError) -> DnaInfo { try await ask(.dnaInfo, NoInput()) }

    func properties<Value: Decodable>(as type: Value.Type) async throws(ZomeError) -> Value {
        try ValueCodec.input(type, try await askRaw(.properties, NoInput()))
    }

    func verify(
        _ signature: Signature, of data: [UInt8], by agent: AgentKey, zome: String?
    ) async throws(ZomeError) -> Bool {
        try await ask(.verify, VerifyRequest(agent: agent, signature: signature, data: data, zome: zome))
    }

    func hash(_ data: [UInt8]) async throws(ZomeError) -> [UInt8] {
        try await ask(.hash, HashRequest(kind: "blake2b256", data: data), PackedBytes.self).bytes
    }

    func log(_ level: LogLevel, _ message: String) async throws(ZomeError) {
        _ = try await askRaw(.log, LogRequest(level: level.rawValue, message: message))
    }

    /// The names of the DNA's entry types and link types, by their index. Asked once, then remembered.
    func typeNames() async throws(ZomeError) -> (entries: [String], links: [String]) {
        let facts = runtime.facts
        if let entries = facts.entryTypes, let links = facts.linkTypes { return (entries, links) }
        let info = try await dnaInfo()
        runtime.learn {
            $0.entryTypes = info.entryTypes
            $0.linkTypes = info.linkTypes
        }
        return (info.entryTypes, info.linkTypes)
    }
}

/// How much a line in the log matters.
public enum LogLevel: String, Sendable {
    /// Every step.
    case trace
    /// For whoever looks for a fault.
    case debug
    /// What happens in the ordinary run of things.
    case info
    /// Something that should not be, and is coped with.
    case warning
    /// Something that failed.
    case error
}

/// A bin, as an answer.
struct PackedBytes: Packable {
    var bytes: [UInt8]

    func pack(into w: inout MessagePackWriter) { w.writeBinary(bytes) }

    init(from r: inout MessagePackReader) throws(PlasmidError) { bytes = try r.readBytes() }
}
