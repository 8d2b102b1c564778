import Integrity
import Sodium

/// Writes asks and replies in the form that lies inside a message: single bytes, numbers of seven bits a byte, ids of one size.
struct ReconcileBytes {
    private(set) var bytes: [UInt8] = []
    let idBytes: Int

    init(idBytes: Int) { self.idBytes = idBytes }

    static let fingerprint: UInt8 = 1
    static let ids: UInt8 = 2
    static let split: UInt8 = 3
    static let answer: UInt8 = 4

    mutating func writeNumber(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write(_ ask: ReconcileAsk) {
        switch ask {
        case .fingerprint(let value):
            bytes.append(Self.fingerprint)
            writeBigEndian(value, 8)
        case .ids(let held, let aside):
            bytes.append(Self.ids)
            write(held)
            write(aside)
        }
    }

    mutating func write(_ reply: ReconcileReply) {
        switch reply {
        case .split(let cuts, let asks):
            bytes.append(Self.split)
            writeNumber(UInt64(cuts.count))
            for cut in cuts { write(cut) }
            for ask in asks { write(ask) }
        case .answer(let wanted, let giving):
            bytes.append(Self.answer)
            write(wanted)
            writeNumber(giving)
        }
    }

    private mutating func write(_ ids: [UInt64]) {
        writeNumber(UInt64(ids.count))
        for id in ids { writeBigEndian(id, idBytes) }
    }

    /// A cut: location, and as many bytes of the hash as are not followed by zeros alone.
    private mutating func write(_ cut: OpKey) {
        writeBigEndian(UInt64(cut.location), 4)
        let hash = cut.core.bytes.array
        let length = (hash.lastIndex { $0 != 0 } ?? -1) + 1
        bytes.append(UInt8(length))
        bytes.append(contentsOf: hash.prefix(length))
    }

    private mutating func writeBigEndian(_ value: UInt64, _ count: Int) {
        for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }
}

/// Reads what ``ReconcileBytes`` writes; every count is held against the bytes that are left before anything is reserved.
struct ReconcileParser {
    private let bytes: [UInt8]
    private var position = 0
    private let idBytes: Int

    init(_ bytes: UnsafeRawBufferPointer, idBytes: Int) {
        self.bytes = [UInt8](bytes)
        self.idBytes = idBytes
    }

    var isAtEnd: Bool { position == bytes.count }

    func malformed(_ what: String) -> PlasmidError {
        PlasmidError(.syncMalformed, "A message of reconciliation \(what), at byte \(position).")
    }

    private mutating func readBigEndian(_ count: Int) throws(PlasmidError) -> UInt64 {
        guard bytes.count - position >= count else { throw malformed("is cut off") }
        var value: UInt64 = 0
        for _ in 0..<count {
            value = value << 8 | UInt64(bytes[position])
            position += 1
        }
        return value
    }

    mutating func readNumber() throws(PlasmidError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 35, by: 7) {
            let byte = try readBigEndian(1)
            value |= (byte & 0x7f) << UInt64(shift)
            if byte < 0x80 {
                guard shift == 0 || byte > 0 else { throw malformed("has a number with needless bytes") }
                return value
            }
        }
        throw malformed("has a number beyond 2^35")
    }

    private mutating func readIds() throws(PlasmidError) -> [UInt64] {
        let count = try readNumber()
        guard count <= UInt64(GossipLimits.reconcileIds), Int(count) * idBytes <= bytes.count - position else {
            throw malformed("promises \(count) ids")
        }
        var ids: [UInt64] = []
        ids.reserveCapacity(Int(count))
        for _ in 0..<count {
            let id = try readBigEndian(idBytes)
            if let last = ids.last, last >= id { throw malformed("has ids that are not in order") }
            ids.append(id)
        }
        return ids
    }

    mutating func readAsk() throws(PlasmidError) -> ReconcileAsk {
        switch UInt8(try readBigEndian(1)) {
        case ReconcileBytes.fingerprint: return .fingerprint(try readBigEndian(8))
        case ReconcileBytes.ids: return .ids(held: try readIds(), aside: try readIds())
        case let kind: throw malformed("has an ask of kind \(kind)")
        }
    }

    private mutating func readCut() throws(PlasmidError) -> OpKey {
        let location = UInt32(truncatingIfNeeded: try readBigEndian(4))
        let length = Int(try readBigEndian(1))
        guard length <= 32, bytes.count - position >= length else { throw malformed("has a cut of \(length) bytes") }
        var hash = Bytes32()
        hash.withUnsafeMutableBytes { $0.copyBytes(from: bytes[position..<position + length]) }
        if length > 0, bytes[position + length - 1] == 0 { throw malformed("has a cut that ends in zero") }
        position += length
        return OpKey(location: location, core: Word256(hash))
    }

    mutating func readReply() throws(PlasmidError) -> ReconcileReply {
        switch UInt8(try readBigEndian(1)) {
        case ReconcileBytes.split:
            let count = try readNumber()
            guard count < UInt64(GossipLimits.reconcilePieces), Int(count) * 5 <= bytes.count - position else {
                throw malformed("cuts a range \(count) times")
            }
            var cuts: [OpKey] = []
            cuts.reserveCapacity(Int(count))
            for _ in 0..<count {
                let cut = try readCut()
                if let last = cuts.last, last >= cut { throw malformed("has cuts that are not in order") }
                cuts.append(cut)
            }
            var asks: [ReconcileAsk] = []
            asks.reserveCapacity(Int(count) + 1)
            for _ in 0...count { asks.append(try readAsk()) }
            return .split(cuts: cuts, asks: asks)
        case ReconcileBytes.answer:
            return .answer(wanted: try readIds(), giving: try readNumber())
        case let kind: throw malformed("has a reply of kind \(kind)")
        }
    }
}
