/// The names of one kind of thing in one place of a manifest: checks each and refuses the second of its kind.
struct Names {
    /// Which characters a name may have.
    enum Shape {
        /// A letter or `_`, then letters, digits, `_`.
        case identifier
        /// A letter or digit, then letters, digits, `_`, `-`.
        case label

        func accepts(_ name: String) -> Bool {
            switch self {
            case .identifier: Spelling.isIdentifier(name)
            case .label: Spelling.isLabel(name)
            }
        }

        var rule: String {
            switch self {
            case .identifier: "a letter or _, then letters, digits and _"
            case .label: "a letter or digit, then letters, digits, _ and -"
            }
        }
    }

    /// What bears the names: "entry type", "function of zome \"messenger\"".
    let kind: String
    let shape: Shape
    /// Names that mean something else here.
    let reserved: [String]
    private(set) var lines: [String: Int] = [:]

    init(_ kind: String, _ shape: Shape, reserved: [String] = []) {
        self.kind = kind
        self.shape = shape
        self.reserved = reserved
    }

    /// Whether a thing of that name was read.
    func contains(_ name: String) -> Bool { lines[name] != nil }

    /// Every name, sorted.
    var all: [String] { lines.keys.sorted() }

    /// The name under `key`, which must be there, well-formed and new.
    mutating func take(_ key: String = "name", of fields: Fields, report: inout Report) -> String? {
        guard let node = fields.required(key, report: &report),
            let name = Self.check(node, "\"\(key)\" of \(fields.what)", shape, report: &report)
        else { return nil }
        if reserved.contains(name) {
            report.add(
                .badName, node.position, "no \(kind) can be named \"\(name)\"",
                hint: "the word has a meaning of its own")
            return nil
        }
        add(name, node.position, report: &report)
        return name
    }

    /// Notes a name, and refuses it when it was there before.
    mutating func add(_ name: String, _ place: Position, report: inout Report) {
        if let line = lines[name] {
            report.add(
                .duplicateName, place, "the name \"\(name)\" is taken by another \(kind)",
                hint: "the first is at line \(line); rename or remove one")
        } else {
            lines[name] = place.line
        }
    }

    /// A node that must be a well-formed name.
    static func check(_ node: YamlNode, _ what: String, _ shape: Shape, report: inout Report) -> String? {
        guard let name = Fields.text(node, what, maxBytes: Spelling.maxNameBytes, report: &report) else { return nil }
        guard shape.accepts(name) else {
            report.add(
                .badName, node.position, "\(what) cannot be \"\(Spelling.shown(name))\"",
                hint: "a name is \(shape.rule)")
            return nil
        }
        return name
    }

    /// What a map describes, with its name if it has one: `entry type "note"`.
    static func title(_ kind: String, _ node: YamlNode, key: String = "name") -> String {
        guard case .scalar(let name, _)? = node[key]?.content, !name.isEmpty else { return kind }
        return "\(kind) \"\(Spelling.shown(name))\""
    }
}
