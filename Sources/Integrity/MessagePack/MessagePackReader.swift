import Sodium

/// The kinds of MessagePack value, told from the first byte.
public enum MessagePackType: Sendable, Equatable {
    /// `c0`
    case null
    /// `c2`, `c3`
    case bool
    /// Integers of both families.
    case int
    /// float 32 and float 64
    case double
    /// str
    case string
    /// bin
    case binary
    /// array
    case array
    /// map
    case map
    /// ext and fixext
    case ext
    /// `c1`, which no value starts with.
    case invalid
}

/// A map's key as it lies in the bytes; valid while the bytes are.
public struct MessagePackKey {
    @usableFromInline let start: UnsafeRawPointer
    /// How many UTF-8 bytes the key has.
    public let count: Int

    @inlinable
    init(start: UnsafeRawPointer, count: Int) {
        self.start = start
        self.count = count
    }

    /// True when the key is exactly this text: lets a `switch` over a key name its cases as text.
    @inlinable
    @inline(__always)
    public static func ~= (pattern: StaticString, key: MessagePackKey) -> Bool {
        guard key.count == pattern.utf8CodeUnitCount else { return false }
        var left = UnsafeRawPointer(pattern.utf8Start)
        var right = key.start
        var rest = key.count
        while rest >= 8 {
            if left.loadUnaligned(as: UInt64.self) != right.loadUnaligned(as: UInt64.self) { return false }
            left += 8
            right += 8
            rest &-= 8
        }
        while rest > 0 {
            if left.load(as: UInt8.self) != right.load(as: UInt8.self) { return false }
            left += 1
            right += 1
            rest &-= 1
        }
        return true
    }

    /// The key as text; bytes that are not UTF-8 are replaced, since this only serves messages.
    public var text: String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// Reads MessagePack in place from bytes that outlive it. Accepts longer forms than the shortest; refuses, without reading
/// past the end or reserving what a header merely promises, everything that is not MessagePack of the expected kind.
public struct MessagePackReader {
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline let end: Int
    @usableFromInline var position: Int

    /// Reads `bytes`, which must stay valid and unchanged while this reader and the buffers it hands out are used.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress ?? MessagePackReader.nowhere
        end = bytes.count
        position = 0
    }

