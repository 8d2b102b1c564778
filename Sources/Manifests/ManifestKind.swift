/// What a file is that a person wrote for this program.
public enum ManifestKind: String, Sendable, CaseIterable {
    /// What a network agrees on.
    case dna
    /// What an app consists of.
    case happ
    /// How a conductor runs.
    case conductor

    /// The kind in the words of a message.
    public var title: String {
        switch self {
        case .dna: "a DNA file"
        case .happ: "a hApp file"
        case .conductor: "a conductor configuration"
        }
    }

    /// The command that reads such a file.
    public var command: String {
        switch self {
        case .dna: "plasmid dna check"
        case .happ: "plasmid happ check"
        case .conductor: "plasmid run --config"
        }
    }

    /// Keys that stand at the top of files of this kind only.
    var ownKeys: [String] {
        switch self {
        case .dna: ["integrity", "coordinator"]
        case .happ: ["roles"]
        case .conductor: ["interfaces", "keystore"]
        }
    }

    /// The kind that the keys at the top of a file tell; nil when they tell none, or more than one.
    static func of(keys: some Sequence<String>) -> ManifestKind? {
        let keys = Set(keys)
        let fitting = allCases.filter { kind in kind.ownKeys.contains(where: keys.contains) }
        return fitting.count == 1 ? fitting[0] : nil
    }

    /// The kind of a text, by the words at the beginnings of its lines: cheap enough to ask of every file of a folder.
    public static func guess(_ text: String) -> ManifestKind? {
        var keys: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let word = line.prefix { $0 != ":" }
            guard word.endIndex < line.endIndex, let first = word.first, first.isLetter || first == "\"" || first == "'"
            else { continue }
            keys.append(word.trimmingQuotes)
        }
        guard let kind = of(keys: keys) else { return nil }
        return kind == .conductor || keys.contains("manifest_version") ? kind : nil
    }

    /// Says of a file of another kind what it is, instead of a list of keys that are not its own.
    /// - Returns: whether it is of another kind.
    func refuses(_ root: YamlNode, report: inout Report) -> Bool {
        guard case .map(let pairs) = root.content, let other = ManifestKind.of(keys: pairs.map(\.key)), other != self
        else { return false }
        let key = pairs.first { other.ownKeys.contains($0.key) }
        report.add(
            .wrongKind, key?.keyPosition ?? .start, "this is \(other.title), not \(title)",
            hint: "use \(other.command) \(report.file)")
        return true
    }
}

extension Substring {
    fileprivate var trimmingQuotes: String {
        String(drop { $0 == "\"" || $0 == "'" }.reversed().drop { $0 == "\"" || $0 == "'" || $0 == " " }.reversed())
    }
}
