public import Integrity
public import Sodium

/// The body of ``FrameKind/prove``.
public struct ProofBody: Packable, Hashable {
    /// Whose key is proved.
    public var agent: AgentPubKey
    /// ``AgentProof/mac(secret:statement:)``.
    public var mac: Bytes32

    /// A proof.
    public init(agent: AgentPubKey, mac: Bytes32) {
        self.agent = agent
        self.mac = mac
    }

    /// Writes `[agent, mac]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        agent.pack(into: &w)
        mac.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A proof")
        agent = try r.read()
        mac = try r.read()
        // The MAC covers the key alone: with another location one key would pass for many agents.
        guard agent.hasDerivedLocation else {
            throw PlasmidError(.badFrame, "A proof is of \(agent), a key with the location of another")
        }
    }
}

/// The body of ``FrameKind/message``: from an agent that was proved on this connection to one that its other end claims.
public struct MessageBody: Packable, Hashable {
    /// Who sends.
    public var from: AgentPubKey
    /// Whose `receive` it is for.
    public var to: AgentPubKey
    /// The zome.
    public var zome: String
    /// The message.
    public var payload: [UInt8]

    /// A message from its parts.
    public init(from: AgentPubKey, to: AgentPubKey, zome: String, payload: [UInt8]) {
        self.from = from
        self.to = to
        self.zome = zome
        self.payload = payload
    }

    /// Writes `[from, to, zome, payload]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(4)
        from.pack(into: &w)
        to.pack(into: &w)
        w.writeString(zome)
        w.writeBinary(payload)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(4, "A message")
        from = try r.read()
        to = try r.read()
        zome = try r.readString()
        payload = try r.readBytes()
    }
}

/// The body of ``FrameKind/call``: a call of another agent's function.
public struct CallBody: Packable, Hashable {
    /// Who calls.
    public var from: AgentPubKey
    /// Whose function.
    public var to: AgentPubKey
    /// The zome.
    public var zome: String
    /// The function.
    public var function: String
    /// Its input, in MessagePack.
    public var payload: [UInt8]
    /// The capability's secret.
    public var secret: CapSecret?
    /// How the capability was passed on to the caller; empty where the grantor gave it.
    public var certificates: [Delegation]

    /// A call from its parts.
    public init(
        from: AgentPubKey, to: AgentPubKey, zome: String, function: String, payload: [UInt8], secret: CapSecret?,
        certificates: [Delegation]
    ) {
        self.from = from
        self.to = to
        self.zome = zome
        self.function = function
        self.payload = payload
        self.secret = secret
        self.certificates = certificates
    }

    /// Writes `[from, to, zome, function, payload, secret or nil, certificates]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(7)
        from.pack(into: &w)
        to.pack(into: &w)
        w.writeString(zome)
        w.writeString(function)
        w.writeBinary(payload)
        w.write(secret)
        w.write(certificates)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(7, "A call")
        from = try r.read()
        to = try r.read()
        zome = try r.readString()
        function = try r.readString()
        payload = try r.readBytes()
        secret = try r.readOptional()
        certificates = try r.readArray()
        guard certificates.count <= Limits.delegationDepth else {
            throw PlasmidError(.badFrame, "A call came with \(certificates.count) certificates")
        }
    }
}

/// The body of ``FrameKind/signal``: a signal for another agent's app.
public struct SignalBody: Packable, Hashable {
    /// Who sends.
    public var from: AgentPubKey
    /// Whose app.
    public var to: AgentPubKey
    /// The zome.
    public var zome: String
    /// The signal's name, if it has one.
    public var name: String?
    /// The signal.
    public var payload: [UInt8]

    /// A signal from its parts.
    public init(from: AgentPubKey, to: AgentPubKey, zome: String, name: String?, payload: [UInt8]) {
        self.from = from
        self.to = to
        self.zome = zome
        self.name = name
        self.payload = payload
    }

    /// Writes `[from, to, zome, name or nil, payload]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(5)
        from.pack(into: &w)
        to.pack(into: &w)
        w.writeString(zome)
        w.write(name)
        w.writeBinary(payload)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(5, "A signal")
        from = try r.read()
        to = try r.read()
        zome = try r.readString()
        name = try r.readOptional()
        payload = try r.readBytes()
    }
}

/// The body of ``FrameKind/refusal``: why a request is not answered.
public struct RefusalBody: Packable, Hashable {
    /// A stable code.
    public var code: String
    /// A sentence for people.
    public var message: String

    /// Bytes of a message, at most: what is longer is cut.
    static let messageBytesMaximum = 1_024

    /// A refusal that says what an error says.
    public init(_ error: PlasmidError) {
        code = error.code.rawValue
        message = String(decoding: Array(error.message.utf8).prefix(Self.messageBytesMaximum), as: UTF8.self)
    }

    /// The error that the other side told. Its code is taken only if it is a word, its sentence as it is, but not at any length.
    public var error: PlasmidError {
        let isWord = !code.isEmpty && code.utf8.count <= 64 && code.utf8.allSatisfy { (65...90).contains($0 & 0xdf) }
        let words = String(decoding: Array(message.utf8).prefix(Self.messageBytesMaximum), as: UTF8.self)
        return PlasmidError(isWord ? PlasmidError.Code(rawValue: code) : .badFrame, words)
    }

    /// Writes `[code, message]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.writeString(code)
        w.writeString(message)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A refusal")
        code = try r.readString()
        message = try r.readString()
    }
}
