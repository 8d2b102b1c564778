import Glibc

// Every integer that Storage writes, in keys, values and the journal, is big-endian: keys then sort as their numbers do.

extension [UInt8] {
    /// Appends an integer, most significant byte first.
    @inline(__always)
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Whether the bytes start with `prefix`.
    func hasPrefix(_ prefix: [UInt8]) -> Bool {
        count >= prefix.count
            && prefix.withUnsafeBytes { wanted in
                withUnsafeBytes {
                    memcmp($0.baseAddress ?? $0.emptyBase, wanted.baseAddress ?? $0.emptyBase, wanted.count) == 0
                }
            }
    }
}

extension UnsafeRawBufferPointer {
    /// A pointer that is never read, for C functions that take a count of 0 but no null.
    var emptyBase: UnsafeRawPointer { UnsafeRawPointer(bitPattern: 8)! }

    /// The big-endian integer at a byte offset; the caller has checked the bounds.
    @inline(__always)
    func bigEndian<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type = Value.self) -> Value {
        Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }

    /// Part of the buffer; the caller has checked the bounds.
    @inline(__always)
    func slice(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[offset..<offset + count])
    }

    /// The rest of the buffer from an offset.
    @inline(__always)
    func from(_ offset: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[offset...])
    }

    /// Byte order, then length: the order of LMDB's keys.
    func precedes(_ other: UnsafeRawBufferPointer) -> Bool {
        compare(other) < 0
    }

    /// Negative, zero or positive as this sorts before, with or after `other`.
    func compare(_ other: UnsafeRawBufferPointer) -> Int {
        let common = Swift.min(count, other.count)
        if common > 0, let left = baseAddress, let right = other.baseAddress {
            let order = memcmp(left, right, common)
            if order != 0 { return Int(order) }
        }
        return count - other.count
    }
}