    /// Reads `bytes` from `offset` on; positions in messages count from the start of `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, from offset: Int) {
        self.init(bytes)
        position = min(max(offset, 0), bytes.count)
    }

    /// An address that is never read, for readers of no bytes.
    @usableFromInline static var nowhere: UnsafeRawPointer { UnsafeRawPointer(("" as StaticString).utf8Start) }

    /// Lets `body` read `bytes`, all of them.
    /// - Throws: what `body` throws, and `malformedMessagePack` when it leaves bytes over.
    @inlinable
    public static func reading<R>(
        _ bytes: [UInt8], _ body: (inout MessagePackReader) throws(PlasmidError) -> R
    ) throws(PlasmidError) -> R {
        try bytes.withBytes { (buffer: UnsafeRawBufferPointer) throws(PlasmidError) -> R in
            var reader = MessagePackReader(buffer)
            let result = try body(&reader)
            try reader.finish()
            return result
        }
    }

    /// True when everything was read.
    @inlinable public var isAtEnd: Bool { position >= end }

    /// How many bytes were read so far.
    @inlinable public var offset: Int { position }

    /// How many bytes are left.
    @inlinable public var remaining: Int { end &- position }

    /// Refuses left-over bytes.
    /// - Throws: `malformedMessagePack`.
    @inlinable
    public func finish() throws(PlasmidError) {
        if position != end { throw leftOver() }
    }

    /// The kind of the next value; nil at the end.
    public func peekType() -> MessagePackType? {
        guard position < end else { return nil }
        return MessagePackReader.type(ofMarker: base.load(fromByteOffset: position, as: UInt8.self))
    }

    static func type(ofMarker marker: UInt8) -> MessagePackType {
        switch marker {
        case 0x00...0x7F, 0xE0...0xFF, 0xCC...0xD3: .int
        case 0x80...0x8F, 0xDE, 0xDF: .map
        case 0x90...0x9F, 0xDC, 0xDD: .array
        case 0xA0...0xBF, 0xD9...0xDB: .string
        case 0xC0: .null
        case 0xC1: .invalid
        case 0xC2, 0xC3: .bool
        case 0xC4...0xC6: .binary
        case 0xC7...0xC9, 0xD4...0xD8: .ext
        default: .double
        }
    }

    // MARK: Bytes

    @inlinable
    @inline(__always)
    mutating func take() throws(PlasmidError) -> UInt8 {
        guard position < end else { throw short(1) }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        position &+= 1
        return byte
    }

    @inlinable
    @inline(__always)
    mutating func take<Number: FixedWidthInteger>(_: Number.Type) throws(PlasmidError) -> Number {
        let size = MemoryLayout<Number>.size
        guard end &- position >= size else { throw short(size) }
        let number = base.loadUnaligned(fromByteOffset: position, as: Number.self)
        position &+= size
        return Number(bigEndian: number)
    }

    @inlinable
    @inline(__always)
    mutating func take(count: Int) throws(PlasmidError) -> UnsafeRawBufferPointer {
        guard count >= 0, end &- position >= count else { throw short(count) }
        let bytes = UnsafeRawBufferPointer(start: base + position, count: count)
        position &+= count
        return bytes
    }

    // MARK: Scalars

    /// True, and one byte further, when the next value is nil; else false and nothing read.
    @inlinable
    public mutating func readNil() -> Bool {
        guard position < end, base.load(fromByteOffset: position, as: UInt8.self) == 0xC0 else { return false }
        position &+= 1
        return true
    }

    /// Reads true or false.
    @inlinable
    public mutating func readBool() throws(PlasmidError) -> Bool {
        switch try take() {
        case 0xC3: return true
        case 0xC2: return false
        default: throw mismatch("true or false")
        }
    }

    /// Reads an integer of either family that fits 64 signed bits.
    @inlinable
    public mutating func readInt() throws(PlasmidError) -> Int64 {
        let marker = try take()
        switch marker {
        case 0x00...0x7F, 0xE0...0xFF: return Int64(Int8(bitPattern: marker))
        case 0xCC: return Int64(try take())
        case 0xCD: return Int64(try take(UInt16.self))
        case 0xCE: return Int64(try take(UInt32.self))
        case 0xCF:
            let value = try take(UInt64.self)
            guard value <= UInt64(Int64.max) else { throw outOfRange("a signed 64-bit integer") }
            return Int64(bitPattern: value)
        case 0xD0: return Int64(Int8(bitPattern: try take()))
        case 0xD1: return Int64(try take(Int16.self))
        case 0xD2: return Int64(try take(Int32.self))
        case 0xD3: return try take(Int64.self)
        default: throw mismatch("an integer")
        }
    }

    /// Reads an integer that is not negative.
    @inlinable
    public mutating func readUInt() throws(PlasmidError) -> UInt64 {
        if position < end, base.load(fromByteOffset: position, as: UInt8.self) == 0xCF {
            position &+= 1
            return try take(UInt64.self)
        }
        let value = try readInt()
        guard value >= 0 else { throw outOfRange("a non-negative integer") }
        return UInt64(bitPattern: value)
    }

    /// Reads an integer of 0…4294967295.
    @inlinable
    public mutating func readUInt32() throws(PlasmidError) -> UInt32 {
        guard let value = UInt32(exactly: try readUInt()) else { throw outOfRange("an integer below 2^32") }
        return value
    }

    /// Reads an integer of 0…255.
    @inlinable
    public mutating func readUInt8() throws(PlasmidError) -> UInt8 {
        guard let value = UInt8(exactly: try readUInt()) else { throw outOfRange("an integer of 0 to 255") }
        return value
    }

    /// Reads a float 32, a float 64 or an integer (rounded to the nearest double).
    public mutating func readDouble() throws(PlasmidError) -> Double {
        switch peekType() {
        case .double:
            if try take() == 0xCA { return Double(Float(bitPattern: try take(UInt32.self))) }
            return Double(bitPattern: try take(UInt64.self))
        case .int:
            if base.load(fromByteOffset: position, as: UInt8.self) == 0xCF { return Double(try readUInt()) }
            return Double(try readInt())
        default:
            throw mismatch("a number", consumed: false)
        }
    }

    // MARK: Text and bytes

    /// Reads text and lends its UTF-8 bytes, which are checked.
    @inlinable
    public mutating func readStringBytes() throws(PlasmidError) -> UnsafeRawBufferPointer {
        let bytes = try readStringBytesUnchecked()
        guard UTF8Check.isValid(bytes) else { throw notUTF8() }
        return bytes
    }

    /// Reads text and lends its bytes, which need not be UTF-8.
    @inlinable
    @inline(__always)
    public mutating func readStringBytesUnchecked() throws(PlasmidError) -> UnsafeRawBufferPointer {
        let marker = try take()
        switch marker {
        case 0xA0...0xBF: return try take(count: Int(marker & 0x1F))
        case 0xD9: return try take(count: Int(try take()))
        case 0xDA: return try take(count: Int(try take(UInt16.self)))
        case 0xDB: return try take(count: Int(try take(UInt32.self)))
        default: throw mismatch("text")
        }
    }

    /// Reads text.
    @inlinable
    public mutating func readString() throws(PlasmidError) -> String {
        let bytes = try readStringBytes()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a map's key, which must be text, for a `switch`.
    @inlinable
    public mutating func readKey() throws(PlasmidError) -> MessagePackKey {
        let bytes = try readStringBytesUnchecked()
        return MessagePackKey(start: bytes.baseAddress ?? base, count: bytes.count)
    }

    /// Reads `bin` and lends its bytes.
    @inlinable
    public mutating func readBinary() throws(PlasmidError) -> UnsafeRawBufferPointer {
        switch try take() {
        case 0xC4: return try take(count: Int(try take()))
        case 0xC5: return try take(count: Int(try take(UInt16.self)))
        case 0xC6: return try take(count: Int(try take(UInt32.self)))
        default: throw mismatch("bytes")
        }
    }

    /// Reads `bin`, or an array of integers 0…255, into an array.
    public mutating func readBytes() throws(PlasmidError) -> [UInt8] {
        guard peekType() == .array else { return [UInt8](try readBinary()) }
        let count = try readArrayHeader()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for _ in 0..<count { bytes.append(try readUInt8()) }
        return bytes
    }

    /// Reads 32 bytes from `bin` or an array.
    public mutating func readBytes32() throws(PlasmidError) -> Bytes32 {
        if peekType() == .array {
            guard let value = Bytes32(try readBytes()) else { throw wrongLength(32) }
            return value
        }
        let bytes = try readBinary()
        guard bytes.count == 32 else { throw wrongLength(32) }
        return Bytes32(bytes)
    }

    /// Reads 64 bytes from `bin` or an array.
    public mutating func readBytes64() throws(PlasmidError) -> Bytes64 {
        if peekType() == .array {
            guard let value = Bytes64(try readBytes()) else { throw wrongLength(64) }
            return value
        }
        let bytes = try readBinary()
        guard bytes.count == 64 else { throw wrongLength(64) }
        return Bytes64(bytes)
    }

    // MARK: Containers

    /// Reads an array's header and returns how many values follow; a count that cannot fit into the bytes left is refused.
    @inlinable
    public mutating func readArrayHeader() throws(PlasmidError) -> Int {
        let marker = try take()
        let count: Int
        switch marker {
        case 0x90...0x9F: count = Int(marker & 0x0F)
        case 0xDC: count = Int(try take(UInt16.self))
        case 0xDD: count = Int(try take(UInt32.self))
        default: throw mismatch("an array")
        }
        guard count <= end &- position else { throw short(count) }
        return count
    }

    /// Reads a map's header and returns how many pairs follow; a count that cannot fit into the bytes left is refused.
    @inlinable
    public mutating func readMapHeader() throws(PlasmidError) -> Int {
        let marker = try take()
        let count: Int
        switch marker {
        case 0x80...0x8F: count = Int(marker & 0x0F)
        case 0xDE: count = Int(try take(UInt16.self))
        case 0xDF: count = Int(try take(UInt32.self))
        default: throw mismatch("a map")
        }
        guard count <= (end &- position) / 2 else { throw short(count * 2) }
        return count
    }
}
