import Integrity
import Sodium

/// The address of a DNA file of 2019 (`<name>.dna.json`): base58 of the SHA2-256 multihash of the DNA as its conductor wrote
/// it out again, compact, every field in its place and defaults filled in (holochain-2019 reference §4).
public enum LegacyDna {
    /// Largest file, in bytes.
    public static let maxBytes = 64 << 20

    /// The `Qm…` address of a file's content.
    /// - Throws: `manifestInvalid` for what is no DNA of 2019; the message names the part.
    public static func address(of json: [UInt8]) throws(PlasmidError) -> String {
        let compact = try compact(json)
        return Base58.encode([0x12, 0x20] + SHA256.hash(compact).array)
    }

    /// The bytes that are hashed.
    static func compact(_ json: [UInt8]) throws(PlasmidError) -> [UInt8] {
        guard json.count <= maxBytes else {
            throw PlasmidError(.manifestInvalid, "the DNA of 2019 is larger than \(maxBytes) bytes")
        }
        let value: MessagePackValue
        do throws(PlasmidError) {
            value = try MessagePackValue(packed: try JSONText.messagePack(fromJSON: json))
        } catch {
            throw PlasmidError(.manifestInvalid, "this is no JSON: \(error.message)", hint: error.hint)
        }
        var writer = LegacyWriter()
        try writer.dna(try LegacyObject(value, "the DNA"))
        return writer.bytes
    }
}

/// A JSON object whose keys stand once.
private struct LegacyObject {
    let what: String
    let members: [(key: String, value: MessagePackValue)]

    init(_ value: MessagePackValue, _ what: String) throws(PlasmidError) {
        guard case .map(let pairs) = value else { throw Self.fault("\(what) is no JSON object") }
        var members: [(key: String, value: MessagePackValue)] = []
        var seen: Set<String> = []
        for pair in pairs {
            guard case .string(let key) = pair.key else { continue }
            guard seen.insert(key).inserted else { throw Self.fault("\(what) has `\(key.prefix(80))` twice") }
            members.append((key, pair.value))
        }
        self.what = what
        self.members = members
    }

    static func fault(_ message: String) -> PlasmidError {
        PlasmidError(.manifestInvalid, message, hint: "a .dna.json of 2019 is what `hc package` made")
    }

    subscript(key: String) -> MessagePackValue? { members.first { $0.key == key }?.value }

    func text(_ key: String, default fallback: String?) throws(PlasmidError) -> String {
        switch self[key] {
        case .string(let text)?: return text
        case nil:
            if let fallback { return fallback }
            throw Self.fault("\(what) has no `\(key)`")
        default: throw Self.fault("`\(key)` of \(what) is no text")
        }
    }

    func list(_ key: String, isNeeded: Bool = false) throws(PlasmidError) -> [MessagePackValue] {
        switch self[key] {
        case .array(let items)?: return items
        case nil where !isNeeded: return []
        default: throw Self.fault("`\(key)` of \(what) is no list")
        }
    }

    /// The members of an object that is a map of names, in the order of the names' bytes.
    func sorted(_ key: String) throws(PlasmidError) -> [(key: String, value: MessagePackValue)] {
        guard let value = self[key] else { return [] }
        let object = try LegacyObject(value, "`\(key)` of \(what)")
        return object.members.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
    }
}

/// Writes JSON as serde_json does: no blanks, only what must be escaped is.
private struct LegacyWriter {
    private(set) var bytes: [UInt8] = []

    private mutating func raw(_ text: String) { bytes.append(contentsOf: Array(text.utf8)) }

    private mutating func field(_ key: String, _ text: String, isFirst: Bool = false) {
        raw("\(isFirst ? "" : ",")\"\(key)\":")
        string(text)
    }

    mutating func dna(_ dna: LegacyObject) throws(PlasmidError) {
        raw("{")
        field("name", try dna.text("name", default: ""), isFirst: true)
        field("description", try dna.text("description", default: ""))
        field("version", try dna.text("version", default: ""))
        field("uuid", try dna.text("uuid", default: "00000000-0000-0000-0000-000000000000"))
        field("dna_spec_version", try dna.text("dna_spec_version", default: ""))
        raw(",\"properties\":")
        try value(dna["properties"] ?? .map([]))
        raw(",\"zomes\":")
        try map(try dna.sorted("zomes")) { writer, name, value throws(PlasmidError) in
            try writer.zome(try LegacyObject(value, "zome `\(name.prefix(80))`"))
        }
        raw("}")
    }

