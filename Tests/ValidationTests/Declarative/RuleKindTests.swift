import Foundation
import Integrity
import Testing

@testable import Validation

/// Each kind of rule by itself: what passes, what does not, and the sentence that people read. The sentences are golden,
/// since wording is part of the product.
@Suite("declarative rules: each kind, and its sentences")
struct RuleKindTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let rule: ValueRule
        let good: [MessagePackValue]
        let bad: [(value: MessagePackValue, word: String, sentence: String)]
        var testDescription: String { rule.word }
    }

    private static func bytes(_ count: Int) -> MessagePackValue { .binary(Array(repeating: 1, count: count)) }

    private static func moved(_ bytes: [UInt8]) -> MessagePackValue {
        var bytes = bytes
        bytes[38] ^= 1
        return .binary(bytes)
    }

    static let agent = MessagePackValue.binary(AgentPubKey(hashing: [1]).bytes)
    static let action = MessagePackValue.binary(ActionHash(hashing: [1]).bytes)
    static let entry = MessagePackValue.binary(EntryHash(hashing: [1]).bytes)
    static let external = MessagePackValue.binary(ExternalHash(hashing: [1]).bytes)
    static let dna = MessagePackValue.binary(DnaHash(hashing: [1]).bytes)

    static let cases: [Case] = [
        Case(
            rule: .string(LengthRange(min: 2, max: 4_000), oneOf: []),
            good: ["ab", "é", .string(String(repeating: "x", count: 4_000))],
            bad: [
                ("", "tooShort", "`f` must not be empty."), ("a", "tooShort", "`f` is too short: 1 byte, at least 2."),
                (
                    .string(String(repeating: "x", count: 5_000)), "tooLong",
                    "`f` is too long: 5,000 bytes, at most 4,000."
                ),
                // 1,334 characters of three bytes.
                (
                    .string(String(repeating: "日", count: 1_334)), "tooLong",
                    "`f` is too long: 4,002 bytes, at most 4,000."
                ),
                (7, "wrongType", "`f` must be text, and is a whole number."),
                (.binary([0x61, 0x62]), "wrongType", "`f` must be text, and is bytes."),
            ]),
        Case(
            rule: .string(.any, oneOf: ["open", "closed"]), good: ["open", "closed"],
            bad: [
                ("Open", "notOneOf", "`f` must be one of open, closed."),
                ("", "notOneOf", "`f` must be one of open, closed."),
            ]),
        Case(
            rule: .string(.any, oneOf: (1...12).map { "w\($0)" }), good: ["w12"],
            bad: [("w", "notOneOf", "`f` must be one of w1, w2, w3, w4, w5, w6, w7, w8 and 4 more.")]),
        Case(
            rule: .integer(min: -2, max: 5, oneOf: []), good: [-2, 0, 5],
            bad: [
                (6, "tooLarge", "`f` is too large: 6, at most 5."),
                (-3, "tooSmall", "`f` is too small: -3, at least -2."),
                (.uint(.max), "tooLarge", "`f` is too large: 18446744073709551615, at most 5."),
                (.double(1), "wrongType", "`f` must be a whole number, and is a number with a fraction."),
                ("1", "wrongType", "`f` must be a whole number, and is text."),
            ]),
        Case(
            rule: .integer(min: nil, max: nil, oneOf: [1, -1, Int128(UInt64.max)]), good: [1, -1, .uint(.max)],
            bad: [(0, "notOneOf", "`f` must be one of 1, -1, 18446744073709551615.")]),
        Case(
            rule: .number(min: 0.5, max: 9), good: [.double(0.5), 1, 9, .double(9)],
            bad: [
                (0, "tooSmall", "`f` is too small: 0, at least 0.5."),
                (.double(9.25), "tooLarge", "`f` is too large: 9.25, at most 9."),
                (.double(.nan), "notFinite", "`f` must be a finite number."),
                (.double(.infinity), "notFinite", "`f` must be a finite number."),
                (true, "wrongType", "`f` must be a number, and is true or false."),
            ]),
        Case(
            rule: .boolean, good: [true, false],
            bad: [(1, "wrongType", "`f` must be true or false, and is a whole number.")]),
        Case(
            rule: .bytes(LengthRange(min: 2, max: 3)), good: [bytes(2), bytes(3)],
            bad: [
                (bytes(1), "tooShort", "`f` is too short: 1 byte, at least 2."),
                (bytes(4), "tooLong", "`f` is too long: 4 bytes, at most 3."),
                ("ab", "wrongType", "`f` must be bytes, and is text."),
            ]),
        Case(
            rule: .address(.agent, mustExist: false, of: nil), good: [agent],
            bad: [
                (action, "badAddress", "`f` must be the key of an agent, and is other bytes."),
                (bytes(39), "badAddress", "`f` must be the key of an agent, and is other bytes."),
                (
                    .string(AgentPubKey(hashing: [1]).text), "wrongType",
                    "`f` must be the key of an agent, and is text."
                ),
            ]),
        Case(
            rule: .address(.action, mustExist: false, of: nil), good: [action],
            bad: [
                (entry, "badAddress", "`f` must be the address of an action, and is other bytes."),
                // The location is another's: the same core would be one thing here and another there.
                (
                    moved(ActionHash(hashing: [1]).bytes), "badAddress",
                    "`f` must be the address of an action, and is other bytes."
                ),
            ]),
        Case(
            rule: .address(.entry, mustExist: false, of: nil), good: [entry],
            bad: [(action, "badAddress", "`f` must be the address of an entry, and is other bytes.")]),
        Case(
            rule: .address(.external, mustExist: false, of: nil), good: [external],
            bad: [(entry, "badAddress", "`f` must be an address outside the app's data, and is other bytes.")]),
        Case(
            rule: .address(.dna, mustExist: false, of: nil), good: [dna],
            bad: [(entry, "badAddress", "`f` must be the address of a DNA, and is other bytes.")]),
        Case(
            rule: .address(.hash, mustExist: false, of: nil), good: [action, entry, external],
            bad: [(agent, "badAddress", "`f` must be an address, and is other bytes.")]),
        Case(
            rule: .list(LengthRange(min: 1, max: 2), items: .string(LengthRange(max: 3), oneOf: [])),
            good: [.array(["a"]), .array(["a", "bcd"])],
            bad: [
                (.array([]), "tooShort", "`f` must not be empty."),
                (.array(["a", "b", "c"]), "tooLong", "`f` has too many items: 3, at most 2."),
                (.array(["a", "abcd"]), "tooLong", "`f[1]` is too long: 4 bytes, at most 3."),
                (.array([.null]), "wrongType", "`f[0]` must be text, and is nothing."),
                (.map([]), "wrongType", "`f` must be a list, and is a map."),
            ]),
        Case(
            rule: .map(
                LengthRange(max: 2), FieldSet([FieldRule("name", .boolean)], forbidden: ["street"], unknown: .forbid)),
            good: [.map(["name": true])],
            bad: [
                (.map([]), "missingField", "`f.name` is missing."),
                (.map(["name": 1]), "wrongType", "`f.name` must be true or false, and is a whole number."),
                (.map(["street": 1]), "forbiddenField", "`f.street` may not be given."),
                (.map(["zip\n": 1]), "unknownField", "`f.zip\u{FFFD}` is no field of a 'note'."),
                (.map(["name": true, "a": 1, "b": 2]), "tooLong", "`f` has too many fields: 3, at most 2."),
                (.array([]), "wrongType", "`f` must be a map, and is a list."),
            ]),
        Case(rule: .any, good: ["x", 1, .array([.null, .ext(1, [2])]), .map([])], bad: []),
    ]

    private func refusal(_ bytes: [UInt8], _ rules: FieldSet) -> RuleRefusal? {
        guard case .failure(let refusal) = EntryJudge.judge(bytes, by: RulePlan(rules), type: "note") else {
            return nil
        }
        return refusal
    }

    @Test("each type takes what it should, and refuses the rest in a sentence", arguments: cases)
    func kind(_ kind: Case) {
        let rules = FieldSet([FieldRule("f", kind.rule)])
        for value in kind.good {
            #expect(refusal(MessagePackValue.map(["f": value]).packed, rules) == nil, "\(value)")
        }
        for (value, word, sentence) in kind.bad {
            let found = refusal(MessagePackValue.map(["f": value]).packed, rules)
            #expect(
                found?.word.rawValue == word && found?.message == sentence, "\(value): \(String(describing: found))")
        }
    }

    @Test("required, optional, forbidden, unknown and repeated fields; nothing counts as not there")
    func presence() {
        let rules = FieldSet(
            [FieldRule("must", .boolean), FieldRule("may", .boolean, required: false)], forbidden: ["never"])
        let strict = FieldSet([FieldRule("may", .boolean, required: false)], unknown: .forbid)
        func told(_ value: MessagePackValue, _ set: FieldSet = rules) -> String? { refusal(value.packed, set)?.message }
        #expect(told(.map(["must": true])) == nil)
        #expect(told(.map(["must": true, "may": .null, "else": 7])) == nil)
        #expect(told(.map(["must": true, "may": false])) == nil)
        #expect(told(.map([])) == "`must` is missing.")
        #expect(told(.map(["must": .null])) == "`must` is missing.")
        #expect(told(.map(["must": true, "never": .null])) == "`never` may not be given.")
        #expect(told(.map(["must": true, "must": true])) == "`must` is given twice.")
        #expect(told(.map(["must": true, "may": .null, "may": true])) == "`may` is given twice.")
        #expect(told(.map([.init(key: 1, value: true)])) == "A 'note' has a field whose name is not text.")
        #expect(told(.map(["may": true, "other": 1]), strict) == "`other` is no field of a 'note'.")
        let long = String(repeating: "x", count: 100)
        #expect(told(.map([.init(long, 1)]), strict) == "`\(long.prefix(40))` is no field of a 'note'.")
    }

    @Test("an entry is one map, whole and readable")
    func shape() {
        let rules = FieldSet([FieldRule("f", .any, required: false)], forbidden: ["g"])
        let broken = "The bytes of this 'note' are damaged: they are no MessagePack."
        #expect(refusal([], rules)?.message == broken)
        #expect(refusal([0xC1], rules)?.message == broken)
        #expect(refusal([0x80, 0x80], rules)?.message == broken)
        #expect(refusal([0x81, 0xA1], rules)?.message == broken)
        #expect(refusal([0x90], rules)?.message == "A 'note' has fields, and this one is something else.")
        #expect(
            refusal([0x81, 0xA1, 0x66, 0xA1, 0xFF], FieldSet([FieldRule("f", .string(.any, oneOf: []))]))?.message
                == "`f` is not readable text: it is no UTF-8.")
        let deep = [0x81, 0xA1, 0x66] + [UInt8](repeating: 0x91, count: 64) + [0xC0]
        #expect(refusal(deep, rules)?.message == "This 'note' nests lists and maps too deep: at most 64 levels.")
        #expect(refusal([0x80], rules) == nil)
    }

    @Test("numbers count, not their forms: longer encodings are as good, and unique values are equal")
    func forms() throws {
        let plan = RulePlan(FieldSet([FieldRule("n", .integer(min: 1, max: 5, oneOf: []), unique: true)]))
        let forms: [[UInt8]] = [
            [3], [0xCC, 3], [0xCD, 0, 3], [0xCE, 0, 0, 0, 3], [0xCF, 0, 0, 0, 0, 0, 0, 0, 3], [0xD0, 3], [0xD1, 0, 3],
            [0xD2, 0, 0, 0, 3], [0xD3, 0, 0, 0, 0, 0, 0, 0, 3],
        ]
        let values = try forms.map {
            try EntryJudge.judge([0x81, 0xA1, 0x6E] + $0, by: plan, type: "t").get().uniqueValues
        }
        #expect(Set(values).count == 1 && values[0].count == 1)
        let long = try EntryJudge.judge([0xDE, 0, 1, 0xD9, 1, 0x6E, 3], by: plan, type: "t").get()
        #expect(long.uniqueValues == values[0])
    }

    @Test("docs/spec/rules.md tells every word with its number, every type and every limit")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/spec/rules.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| 4") }
        for word in RefusalWord.allCases {
            #expect(rows.contains { $0.hasPrefix("| \(word.rule) |") && $0.contains("`\(word.rawValue)`") }, "\(word)")
        }
        let types = Self.cases.map(\.rule.word) + AddressKind.allCases.map(\.rawValue)
        for type in types { #expect(page.contains("`\(type)`"), "\(type)") }
        for limit in ["1,000 such addresses", "at most 8 deep", "at most 65,536", "at most 256"] {
            #expect(page.contains(limit), "\(limit)")
        }
    }
}
