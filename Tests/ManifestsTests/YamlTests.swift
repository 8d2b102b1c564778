import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("YAML reader")
struct YamlTests {
    private func read(_ text: String) -> (YamlNode?, [Diagnostic]) {
        var report = Report(file: "f")
        let node = YamlFile.read(text, report: &report)
        return (node, report.sorted)
    }

    @Test(
        "words without quotes mean what YAML 1.2 says",
        arguments: [
            ("", PlainScalar.null), ("~", .null), ("null", .null), ("nul", .text("nul")), ("true", .bool(true)),
            ("FALSE", .bool(false)), ("yes", .text("yes")), ("no", .text("no")), ("on", .text("on")), ("0", .int(0)),
            ("-17", .int(-17)), ("+5", .int(5)), ("007", .int(7)), ("0x1F", .int(31)), ("0o17", .int(15)),
            ("0x", .text("0x")), ("0xg", .text("0xg")), ("-0x1", .text("-0x1")), ("1_000", .text("1_000")),
            ("12:30", .text("12:30")), ("1.5", .double(1.5)), ("-.5", .double(-0.5)), ("1.", .double(1)),
            ("1e3", .double(1000)), ("1e", .text("1e")), (".", .text(".")), ("-", .text("-")),
            ("1.2.3", .text("1.2.3")),
            ("9223372036854775807", .int(.max)), ("9223372036854775808", .uint(9_223_372_036_854_775_808)),
            ("18446744073709551616", .unusableNumber), (".inf", .unusableNumber), ("-.INF", .unusableNumber),
            (".nan", .unusableNumber), ("1e400", .unusableNumber), ("0xFFFFFFFFFFFFFFFFF", .unusableNumber),
            ("2026-01-01", .text("2026-01-01")), ("infinity", .text("infinity")), ("nan", .text("nan")),
        ] as [(String, PlainScalar)])
    func scalars(_ text: String, _ meaning: PlainScalar) {
        #expect(PlainScalar(text) == meaning)
    }

    @Test("places count lines and Unicode scalars from 1")
    func places() throws {
        let (root, faults) = read("a: 1\r\nñ: { b: [x, \"y\"] }\n")
        #expect(faults.isEmpty)
        let list = try #require(root?["ñ"]?["b"])
        #expect(list.position == Position(line: 2, column: 9))
        guard case .list(let items) = list.content else {
            Issue.record("no list")
            return
        }
        #expect(items.map(\.position) == [Position(line: 2, column: 10), Position(line: 2, column: 13)])
        guard case .scalar("y", isPlain: false) = items[1].content else {
            Issue.record("quotes are lost")
            return
        }
    }

    @Test("a byte order mark is no fault")
    func byteOrderMark() {
        #expect(read("\u{FEFF}a: 1\n").0?["a"] != nil)
    }

    @Test("aliases never expand: many of them cost nothing")
    func aliases() {
        var text = "a: &a [x, x]\n"
        for index in 0..<200 { text += "k\(index): &b\(index) [*a, *a]\n? *a\n: 1\n" }
        let (node, faults) = read(text)
        #expect(node == nil)
        #expect(faults.map(\.code) == [.yamlAlias])
        #expect(faults.first.map { Position(line: $0.line, column: $0.column) } == Position(line: 2, column: 10))
        // Asterisks that are no aliases stay what they are.
        #expect(read("a: \"" + String(repeating: "*x ", count: 50) + "\"\n").1.isEmpty)
    }

    @Test("every repeated key is found, also many and nested ones")
    func duplicates() {
        let (node, faults) = read("a: 1\nb: { c: 1, c: 2, \"c\": 3, d: 4 }\na: 2\ne: 5\n")
        #expect(node != nil)
        #expect(faults.map(\.code) == [.duplicateKey, .duplicateKey, .duplicateKey])
        #expect(faults.map(\.line) == [2, 2, 3])
        let many = (0..<100).map { _ in "a: 1\n" }.joined()
        #expect(read(many).1.last?.code == .duplicateKey)
        #expect(read("\"\": 1\n\"\": 2\n").1.map(\.code) == [.duplicateKey])
        #expect(read("\"a\\u0062\": 1\nab: 2\n").1.map(\.code) == [.duplicateKey])
    }

    @Test("no text makes the reader crash or go on for ever")
    func fuzz() throws {
        let rounds = Fuzz("manifests", rounds: 400)
        var random = SplitMix(state: rounds.seed)
        let samples = try Samples("Good")
        let base = Array(try samples.text("notes.yaml").unicodeScalars)
        let spice = Array("{}[],:-?&*!|>'\"%@`#\n\t ~<=0123456789abc\u{1}é\u{FEFF}".unicodeScalars)
        for round in rounds {
            var scalars = base
            for _ in 0..<(1 + Int(random.next() % 6)) {
                let index = Int(random.next() % UInt64(scalars.count))
                let scalar = spice[Int(random.next() % UInt64(spice.count))]
                switch random.next() % 3 {
                case 0: scalars[index] = scalar
                case 1: scalars.insert(scalar, at: index)
                default: scalars.removeSubrange(index..<min(scalars.count, index + Int(random.next() % 40)))
                }
                if scalars.isEmpty { scalars = base }
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            let file = try samples.write("fuzz.yaml", text)
            let (manifest, faults) = ManifestReader.dna(at: file)
            #expect((manifest == nil) == faults.hasErrors, "seed \(rounds.seed) round \(round)")
            _ = ManifestReader.happ(at: file)
        }
    }
}

/// A generator with a printed seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
