extension Array where Element == UInt8 {
    /// Lends the bytes to `body`, whose error type is kept (the standard library's `withUnsafeBytes` widens it).
    @inlinable
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { (buffer: UnsafeBufferPointer<UInt8>) throws(E) -> R in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
