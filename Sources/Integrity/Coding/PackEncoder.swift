/// Codable types to canonical MessagePack, without Foundation.
///
/// A type becomes a map of its fields in the order in which it encodes them (declaration order, where the compiler writes the
/// code), a missing optional nil, `[UInt8]` bytes, and every ``Packable`` type of this module its packed form.
public struct MessagePackEncoder: Sendable {
    /// An encoder; it has no settings.
    public init() {}

    /// The bytes of `value`.
    /// - Throws: ``PlasmidError`` (`tooDeep`, `notRepresentable`), or what the value's own code throws.
    public func encode<T: Encodable>(_ value: T) throws -> [UInt8] {
        let encoder = PackEncoder()
        try encoder.encodeValue(value, key: nil)
        return encoder.writer.bytes
    }

    /// Appends the bytes of `value` to `w`.
    /// - Throws: as ``encode(_:)``; nothing is appended then.
    public func encode<T: Encodable>(_ value: T, into w: inout MessagePackWriter) throws {
        let encoder = PackEncoder()
        try encoder.encodeValue(value, key: nil)
        encoder.writer.withUnsafeBytes { w.writeRaw($0) }
    }
}

/// A frame's place in the stack, and a number that tells it from others that stood there before.
struct FrameID {
    let index: Int
    let serial: Int
}

/// A key for places in lists and for names that no type declares.
struct IndexKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(intValue: Int) {
        self.intValue = intValue
        stringValue = "\(intValue)"
    }

    init(stringValue: String) {
        intValue = nil
        self.stringValue = stringValue
    }
}

/// Writes values straight into one buffer. Each open container is a frame; a frame ends when one below it is used again.
final class PackEncoder: Encoder {
    enum Kind {
        case undecided
        case map
        case array
        case single
    }

    struct Frame {
        let serial: Int
        let start: Int
        var kind: Kind
        var count = 0
    }

    var writer = MessagePackWriter()
    private(set) var codingPath: [any CodingKey] = []
    private var frames: [Frame] = []
    private var serial = 0
    /// The first fault of a call that cannot throw.
    private var failure: (any Error)?

    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init() { frames.reserveCapacity(8) }

    // MARK: Values

    /// Writes one value of any type.
    func encodeValue<T: Encodable>(_ value: T, key: (any CodingKey)?) throws {
        if T.self == [UInt8].self, let bytes = value as? [UInt8] { return writer.writeBinary(bytes) }
        if T.self == String.self, let text = value as? String { return writer.writeString(text) }
        let depth = frames.count
        guard depth < Limits.messagePackDepth * 2 else { throw tooDeep() }
        if let key { codingPath.append(key) }
        defer { if key != nil { codingPath.removeLast() } }
        _ = open(.undecided)
        try value.encode(to: self)
        close(downTo: depth)
        if let failure { throw failure }
    }

    /// Writes a value whose bytes its own type knows.
    func encodePacked(_ value: some Packable) {
        if let top = frames.indices.last { frames[top].kind = .single }
        value.pack(into: &writer)
    }

    // MARK: Frames

    /// Opens a frame at the end of the buffer.
    func open(_ kind: Kind) -> FrameID {
        serial += 1
        let start = kind == .map || kind == .array ? writer.beginContainer() : writer.count
        frames.append(Frame(serial: serial, start: start, kind: kind))
        if frames.count > Limits.messagePackDepth * 4 { failure = failure ?? tooDeep() }
        return FrameID(index: frames.count - 1, serial: serial)
    }

    /// Ends all frames but the first `depth`.
    private func close(downTo depth: Int) {
        while frames.count > depth {
            let frame = frames.removeLast()
            switch frame.kind {
            case .undecided: writer.writeMapHeader(0)
            case .map: writer.endMap(frame.start, count: frame.count)
            case .array: writer.endArray(frame.start, count: frame.count)
            case .single: break
            }
        }
    }

    /// Goes back to a frame to write one more value into it.
    func enter(_ frame: FrameID) throws {
        guard frame.index < frames.count, frames[frame.index].serial == frame.serial else {
            throw PlasmidError(.notRepresentable, "A container was used after the one around it had gone on.")
        }
        if frames.count > frame.index + 1 { close(downTo: frame.index + 1) }
        frames[frame.index].count += 1
    }

    func count(of frame: FrameID) -> Int {
        frame.index < frames.count && frames[frame.index].serial == frame.serial ? frames[frame.index].count : 0
    }

    /// Runs what may fail in a function that cannot throw; the fault comes out with the value.
    func remember(_ body: () throws -> Void) {
        do { try body() } catch { failure = failure ?? error }
    }

    private func tooDeep() -> PlasmidError {
        PlasmidError(.tooDeep, "The value nests deeper than \(Limits.messagePackDepth) at \(pathText(codingPath)).")
    }

    /// Makes the top frame a container of `kind`, or goes on with the one it is.
    private func container(_ kind: Kind) -> FrameID {
        guard let index = frames.indices.last else { return open(kind) }
        switch frames[index].kind {
        case .undecided:
            frames[index].kind = kind
            if kind != .single { _ = writer.beginContainer() }
        case kind: break
        default:
            failure =
                failure
                ?? PlasmidError(
                    .notRepresentable, "One value asks for two kinds of container at \(pathText(codingPath)).")
        }
        return FrameID(index: index, serial: frames[index].serial)
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(PackKeyedEncoding<Key>(encoder: self, frame: container(.map)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        PackUnkeyedEncoding(encoder: self, frame: container(.array))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        PackSingleEncoding(encoder: self, frame: container(.single))
    }
}

/// A path as `note.items[2]`; `the value` for the root.
func pathText(_ path: [any CodingKey]) -> String {
    var text = ""
    for key in path {
        if let index = key.intValue {
            text += "[\(index)]"
        } else {
            text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
        }
    }
    return text.isEmpty ? "the value" : text
}
