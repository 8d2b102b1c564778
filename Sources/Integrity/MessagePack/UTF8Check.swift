/// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
public enum UTF8Check {
    /// True when all of `bytes` is well-formed; eight ASCII bytes are passed at a time.
    public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        let count = bytes.count
        var at = 0
        while at < count {
            if count &- at >= 8,
                base.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                at &+= 8
                continue
            }
            let length = sequenceLength(base + at, count &- at)
            if length == 0 { return false }
            at &+= length
        }
        return true
    }

    /// The length of the well-formed sequence that starts at `start`, or 0.
    @inline(__always)
    static func sequenceLength(_ start: UnsafeRawPointer, _ left: Int) -> Int {
        let first = start.load(as: UInt8.self)
        if first < 0x80 { return 1 }
        if first < 0xC2 || first > 0xF4 { return 0 }
        guard left >= 2 else { return 0 }
        let second = start.load(fromByteOffset: 1, as: UInt8.self)
        if first < 0xE0 { return second & 0xC0 == 0x80 ? 2 : 0 }
        let low: UInt8 = first == 0xE0 ? 0xA0 : (first == 0xF0 ? 0x90 : 0x80)
        let high: UInt8 = first == 0xED ? 0x9F : (first == 0xF4 ? 0x8F : 0xBF)
        guard second >= low, second <= high, left >= 3 else { return 0 }
        guard start.load(fromByteOffset: 2, as: UInt8.self) & 0xC0 == 0x80 else { return 0 }
        if first < 0xF0 { return 3 }
        guard left >= 4, start.load(fromByteOffset: 3, as: UInt8.self) & 0xC0 == 0x80 else { return 0 }
        return 4
    }
}
