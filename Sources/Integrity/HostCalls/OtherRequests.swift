// Inputs and answers of the host operations that neither write nor read data.

import Sodium

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

/// Input of ``HostOperation/remoteSignal``.
public struct RemoteSignalRequest: Packable, Hashable {
    /// Whose clients are told; at most ``Limits/signalRecipients``.
    public var to: [AgentPubKey]
    /// The signal's name, which clients filter by; at most ``Limits/signalNameBytes``.
    public var name: String
    /// One MessagePack value.
    public var payload: [UInt8]

    /// A value from its parts.
    public init(to: [AgentPubKey], name: String, payload: [UInt8]) {
        self.to = to
        self.name = name
        self.payload = payload
    }

    /// Writes a map of 3 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("to")
        w.write(to)
        w.writeString("name")
        w.writeString(name)
        w.writeString("payload")
        w.writeRaw(payload)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var to: [AgentPubKey]?
        var name: String?
        var payload: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "to": try r.read(into: &to)
            case "name": try r.read(into: &name)
            case "payload": payload = try r.rawBytes()
            default: try r.skip()
            }
        }
        self.to = try r.require(to, "to", of: "RemoteSignalRequest")
        self.name = try r.require(name, "name", of: "RemoteSignalRequest")
        self.payload = try r.require(payload, "payload", of: "RemoteSignalRequest")
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
