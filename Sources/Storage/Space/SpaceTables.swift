import Integrity
import Sodium

/// The tables of a space. Their numbers stand in journal records: a number is never used for another table.
/// docs/spec/storage.md has every key and value byte.
enum SpaceTables {
    static let meta = TableID(number: 0, name: "meta")
    static let rows = TableID(number: 1, name: "rows")
    static let hashes = TableID(number: 2, name: "hashes")
    static let chain = TableID(number: 3, name: "chain")
    static let creators = TableID(number: 4, name: "creators")
    static let updates = TableID(number: 5, name: "updates")
    static let deletes = TableID(number: 6, name: "deletes")
    static let links = TableID(number: 7, name: "links")
    static let linkDeletes = TableID(number: 8, name: "link_deletes")
    static let ops = TableID(number: 9, name: "ops")
    static let sealed = TableID(number: 10, name: "sealed")
    static let grants = TableID(number: 11, name: "grants")
    static let claims = TableID(number: 12, name: "claims")
    static let nonces = TableID(number: 13, name: "nonces")
    static let linkTimes = TableID(number: 14, name: "link_times")
    static let uses = TableID(number: 15, name: "uses")
    static let marks = TableID(number: 16, name: "marks")
    static let activity = TableID(number: 17, name: "activity")
    static let forks = TableID(number: 18, name: "forks")
    static let rejected = TableID(number: 19, name: "rejected")
    static let parked = TableID(number: 20, name: "parked")
    static let parkedTimes = TableID(number: 21, name: "parked_times")
    static let waiting = TableID(number: 22, name: "waiting")
    static let parkedCounts = TableID(number: 23, name: "parked_counts")
    static let receipts = TableID(number: 24, name: "receipts")
    static let warrants = TableID(number: 25, name: "warrants")
    static let publishing = TableID(number: 26, name: "publishing")
    static let published = TableID(number: 27, name: "published")
    static let outsiders = TableID(number: 28, name: "outsiders")

    static let all = [
        meta, rows, hashes, chain, creators, updates, deletes, links, linkDeletes, ops, sealed, grants, claims, nonces,
        linkTimes, uses, marks, activity, forks, rejected, parked, parkedTimes, waiting, parkedCounts, receipts,
        warrants, publishing, published, outsiders,
    ]
}

/// The kind byte of a hash, as in its 39-byte form.
enum HashByte {
    static let entry: UInt8 = 0x21
    static let action: UInt8 = 0x29
    static let op: UInt8 = 0x24
}

extension HoloHash {
    /// The 32 bytes that tables are keyed by.
    var coreBytes: ArraySlice<UInt8> { bytes[3..<35] }
}

/// Keys, each built in one place.
enum SpaceKey {
    static let tagBytesMax = 400

    static func number(_ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(8)
        key.append(bigEndian: number)
        return key
    }

