import Sodium

/// Writes canonical MessagePack: every integer and every length in its shortest form, non-negative integers in the unsigned
/// family, doubles always as float 64.
///
/// It has one owner and a buffer of its own that doubles as it fills. The caller sees to it that each header is followed by
/// as many values as it promises.
public struct MessagePackWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var used: Int

    /// An empty buffer with room for `reserving` bytes; it grows when it must.
    @inlinable
    public init(reserving: Int = 384) {
        capacity = max(reserving, 64)
        base = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        used = 0
    }

    @inlinable
    deinit { base.deallocate() }

    /// How many bytes were written.
    @inlinable public var count: Int { used }

    /// A copy of what was written.
    @inlinable public var bytes: [UInt8] { [UInt8](UnsafeBufferPointer(start: base, count: used)) }

    /// Lends what was written, for the time of `body`.
    @inlinable
    public borrowing func withUnsafeBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: used))
    }

    /// Forgets what was written after the first `count` bytes, and keeps the memory.
    @inlinable
    public mutating func truncate(to count: Int) { used = min(used, max(0, count)) }

    @usableFromInline
    @inline(never)
    mutating func grow(by needed: Int) {
        let next = max(capacity * 2, used + needed)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: next)
        memory.update(from: base, count: used)
        base.deallocate()
        base = memory
        capacity = next
    }

    /// Makes room for `needed` more bytes and returns where they go; the caller adds what it wrote to `used`.
    @inlinable
    @inline(__always)
    mutating func room(_ needed: Int) -> UnsafeMutablePointer<UInt8> {
        if capacity &- used < needed { grow(by: needed) }
        return base + used
    }

    @inlinable
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        room(1).pointee = byte
        used &+= 1
    }

    /// A marker byte and a big-endian number.
    @inlinable
    @inline(__always)
    mutating func put<Number: FixedWidthInteger>(_ marker: UInt8, _ number: Number) {
        let target = room(1 + MemoryLayout<Number>.size)
        target.pointee = marker
        UnsafeMutableRawPointer(target + 1).storeBytes(of: number.bigEndian, as: Number.self)
        used &+= 1 &+ MemoryLayout<Number>.size
    }

    /// Writes nil.
    @inlinable
    public mutating func writeNil() { put(0xC0) }

    /// Writes true or false.
    @inlinable
    public mutating func writeBool(_ value: Bool) { put(value ? 0xC3 : 0xC2) }

    /// Writes an integer in its shortest form; the unsigned family when it is not negative.
    @inlinable
    public mutating func writeInt(_ value: Int64) {
        if value >= 0 { return writeUInt(UInt64(bitPattern: value)) }
        if value >= -32 { return put(UInt8(truncatingIfNeeded: value)) }
        if value >= -128 { return put(0xD0, UInt8(truncatingIfNeeded: value)) }
        if value >= -32_768 { return put(0xD1, Int16(truncatingIfNeeded: value)) }
        if value >= -2_147_483_648 { return put(0xD2, Int32(truncatingIfNeeded: value)) }
        put(0xD3, value)
    }

    /// Writes an integer in its shortest form; the unsigned family when it is not negative.
    @inlinable
    public mutating func writeInt(_ value: Int) { writeInt(Int64(value)) }

    /// Writes a non-negative integer in its shortest form.
    @inlinable
    public mutating func writeUInt(_ value: UInt64) {
        if value < 128 { return put(UInt8(truncatingIfNeeded: value)) }
        if value < 256 { return put(0xCC, UInt8(truncatingIfNeeded: value)) }
        if value < 65_536 { return put(0xCD, UInt16(truncatingIfNeeded: value)) }
        if value < 4_294_967_296 { return put(0xCE, UInt32(truncatingIfNeeded: value)) }
        put(0xCF, value)
    }

    /// Writes a non-negative integer in its shortest form.
    @inlinable
    public mutating func writeUInt(_ value: UInt32) { writeUInt(UInt64(value)) }

    /// Writes a non-negative integer in its shortest form.
    @inlinable
    public mutating func writeUInt(_ value: UInt8) { writeUInt(UInt64(value)) }

    /// Writes a float 64 (never a float 32, never an integer).
    @inlinable
    public mutating func writeDouble(_ value: Double) { put(0xCB, value.bitPattern) }

    /// Writes a text's header; `count` UTF-8 bytes follow.
    @inlinable
    public mutating func writeStringHeader(_ count: Int) {
        if count < 32 { return put(0xA0 | UInt8(truncatingIfNeeded: count)) }
        if count < 256 { return put(0xD9, UInt8(truncatingIfNeeded: count)) }
        if count < 65_536 { return put(0xDA, UInt16(truncatingIfNeeded: count)) }
        put(0xDB, UInt32(count))
    }

    /// Writes text known at compile time; the way to write a map's keys.
    @inlinable
    @inline(__always)
    public mutating func writeString(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        writeStringHeader(count)
        room(count).update(from: text.utf8Start, count: count)
        used &+= count
    }

    /// Writes text.
    @inlinable
    public mutating func writeString(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in writeString(utf8: UnsafeRawBufferPointer(utf8)) }
    }

    /// Writes text given as UTF-8 bytes, which the caller has checked.
    @inlinable
    public mutating func writeString(utf8: UnsafeRawBufferPointer) {
        writeStringHeader(utf8.count)
        writeRaw(utf8)
    }

    /// Writes a `bin` header; `count` bytes follow.
    @inlinable
    public mutating func writeBinaryHeader(_ count: Int) {
        if count < 256 { return put(0xC4, UInt8(truncatingIfNeeded: count)) }
        if count < 65_536 { return put(0xC5, UInt16(truncatingIfNeeded: count)) }
        put(0xC6, UInt32(count))
    }

    /// Writes bytes as `bin`.
    @inlinable
    public mutating func writeBinary(_ bytes: UnsafeRawBufferPointer) {
        writeBinaryHeader(bytes.count)
        writeRaw(bytes)
    }

    /// Writes bytes as `bin`.
    @inlinable
    public mutating func writeBinary(_ bytes: [UInt8]) {
        writeBinaryHeader(bytes.count)
        writeRaw(bytes)
    }

    /// Writes 32 bytes as `bin`.
    @inlinable
    public mutating func writeBinary(_ bytes: Bytes32) {
        let target = UnsafeMutableRawPointer(room(34))
        target.storeBytes(of: 0xC4, as: UInt8.self)
        target.storeBytes(of: 32, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: bytes, toByteOffset: 2, as: Bytes32.self)
        used &+= 34
    }

    /// Writes 64 bytes as `bin`.
    @inlinable
    public mutating func writeBinary(_ bytes: Bytes64) {
        let target = UnsafeMutableRawPointer(room(66))
        target.storeBytes(of: 0xC4, as: UInt8.self)
        target.storeBytes(of: 64, toByteOffset: 1, as: UInt8.self)
        target.storeBytes(of: bytes, toByteOffset: 2, as: Bytes64.self)
        used &+= 66
    }

    /// Writes an array's header; `count` values follow.
    @inlinable
    public mutating func writeArrayHeader(_ count: Int) {
        if count < 16 { return put(0x90 | UInt8(truncatingIfNeeded: count)) }
        if count < 65_536 { return put(0xDC, UInt16(truncatingIfNeeded: count)) }
        put(0xDD, UInt32(count))
    }

    /// Writes a map's header; `count` pairs of key and value follow.
    @inlinable
    public mutating func writeMapHeader(_ count: Int) {
        if count < 16 { return put(0x80 | UInt8(truncatingIfNeeded: count)) }
        if count < 65_536 { return put(0xDE, UInt16(truncatingIfNeeded: count)) }
        put(0xDF, UInt32(count))
    }

    /// Writes an extension value.
    public mutating func writeExt(_ type: Int8, _ bytes: [UInt8]) {
        switch bytes.count {
        case 1: put(0xD4)
        case 2: put(0xD5)
        case 4: put(0xD6)
        case 8: put(0xD7)
        case 16: put(0xD8)
        case ..<256: put(0xC7, UInt8(truncatingIfNeeded: bytes.count))
        case ..<65_536: put(0xC8, UInt16(truncatingIfNeeded: bytes.count))
        default: put(0xC9, UInt32(bytes.count))
        }
        put(UInt8(bitPattern: type))
        writeRaw(bytes)
    }

    /// Copies bytes as they are: values that are MessagePack already.
    @inlinable
    public mutating func writeRaw(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { writeRaw($0) }
    }

    /// Copies bytes as they are: values that are MessagePack already.
    @inlinable
    public mutating func writeRaw(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        UnsafeMutableRawPointer(room(bytes.count)).copyMemory(from: source, byteCount: bytes.count)
        used &+= bytes.count
    }

    /// Writes one value.
    @inlinable
    public mutating func write(_ value: some Packable) { value.pack(into: &self) }

    /// Writes a value, or nil in its place.
    @inlinable
    public mutating func write(_ value: (some Packable)?) {
        if let value { value.pack(into: &self) } else { writeNil() }
    }

    /// Writes a list as an array.
    @inlinable
    public mutating func write(_ values: [some Packable]) {
        writeArrayHeader(values.count)
        for value in values { value.pack(into: &self) }
    }
}
