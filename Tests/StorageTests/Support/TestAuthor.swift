import Integrity

@testable import Storage

/// Repeatable random numbers.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// Writes well-formed chains. The signatures are none: Storage does not look at them.
struct TestAuthor {
    let key: AgentPubKey
    private(set) var head: ChainHead?
    private(set) var records: [CommittedRecord] = []

    init(_ name: String) {
        key = AgentPubKey(hashing: Array(name.utf8))
    }

    init(_ key: AgentPubKey, head: ChainHead?) {
        self.key = key
        self.head = head
    }

    static let app = EntryType.app(AppEntryDef(entryIndex: 0, zomeIndex: 0, visibility: .public))
    static let secret = EntryType.app(AppEntryDef(entryIndex: 1, zomeIndex: 0, visibility: .private))

    /// Appends an action to the commit in the making.
    @discardableResult
    mutating func act(_ data: ActionData, entry: [UInt8]? = nil, sealed: [UInt8]? = nil) -> ActionHash {
        let seq = head.map { $0.seq + 1 } ?? 0
        let time = Timestamp(microseconds: 1_700_000_000_000_000 + Int64(seq) * 1000)
        let action = Action(
            header: ActionHeader(author: key, timestamp: time, actionSeq: seq, prevAction: head?.hash), data: data)
        let signed = SignedAction(action: action, signature: Self.signature)
        records.append(
            CommittedRecord(signedAction: signed, actionBytes: action.packed, entryBytes: entry, sealedEntry: sealed))
        head = ChainHead(hash: signed.hash, seq: seq, timestamp: time)
        return signed.hash
    }

    private static let signature: Signature = {
        // 64 bytes always make a signature.
        guard let signature = Signature([UInt8](repeating: 7, count: 64)) else { preconditionFailure("64 bytes") }
        return signature
    }()

    @discardableResult
    mutating func create(_ text: String, type: EntryType = TestAuthor.app) -> (action: ActionHash, entry: EntryHash) {
        let entry = Self.entry(text)
        let isPrivate = type.visibility == .private
        let action = act(
            .create(entryType: type, entryHash: entry.hash), entry: isPrivate ? nil : entry.packed,
            sealed: isPrivate ? Array("sealed \(text)".utf8) : nil)
        return (action, entry.hash)
    }

    @discardableResult
    mutating func update(_ action: ActionHash, _ original: EntryHash, _ text: String) -> ActionHash {
        let entry = Self.entry(text)
        return act(
            .update(originalAction: action, originalEntry: original, entryType: Self.app, entryHash: entry.hash),
            entry: entry.packed)
    }

    @discardableResult
    mutating func link(
        _ base: AnyLinkableHash, _ target: AnyLinkableHash, type: UInt8 = 0, tag: [UInt8] = []
    ) -> ActionHash {
        act(.createLink(base: base, target: target, zomeIndex: 0, linkType: type, tag: tag))
    }

    /// Takes the commit.
    mutating func take() -> SpaceCommit {
        defer { records = [] }
        return SpaceCommit(author: key, records: records)
    }

    static func entry(_ text: String) -> Entry {
        var writer = MessagePackWriter()
        writer.writeString(text)
        return .app(writer.bytes)
    }
}
