import Foundation
import Integrity
import Sodium
import Testing

private struct Note: Codable, Equatable {
    var text: String
    var to: AgentPubKey?
    var count: Int
    var data: [UInt8]
}

private struct Nested: Codable, Equatable {
    struct Item: Codable, Equatable {
        var name: String
        var amount: Double
    }
    enum Choice: Codable, Equatable {
        case plain
        case one(Int)
        case named(text: String, flag: Bool)
    }
    enum Word: String, Codable { case first, second }

    var items: [Item]
    var byName: [String: Int]
    var choice: Choice
    var word: Word
    var small: UInt8
    var large: UInt64
    var negative: Int16
    var half: Float
    var maybe: [Int?]
    var time: Timestamp
    var secret: CapSecret
    var signature: Signature
    var raw: MessagePackValue
    var link: AnyLinkableHash
    var none: Int?
    var flag: Bool
}

private struct Empty: Codable, Equatable {}

private class Base: Codable {
    var base = 1
}

private final class Derived: Base {
    var own = 2
    private enum CodingKeys: String, CodingKey { case own }
    override init() { super.init() }
    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        own = try container.decode(Int.self, forKey: .own)
        try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(own, forKey: .own)
    }
}

/// Recursive, to be nested as deep as one likes.
private final class Box: Codable {
    var inner: Box?
    init(_ inner: Box?) { self.inner = inner }
}

@Suite("Codable to MessagePack and back")
struct CodingTests {
    private func tree(_ value: some Encodable) throws -> MessagePackValue {
        try MessagePackValue(packed: try MessagePackEncoder().encode(value))
    }

    private func fault<T: Decodable>(_ type: T.Type, _ value: MessagePackValue) -> PlasmidError? {
        do { _ = try MessagePackDecoder().decode(type, from: value.packed) } catch { return error as? PlasmidError }
        return nil
    }

    @Test("a struct is a map in declaration order; a missing optional is nil, bytes and addresses are bin")
    func shape() throws {
        let agent = AgentPubKey(core: Bytes32(repeating: 1))
        let note = Note(text: "hi", to: nil, count: -1, data: [1, 2])
        let expected = MessagePackValue.map(["text": "hi", "to": .null, "count": -1, "data": .binary([1, 2])])
        #expect(try tree(note) == expected)
        #expect(try tree(Note(text: "", to: agent, count: 0, data: []))["to"] == .binary(agent.bytes))
        #expect(try tree(Empty()) == .emptyMap)
        #expect(try tree([1, 2]) == [1, 2])
        #expect(try tree("text") == "text")
        #expect(try tree([UInt8](repeating: 3, count: 2)) == .binary([3, 3]))
        #expect(try tree(Int?.none) == .null)
        #expect(try tree(true) == true)
        #expect(try tree(agent) == .binary(agent.bytes))
    }

