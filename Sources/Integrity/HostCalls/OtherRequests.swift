// Inputs and answers of the host operations that neither write nor read data.

import Sodium

/// Answer of ``HostOperation/agentInfo``.
public struct AgentInfo: Packable, Hashable {
    /// The cell's agent.
    public var agent: AgentPubKey
    /// The newest action that this call sees, its own writes included.
    public var chainHead: ChainHead

    /// A value from its parts.
    public init(agent: AgentPubKey, chainHead: ChainHead) {
        self.agent = agent
        self.chainHead = chainHead
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("agent")
        agent.pack(into: &w)
        w.writeString("chain_head")
        chainHead.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var agent: AgentPubKey?
        var chainHead: ChainHead?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "agent": try r.read(into: &agent)
            case "chain_head": try r.read(into: &chainHead)
            default: try r.skip()
            }
        }
        self.agent = try r.require(agent, "agent", of: "AgentInfo")
        self.chainHead = try r.require(chainHead, "chain_head", of: "AgentInfo")
    }
}

/// Answer of ``HostOperation/dnaInfo``.
public struct DnaInfo: Packable, Hashable {
    /// The DNA's name.
    public var name: String
    /// The DNA's address.
    public var hash: DnaHash
    /// What tells networks of the same rules apart.
    public var networkSeed: String
    /// The properties: one MessagePack value.
    public var properties: [UInt8]
    /// Names of all zomes: integrity, then coordinator.
    public var zomes: [String]
    /// Names of the entry types, in the order of their index.
    public var entryTypes: [String]
    /// Names of the link types, in the order of their index.
    public var linkTypes: [String]

    /// A value from its parts.
    public init(
        name: String, hash: DnaHash, networkSeed: String, properties: [UInt8], zomes: [String], entryTypes: [String],
        linkTypes: [String]
    ) {
        self.name = name
        self.hash = hash
        self.networkSeed = networkSeed
        self.properties = properties
        self.zomes = zomes
        self.entryTypes = entryTypes
        self.linkTypes = linkTypes
    }

    /// Writes a map of 7 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(7)
        w.writeString("name")
        w.writeString(name)
        w.writeString("hash")
        hash.pack(into: &w)
        w.writeString("network_seed")
        w.writeString(networkSeed)
        w.writeString("properties")
        w.writeRaw(properties)
        w.writeString("zomes")
        w.write(zomes)
        w.writeString("entry_types")
        w.write(entryTypes)
        w.writeString("link_types")
        w.write(linkTypes)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var hash: DnaHash?
        var networkSeed: String?
        var properties: [UInt8]?
        var zomes: [String]?
        var entryTypes: [String]?
        var linkTypes: [String]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "hash": try r.read(into: &hash)
            case "network_seed": try r.read(into: &networkSeed)
            case "properties": properties = try r.rawBytes()
            case "zomes": try r.read(into: &zomes)
            case "entry_types": try r.read(into: &entryTypes)
            case "link_types": try r.read(into: &linkTypes)
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "DnaInfo")
        self.hash = try r.require(hash, "hash", of: "DnaInfo")
        self.networkSeed = try r.require(networkSeed, "network_seed", of: "DnaInfo")
        self.properties = try r.require(properties, "properties", of: "DnaInfo")
        self.zomes = try r.require(zomes, "zomes", of: "DnaInfo")
        self.entryTypes = try r.require(entryTypes, "entry_types", of: "DnaInfo")
        self.linkTypes = try r.require(linkTypes, "link_types", of: "DnaInfo")
    }
}

/// Input of ``HostOperation/sign``.
public struct SignRequest: Packable, Hashable {
    /// What is signed, in the domain of DNA and zome.
    public var data: [UInt8]

    /// A value from its parts.
    public init(data: [UInt8]) {
        self.data = data
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("data")
        w.writeBinary(data)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var data: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "data": data = try r.readBytes()
            default: try r.skip()
            }
        }
        self.data = try r.require(data, "data", of: "SignRequest")
    }
}

/// Input of ``HostOperation/verify``.
public struct VerifyRequest: Packable, Hashable {
    /// Who is said to have signed.
    public var agent: AgentPubKey
    /// The signature.
    public var signature: Signature
    /// What was signed.
    public var data: [UInt8]
    /// The signer's DNA; this one when nil.
    public var dna: DnaHash?
    /// The signer's zome; this one when nil.
    public var zome: String?

    /// A value from its parts.
    public init(agent: AgentPubKey, signature: Signature, data: [UInt8], dna: DnaHash? = nil, zome: String? = nil) {
        self.agent = agent
        self.signature = signature
        self.data = data
        self.dna = dna
        self.zome = zome
    }

