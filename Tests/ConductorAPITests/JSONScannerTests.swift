import Testing

@testable import ConductorAPI

/// Whether a text passes the scanner whole.
private func isJSON(_ text: [UInt8]) -> Bool {
    text.withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes)
        scanner.skipSpace()
        guard (try? scanner.value()) != nil else { return false }
        scanner.skipSpace()
        return scanner.isAtEnd
    }
}

@Suite("The scanner of JSON text")
struct JSONScannerTests {
    @Test(
        "§11.13 takes what RFC 8259 takes",
        arguments: [
            "{}", "[]", " [ ] ", "null", "true", "false", "0", "-0", "1.5e+10", "1E-2", "-12.0", "\"\"",
            "\"a\\u00e9\\n\"",
            "{\"a\":[1,{\"b\":null}],\"a\":2}", "[[[[]]]]", "\t[1 , 2]\r\n", "\"\u{7F}é😀\"", "\"\\ud800\"",
            "123456789012345678901234567890", "{\"\":0}", "[1,[2,[3]],{\"x\":{\"y\":[]}}]", "\"\\/\\b\\f\"",
        ])
    func valid(_ text: String) {
        #expect(isJSON(Array(text.utf8)))
    }

    @Test(
        "§11.13 refuses what RFC 8259 refuses",
        arguments: [
            "", " ", "{", "[", "]", "}", "{]", "[}", "[1,]", "{\"a\":1,}", "{,}", "[,1]", "{\"a\"}", "{\"a\":}",
            "{a:1}",
            "{1:2}", "[1 2]", "{\"a\":1 \"b\":2}", "01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "0x10", "NaN",
            "nul",
            "nulL", "truefalse", "tru", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"a\nb\"", "\"\u{0}\"",
            "'a'",
            "\u{FEFF}{}", "[1]]", "{}{}", "/**/1", "[1,\u{0}2]",
        ])
    func invalid(_ text: String) {
        #expect(!isJSON(Array(text.utf8)))
    }

    @Test("nests as deep as the bound and no deeper, without recursion")
    func depth() {
        let bound = JSONScanner.maximumDepth
        #expect(isJSON(Array(repeating: 0x5B, count: bound) + Array(repeating: 0x5D, count: bound)))
        #expect(!isJSON(Array(repeating: 0x5B, count: bound + 1) + Array(repeating: 0x5D, count: bound + 1)))
        #expect(!isJSON(Array(repeating: 0x5B, count: 1_000_000)))
        let objects = String(repeating: "{\"a\":", count: 10_000) + "1" + String(repeating: "}", count: 10_000)
        #expect(!isJSON(Array(objects.utf8)))
    }

    @Test("finds the end of plain text wherever the special byte stands")
    func plainRuns() {
        for special: UInt8 in [0x22, 0x5C, 0x00, 0x0A, 0x1F] {
            for count in 0..<40 {
                for place in 0..<count {
                    var text = [UInt8](repeating: 0xC3, count: count)
                    for index in stride(from: 1, to: count, by: 2) { text[index] = 0x20 }
                    text[place] = special
                    #expect(text.withUnsafeBytes { TextRun.endOfPlain($0, from: 0) } == place)
                }
            }
        }
        let plain = Array("nothing to see here: é ü \u{7F}".utf8)
        #expect(plain.withUnsafeBytes { TextRun.endOfPlain($0, from: 3) } == plain.count)
    }

    @Test("what is escaped comes back the same")
    func escapes() throws {
        var generator = SeededGenerator(seed: 41)
        for _ in 0..<500 {
            let scalars = (0..<Int.random(in: 0...60, using: &generator)).map { _ -> Unicode.Scalar in
                let ranges: [ClosedRange<UInt32>] = [
                    0...0x7F, 0x22...0x22, 0x5C...0x5C, 0x80...0xD7FF, 0x1F600...0x1F64F,
                ]
                let range = ranges[Int.random(in: 0..<ranges.count, using: &generator)]
                return Unicode.Scalar(UInt32.random(in: range, using: &generator)) ?? "?"
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            var writer = JSONWriter()
            writer.string(text)
            #expect(isJSON(writer.bytes))
            let back = writer.bytes.withUnsafeBytes { bytes in
                JSONScanner(bytes).text(JSONSpan(start: 0, end: bytes.count))
            }
            #expect(back == text, "seed 41")
        }
    }

    @Test("half of a surrogate pair is grammar but no text")
    func surrogates() {
        for (given, wanted) in [
            (#""\ud83d\ude00""#, "😀"), (#""\ud800""#, nil), (#""\udc00""#, nil), (#""\ud800\u0041""#, nil),
            (#""\ud800x""#, nil), (#""\u0041""#, "A"),
        ] as [(String, String?)] {
            let text = Array(given.utf8)
            #expect(isJSON(text))
            let read = text.withUnsafeBytes { JSONScanner($0).text(JSONSpan(start: 0, end: $0.count)) }
            #expect(read == wanted, "\(given)")
        }
    }

    @Test("keys are known by their text, however it is written")
    func keys() throws {
        let text = Array(
            #"{"json\u0072pc":"2.0","id":1,"m\u0065thod":"call","params":{"z\u006fme":"z","instance_idx":1,"zomes":2}}"#
                .utf8)
        try text.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            let request = try RequestScan(&scanner)
            #expect(scanner.text(request.method) == "call")
            #expect(scanner.text(request.version) == "2.0")
            #expect(scanner.text(request.value(.zome)) == "z")
            #expect(!request.value(.instanceID).isPresent)
            #expect(request.repeated == nil)
        }
    }

    @Test("all known parameters are found, in any order")
    func parameters() throws {
        let keys = KnownParam.allCases.map(\.key.description)
        for offset in keys.indices {
            let turned = keys[offset...] + keys[..<offset]
            let members = turned.map { "\"\($0)\" : \"v-\($0)\"" }.joined(separator: " ,")
            let text = Array("{\"params\":{\(members)},\"id\":7}".utf8)
            try text.withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes)
                let request = try RequestScan(&scanner)
                for param in KnownParam.allCases {
                    #expect(scanner.text(request.value(param)) == "v-\(param.key)")
                }
            }
        }
    }
}

/// A generator whose numbers are those of its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
