// Containers whose count is known only at their end: one byte is kept free, and widened when it does not do.

extension MessagePackWriter {
    /// Starts an array or a map of unknown count; give the result to ``endArray(_:count:)`` or ``endMap(_:count:)``.
    @inlinable
    public mutating func beginContainer() -> Int {
        put(0)
        return used &- 1
    }

    /// Ends the array that began at `start` and holds `count` values.
    @inlinable
    public mutating func endArray(_ start: Int, count: Int) {
        if count < 16 {
            base[start] = 0x90 | UInt8(truncatingIfNeeded: count)
        } else {
            widen(start, count, short: 0xDC, long: 0xDD)
        }
    }

    /// Ends the map that began at `start` and holds `count` pairs.
    @inlinable
    public mutating func endMap(_ start: Int, count: Int) {
        if count < 16 {
            base[start] = 0x80 | UInt8(truncatingIfNeeded: count)
        } else {
            widen(start, count, short: 0xDE, long: 0xDF)
        }
    }

    @usableFromInline
    @inline(never)
    mutating func widen(_ start: Int, _ count: Int, short: UInt8, long: UInt8) {
        let extra = count < 65_536 ? 2 : 4
        _ = room(extra)
        let first = UnsafeMutableRawPointer(base + start)
        (first + 1 + extra).copyMemory(from: first + 1, byteCount: used - start - 1)
        first.storeBytes(of: extra == 2 ? short : long, as: UInt8.self)
        if extra == 2 {
            (first + 1).storeBytes(of: UInt16(truncatingIfNeeded: count).bigEndian, as: UInt16.self)
        } else {
            (first + 1).storeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian, as: UInt32.self)
        }
        used += extra
    }
}