    /// Writes a map of 5 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(5)
        w.writeString("agent")
        agent.pack(into: &w)
        w.writeString("signature")
        signature.pack(into: &w)
        w.writeString("data")
        w.writeBinary(data)
        w.writeString("dna")
        w.write(dna)
        w.writeString("zome")
        w.write(zome)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var agent: AgentPubKey?
        var signature: Signature?
        var data: [UInt8]?
        var dna: DnaHash?
        var zome: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "agent": try r.read(into: &agent)
            case "signature": try r.read(into: &signature)
            case "data": data = try r.readBytes()
            case "dna": dna = try r.readOptional()
            case "zome": zome = try r.readOptional()
            default: try r.skip()
            }
        }
        self.agent = try r.require(agent, "agent", of: "VerifyRequest")
        self.signature = try r.require(signature, "signature", of: "VerifyRequest")
        self.data = try r.require(data, "data", of: "VerifyRequest")
        self.dna = dna
        self.zome = zome
    }
}

/// Input of ``HostOperation/hash``; the answer is `bin`.
public struct HashRequest: Packable, Hashable {
    /// `blake2b256` (32 bytes) or `blake2b128` (16 bytes).
    public var kind: String
    /// What is hashed.
    public var data: [UInt8]

    /// A value from its parts.
    public init(kind: String, data: [UInt8]) {
        self.kind = kind
        self.data = data
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("kind")
        w.writeString(kind)
        w.writeString("data")
        w.writeBinary(data)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var kind: String?
        var data: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "kind": try r.read(into: &kind)
            case "data": data = try r.readBytes()
            default: try r.skip()
            }
        }
        self.kind = try r.require(kind, "kind", of: "HashRequest")
        self.data = try r.require(data, "data", of: "HashRequest")
    }
}

/// Input of ``HostOperation/randomBytes``; the answer is `bin`.
public struct RandomBytesRequest: Packable, Hashable {
    /// How many; at most ``Limits/randomBytes``.
    public var count: UInt32

    /// A value from its parts.
    public init(count: UInt32) {
        self.count = count
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("count")
        w.writeUInt(count)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var count: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "count": try r.read(into: &count)
            default: try r.skip()
            }
        }
        self.count = try r.require(count, "count", of: "RandomBytesRequest")
    }
}

/// Input of ``HostOperation/emitSignal``.
public struct SignalRequest: Packable, Hashable {
    /// The signal's name, which clients filter by.
    public var name: String
    /// One MessagePack value.
    public var payload: [UInt8]

    /// A value from its parts.
    public init(name: String, payload: [UInt8]) {
        self.name = name
        self.payload = payload
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("name")
        w.writeString(name)
        w.writeString("payload")
        w.writeRaw(payload)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var payload: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "payload": payload = try r.rawBytes()
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "SignalRequest")
        self.payload = try r.require(payload, "payload", of: "SignalRequest")
    }
}

/// Input of ``HostOperation/send``; the answer is the reply's value.
public struct SendRequest: Packable, Hashable {
    /// The recipient.
    public var to: AgentPubKey
    /// One MessagePack value.
    public var payload: [UInt8]
    /// How long to wait for the reply.
    public var timeoutMilliseconds: UInt32

    /// A value from its parts.
    public init(to: AgentPubKey, payload: [UInt8], timeoutMilliseconds: UInt32) {
        self.to = to
        self.payload = payload
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("to")
        to.pack(into: &w)
        w.writeString("payload")
        w.writeRaw(payload)
        w.writeString("timeout_ms")
        w.writeUInt(timeoutMilliseconds)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var to: AgentPubKey?
        var payload: [UInt8]?
        var timeoutMilliseconds: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "to": try r.read(into: &to)
            case "payload": payload = try r.rawBytes()
            case "timeout_ms": try r.read(into: &timeoutMilliseconds)
            default: try r.skip()
            }
        }
        self.to = try r.require(to, "to", of: "SendRequest")
        self.payload = try r.require(payload, "payload", of: "SendRequest")
        self.timeoutMilliseconds = try r.require(timeoutMilliseconds, "timeout_ms", of: "SendRequest")
    }
}

/// Input of ``HostOperation/call``; the answer is the result's value.
public struct CallRequest: Packable, Hashable {
    /// Whose cell of this DNA.
    public var to: AgentPubKey
    /// The zome's name.
    public var zome: String
    /// The function's name.
    public var function: String
    /// The argument: one MessagePack value.
    public var payload: [UInt8]
    /// The secret of a claim.
    public var secret: CapSecret?
    /// How long to wait for the result.
    public var timeoutMilliseconds: UInt32