    @Test("all kinds of fields come back")
    func roundTrip() throws {
        var random = Seeded("coding")
        for _ in 0..<50 {
            let value = Nested(
                items: (0..<Int.random(in: 0...40, using: &random)).map { .init(name: "\($0)", amount: 0.5) },
                byName: ["a": 1, "ä": 2], choice: random.chance(2) ? .one(7) : .named(text: "t", flag: true),
                word: .second, small: 255, large: .max, negative: -300, half: 0.25, maybe: [1, nil, 3],
                time: Timestamp(microseconds: -5), secret: CapSecret(random.bytes64()),
                signature: Signature(random.bytes64()), raw: random.value(), link: random.linkable(), none: nil,
                flag: true)
            let bytes = try MessagePackEncoder().encode(value)
            #expect(try MessagePackDecoder().decode(Nested.self, from: bytes) == value, "seed \(random.seed)")
            var writer = MessagePackWriter()
            try MessagePackEncoder().encode(value, into: &writer)
            let appended = writer.bytes
            #expect(try MessagePackDecoder().decode(Nested.self, from: appended) == value)
        }
        #expect(try MessagePackDecoder().decode(Empty.self, from: [0x80]) == Empty())
        #expect(
            try MessagePackDecoder().decode(
                Nested.Choice.self, from: try MessagePackEncoder().encode(Nested.Choice.plain)) == .plain)
        let record = Seeded.example { $0.record() }
        #expect(
            try MessagePackDecoder().decode([Record].self, from: try MessagePackEncoder().encode([record])) == [record])
        let derived = Derived()
        derived.base = 5
        let bytes = try MessagePackEncoder().encode(derived)
        #expect(try MessagePackDecoder().decode(Derived.self, from: bytes).base == 5)
    }

    @Test("bytes and addresses read from every accepted form")
    func leniency() throws {
        let agent = AgentPubKey(core: Bytes32(repeating: 1))
        let forms: [(MessagePackValue, MessagePackValue)] = [
            (.binary(agent.bytes), .binary([1, 2])), (.string(agent.text), "AQI="),
            (.array(agent.bytes.map { .int(Int64($0)) }), [1, 2]),
        ]
        for (to, data) in forms {
            let map = MessagePackValue.map(["data": data, "more": 1, "count": 1, "to": to, "text": "x"])
            let note = try MessagePackDecoder().decode(Note.self, from: map.packed)
            #expect(note == Note(text: "x", to: agent, count: 1, data: [1, 2]))
        }
        let secret = CapSecret(Samples.sequence64)
        let text = MessagePackValue.string(Base64.encode(Samples.sequence64.array))
        #expect(try MessagePackDecoder().decode(CapSecret.self, from: text.packed) == secret)
        #expect(try MessagePackDecoder().decode(Double.self, from: MessagePackValue.int(3).packed) == 3)
        let keyed = MessagePackValue.map([.init(key: .binary(agent.bytes), value: 4), .init(key: 5, value: 6)])
        #expect(try MessagePackDecoder().decode([String: Int].self, from: keyed.packed) == [agent.text: 4, "5": 6])
    }

    @Test("faults name the field and what is there instead")
    func faults() {
        #expect(fault(Note.self, .map(["to": .null, "count": 1, "data": []]))?.message == "missing field `text`")
        let wrong = fault(Note.self, .map(["text": 5, "to": .null, "count": 1, "data": []]))
        #expect(wrong?.message == "text: expected text, found an integer")
        #expect(wrong?.code == .badInput)
        let items = MessagePackValue.map(["items": [.map(["name": "a", "amount": 1]), .map(["name": "b"])]])
        #expect(fault(Nested.self, items)?.message == "missing field `items[1].amount`")
        let deep = MessagePackValue.map(["items": [.map(["name": 1, "amount": 1])]])
        #expect(fault(Nested.self, deep)?.message == "items[0].name: expected text, found an integer")
        #expect(fault(UInt8.self, 256)?.message == "the value: the number does not fit UInt8")
        #expect(fault([UInt8].self, "no base64!")?.message == "the value: the text is not base64")
        #expect(fault(Nested.Word.self, "third")?.code == .badInput)
        #expect(fault(AgentPubKey.self, "uhCAk")?.code == .badInput)
        #expect(fault(Note.self, .null)?.message == "the value: expected a map, found nil")
        #expect(fault([Int].self, .map(["a": 1]))?.message == "the value: expected an array, found a map")
        #expect(fault((Int?).self, "x") != nil)
    }

    @Test("values nested without end are refused, not followed")
    func depth() throws {
        var box = Box(nil)
        for _ in 0..<10_000 { box = Box(box) }
        do {
            _ = try MessagePackEncoder().encode(box)
            Issue.record("10,000 levels were written")
        } catch { #expect((error as? PlasmidError)?.code == .tooDeep) }
        // Unwinds the chain by hand: a chain of deinits this long would be deep by itself.
        var next: Box? = box
        while let here = next {
            next = here.inner
            here.inner = nil
        }
        let bytes = [UInt8](repeating: 0x91, count: 50_000) + [0xC0]
        #expect(throws: PlasmidError.self) { try MessagePackDecoder().decode(Box.self, from: bytes) }
    }

    @Test("a container that is used too late is an error, not a crash")
    func lateContainer() {
        struct Late: Encodable {
            enum Key: String, CodingKey { case a, b }
            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Key.self)
                var inner = outer.nestedUnkeyedContainer(forKey: .a)
                try inner.encode(1)
                try outer.encode(2, forKey: .b)
                try inner.encode(3)
            }
        }
        struct Two: Encodable {
            enum Key: String, CodingKey { case a }
            func encode(to encoder: any Encoder) throws {
                var map = encoder.container(keyedBy: Key.self)
                try map.encode(1, forKey: .a)
                var list = encoder.unkeyedContainer()
                try list.encode(2)
            }
        }
        #expect(throws: PlasmidError.self) { try MessagePackEncoder().encode(Late()) }
        #expect(throws: PlasmidError.self) { try MessagePackEncoder().encode(Two()) }
    }

    @Test("in JSON coders addresses are text, and records are refused")
    func otherCoders() throws {
        let agent = AgentPubKey(core: Bytes32(repeating: 1))
        let json = try JSONEncoder().encode([agent])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(agent.text)\"]")
        #expect(try JSONDecoder().decode([AgentPubKey].self, from: json) == [agent])
        let record = Seeded.example { $0.record() }
        #expect(throws: EncodingError.self) { try JSONEncoder().encode(record) }
    }
}

extension Seeded {
    fileprivate static func example<Value>(_ make: (inout Seeded) -> Value) -> Value {
        var random = Seeded("example")
        return make(&random)
    }
}
