// How this module hands memory to libsodium, whose pointers must not be null.

/// A fixed-size value that lies in memory as its bytes.
protocol PlainBytes {}
extension Bytes32: PlainBytes {}
extension Bytes64: PlainBytes {}

extension PlainBytes {
    /// Lends the bytes to a C function.
    @inline(__always)
    func withPointer<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        withUnsafePointer(to: self) { value in
            value.withMemoryRebound(to: UInt8.self, capacity: MemoryLayout<Self>.size) { body($0) }
        }
    }

    /// Lends the bytes to a C function that overwrites them.
    @inline(__always)
    mutating func withMutablePointer<R>(_ body: (UnsafeMutablePointer<UInt8>) -> R) -> R {
        withUnsafeMutablePointer(to: &self) { value in
            value.withMemoryRebound(to: UInt8.self, capacity: MemoryLayout<Self>.size) { body($0) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The base as libsodium wants message pointers; nil for an empty buffer without a base.
    @inline(__always)
    var bound: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
