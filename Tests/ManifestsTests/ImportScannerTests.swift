import Integrity
import Testing

@testable import Manifests

@Suite("imports of a Swift source")
struct ImportScannerTests {
    private func modules(_ text: String) -> [String] { ImportScanner.imports(in: Array(text.utf8)).map(\.module) }

    @Test(
        "imports are found in every form",
        arguments: [
            ("import HDK", ["HDK"]), ("import HDK\nimport Foundation", ["HDK", "Foundation"]),
            ("import HDK; import Glibc", ["HDK", "Glibc"]), ("\t  import   Glibc", ["Glibc"]),
            ("public import A\n@testable import B\n@preconcurrency internal import C", ["A", "B", "C"]),
            ("import struct Glibc.timespec", ["Glibc"]), ("import func Glibc.time", ["Glibc"]),
            ("import Foundation.NSDate", ["Foundation"]), ("import\nFoundation", ["Foundation"]),
            ("import /* a */ Foundation", ["Foundation"]), ("import // a\n Foundation", ["Foundation"]),
            ("import `Foundation`", ["Foundation"]), ("/**/import A", ["A"]), ("}import A", ["A"]),
            ("let a = \"x\"import A", ["A"]), ("#if DEBUG\nimport A\n#endif", ["A"]), ("import", ["something unnamed"]),
            ("let s = \"\\(f(\"a\"))\"\nimport A", ["A"]), ("let s = #\"\\(\"#; import A", ["A"]),
            ("let s = \"\"\"\n \" \"\" \n\"\"\"; import A", ["A"]), ("let s = \"unterminated\nimport A", ["A"]),
            ("/* /* */ */ import A", ["A"]), ("let s = \"\\\\\"; import A", ["A"]),
            ("let s = #\"\\\"#; import A", ["A"]), ("\u{FEFF}import A", ["A"]),
            ("_ = \"\\(\"\\(\"\\(1)\")\")\"\nimport A", ["A"]),
        ] as [(String, [String])])
    func found(_ text: String, _ expected: [String]) {
        #expect(modules(text) == expected)
    }

    @Test(
        "what only looks like an import is none",
        arguments: [
            "// import A", "/* import A */", "/* /* */ import A */", "let s = \"import A\"", "let s = \"\\\"import A\"",
            "let s = \"\"\"\nimport A\n\"\"\"", "let s = #\"\"import A\"#", "x.import(A)", "let `import` = 1",
            "let imports = 1", "let reimport = 1", "#if canImport(A)\n#endif", "importA()", "let ümport = import2",
        ])
    func none(_ text: String) {
        #expect(modules(text) == [])
    }

    @Test("places are those of the word import")
    func places() {
        let found = ImportScanner.imports(in: Array("// ü\n/* ü */ @testable import A\n".utf8))
        #expect(found.map(\.position) == [Position(line: 2, column: 19)])
    }

    @Test("no bytes make the scanner crash or go on for ever")
    func fuzz() {
        let rounds = Fuzz("imports", rounds: 2_000)
        var random = SplitMix(state: rounds.seed)
        let pieces = [
            "import ", "A", "\"", "\"\"\"", "#", "\\(", ")", "(", "/*", "*/", "//", "\n", "`", ".", "\\", "\u{E9}",
        ]
        for _ in rounds {
            var text = ""
            for _ in 0..<(random.next() % 40) { text += pieces[Int(random.next() % UInt64(pieces.count))] }
            for found in ImportScanner.imports(in: Array(text.utf8)) { #expect(found.position.line >= 1) }
        }
        let deep = String(repeating: "\"\\(", count: 100_000)
        #expect(modules(deep).isEmpty)
        #expect(modules(String(repeating: "/*", count: 100_000)).isEmpty)
    }
}
