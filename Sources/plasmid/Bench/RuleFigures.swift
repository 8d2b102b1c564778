import Foundation
import Integrity
import Sodium
import Validation

/// The conductor's own check of an entry by the rules of its manifest.
enum RuleFigures {
    /// Nothing is held: the entry names nothing that must exist.
    private struct Nothing: ValidationReads {
        func action(_ hash: ActionHash) -> Action? { nil }
        func entry(_ hash: EntryHash) -> Entry? { nil }
    }

    /// A note of 1 KiB with a field of every kind, and the rules for all of them.
    private static let type = EntryTypeDef(
        name: "note",
        rules: EntryRules(
            fields: FieldSet(
                [
                    FieldRule("title", .string(LengthRange(min: 1, max: 200), oneOf: [])),
                    FieldRule("text", .string(LengthRange(max: 4_000), oneOf: [])),
                    FieldRule("state", .string(.any, oneOf: ["draft", "open", "done"])),
                    FieldRule("stars", .integer(min: 1, max: 5, oneOf: [])),
                    FieldRule("price", .number(min: 0, max: 1_000)), FieldRule("pinned", .boolean),
                    FieldRule("seal", .bytes(LengthRange(min: 32, max: 32))),
                    FieldRule("to", .address(.agent, mustExist: false, of: nil)),
                    FieldRule("about", .address(.action, mustExist: false, of: nil)),
                    FieldRule(
                        "tags", .list(LengthRange(max: 10), items: .string(LengthRange(max: 40), oneOf: []))),
                    FieldRule(
                        "place",
                        .map(
                            .any,
                            FieldSet([
                                FieldRule("name", .string(.any, oneOf: [])),
                                FieldRule("height", .number(min: nil, max: nil), required: false),
                            ]))),
                ], forbidden: ["author"], unknown: .forbid), update: .author, delete: .author))

    private static func entry() -> [UInt8] {
        func packed(_ text: String) -> [UInt8] {
            MessagePackValue.map([
                "title": "What we agreed on at the lake", "text": .string(text), "state": "open", "stars": 4,
                "price": .double(12.5), "pinned": true, "seal": .binary([UInt8](repeating: 7, count: 32)),
                "to": .binary(AgentPubKey(hashing: [1]).bytes), "about": .binary(ActionHash(hashing: [2]).bytes),
                "tags": ["lake", "summer", "agreement", "who brings what"],
                "place": .map(["name": "the lake", "height": 395]),
            ]).packed
        }
        return packed(String(repeating: "ö", count: (1_024 - packed("").count) / 2))
    }

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let dna = DnaDefinition(name: "ruled", integrity: IntegritySection(entryTypes: [type]))
        guard let app = dna.integrity.appEntryDef(named: type.name) else {
            throw PlasmidError(.internal, "the type of the figure is not in its own DNA")
        }
        let rules = DeclarativeRules(dna: dna)
        let bytes = entry()
        let content = Entry.app(bytes)
        let agent = AgentPubKey(hashing: [3])
        let action = Action(
            header: ActionHeader(
                author: agent, timestamp: Timestamp(microseconds: 1), actionSeq: 9, prevAction: ActionHash(hashing: [4])
            ),
            data: .create(entryType: .app(app), entryHash: content.hash))
        let op = ChainOp(
            type: .createEntry, action: action, signature: Signature(Bytes64()),
            entry: .present(content))
        var (latency, floors) = (Samples(), Samples())
        let batch = 100
        for _ in 0..<place.count(2_000, quick: 500) {
            let start = monotonicSeconds()
            for _ in 0..<batch {
                guard try rules.check(op: op, reads: Nothing()) == .valid else {
                    throw PlasmidError(.validationFailed, "the entry of the figure is refused")
                }
            }
            latency.add((monotonicSeconds() - start) / Double(batch))
            let skip = monotonicSeconds()
            for _ in 0..<batch {
                try MessagePackReader.reading(bytes) { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip()
                }
            }
            floors.add((monotonicSeconds() - skip) / Double(batch))
        }
        return [
            Figure(
                name: "rules.entry", unit: "µs", value: latency.median * 1e6, p50: latency.median * 1e6,
                p99: latency.quantile(0.99) * 1e6, floor: floors.median * 1e6,
                floorName: "stepping over the same \(bytes.count) bytes of MessagePack", budget: .atMost(10))
        ]
    }
}