    private mutating func zome(_ zome: LegacyObject) throws(PlasmidError) {
        raw("{")
        field("description", try zome.text("description", default: ""), isFirst: true)
        raw(",\"config\":{},\"entry_types\":")
        try map(try zome.sorted("entry_types")) { writer, name, value throws(PlasmidError) in
            try writer.entryType(try LegacyObject(value, "entry type `\(name.prefix(80))`"))
        }
        raw(",\"traits\":")
        try map(try zome.sorted("traits")) { writer, name, value throws(PlasmidError) in
            let names = try LegacyObject(value, "trait `\(name.prefix(80))`").list("functions")
            writer.raw("{\"functions\":")
            try writer.list(names) { writer, value throws(PlasmidError) in
                guard case .string(let text) = value else { throw LegacyObject.fault("a trait names no text") }
                writer.string(text)
            }
            writer.raw("}")
        }
        raw(",\"fn_declarations\":")
        try functions(try zome.list("fn_declarations"))
        guard let code = zome["code"] else { throw LegacyObject.fault("\(zome.what) has no code") }
        let text = try LegacyObject(code, "code of \(zome.what)").text("code", default: nil)
        guard let wasm = Base64.decode(text), !wasm.isEmpty else {
            throw LegacyObject.fault("\(zome.what) has no code, or code that is not base64")
        }
        raw(",\"code\":{\"code\":")
        string(Base64.encode(wasm))
        raw("},\"bridges\":")
        try list(try zome.list("bridges")) { writer, value throws(PlasmidError) in
            try writer.bridge(try LegacyObject(value, "a bridge"))
        }
        raw("}")
    }

    private mutating func entryType(_ type: LegacyObject) throws(PlasmidError) {
        raw("{")
        field("properties", try type.text("properties", default: "{}"), isFirst: true)
        let sharing = try type.text("sharing", default: "public")
        guard ["public", "private", "encrypted"].contains(sharing) else {
            throw LegacyObject.fault("\(type.what) has the sharing `\(sharing.prefix(80))`")
        }
        field("sharing", sharing)
        raw(",\"links_to\":")
        try list(try type.list("links_to")) { writer, value throws(PlasmidError) in
            try writer.link(try LegacyObject(value, "a link of \(type.what)"), "target_type")
        }
        raw(",\"linked_from\":")
        try list(try type.list("linked_from")) { writer, value throws(PlasmidError) in
            try writer.link(try LegacyObject(value, "a link of \(type.what)"), "base_type")
        }
        raw("}")
    }

    private mutating func link(_ link: LegacyObject, _ end: String) throws(PlasmidError) {
        raw("{")
        field(end, try link.text(end, default: ""), isFirst: true)
        field("link_type", try link.text("link_type", default: ""))
        raw("}")
    }

    private mutating func functions(_ functions: [MessagePackValue]) throws(PlasmidError) {
        try list(functions) { writer, value throws(PlasmidError) in
            let function = try LegacyObject(value, "a function")
            writer.raw("{")
            writer.field("name", try function.text("name", default: ""), isFirst: true)
            for key in ["inputs", "outputs"] {
                writer.raw(",\"\(key)\":")
                try writer.list(try function.list(key, isNeeded: true)) { writer, value throws(PlasmidError) in
                    let param = try LegacyObject(value, "a parameter")
                    // The type first: so the struct of 2019 was declared.
                    writer.raw("{")
                    writer.field("type", try param.text("type", default: nil), isFirst: true)
                    writer.field("name", try param.text("name", default: nil))
                    writer.raw("}")
                }
            }
            writer.raw("}")
        }
    }

