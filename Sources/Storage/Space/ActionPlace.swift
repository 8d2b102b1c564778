import Integrity

/// What the hash index says of an action: its number, and which of its ops are held.
///
/// Eight bytes, the number alone, are an action that was committed here: all of its ops are held. Thirteen are one that came
/// op by op: number u64, mask u16 of the integrated ops, mask u16 of the rejected ones, flags u8. Bit `n - 1` of a mask is the
/// op type `n`.
struct ActionPlace {
    static let cachedFlag: UInt8 = 1
    static let partBytes = 13

    var number: UInt64
    var isOwn = false
    var integrated: UInt16 = 0
    var rejected: UInt16 = 0
    /// Kept because another op depends on it.
    var isCached = false

    init(number: UInt64) {
        self.number = number
    }

    init(_ value: UnsafeRawBufferPointer) throws(PlasmidError) {
        switch value.count {
        case 8: isOwn = true
        case Self.partBytes:
            integrated = value.bigEndian(8)
            rejected = value.bigEndian(10)
            isCached = value[12] & Self.cachedFlag != 0
        default: throw StorageFault.damaged("A row of the hash index is misshapen")
        }
        number = value.bigEndian(0)
    }

    var value: [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(Self.partBytes)
        value.append(bigEndian: number)
        guard !isOwn else { return value }
        value.append(bigEndian: integrated)
        value.append(bigEndian: rejected)
        value.append(isCached ? Self.cachedFlag : 0)
        return value
    }

    static func bit(_ type: ChainOpType) -> UInt16 { 1 << (UInt16(type.rawValue) - 1) }

    /// The ops whose wire form has a place for an entry.
    static let entrySlots: UInt16 = bit(.createRecord) | bit(.createEntry) | bit(.updateEntry) | bit(.updateRecord)

    func holds(_ type: ChainOpType) -> Bool { isOwn || integrated & Self.bit(type) != 0 }
    func hasRejected(_ type: ChainOpType) -> Bool { rejected & Self.bit(type) != 0 }
    /// Whether an op is held that brought the action's public entry.
    var holdsEntry: Bool { isOwn || integrated & Self.entrySlots != 0 }
    /// Whether nothing keeps the action.
    var isIdle: Bool { !isOwn && integrated == 0 && rejected == 0 && !isCached }
}

/// What the hash index says of an entry: eight bytes, its number, or a ninth with flags.
///
/// The ninth byte stands where the content is held and not everybody's to see: because no CreateEntry of it is held, or
/// because it is kept for its own sake as a dependency too.
struct EntryPlace {
    static let visibleFlag: UInt8 = 1
    static let cachedFlag: UInt8 = 2

    var number: UInt64
    var isVisible = true
    var isCached = false

    init(number: UInt64) {
        self.number = number
    }

    init(_ value: UnsafeRawBufferPointer) throws(PlasmidError) {
        guard value.count == 8 || value.count == 9 else {
            throw StorageFault.damaged("A row of the hash index is misshapen")
        }
        number = value.bigEndian(0)
        if value.count == 9 {
            isVisible = value[8] & Self.visibleFlag != 0
            isCached = value[8] & Self.cachedFlag != 0
        }
    }

    var value: [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(9)
        value.append(bigEndian: number)
        let flags = (isVisible ? Self.visibleFlag : 0) | (isCached ? Self.cachedFlag : 0)
        if flags != Self.visibleFlag { value.append(flags) }
        return value
    }
}
