import Sodium

/// The charge that an agent broke the rules of the space, signed by who found it. It is believed by nobody on its author's word: the
/// evidence stands beside it (``SignedWarrant/evidence``).
public struct Warrant: Hashable, Sendable {
    /// What was broken.
    public var proof: WarrantProof
    /// Who found it.
    public var author: AgentPubKey
    /// When.
    public var timestamp: Timestamp
    /// Who broke it.
    public var warrantee: AgentPubKey

    /// A warrant from its parts.
    public init(proof: WarrantProof, author: AgentPubKey, timestamp: Timestamp, warrantee: AgentPubKey) {
        self.proof = proof
        self.author = author
        self.timestamp = timestamp
        self.warrantee = warrantee
    }

    /// The op's address: the hash of the warrant's canonical bytes, neither signature nor evidence.
    public var hash: DhtOpHash { DhtOpHash(hashing: packed) }

    /// What its author signs.
    public var signedBytes: [UInt8] { SigningDomain.warrant.message([packed]) }
}

/// A signed action as a proof names it.
public struct WarrantedAction: Hashable, Sendable {
    /// The action's address.
    public var hash: ActionHash
    /// The signature that was seen with it.
    public var signature: Signature

    /// A reference to a signed action.
    public init(hash: ActionHash, signature: Signature) {
        self.hash = hash
        self.signature = signature
    }

    /// A reference to this action.
    public init(_ signed: SignedAction) { self.init(hash: signed.hash, signature: signed.signature) }
}

/// How a chain was broken.
public enum WarrantProof: Hashable, Sendable {
    /// An op that validation rejects. `reason` is for people, at most ``Limits/warrantReasonBytes``.
    case invalidChainOp(author: AgentPubKey, action: WarrantedAction, type: ChainOpType, reason: String)
    /// Two different actions with the same number behind the same action.
    case chainFork(author: AgentPubKey, first: WarrantedAction, second: WarrantedAction, seq: UInt32)

    /// Whose chain it is.
    public var chainAuthor: AgentPubKey {
        switch self {
        case .invalidChainOp(let author, _, _, _), .chainFork(let author, _, _, _): author
        }
    }
}

/// What a warrant is judged by, so that whoever receives it needs to ask nobody for the deed itself.
public enum WarrantEvidence: Hashable, Sendable {
    /// The op that breaks the rules, with its entry where that is public.
    case op(ChainOp)
    /// Both actions of a fork.
    case actions(SignedAction, SignedAction)
}

/// A warrant, its author's signature, and the evidence, which the signature need not cover: the proof names it by hash.
public struct SignedWarrant: Hashable, Sendable {
    /// The charge.
    public var warrant: Warrant
    /// Its author's signature over ``Warrant/signedBytes``.
    public var signature: Signature
    /// The deed.
    public var evidence: WarrantEvidence

    /// A signed warrant from its parts.
    public init(warrant: Warrant, signature: Signature, evidence: WarrantEvidence) {
        self.warrant = warrant
        self.signature = signature
        self.evidence = evidence
    }

    /// True when the warrant's author signed it. That says nothing yet of what it charges.
    public var hasTrueSignature: Bool { signature.verifies(warrant.signedBytes, by: warrant.author) }
}

// MARK: Bytes

extension WarrantedAction: Packable {
    /// Writes `[hash, signature]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        hash.pack(into: &w)
        signature.pack(into: &w)
    }

    /// Reads `[hash, signature]`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "A warranted action")
        hash = try r.read()
        signature = try r.read()
    }
}

