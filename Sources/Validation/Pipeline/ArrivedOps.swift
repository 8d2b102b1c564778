import Integrity

/// The connection that something came over; the number means nothing here.
public typealias PeerTag = UInt64

/// An op as it arrived, under its name: nothing of it has been checked.
public struct ArrivedOp: Sendable {
    /// The op.
    public let op: DhtOp
    /// Its address.
    public let hash: DhtOpHash
    /// Of an op of an action, the action's address and canonical bytes.
    let action: (hash: ActionHash, bytes: [UInt8])?

    /// Names the ops of one frame. Ops of one action that stand side by side share the work and the bytes.
    public static func named(_ ops: [DhtOp]) -> [ArrivedOp] {
        var last: (action: Action, hash: ActionHash, bytes: [UInt8])?
        return ops.map { op in
            guard case .chainOp(let chainOp) = op else { return ArrivedOp(op: op, hash: op.hash, action: nil) }
            var named = last
            if named == nil || named?.action != chainOp.action {
                let bytes = chainOp.action.packed
                named = (chainOp.action, ActionHash(hashing: bytes), bytes)
                last = named
            }
            let bytes = named?.bytes ?? []
            let hash = bytes.withUnsafeBytes { chainOp.type.hash(actionBytes: $0) }
            return ArrivedOp(op: op, hash: hash, action: named.map { ($0.hash, $0.bytes) })
        }
    }

    /// Bytes that it keeps busy, about.
    var weight: Int {
        switch op {
        case .warrant: 2_000
        case .chainOp(let op):
            switch op.entry {
            case .present(.app(let bytes)): bytes.count + 600
            default: 600
            }
        }
    }
}

/// An op that is what it says: rules 16, 17, 30 and 31 hold, its entry is the one that its action names, and it is public.
public struct CheckedOp: Sendable {
    /// An op is several hundred bytes and goes from hand to hand: what is handed on is where it lies.
    private final class Content: Sendable {
        let hash: DhtOpHash
        let type: ChainOpType
        let signedAction: SignedAction
        let actionBytes: [UInt8]
        let entry: OpEntry
        let location: UInt32

        init(
            _ hash: DhtOpHash, _ type: ChainOpType, _ signedAction: SignedAction, _ actionBytes: [UInt8],
            _ entry: OpEntry, _ location: UInt32
        ) {
            self.hash = hash
            self.type = type
            self.signedAction = signedAction
            self.actionBytes = actionBytes
            self.entry = entry
            self.location = location
        }
    }

    private let content: Content

    init(
        hash: DhtOpHash, type: ChainOpType, signedAction: SignedAction, actionBytes: [UInt8], entry: OpEntry,
        location: UInt32
    ) {
        content = Content(hash, type, signedAction, actionBytes, entry, location)
    }

    /// The op's address.
    public var hash: DhtOpHash { content.hash }
    /// Which of the nine.
    public var type: ChainOpType { content.type }
    /// The action with its true hash and signature.
    public var signedAction: SignedAction { content.signedAction }
    /// The action's canonical bytes.
    public var actionBytes: [UInt8] { content.actionBytes }
    /// What stands in the slot of the entry.
    public var entry: OpEntry { content.entry }
    /// Where the op lives.
    public var location: UInt32 { content.location }

    /// The action.
    public var action: Action { content.signedAction.action }

    /// An op that is held: it was checked before it was stored.
    public init(held op: ChainOp) {
        let bytes = op.action.packed
        let signed = SignedAction(action: op.action, hash: ActionHash(hashing: bytes), signature: op.signature)
        self.init(
            hash: bytes.withUnsafeBytes { op.type.hash(actionBytes: $0) }, type: op.type, signedAction: signed,
            actionBytes: bytes, entry: op.entry,
            location: op.type.basis(of: op.action, hash: signed.hash)?.location ?? 0)
    }

    /// The op in its wire form.
    public var chainOp: ChainOp {
        ChainOp(type: type, action: action, signature: signedAction.signature, entry: entry)
    }

    /// The record as anyone but its author sees it.
    var record: Record {
        let slot: RecordEntry =
            switch entry {
            case .present(let entry): .present(entry)
            case .hidden: .hidden
            case .actionOnly: action.entryType == nil ? .notApplicable : .notStored
            }
        return Record(signedAction: signedAction, entry: slot)
    }
}

/// Why something that arrived was dropped, or what else a peer did that it should not. Never a word about an op's author: these are
/// things that whoever sends an op can do to it.
public enum PeerFault: Hashable, Sendable {
    /// An op that is not one: its type, entry or addresses do not fit its action.
    case malformed(String)
    /// A signature that is not its author's.
    case badSignature
    /// An op or record with a private entry.
    case privateEntry
    /// Data that nobody had asked for.
    case unsolicited
    /// More than a peer may have in the works.
    case tooMuch
    /// Ops of another space.
    case foreign
    /// An op of an agent who broke the rules and has been refused since.
    case refusedAuthor
    /// A receipt that its validator did not sign, or for an op that is not the author's.
    case badReceipt
    /// A warrant whose evidence does not show what it charges.
    case badWarrant(String)
}

