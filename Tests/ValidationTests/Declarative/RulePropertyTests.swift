import Integrity
import Testing

@testable import Validation

@Suite("declarative rules against a second implementation")
struct RulePropertyTests {
    /// What the reader says, in the words of the second implementation.
    private func judge(_ bytes: [UInt8], _ rules: FieldSet) -> NaiveRules.Verdict {
        switch EntryJudge.judge(bytes, by: RulePlan(rules), type: "note") {
        case .success: return .fine
        case .failure(let refusal):
            var path = refusal.path
            // The name of an unknown field is shown, not compared.
            if refusal.word == .unknownField { path = Self.unnamed(path, bytes: bytes, rules) }
            return .fault(NaiveRules.Fault(word: refusal.word.rawValue, path: path))
        }
    }

    private static func unnamed(_ path: String, bytes: [UInt8], _ rules: FieldSet) -> String {
        if case .fault(let fault) = NaiveRules.judge(bytes, by: rules), fault.word == "unknownField",
            path.hasPrefix(fault.path.dropLast())
        {
            return fault.path
        }
        return path
    }

    private func agree(_ first: NaiveRules.Verdict, _ second: NaiveRules.Verdict) -> Bool {
        // Bytes that are no tree are refused for whatever comes first in them.
        if second == .unreadable, case .fault = first { return true }
        return first == second
    }

    /// The fewest fields with which the two still disagree.
    private func smallest(_ rules: FieldSet, _ bytes: [UInt8]) -> FieldSet {
        var rules = rules
        var index = 0
        while index < rules.fields.count {
            var fields = rules.fields
            fields.remove(at: index)
            let fewer = FieldSet(fields, forbidden: rules.forbidden, unknown: rules.unknown)
            if agree(judge(bytes, fewer), NaiveRules.judge(bytes, by: fewer)) { index += 1 } else { rules = fewer }
        }
        return rules
    }

    private func compare(_ bytes: [UInt8], _ rules: FieldSet, seed: UInt64) -> Bool {
        let (first, second) = (judge(bytes, rules), NaiveRules.judge(bytes, by: rules))
        if agree(first, second) { return true }
        let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        Issue.record("seed \(seed): \(first), not \(second), for \(hex) by \(smallest(rules, bytes))")
        return false
    }

    @Test(
        "random entries by random rules: the same verdict, word and place (the seed is printed, the rules are shrunk)")
    func random() {
        var counts: [String: Int] = [:]
        for seed in 1...12_000 as ClosedRange<UInt64> {
            var random = RandomRules(seed: seed)
            let rules = random.fieldSet()
            let bytes = random.entry(rules).packed
            guard compare(bytes, rules, seed: seed) else { return }
            switch judge(bytes, rules) {
            case .fault(let fault): counts[fault.word, default: 0] += 1
            default: counts["fine", default: 0] += 1
            }
        }
        // The comparison means something: every verdict came up, and often enough.
        #expect(counts["fine", default: 0] > 2_000)
        let words: [RefusalWord] = [
            .keyNotText, .repeatedField, .missingField, .forbiddenField, .unknownField, .wrongType, .notFinite,
            .badAddress,
            .tooSmall, .tooLarge, .tooShort, .tooLong, .notOneOf,
        ]
        for word in words { #expect(counts[word.rawValue, default: 0] >= 5, "\(word): \(counts)") }
    }

    @Test("damaged entries and bytes at random: refused alike, and never a trap")
    func damaged() {
        for seed in 1...12_000 as ClosedRange<UInt64> {
            var random = RandomRules(seed: seed)
            let rules = random.fieldSet()
            var bytes = random.entry(rules).packed
            for _ in 0..<(1 + random.dice.below(3)) { bytes = random.damaged(bytes) }
            guard compare(bytes, rules, seed: seed) else { return }
            let noise = (0..<random.dice.below(40)).map { _ in UInt8(truncatingIfNeeded: random.dice.next()) }
            guard compare(noise, rules, seed: seed) else { return }
            guard compare([0x81, 0xA1, 0x61] + noise, rules, seed: seed) else { return }
        }
    }

    @Test("rules survive their bytes, and the bytes are in one form")
    func roundTrip() throws {
        for seed in 1...2_000 as ClosedRange<UInt64> {
            var random = RandomRules(seed: seed)
            let rules = EntryRules(
                fields: random.fieldSet(), update: random.dice.pick(WhoMayChange.allCases),
                delete: random.dice.pick(WhoMayChange.allCases))
            let bytes = rules.packed
            let back = try EntryRules(packed: bytes)
            guard back == rules, back.packed == bytes, try MessagePackValue(packed: bytes).sorted.packed == bytes else {
                Issue.record("seed \(seed): \(rules) became \(back)")
                return
            }
        }
    }

    @Test("hostile shapes cost no more than their bytes")
    func hostile() {
        let names = (0..<256).map { FieldRule("field\($0)", .any, required: false) }
        let rules = FieldSet(names, forbidden: ["x"])
        // As many unknown names as fit, a nest of lists, promises of billions of values, of text, of pairs.
        let pairs = 400_000
        let crowd =
            [0xDF, 0, UInt8(pairs >> 16), UInt8(pairs >> 8 & 255), UInt8(pairs & 255)]
            + [UInt8](repeating: 0, count: 0) + (0..<pairs).flatMap { _ in [0xA1, 0x7A, 0xC0] as [UInt8] }
        #expect(judge(crowd, rules) == .fine)
        let nest = [0x81, 0xA6] + Array("field0".utf8) + [UInt8](repeating: 0x91, count: 1_000_000)
        #expect(judge(nest, rules) == .fault(NaiveRules.Fault(word: "tooDeep", path: "field0")))
        for promise in [
            [0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDB, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
            as [[UInt8]]
        {
            let bytes = [0x81, 0xA6] + Array("field0".utf8) + promise
            #expect(judge(bytes, rules) == .fault(NaiveRules.Fault(word: "malformed", path: "field0")))
            #expect(judge(promise, rules) == .fault(NaiveRules.Fault(word: "malformed", path: "")))
        }
        // What must exist is looked for, so there is a most.
        let addresses = FieldSet([
            FieldRule("a", .list(.any, items: .address(.action, mustExist: true, of: nil)))
        ])
        let address = MessagePackValue.binary(ActionHash(hashing: [1]).bytes)
        func naming(_ count: Int) -> [UInt8] {
            MessagePackValue.map(["a": .array(Array(repeating: address, count: count))]).packed
        }
        #expect(judge(naming(1_000), addresses) == .fine)
        let refused = NaiveRules.Fault(word: "tooManyReferences", path: "a[1000]")
        #expect(judge(naming(100_000), addresses) == .fault(refused))
        // 64 levels are the most, wherever they are.
        func nested(_ levels: Int) -> [UInt8] {
            [0x81, 0xA1, 0x71] + [UInt8](repeating: 0x91, count: levels - 1) + [0xC0]
        }
        #expect(judge(nested(64), rules) == .fine)
        #expect(judge(nested(65), rules) == .fault(NaiveRules.Fault(word: "tooDeep", path: "")))
    }
}