    private mutating func bridge(_ bridge: LegacyObject) throws(PlasmidError) {
        let presence = try bridge.text("presence", default: nil)
        guard ["required", "optional"].contains(presence), let given = bridge["reference"] else {
            throw LegacyObject.fault("a bridge has no `presence` or no `reference`")
        }
        raw("{")
        field("presence", presence, isFirst: true)
        field("handle", try bridge.text("handle", default: nil))
        raw(",\"reference\":{")
        let reference = try LegacyObject(given, "the reference of a bridge")
        if reference["dna_address"] != nil {
            field("dna_address", try reference.text("dna_address", default: nil), isFirst: true)
        } else {
            raw("\"traits\":")
            try map(try reference.sorted("traits")) { writer, name, value throws(PlasmidError) in
                writer.raw("{\"functions\":")
                try writer.functions(try LegacyObject(value, "trait `\(name.prefix(80))`").list("functions"))
                writer.raw("}")
            }
        }
        raw("}}")
    }

    // MARK: JSON

    private mutating func list(
        _ items: [MessagePackValue], _ write: (inout LegacyWriter, MessagePackValue) throws(PlasmidError) -> Void
    ) throws(PlasmidError) {
        raw("[")
        for (index, item) in items.enumerated() {
            if index > 0 { raw(",") }
            try write(&self, item)
        }
        raw("]")
    }

    private mutating func map(
        _ members: [(key: String, value: MessagePackValue)],
        _ write: (inout LegacyWriter, String, MessagePackValue) throws(PlasmidError) -> Void
    ) throws(PlasmidError) {
        raw("{")
        for (index, member) in members.enumerated() {
            if index > 0 { raw(",") }
            string(member.key)
            raw(":")
            try write(&self, member.key, member.value)
        }
        raw("}")
    }

    /// Any JSON, members in the order of the file.
    private mutating func value(_ value: MessagePackValue) throws(PlasmidError) {
        switch value {
        case .null: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .int(let number): raw("\(number)")
        case .uint(let number): raw("\(number)")
        case .string(let text): string(text)
        case .array(let items):
            try list(items) { writer, item throws(PlasmidError) in try writer.value(item) }
        case .map:
            let object = try LegacyObject(value, "an object of `properties`")
            try map(object.members) { writer, _, member throws(PlasmidError) in try writer.value(member) }
        case .double(let number): raw(Self.decimal(number))
        case .binary, .ext: throw LegacyObject.fault("`properties` hold what is no JSON")
        }
    }

    /// The shortest decimal, in the form that Rust's ryu gives it: `1.0`, `1e16`, `1.5e-7`.
    static func decimal(_ number: Double) -> String {
        let text = number.description
        guard let mark = text.firstIndex(of: "e") else { return text }
        var exponent = Int(text[text.index(after: mark)...]) ?? 0
        let isNegative = text.hasPrefix("-")
        var mantissa = text[..<mark].drop { $0 == "-" }.filter { $0 != "." }
        let whole = text[..<mark].drop { $0 == "-" }.prefix { $0 != "." }.count
        exponent += whole - 1
        while mantissa.count > 1, mantissa.hasSuffix("0") { mantissa.removeLast() }
        let sign = isNegative ? "-" : ""
        // Swift turns to exponents at other places than Rust.
        if (-5...15).contains(exponent) {
            if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + mantissa }
            let padded = mantissa + String(repeating: "0", count: max(0, exponent + 1 - mantissa.count))
            let split = padded.index(padded.startIndex, offsetBy: exponent + 1)
            let rest = padded[split...]
            return sign + padded[..<split] + "." + (rest.isEmpty ? "0" : rest)
        }
        let first = mantissa.prefix(1)
        let rest = mantissa.dropFirst()
        return sign + first + (rest.isEmpty ? "" : "." + rest) + "e\(exponent)"
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case 0x22: raw("\\\"")
            case 0x5C: raw("\\\\")
            case 0x08: raw("\\b")
            case 0x09: raw("\\t")
            case 0x0A: raw("\\n")
            case 0x0C: raw("\\f")
            case 0x0D: raw("\\r")
            case ..<0x20: raw("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

/// Base58 as Bitcoin and IPFS write it.
enum Base58 {
    private static let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for place in digits.indices {
                carry += Int(digits[place]) << 8
                digits[place] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = bytes.prefix { $0 == 0 }.map { _ in alphabet[0] }
        return String(decoding: zeros + digits.reversed().map { alphabet[Int($0)] }, as: UTF8.self)
    }
}