/// What the checks of an op that need nothing but the op came to.
public enum ArrivalCheck: Sendable {
    /// An op of an action.
    case op(CheckedOp)
    /// A warrant whose own signature, and those of its evidence, are good.
    indirect case warrant(SignedWarrant, DhtOpHash)
    /// Dropped.
    case fault(PeerFault, DhtOpHash)
}

/// The checks of what arrives that need nothing else: structure, hashes, signatures. They are most of the work, touch no state, and are
/// meant for a thread of their own.
public enum ArrivalChecks {
    /// Checks the ops of a frame, each for itself: a bad one spoils no other. However many ops of one action come, its signature is
    /// verified once.
    public static func check(_ ops: [ArrivedOp]) -> [ArrivalCheck] {
        var verified: [ActionHash: (signature: Signature, isTrue: Bool)] = [:]
        return ops.map { arrived in
            switch arrived.op {
            case .warrant(let signed): return check(signed, arrived.hash)
            case .chainOp(let op):
                guard let action = arrived.action else { return .fault(.malformed("no action"), arrived.hash) }
                if let fault = structure(op, hash: action.hash) { return .fault(fault, arrived.hash) }
                guard let location = op.type.basis(of: op.action, hash: action.hash)?.location else {
                    return .fault(.malformed("an op without a basis"), arrived.hash)
                }
                let isTrue: Bool
                if let known = verified[action.hash], known.signature == op.signature {
                    isTrue = known.isTrue
                } else {
                    isTrue = op.signature.verifies(action.bytes, by: op.action.author)
                    verified[action.hash] = (op.signature, isTrue)
                }
                guard isTrue else { return .fault(.badSignature, arrived.hash) }
                let signed = SignedAction(action: op.action, hash: action.hash, signature: op.signature)
                return .op(
                    CheckedOp(
                        hash: arrived.hash, type: op.type, signedAction: signed, actionBytes: action.bytes,
                        entry: op.entry, location: location))
            }
        }
    }

    /// Checks records that were fetched: hash, signature, entry. An entry that may not stand there is left out; the action is as good without it.
    public static func check(_ records: [Record]) -> [RecordCheck] {
        records.map { record in
            if let fault = author(record.action) { return RecordCheck(record: nil, fault: fault) }
            guard record.signedAction.hasTrueHash else {
                return RecordCheck(record: nil, fault: .malformed("a record whose hash is not its own"))
            }
            guard record.signedAction.hasTrueSignature else { return RecordCheck(record: nil, fault: .badSignature) }
            guard let fault = slot(record.action, record.entry.entry) ?? key(record.action, record.entry.entry) else {
                return RecordCheck(record: record, fault: nil)
            }
            return RecordCheck(record: Record(signedAction: record.signedAction, entry: .notStored), fault: fault)
        }
    }

    // MARK: Structure

    /// Rules 16 and 17, and that the slot can hold nothing else than what the action names: what is carried beside an action is in the
    /// hands of whoever sends it, and must never decide what is thought of its author.
    static func structure(_ op: ChainOp, hash: ActionHash? = nil) -> PeerFault? {
        if let fault = author(op.action) { return fault }
        if case .rejected(let violation) = OpChecks.checkStructure(op, hash: hash) {
            if case .present = op.entry, op.action.entryType?.visibility == .private { return .privateEntry }
            return .malformed(violation.message)
        }
        guard case .present(let entry) = op.entry else { return nil }
        return slot(op.action, entry)
    }

    private static func author(_ action: Action) -> PeerFault? {
        guard action.author.hasDerivedLocation else {
            return .malformed("an author's key with a location that is not its own")
        }
        // Its author did not sign it: anybody could close anybody's chain in favour of a key of their own.
        guard action.signer == action.author else {
            return .malformed("a chain closed in favour of another key, which this version does not take")
        }
        return nil
    }

    private static func slot(_ action: Action, _ entry: Entry?) -> PeerFault? {
        guard let entry else { return nil }
        guard let type = action.entryType, let hash = action.entryHash else {
            return .malformed("an entry beside an action that has none")
        }
        if type.visibility == .private { return .privateEntry }
        // The hash of an agent's entry is the key itself, so that any hash could be passed off as one.
        if case .agent = entry {
            guard type == .agentPubKey else { return .malformed("a key in the place of another entry") }
        } else if type == .agentPubKey {
            return .malformed("another entry in the place of a key")
        }
        return entry.hash == hash ? nil : .malformed("another entry than the one that its action names")
    }

    /// That an agent's key comes with an action of that agent. An op that breaks this has a verdict, by rule 33, and its entry decides nothing else; of
    /// a record nothing but the entry would be looked at.
    private static func key(_ action: Action, _ entry: Entry?) -> PeerFault? {
        guard let entry, entry.believed(beside: action) == nil else { return nil }
        return .malformed("another agent's key than its author's")
    }

    private static func check(_ signed: SignedWarrant, _ hash: DhtOpHash) -> ArrivalCheck {
        if let fault = WarrantChecks.fault(signed) { return .fault(fault, hash) }
        return .warrant(signed, hash)
    }
}

/// What the checks of a fetched record came to.
public struct RecordCheck: Sendable {
    /// The record, as far as it is good.
    public let record: Record?
    /// What was wrong with it.
    public let fault: PeerFault?
}