    static func hash(_ core: ArraySlice<UInt8>, _ kind: UInt8) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(33)
        key.append(contentsOf: core)
        key.append(kind)
        return key
    }

    /// A hash, its kind, and the number of the action that concerns it: updates and deletes.
    static func about(_ core: ArraySlice<UInt8>, _ kind: UInt8, _ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(41)
        key.append(contentsOf: core)
        key.append(kind)
        key.append(bigEndian: number)
        return key
    }

    /// 32 bytes and a number: link deletes by the create's core, grants and claims by the author's.
    static func core(_ core: ArraySlice<UInt8>, _ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(40)
        key.append(contentsOf: core)
        key.append(bigEndian: number)
        return key
    }

    static func chain(_ author: ArraySlice<UInt8>, _ seq: UInt32) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(36)
        key.append(contentsOf: author)
        key.append(bigEndian: seq)
        return key
    }

    static func creator(_ entry: UInt64, _ action: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(16)
        key.append(bigEndian: entry)
        key.append(bigEndian: action)
        return key
    }

    static func linkBase(_ base: AnyLinkableHash) -> [UInt8] {
        let bytes = base.bytes
        var key: [UInt8] = []
        key.reserveCapacity(96)
        key.append(contentsOf: bytes[3..<35])
        key.append(bytes[1])
        return key
    }

    static func link(
        _ base: AnyLinkableHash, zome: UInt8, type: UInt8, tag: [UInt8], _ position: [UInt8]
    ) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(linkBaseBytes + 3 + min(tag.count, tagBytesMax) + position.count)
        key.append(contentsOf: linkBase(base))
        key.append(zome)
        key.append(type)
        key.append(contentsOf: tag.prefix(tagBytesMax))
        // A tag comes before the longer ones that begin with it.
        key.append(0)
        key.append(contentsOf: position)
        return key
    }

    /// A link in the order of time: `position` is its time, then the core of its CreateLink.
    static func linkTime(_ base: [UInt8], _ type: LinkTypeNumber, _ position: [UInt8]) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(linkTimeBytes)
        key.append(contentsOf: base)
        key.append(type.zomeIndex)
        key.append(type.linkType)
        key.append(contentsOf: position)
        return key
    }

    static func linkPosition(_ time: Timestamp, _ create: ActionHash) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(40)
        key.append(bigEndian: self.time(time))
        key.append(contentsOf: create.coreBytes)
        return key
    }

    static func timeBytes(_ time: Timestamp) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: self.time(time))
        return bytes
    }

    /// A number and an op's type: rejected ops.
    static func typed(_ number: UInt64, _ type: ChainOpType) -> [UInt8] {
        var key = self.number(number)
        key.append(type.rawValue)
        return key
    }

    /// An action in its author's chain, as told from outside.
    static func activity(_ author: ArraySlice<UInt8>, _ seq: UInt32, _ action: ArraySlice<UInt8>) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(activityBytes)
        key.append(contentsOf: author)
        key.append(bigEndian: seq)
        key.append(contentsOf: action)
        return key
    }

    static let activityBytes = 68

    /// A time and the core of an op's hash: parked ops, the one that waits longest first.
    static func parkedTime(_ time: Timestamp, _ op: DhtOpHash) -> [UInt8] {
        timeBytes(time) + op.coreBytes
    }

    /// What is missing, and the core of the hash of the op that waits for it.
    static func waiting(_ missing: AnyDhtHash, _ op: DhtOpHash) -> [UInt8] {
        self.missing(missing) + op.coreBytes
    }

    static func missing(_ hash: AnyDhtHash) -> [UInt8] {
        let bytes = hash.bytes
        return Self.hash(bytes[3..<35], bytes[1])
    }

    /// An own op that is not published yet.
    static func publishing(_ author: ArraySlice<UInt8>, _ seq: UInt32, _ type: ChainOpType) -> [UInt8] {
        var key = chain(author, seq)
        key.append(type.rawValue)
        return key
    }

    /// Bytes of a key of `link_times`: base, zome, type, time, CreateLink.
    static let linkTimeBytes = linkBaseBytes + 2 + 8 + 32

    /// Bytes of a link key before the zome.
    static let linkBaseBytes = 33

    static func op(_ op: DerivedOp, _ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(21)
        key.append(bigEndian: op.location)
        key.append(bigEndian: time(op.time))
        key.append(bigEndian: number)
        key.append(op.type)
        return key
    }

    static func nonce(_ nonce: SpaceSpending.Nonce) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(72)
        key.append(bigEndian: time(nonce.expires))
        key.append(contentsOf: nonce.agent.coreBytes)
        key.append(contentsOf: nonce.nonce)
        return key
    }

    /// What was counted: on whose chain, and the 32 bytes that name the grant or certificate.
    static func use(_ author: AgentPubKey, _ id: [UInt8]) -> [UInt8] {
        Array(author.coreBytes) + id
    }

    static func sealed(_ author: ArraySlice<UInt8>, _ entry: ArraySlice<UInt8>) -> [UInt8] {
        Array(author) + entry
    }

    /// A time whose byte order is its order: the sign bit turned over.
    static func time(_ time: Timestamp) -> UInt64 {
        UInt64(bitPattern: time.microseconds) ^ 1 << 63
    }
}

/// The order of actions wherever several answer one question: by time, then by place in the chain, then by hash. It does not
/// depend on which came here first.
struct ActionOrder: Comparable {
    let time: Int64
    let seq: UInt32
    let core: Bytes32

    init(_ signed: SignedAction) {
        time = signed.action.header.timestamp.microseconds
        seq = signed.action.header.actionSeq
        core = signed.hash.core
    }

    static func < (left: ActionOrder, right: ActionOrder) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.seq != right.seq { return left.seq < right.seq }
        return left.core < right.core
    }
}

/// Where and when an op stands: an action's op is (its number, this type), all else is computed when asked.
struct DerivedOp: Hashable {
    let type: UInt8
    let location: UInt32
    let time: Timestamp
}
