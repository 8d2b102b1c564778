import CSodium

/// libsodium's one-time initialization: picks the fastest implementations for this processor and opens the random source.
enum Library {
    /// True once `sodium_init` has succeeded; runs it at first use, on one thread.
    static let ready: Bool = sodium_init() >= 0

    /// Every entry point that hashes, signs, encrypts or draws random bytes passes here first.
    @inline(__always)
    static func start() {
        precondition(ready, "libsodium could not be initialized")
    }
}

/// True when both have the same count and bytes; takes the same time wherever they differ (the count is not hidden).
public func constantTimeEquals(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
    return sodium_memcmp(leftBase, rightBase, left.count) == 0
}

/// True when both have the same count and bytes; takes the same time wherever they differ (the count is not hidden).
public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.withUnsafeBytes { leftBytes in right.withUnsafeBytes { constantTimeEquals(leftBytes, $0) } }
}

/// True when the bytes are the same; takes the same time wherever they differ.
public func constantTimeEquals(_ left: Bytes32, _ right: Bytes32) -> Bool {
    left.withUnsafeBytes { leftBytes in right.withUnsafeBytes { constantTimeEquals(leftBytes, $0) } }
}

/// True when the bytes are the same; takes the same time wherever they differ.
public func constantTimeEquals(_ left: Bytes64, _ right: Bytes64) -> Bool {
    left.withUnsafeBytes { leftBytes in right.withUnsafeBytes { constantTimeEquals(leftBytes, $0) } }
}

/// The operating system's random source (`getrandom`); never fails once it has started.
public enum SystemRandom {
    /// `count` random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        Library.start()
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            if let base = buffer.baseAddress, count > 0 { randombytes_buf(base, count) }
            filled = count
        }
    }

    /// Overwrites `buffer` with random bytes.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        Library.start()
        if let base = buffer.baseAddress, buffer.count > 0 { randombytes_buf(base, buffer.count) }
    }

    /// 32 random bytes.
    public static func bytes32() -> Bytes32 {
        var out = Bytes32()
        out.withUnsafeMutableBytes { fill($0) }
        return out
    }

    /// 64 random bytes.
    public static func bytes64() -> Bytes64 {
        var out = Bytes64()
        out.withUnsafeMutableBytes { fill($0) }
        return out
    }
}
