import Integrity
import Sodium
import Testing

@Suite("MessagePack reader and writer")
struct MessagePackReaderTests {
    private func read<R>(
        _ bytes: [UInt8], _ body: (inout MessagePackReader) throws(PlasmidError) -> R
    ) throws(PlasmidError) -> R {
        try MessagePackReader.reading(bytes, body)
    }

    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    @Test("integers that do not fit are refused, never cut")
    func ranges() throws {
        #expect(code { _ = try UInt32(packed: hex("cf0000000100000000")) } == .malformedMessagePack)
        #expect(code { _ = try UInt32(packed: hex("ff")) } == .malformedMessagePack)
        #expect(code { _ = try Int64(packed: hex("cfffffffffffffffff")) } == .malformedMessagePack)
        #expect(code { _ = try UInt64(packed: hex("d080")) } == .malformedMessagePack)
        #expect(try UInt64(packed: hex("cfffffffffffffffff")) == .max)
        #expect(try Int64(packed: hex("d38000000000000000")) == .min)
        #expect(try read(hex("ccff")) { (r: inout MessagePackReader) throws(PlasmidError) in try r.readUInt8() } == 255)
        #expect(
            code {
                _ = try read(hex("cd0100")) { (r: inout MessagePackReader) throws(PlasmidError) in try r.readUInt8() }
            } == .malformedMessagePack)
    }

    @Test("headers that promise more than there is are refused before anything is reserved")
    func lies() {
        for text in [
            "ddffffffff", "ddffffffff00", "dfffffffff", "dfffffffff0000", "dbffffffff61", "c6ffffffff00",
            "dc00030102", "de00020102", "c403aabb", "d9", "92", "81a161",
        ] {
            let bytes = hex(text)
            #expect(code { _ = try MessagePackValue(packed: bytes) } == .malformedMessagePack, "\(text)")
            #expect(code { _ = try JSONText.json(fromMessagePack: bytes) } == .malformedMessagePack, "\(text)")
            #expect(code { _ = try [String](packed: bytes) } == .malformedMessagePack, "\(text)")
            #expect(
                code {
                    try read(bytes) { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip() }
                } == .malformedMessagePack, "\(text)")
        }
    }

    @Test("an extension value with a length that lies is refused")
    func lyingExtension() {
        for text in ["c9ffffffff0100", "c7ff0100", "d80100"] {
            #expect(code { _ = try MessagePackValue(packed: hex(text)) } == .malformedMessagePack, "\(text)")
        }
    }

    @Test("64 levels are read, 65 are refused, by every way of reading")
    func depth() throws {
        for open in ["91", "81c0"] {
            let deepest = hex(String(repeating: open, count: 64) + "c0")
            let deeper = hex(String(repeating: open, count: 65) + "c0")
            #expect(throws: Never.self) { try MessagePackValue(packed: deepest) }
            #expect(code { _ = try MessagePackValue(packed: deeper) } == .tooDeep)
            try read(deepest) { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip() }
            #expect(
                code { try read(deeper) { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip() } }
                    == .tooDeep)
        }
        let arrays = hex(String(repeating: "91", count: 65) + "c0")
        #expect(code { _ = try JSONText.json(fromMessagePack: arrays) } == .tooDeep)
        #expect(code { _ = try JSONText.json(fromMessagePack: hex(String(repeating: "91", count: 100_000))) } != nil)
        #expect(code { _ = try MessagePackValue(packed: hex(String(repeating: "81", count: 100_000))) } != nil)
    }

    @Test("text that is not UTF-8 is refused")
    func utf8() throws {
        for text in ["a1ff", "a2c080", "a3eda080", "a4f4908080", "a1c3", "a3e28200", "a4f0808080", "a180"] {
            #expect(code { _ = try String(packed: hex(text)) } == .malformedMessagePack, "\(text)")
        }
        for good in ["", "ä", "€", "𝄞", "\u{10FFFF}", "\u{7FF}\u{800}\u{FFFF}\u{10000}", "plain ascii that is longer"] {
            #expect(try String(packed: good.packed) == good)
        }
    }

    @Test("left-over bytes are refused")
    func leftOver() {
        #expect(code { _ = try Bool(packed: [0xC3, 0xC3]) } == .malformedMessagePack)
        #expect(code { _ = try Timestamp(packed: []) } == .malformedMessagePack)
    }

    @Test("a field that comes twice is refused, a field that lacks is named")
    func fields() throws {
        let twice = hex("82a6686561646572") + [0x80] + hex("a6686561646572") + [0x80]
        #expect(code { _ = try Action(packed: twice) } == .malformedMessagePack)
        do {
            _ = try CapClaim(packed: MessagePackValue.map(["tag": "t"]).packed)
            Issue.record("a claim without grantor was read")
        } catch { #expect(error.message.contains("`grantor`")) }
    }

    @Test("fields may come in any order, with others between")
    func order() throws {
        var random = Seeded("order of fields")
        for _ in 0..<200 {
            let action = random.action()
            var tree = try MessagePackValue(packed: action.packed)
            tree = shuffled(tree, &random)
            #expect(try Action(packed: tree.packed) == action, "seed \(random.seed)")
            let record = random.record()
            let other = shuffled(try MessagePackValue(packed: record.packed), &random)
            #expect(try Record(packed: other.packed) == record, "seed \(random.seed)")
        }
    }

    private func shuffled(_ value: MessagePackValue, _ random: inout Seeded) -> MessagePackValue {
        guard case .map(let pairs) = value else { return value }
        var next = pairs.map { MessagePackValue.Pair(key: $0.key, value: shuffled($0.value, &random)) }
        // An enum's map has one key and takes no other.
        if pairs.count > 1 { next.append(.init("not a field", random.value(depth: 2))) }
        return .map(next.shuffled(using: &random))
    }

    @Test("open containers get the header that their count asks for")
    func openContainers() throws {
        for count in [0, 1, 15, 16, 255, 256, 65_535, 65_536] {
            var w = MessagePackWriter()
            w.writeString("before")
            let start = w.beginContainer()
            for _ in 0..<count { w.writeBool(true) }
            w.endArray(start, count: count)
            w.writeString("after")
            var plain = MessagePackWriter()
            plain.writeString("before")
            plain.writeArrayHeader(count)
            for _ in 0..<count { plain.writeBool(true) }
            plain.writeString("after")
            #expect(w.bytes == plain.bytes, "\(count)")
        }
    }

    @Test("the writer grows, is cut back, and lends what it holds")
    func writer() {
        var w = MessagePackWriter(reserving: 1)
        for index in 0..<1_000 { w.writeInt(index) }
        let all = w.bytes
        #expect(all.count == w.count)
        #expect(w.withUnsafeBytes { [UInt8]($0) } == all)
        w.truncate(to: 3)
        #expect(w.bytes == [0, 1, 2])
    }
}
