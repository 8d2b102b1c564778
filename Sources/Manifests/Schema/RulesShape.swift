import Integrity

/// The keys of declarative rules, made from the tables of ``RulesReader``.
enum RulesShape {
    /// `rules` of an entry type.
    static let rules = MapShape(
        keys: RulesReader.keys.map { name in
            switch name {
            case "update", "delete": .optional(name, .words(of: WhoMayChange.self))
            default: .optional(name, fieldSetKey(name))
            }
        })

    private static func fieldSetKey(_ name: String) -> Shape {
        switch name {
        case "fields":
            .other([
                "type": "object", "maxProperties": .number(Limits.ruleFields),
                "propertyNames": ["minLength": 1, "maxLength": .number(Spelling.maxNameBytes)],
                "additionalProperties": ["$ref": "#/$defs/field_rule"],
            ])
        case "forbidden_fields": .list(of: .text(most: Spelling.maxNameBytes), most: Limits.ruleFields, isSet: true)
        default: .words(of: UnknownFields.self)
        }
    }

    /// What the schema of a DNA defines once.
    static var definitions: JSON {
        [
            "field_rule": variants(common: RulesReader.fieldKeys),
            "value_rule": variants(common: ["type"]),
        ]
    }

    /// Types that have more than one form of the same value, and so cannot be unique.
    private static let ambiguous = ["number", "list", "map", "any"]

    /// One map for each type of value.
    private static func variants(common: [String]) -> JSON {
        [
            "anyOf": .list(
                RulesReader.words.map { word in
                    let more = common.filter { $0 != "type" }.map { key in
                        let isIdle = key == "unique" && ambiguous.contains(word)
                        return MapShape.Key.optional(key, isIdle ? .other(["const": false]) : .flag)
                    }
                    let own = RulesReader.keys(of: word).map { MapShape.Key.optional($0, shape($0, of: word)) }
                    return MapShape(keys: [.required("type", .other(["const": .text(word)]))] + more + own).schema
                })
        ]
    }

    private static func shape(_ key: String, of word: String) -> Shape {
        switch key {
        case "min_length", "max_length": .whole(0...Limits.entryBytes)
        case "min", "max": word == "integer" ? integer : .other(["type": "number"])
        case "enum":
            .list(
                of: word == "integer" ? integer : .text(most: 1_000), most: Limits.ruleFields, least: 1, isSet: true)
        case "must_exist": .flag
        case "of": .identifier
        case "items": .defined("value_rule")
        default: fieldSetKey(key)
        }
    }

    private static let integer = Shape.other([
        "type": "integer", "minimum": .number(Int.min), "maximum": .digits(String(UInt64.max)),
    ])
}
