/// What may stand under a key of a manifest: the tables from which the readers take their keys and words, and from which
/// the JSON Schemas are made.
indirect enum Shape: Sendable {
    /// A text, shorter than a number of characters, that an ECMA 262 pattern matches.
    case text(pattern: String? = nil, most: Int, least: Int = 0, except: [String] = [])
    /// One of a closed list.
    case words([String])
    /// A whole number.
    case whole(ClosedRange<Int>)
    /// `true` or `false`.
    case flag
    case list(of: Shape, most: Int, least: Int = 0, isSet: Bool = false)
    case map(MapShape)
    /// A map of any keys and values.
    case anyMap
    /// A part of the schema that is defined under `$defs`.
    case defined(String)
    /// What the other cases cannot say.
    case other(JSON)

    /// The schema of a value that must be there.
    var schema: JSON {
        switch self {
        case .text(let pattern, let most, let least, let except):
            let text: JSON = ["type": "string"]
            return text.with("minLength", least > 0 ? .number(least) : nil).with("maxLength", .number(most))
                .with("pattern", pattern.map { .text($0) })
                .with("not", except.isEmpty ? nil : ["enum": .list(except.map { .text($0) })])
        case .words(let words): return ["enum": .list(words.map { .text($0) })]
        case .whole(let range):
            return ["type": "integer", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
        case .flag: return ["type": "boolean"]
        case .list(let item, let most, let least, let isSet):
            let list: JSON = ["type": "array", "items": item.schema]
            return list.with("minItems", least > 0 ? .number(least) : nil).with("maxItems", .number(most))
                .with("uniqueItems", isSet ? true : nil)
        case .map(let map): return map.schema
        case .anyMap: return ["type": "object"]
        case .defined(let name): return ["$ref": .text("#/$defs/\(name)")]
        case .other(let schema): return schema
        }
    }

    /// The schema of a value that may be left out: a key without a value counts as left out.
    var optionalSchema: JSON {
        switch self {
        case .words(let words): return ["enum": .list(words.map { .text($0) } + [.null])]
        case .defined, .other: return ["anyOf": [schema, ["type": "null"]]]
        default:
            guard case .map(let pairs) = schema else { return schema }
            return .map(
                pairs.map { pair in
                    guard pair.key == "type" else { return pair }
                    return JSON.Pair(key: "type", value: [pair.value, "null"])
                })
        }
    }
}

/// A map with known keys.
struct MapShape: Sendable {
    struct Key: Sendable {
        let name: String
        let shape: Shape
        let isRequired: Bool
        /// What the key means, for whoever reads the schema in an editor.
        let about: String
    }

    let keys: [Key]
    /// Conditions over several keys, as schemas that must all hold.
    var conditions: [JSON] = []

    /// The names of the keys, in the order in which messages list them.
    var names: [String] { keys.map(\.name) }

    var schema: JSON {
        let properties = keys.map { key in
            JSON.Pair(
                key: key.name,
                value: (key.isRequired ? key.shape.schema : key.shape.optionalSchema).with(
                    "description", key.about.isEmpty ? nil : .text(key.about)))
        }
        let required = keys.filter(\.isRequired).map { JSON.text($0.name) }
        let map: JSON = ["type": "object", "properties": .map(properties)]
        return map.with("required", required.isEmpty ? nil : .list(required)).with("additionalProperties", false)
            .with("allOf", conditions.isEmpty ? nil : .list(conditions))
    }
}

extension MapShape.Key {
    /// A key that must be there.
    static func required(_ name: String, _ shape: Shape, _ about: String = "") -> MapShape.Key {
        MapShape.Key(name: name, shape: shape, isRequired: true, about: about)
    }

    /// A key that may be left out.
    static func optional(_ name: String, _ shape: Shape, _ about: String = "") -> MapShape.Key {
        MapShape.Key(name: name, shape: shape, isRequired: false, about: about)
    }
}

extension Shape {
    /// The name of a zome, function or type.
    static let identifier = Shape.text(pattern: "^[A-Za-z_][A-Za-z0-9_]*$", most: Spelling.maxNameBytes)
    /// The name of a DNA, hApp or role.
    static let label = Shape.text(pattern: "^[A-Za-z0-9][A-Za-z0-9_-]*$", most: Spelling.maxNameBytes)
    /// `"1"`, or 1 for those who forget the quotes.
    static let version = Shape.other(["enum": ["1", 1]])

    /// A relative path; `mayGoUp`: `..` may be among its parts.
    static func path(mayGoUp: Bool) -> Shape {
        .text(pattern: "^(?!/)(?!.*(^|/)(\(mayGoUp ? "\\.?" : "\\.{0,2}"))(/|$)).+$", most: 1_000)
    }

    /// The words of a closed list.
    static func words<Word: CaseIterable & RawRepresentable<String>>(of type: Word.Type) -> Shape {
        .words(type.allCases.map(\.rawValue))
    }

    /// The text of a hash with a prefix.
    static func hash(_ prefix: String) -> Shape {
        .text(pattern: "^\(prefix)[A-Za-z0-9_-]{\(53 - prefix.utf8.count)}$", most: 53)
    }
}
