import Integrity

/// Values of `properties`: any YAML becomes the MessagePack value that the zomes read.
enum PropertyValue {
    /// The value of a node, maps in file order.
    static func read(_ node: YamlNode, report: inout Report) -> MessagePackValue {
        switch node.content {
        case .scalar(let text, isPlain: false):
            return .string(text)
        case .scalar(let text, isPlain: true):
            return scalar(text, node.position, report: &report)
        case .list(let items):
            return .array(items.map { read($0, report: &report) })
        case .map(let pairs):
            return .map(pairs.map { .init($0.key, read($0.value, report: &report)) })
        }
    }

    private static func scalar(_ text: String, _ place: Position, report: inout Report) -> MessagePackValue {
        switch PlainScalar(text) {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .uint(let value): return .uint(value)
        case .double(let value): return .double(value)
        case .text(let value): return .string(value)
        case .unusableNumber:
            report.add(
                .outOfRange, place, "the number \(Spelling.shown(text)) fits no 64 bits",
                hint: "put it in quotes as a text")
            return .null
        }
    }

    /// `properties` of a map of a manifest: a map, sorted as in the DNA hash, so that its order in the file means nothing.
    /// Nil when left out, with a fault when it is no map or too large.
    static func field(_ fields: Fields, report: inout Report) -> MessagePackValue? {
        guard let node = fields.value("properties") else { return nil }
        guard case .map = node.content else {
            report.add(
                .wrongType, node.position, "\"properties\" of \(fields.what) must be a map, this is \(node.kind)")
            return nil
        }
        let value = read(node, report: &report).sorted
        let count = value.packed.count
        guard count <= Limits.propertiesBytes else {
            report.add(
                .tooLong, node.position,
                "\"properties\" of \(fields.what) take \(count) bytes, at most \(Limits.propertiesBytes) fit")
            return nil
        }
        return value
    }
}