    /// A value from its parts.
    public init(
        to: AgentPubKey, zome: String, function: String, payload: [UInt8], secret: CapSecret? = nil,
        timeoutMilliseconds: UInt32
    ) {
        self.to = to
        self.zome = zome
        self.function = function
        self.payload = payload
        self.secret = secret
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Writes a map of 6 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(6)
        w.writeString("to")
        to.pack(into: &w)
        w.writeString("zome")
        w.writeString(zome)
        w.writeString("function")
        w.writeString(function)
        w.writeString("payload")
        w.writeRaw(payload)
        w.writeString("secret")
        w.write(secret)
        w.writeString("timeout_ms")
        w.writeUInt(timeoutMilliseconds)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var to: AgentPubKey?
        var zome: String?
        var function: String?
        var payload: [UInt8]?
        var secret: CapSecret?
        var timeoutMilliseconds: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "to": try r.read(into: &to)
            case "zome": try r.read(into: &zome)
            case "function": try r.read(into: &function)
            case "payload": payload = try r.rawBytes()
            case "secret": secret = try r.readOptional()
            case "timeout_ms": try r.read(into: &timeoutMilliseconds)
            default: try r.skip()
            }
        }
        self.to = try r.require(to, "to", of: "CallRequest")
        self.zome = try r.require(zome, "zome", of: "CallRequest")
        self.function = try r.require(function, "function", of: "CallRequest")
        self.payload = try r.require(payload, "payload", of: "CallRequest")
        self.secret = secret
        self.timeoutMilliseconds = try r.require(timeoutMilliseconds, "timeout_ms", of: "CallRequest")
    }
}

/// Input of ``HostOperation/log``.
public struct LogRequest: Packable, Hashable {
    /// `trace`, `debug`, `info`, `warning` or `error`.
    public var level: String
    /// One line.
    public var message: String

    /// A value from its parts.
    public init(level: String, message: String) {
        self.level = level
        self.message = message
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("level")
        w.writeString(level)
        w.writeString("message")
        w.writeString(message)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var level: String?
        var message: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "level": try r.read(into: &level)
            case "message": try r.read(into: &message)
            default: try r.skip()
            }
        }
        self.level = try r.require(level, "level", of: "LogRequest")
        self.message = try r.require(message, "message", of: "LogRequest")
    }
}

/// Answer of ``HostOperation/callInfo``.
public struct CallInfo: Packable, Hashable {
    /// Who called; nil when the conductor did.
    public var caller: AgentPubKey?
    /// The zome that runs.
    public var zome: String
    /// The function or callback that runs.
    public var function: String
    /// Whether the caller showed a capability secret.
    public var secretUsed: Bool

    /// A value from its parts.
    public init(caller: AgentPubKey? = nil, zome: String, function: String, secretUsed: Bool) {
        self.caller = caller
        self.zome = zome
        self.function = function
        self.secretUsed = secretUsed
    }

    /// Writes a map of 4 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("caller")
        w.write(caller)
        w.writeString("zome")
        w.writeString(zome)
        w.writeString("function")
        w.writeString(function)
        w.writeString("secret_used")
        w.writeBool(secretUsed)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var caller: AgentPubKey?
        var zome: String?
        var function: String?
        var secretUsed: Bool?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "caller": caller = try r.readOptional()
            case "zome": try r.read(into: &zome)
            case "function": try r.read(into: &function)
            case "secret_used": try r.read(into: &secretUsed)
            default: try r.skip()
            }
        }
        self.caller = caller
        self.zome = try r.require(zome, "zome", of: "CallInfo")
        self.function = try r.require(function, "function", of: "CallInfo")
        self.secretUsed = try r.require(secretUsed, "secret_used", of: "CallInfo")
    }
}

/// Input of ``HostOperation/keystoreGetPublicKey``.
public struct KeystoreGetPublicKeyRequest: Packable, Hashable {
    /// The key's name.
    public var id: String

    /// A value from its parts.
    public init(id: String) {
        self.id = id
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("id")
        w.writeString(id)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var id: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "id": try r.read(into: &id)
            default: try r.skip()
            }
        }
        self.id = try r.require(id, "id", of: "KeystoreGetPublicKeyRequest")
    }
}

/// Input of the host operations that take none: an empty map (nil is read too).
public struct NoInput: Packable, Hashable {
    /// Nothing.
    public init() {}

    /// Writes an empty map.
    public func pack(into w: inout MessagePackWriter) { w.writeMapHeader(0) }

    /// Reads nil or any map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.readNil() { return }
        for _ in 0..<(try r.readMapHeader()) {
            try r.skip()
            try r.skip()
        }
    }
}
