import CSodium

/// Secret bytes in libsodium's guarded memory: locked against swapping, left out of core dumps, fenced by guard pages, and
/// wiped and freed when the value ends. It cannot be copied, printed, compared or encoded by accident.
///
/// Running out of guarded memory ends the process, as running out of ordinary memory does. Sendable, because the memory has
/// one owner (the type is not copyable) and is written only through `mutating` methods.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    /// How many bytes it holds; not a secret.
    public let count: Int

    /// `count` zero bytes.
    public init(count: Int) {
        Library.start()
        precondition(count >= 0, "a count is never negative")
        guard let memory = sodium_malloc(count) else {
            preconditionFailure("no guarded memory left")
        }
        base = memory
        self.count = count
        sodium_memzero(memory, count)
    }

    /// Copies `bytes`; the source stays as it is and is the caller's to wipe.
    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(count: bytes.count)
        withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
    }

    /// Takes the bytes over: copies them into guarded memory, then wipes the array and empties it.
    public init(moving bytes: inout [UInt8]) {
        self.init(count: bytes.count)
        bytes.withUnsafeBytes { source in withUnsafeMutableBytes { $0.copyMemory(from: source) } }
        wipe(&bytes)
    }

    /// `count` bytes from the system's random source.
    public static func random(count: Int) -> SecretBytes {
        var out = SecretBytes(count: count)
        out.withUnsafeMutableBytes { SystemRandom.fill($0) }
        return out
    }

    deinit {
        // sodium_free checks the canary, wipes the bytes and unlocks the pages.
        sodium_free(base)
    }

    /// Lends the bytes for the time of `body`, which must not let them escape.
    public borrowing func withUnsafeBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Lends the bytes for writing, for the time of `body`, which must not let them escape.
    public mutating func withUnsafeMutableBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// The bytes as libsodium wants them; valid while the value lives, which callers in this module see to.
    borrowing func pointer() -> UnsafeMutablePointer<UInt8> { base.assumingMemoryBound(to: UInt8.self) }

    /// A second owner of the same bytes, in guarded memory of its own.
    public borrowing func duplicate() -> SecretBytes {
        SecretBytes(copying: UnsafeRawBufferPointer(start: base, count: count))
    }
}

/// Overwrites ordinary memory with zeros in a way that the compiler cannot leave out.
public func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
    if let base = buffer.baseAddress { sodium_memzero(base, buffer.count) }
}

/// Wipes the array's bytes and empties it. Copies that were made of it before are not reached.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { wipe($0) }
    bytes.removeAll()
}
