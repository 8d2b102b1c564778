import Sodium

/// A type with one canonical MessagePack form, written and read without Codable: everything that is hashed, signed, stored
/// or sent many times a second.
public protocol Packable: Sendable {
    /// Appends exactly one value.
    func pack(into w: inout MessagePackWriter)
    /// Reads exactly one value; maps may have their keys in any order and keys that are not known here.
    /// - Throws: ``PlasmidError`` with `malformedMessagePack` or `malformedHash`.
    init(from r: inout MessagePackReader) throws(PlasmidError)
}

extension Packable {
    /// The value's canonical bytes.
    @inlinable public var packed: [UInt8] {
        var writer = MessagePackWriter()
        pack(into: &writer)
        return writer.bytes
    }

    /// Reads a value that fills `packed` exactly.
    /// - Throws: `malformedMessagePack` also when bytes are left over.
    @inlinable
    public init(packed: [UInt8]) throws(PlasmidError) {
        self = try MessagePackReader.reading(packed) { (r: inout MessagePackReader) throws(PlasmidError) -> Self in
            try Self(from: &r)
        }
    }

    /// Reads a value that fills `packed` exactly.
    /// - Throws: `malformedMessagePack` also when bytes are left over.
    @inlinable
    public init(packed: UnsafeRawBufferPointer) throws(PlasmidError) {
        var reader = MessagePackReader(packed)
        self = try Self(from: &reader)
        try reader.finish()
    }
}

extension Bool: Packable {
    /// Writes true or false.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeBool(self) }
    /// Reads true or false.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readBool() }
}

extension String: Packable {
    /// Writes text.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeString(self) }
    /// Reads text.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readString() }
}

extension Int64: Packable {
    /// Writes an integer.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeInt(self) }
    /// Reads an integer.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readInt() }
}

extension UInt64: Packable {
    /// Writes an integer.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeUInt(self) }
    /// Reads a non-negative integer.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readUInt() }
}

extension UInt32: Packable {
    /// Writes an integer.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeUInt(self) }
    /// Reads an integer of 0…4294967295.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readUInt32() }
}

extension Bytes32: Packable {
    /// Writes `bin` of 32 bytes.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeBinary(self) }
    /// Reads `bin` or an array of 32 bytes.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readBytes32() }
}

extension Bytes64: Packable {
    /// Writes `bin` of 64 bytes.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.writeBinary(self) }
    /// Reads `bin` or an array of 64 bytes.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readBytes64() }
}

extension Array: Packable where Element: Packable {
    /// Writes an array. (Byte strings are not written this way: see `writeBinary`.)
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.write(self) }
    /// Reads an array.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readArray() }
}

extension Optional: Packable where Wrapped: Packable {
    /// Writes the value, or nil.
    @inlinable
    public func pack(into w: inout MessagePackWriter) { w.write(self) }
    /// Reads a value, or nil.
    @inlinable
    public init(from r: inout MessagePackReader) throws(PlasmidError) { self = try r.readOptional() }
}