extension WarrantProof: Packable {
    /// Writes `{"ChainIntegrity": {"InvalidChainOp" | "ChainFork": {…}}}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("ChainIntegrity")
        w.writeMapHeader(1)
        switch self {
        case .invalidChainOp(let author, let action, let type, let reason):
            w.writeString("InvalidChainOp")
            w.writeMapHeader(4)
            w.writeString("action_author")
            author.pack(into: &w)
            w.writeString("action")
            action.pack(into: &w)
            w.writeString("chain_op_type")
            w.writeString(type.name)
            w.writeString("reason")
            w.writeString(reason)
        case .chainFork(let author, let first, let second, let seq):
            w.writeString("ChainFork")
            w.writeMapHeader(3)
            w.writeString("chain_author")
            author.pack(into: &w)
            w.writeString("action_pair")
            w.writeArrayHeader(2)
            first.pack(into: &w)
            second.pack(into: &w)
            w.writeString("seq")
            w.writeUInt(seq)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let outer = try r.expectVariant("WarrantProof")
        guard "ChainIntegrity" ~= outer else { throw r.unknownCase(outer, of: "WarrantProof") }
        let kind = try r.expectVariant("WarrantProof")
        var fields = ProofFields()
        for _ in 0..<(try r.readMapHeader()) { try fields.readField(&r) }
        switch kind {
        case "InvalidChainOp":
            self = .invalidChainOp(
                author: try r.require(fields.author, "action_author", of: "InvalidChainOp"),
                action: try r.require(fields.action, "action", of: "InvalidChainOp"),
                type: try r.require(fields.type, "chain_op_type", of: "InvalidChainOp"),
                reason: try r.require(fields.reason, "reason", of: "InvalidChainOp"))
        case "ChainFork":
            let pair = try r.require(fields.pair, "action_pair", of: "ChainFork")
            self = .chainFork(
                author: try r.require(fields.author, "chain_author", of: "ChainFork"), first: pair.0, second: pair.1,
                seq: try r.require(fields.seq, "seq", of: "ChainFork"))
        default: throw r.unknownCase(kind, of: "WarrantProof")
        }
    }
}

private struct ProofFields {
    var author: AgentPubKey?
    var action: WarrantedAction?
    var type: ChainOpType?
    var reason: String?
    var pair: (WarrantedAction, WarrantedAction)?
    var seq: UInt32?

    mutating func readField(_ r: inout MessagePackReader) throws(PlasmidError) {
        switch try r.readKey() {
        case "action_author", "chain_author": try r.read(into: &author)
        case "action": try r.read(into: &action)
        case "chain_op_type":
            let name = try r.readKey()
            guard let found = ChainOpType(name) else { throw r.unknownCase(name, of: "ChainOpType") }
            type = found
        case "reason": try r.read(into: &reason)
        case "action_pair":
            try r.expectArray(2, "A fork's pair of actions")
            pair = (try r.read(), try r.read())
        case "seq": try r.read(into: &seq)
        default: try r.skip()
        }
    }
}

extension Warrant: Packable {
    /// Writes `{proof, author, timestamp, warrantee}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("proof")
        proof.pack(into: &w)
        w.writeString("author")
        author.pack(into: &w)
        w.writeString("timestamp")
        timestamp.pack(into: &w)
        w.writeString("warrantee")
        warrantee.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var proof: WarrantProof?
        var author: AgentPubKey?
        var timestamp: Timestamp?
        var warrantee: AgentPubKey?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "proof": try r.read(into: &proof)
            case "author": try r.read(into: &author)
            case "timestamp": try r.read(into: &timestamp)
            case "warrantee": try r.read(into: &warrantee)
            default: try r.skip()
            }
        }
        self.init(
            proof: try r.require(proof, "proof", of: "Warrant"), author: try r.require(author, "author", of: "Warrant"),
            timestamp: try r.require(timestamp, "timestamp", of: "Warrant"),
            warrantee: try r.require(warrantee, "warrantee", of: "Warrant"))
    }
}

extension WarrantEvidence: Packable {
    /// Writes `{"Op": op}` or `{"Actions": [signed action, signed action]}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        switch self {
        case .op(let op):
            w.writeString("Op")
            op.pack(into: &w)
        case .actions(let first, let second):
            w.writeString("Actions")
            w.writeArrayHeader(2)
            first.pack(into: &w)
            second.pack(into: &w)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let kind = try r.expectVariant("WarrantEvidence")
        switch kind {
        case "Op": self = .op(try r.read())
        case "Actions":
            try r.expectArray(2, "A fork's evidence")
            self = .actions(try r.read(), try r.read())
        default: throw r.unknownCase(kind, of: "WarrantEvidence")
        }
    }
}

extension SignedWarrant: Packable {
    /// Writes `{data, signature, evidence}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("data")
        warrant.pack(into: &w)
        w.writeString("signature")
        signature.pack(into: &w)
        w.writeString("evidence")
        evidence.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var warrant: Warrant?
        var signature: Signature?
        var evidence: WarrantEvidence?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "data": try r.read(into: &warrant)
            case "signature": try r.read(into: &signature)
            case "evidence": try r.read(into: &evidence)
            default: try r.skip()
            }
        }
        self.init(
            warrant: try r.require(warrant, "data", of: "SignedWarrant"),
            signature: try r.require(signature, "signature", of: "SignedWarrant"),
            evidence: try r.require(evidence, "evidence", of: "SignedWarrant"))
    }
}
