/// The header of one frame between the conductor and a zome process: 24 bytes, little-endian, then the payload.
///
/// Layout: `length u32 (of what follows it) | kind u8 | zome u8 | aux u16 | call u64 | id u32 | value u32`. What each kind
/// puts into the fields stands in docs/spec/zome-process.md. Both sides use this one codec.
@frozen public struct ModuleFrame: Equatable, Sendable {
    /// What a frame is. Below 16: to the process; from 16: from the process.
    @frozen public enum Kind: UInt8, Sendable {
        /// A call: `value` is the invocation kind, the payload starts with `aux` bytes of the function's name.
        case invoke = 1
        /// The answer to request `id`: `value` is the status.
        case answer = 2
        /// Ends a call.
        case cancel = 3
        /// Asks the process to close its modules and exit.
        case close = 4
        /// The modules are loaded: the payload is a `ModuleReadiness`.
        case ready = 16
        /// A call has ended: `value` is the status.
        case result = 17
        /// A module asks the host: `id` numbers the request, `value` is the operation.
        case request = 18
        /// The process will not serve: the payload is a `ModuleError`.
        case refused = 19
    }

    /// Size of the header, in bytes.
    @inlinable public static var headerBytes: Int { 24 }

    /// What the frame is.
    public var kind: Kind
    /// Index of the module among those of the process.
    public var zome: UInt8
    /// Length of the name at the start of the payload (`invoke`), else 0.
    public var aux: UInt16
    /// Number of the call, chosen by the conductor; no two live calls of a process share one.
    public var call: UInt64
    /// Number of a host request, chosen by the process.
    public var id: UInt32
    /// Status, invocation kind or operation.
    public var value: UInt32
    /// Bytes after the header.
    public var payloadCount: Int

    /// A header. Fields that the kind does not use stay 0.
    @inlinable public init(
        _ kind: Kind, zome: UInt8 = 0, aux: UInt16 = 0, call: UInt64 = 0, id: UInt32 = 0, value: UInt32 = 0,
        payloadCount: Int = 0
    ) {
        self.kind = kind
        self.zome = zome
        self.aux = aux
        self.call = call
        self.id = id
        self.value = value
        self.payloadCount = payloadCount
    }

    /// Writes the header to 24 bytes of memory; needs no alignment.
    @inlinable public func write(to memory: UnsafeMutableRawPointer) {
        memory.storeBytes(
            of: UInt32(truncatingIfNeeded: payloadCount + Self.headerBytes - 4).littleEndian, as: UInt32.self)
        memory.storeBytes(of: kind.rawValue, toByteOffset: 4, as: UInt8.self)
        memory.storeBytes(of: zome, toByteOffset: 5, as: UInt8.self)
        memory.storeBytes(of: aux.littleEndian, toByteOffset: 6, as: UInt16.self)
        memory.storeBytes(of: call.littleEndian, toByteOffset: 8, as: UInt64.self)
        memory.storeBytes(of: id.littleEndian, toByteOffset: 16, as: UInt32.self)
        memory.storeBytes(of: value.littleEndian, toByteOffset: 20, as: UInt32.self)
    }

    /// Bytes of the whole frame, from the first four bytes of its header.
    @inlinable public static func totalBytes(at memory: UnsafeRawPointer) -> Int {
        Int(UInt32(littleEndian: memory.loadUnaligned(as: UInt32.self))) + 4
    }

    /// Reads 24 bytes of memory. `nil` when the kind is unknown or the length is shorter than a header: whoever sent
    /// that does not speak this protocol.
    @inlinable public init?(reading memory: UnsafeRawPointer) {
        let total = Self.totalBytes(at: memory)
        guard total >= Self.headerBytes,
            let kind = Kind(rawValue: memory.loadUnaligned(fromByteOffset: 4, as: UInt8.self))
        else { return nil }
        self.init(
            kind, zome: memory.loadUnaligned(fromByteOffset: 5, as: UInt8.self),
            aux: UInt16(littleEndian: memory.loadUnaligned(fromByteOffset: 6, as: UInt16.self)),
            call: UInt64(littleEndian: memory.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            id: UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: 16, as: UInt32.self)),
            value: UInt32(littleEndian: memory.loadUnaligned(fromByteOffset: 20, as: UInt32.self)),
            payloadCount: total - Self.headerBytes)
    }
}
