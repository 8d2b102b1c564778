import Testing

/// Every rule finds what it is for, in a small bad snippet, and leaves a good one alone.
@Suite("the rules")
struct RuleTests {
    private func file(_ text: String, _ path: String = "Sources/Chain/Thing.swift") -> RepositoryFile {
        RepositoryFile(path: path, text: text)
    }

    @Test("blanking keeps positions and takes out comments and literals")
    func blanking() {
        let text = """
            let a = "x // y" // words
            /* outer /* inner */ still */ let b = #"a "quoted" \\(word)"# + "\\(f("}"))}" + c
            """
        let blank = Blanking.blank(text)
        #expect(blank.utf8.count == text.utf8.count)
        #expect(
            blank.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") } == [
                "let a =", "let b = + + c",
            ])
        #expect(Blanking.blank("f(\"a\") // b", .comments) == "f(\"a\")     ")
    }

    @Test("blanking ends long literals where they end")
    func longLiterals() {
        let text = "let a = \"\"\"\n  say \"hi\" {\n  \"\"\"\nlet b = 1\n"
        #expect(
            Blanking.blank(text).split(separator: "\n").map { $0.split(separator: " ").joined() } == [
                "leta=", "", "", "letb=1",
            ])
    }

    private let table = ImportTable(
        markdown: """
            ## Other
            | `Chain` | no | `Wrong` |
            ### What may import what
            | target | what | may import |
            |---|---|---|
            | `Chain` | rules | `Integrity` |
            | `CSodium`, `CLMDB` | maps | nothing |
            | `Plugins/*` | zomes | `HDK` |
            """)

    @Test("an import that the table does not allow is found with its line and what is allowed")
    func imports() {
        let found = table.check(file("import Integrity\n\n@preconcurrency internal import struct Foundation.Data\n"))
        #expect(
            found.map(\.description) == [
                "Sources/Chain/Thing.swift:3: Chain may not import Foundation; it may import Integrity"
            ])
        #expect(table.check(file("import Glibc\nimport Synchronization\n// import NIOCore\n")).isEmpty)
        #expect(
            table.check(file("import NIOCore\n", "Sources/CLMDB/x.swift")).first?.message.contains("may import nothing")
                == true)
        #expect(table.check(file("import Integrity\n", "Plugins/Notes/Notes.swift")).count == 1)
        #expect(table.check(file("import HDK\n", "Plugins/Notes/Notes.swift")).isEmpty)
        #expect(table.check(file("", "Sources/Unheard/x.swift")).first?.message.contains("not in the table") == true)
        #expect(table.check(file("import Testing\n", "Tests/ChainTests/x.swift")).isEmpty)
    }

    @Test("a file over the limit is found, a known one may only shrink")
    func fileLength() {
        let long = file(String(repeating: "// line\n", count: 501))
        #expect(Lengths.checkFile(file(String(repeating: "// line\n", count: 500))).isEmpty)
        #expect(Lengths.checkFile(long).count == 1)
        #expect(Lengths.checkFile(long, known: [long.path: 501]).isEmpty)
        #expect(Lengths.checkFile(long, known: [long.path: 500]).first?.message.contains("grew") == true)
        #expect(Lengths.checkFile(long, known: [long.path: 502]).first?.message.contains("shrank") == true)
    }

    @Test("functions are measured from their keyword to their closing brace")
    func functions() {
        let found = Lengths.functions(
            in: file(
                """
                protocol P {
                    func required(a: Int) -> Int
                    init(x: Int)
                }
                struct S {
                    init?(x: Int) { self.init(y: x) }
                    func long(
                        _ body: () -> Void = { }
                    )
                        throws -> Int
                    {
                        let brace = "{"
                        return 1
                    }
                    var call: S { .init(x: 1) }
                }
                """))
        #expect(found == [.init(name: "init", line: 6, lines: 1), .init(name: "long", line: 7, lines: 8)])
    }

    @Test("a function over the limit is found")
    func functionLength() {
        let body = String(repeating: "    work()\n", count: 59)
        let long = file("func grow() {\n\(body)}\n")
        #expect(Lengths.checkFunctions(long).map(\.line) == [1])
        #expect(Lengths.checkFunctions(long, known: ["Sources/Chain/Thing.swift:grow": 61]).isEmpty)
        #expect(Lengths.checkFunctions(file("func small() {\n    work()\n}\n")).isEmpty)
    }

    private static let bad = [
        "try" + "! f()", "x as" + "! Y", "fatal" + "Error(\"x\")", "print(1)", "Task" + ".detached { }",
        "await Task" + ".sleep(for: x)", "Thread" + ".sleep(1)", "u" + "sleep(1)", "Date()", "Int.random(in: 0..<2)",
        "a.shuffled()", "a.shuffle()", "a.randomElement()", "SystemRandomNumberGenerator()", "ContinuousClock.now",
        "clock_gettime(a, b)", "AsyncStream<Int> { _ in }", "// TO" + "DO later", "// FIX" + "ME", "// XX" + "X",
    ]

    @Test("banned texts are found", arguments: bad)
    func banned(text: String) {
        let found = BannedText.check(file("let a = 1\n\(text)\n"))
        #expect(found.map(\.line) == [2])
        #expect(found.first?.message.contains("use ") == true)
    }

    private static let good = [
        "// print(1)", "let s = \"try" + "!\"", "blueprint(1)", "Int.random(in: 0..<2, using: &rng)", "TO" + "DOs",
        "let feed: AsyncStream<Int>", "AsyncStream(bufferingPolicy: .bufferingOldest(4)) { _ in }",
        "a.shuffled(using: &rng)", "canvas" + "!",
    ]

    @Test("what only looks like a banned text is left alone", arguments: good)
    func notBanned(text: String) {
        #expect(BannedText.check(file(text)).isEmpty)
    }

    @Test("the command line may print, other modules may ask the clock")
    func scopes() {
        #expect(BannedText.check(file("print(1)", "Sources/plasmid/main.swift")).isEmpty)
        #expect(BannedText.check(file("ContinuousClock.now", "Sources/Conductor/Loop.swift")).isEmpty)
    }

    @Test("unchecked promises need words above them")
    func promises() {
        let bare = "final class A: @unchecked" + " Sendable {}\n"
        #expect(Explanations.checkPromises(file(bare)).map(\.line) == [1])
        #expect(Explanations.checkPromises(file("\n" + bare)).map(\.line) == [2])
        #expect(Explanations.checkPromises(file("// Confined to the loop.\n@dynamicMemberLookup\n" + bare)).isEmpty)
        #expect(Explanations.checkPromises(file("nonisolated" + "(unsafe) var a = 1\n")).count == 1)
        #expect(
            Explanations.checkPromises(file("nonisolated" + "(unsafe) var a = 1  // set once, before any thread\n"))
                .isEmpty)
    }

    @Test("a test file without tests or expectations is found")
    func testFiles() {
        let path = "Tests/ChainTests/HeadTests.swift"
        #expect(Explanations.checkTests(file("struct Helper {}", path)).count == 1)
        #expect(Explanations.checkTests(file("@Test func a() { work() }", path)).count == 1)
        #expect(Explanations.checkTests(file("@Test func a() { #expect(true) }", path)).isEmpty)
        #expect(Explanations.checkTests(file("struct Helper {}", "Tests/ChainTests/Helper.swift")).isEmpty)
    }

    @Test("paths of one machine are found")
    func machinePaths() {
        #expect(Explanations.checkMachinePaths(file("let a = \"/t" + "mp/x\"")).count == 1)
        #expect(Explanations.checkMachinePaths(file("see /ho" + "me/ada/notes")).count == 1)
        #expect(Explanations.checkMachinePaths(file("let a = \"\\(data)/t" + "mp/x\" // ${X}/o" + "pt/y")).isEmpty)
    }

    @Test("large files are found")
    func sizes() {
        #expect(Explanations.checkSize("a.bin", bytes: 256 * 1024 + 1).count == 1)
        #expect(Explanations.checkSize("a.bin", bytes: 256 * 1024).isEmpty)
    }

    @Test("a signing domain or a signature outside its place is found")
    func signing() {
        #expect(Signing.check(file("let d = \"plasmid:call:v1\"")).count == 1)
        #expect(
            Signing.check(file("let d = \"plasmid:call:v1\"", "Sources/Integrity/Signing/SigningDomain.swift")).isEmpty)
        #expect(Signing.check(file("Ed25519.sign(a, with: b)")).count == 1)
        #expect(Signing.check(file("let key = SecretKey(seed: seed)")).count == 1)
        #expect(Signing.check(file("Ed25519.sign(a, with: b)", "Sources/Keystore/Sign.swift")).isEmpty)
    }

    @Test("error codes and their page agree")
    func errorCodes() {
        let source = file(
            "static let a = Code(\"headMoved\")\nstatic let b: Code = \"noSuchThing\"\nlet c = Code(rawValue: \"third\")"
        )
        #expect(
            ErrorCodes.declared(in: file("extension PlasmidError.Code {\nlet a = Self(rawValue: \"fourth\")}")).map(
                \.code) == ["fourth"])
        #expect(ErrorCodes.declared(in: file("throw PlasmidError(\"fifth\", words)")).map(\.code) == ["fifth"])
        let page = file(
            """
            | code | what happened | what to do |
            |---|---|---|
            | `headMoved` | Another call committed first. | Call again. |
            | `noSuchThing` | | |
            | `unused` | Something that never happens. | Nothing at all. |
            """, "docs/errors.md")
        let found = ErrorCodes.check(sources: [source], document: page).map(\.description)
        #expect(found.count == 3)
        #expect(found.contains { $0.contains("Thing.swift:3: error code third is not in") })
        #expect(found.contains { $0.contains("no source declares the code unused") })
        #expect(found.contains { $0.contains("noSuchThing lacks a sentence") })
    }

    @Test("host operations without a row or a method are found, and rows without an operation")
    func hostOperations() {
        let list = file("enum Kind { \n case one = 0\n}\nenum HostOperation {\n    case get = 4\n    case put = 5\n}")
        let page = file("## 1. A\n| `get` | x |\n| `gone` | y |\n## 2. B\n| `put` | z |\n", "docs/hdk.md")
        let specification = file("| 4 | get | x |\n", "docs/spec/zome-abi.md")
        let found = HostOperations.check(
            list: list, document: page, specification: specification, hdk: [file("ask(.get, x); ask(.putBack)")]
        ).map(\.message)
        #expect(found.filter { $0.contains("`put`") || $0.contains("`gone`") || $0.contains("`get`") }.count == 5)
        #expect(found.contains("the host operation `put` has no row"))
        #expect(found.contains("no method of the HDK asks for `put`"))
        #expect(found.contains("the host function `must_get_entry` has no row"))
    }

    @Test("dead links are found")
    func links() {
        let page = file(
            "[a](b.md) [c](../x/y.md#part) [w](https://w.org) [s](#here)\n```\n[z](z.md)\n```\n", "docs/a.md")
        let found = Documents.checkLinks(page) { $0 == "docs/b.md" }
        #expect(found.map(\.message) == ["the link ../x/y.md#part leads nowhere"])
    }

    @Test("pages that sources name and that are not there are found")
    func mentions() {
        let found = Documents.checkMentions(file("// see docs/a.md, docs/b/c-d.md.\nlet hint = \"docs/e.md\"")) {
            $0 == "docs/a.md"
        }
        #expect(
            found.map(\.description) == [
                "Sources/Chain/Thing.swift:1: docs/b/c-d.md is not there",
                "Sources/Chain/Thing.swift:2: docs/e.md is not there",
            ])
    }

    @Test("make targets and commands that do not exist are found")
    func commands() {
        let page = file(
            "`make demo` and `make coffee`\n```sh\n$ plasmid dna check x\nplasmid dna brew x\n.build/debug/plasmid tea\nplasmid --help\n```\n",
            "README.md")
        let makefile = file("A := b\nhelp: ## x\ndemo: build\n\ttest:\n", "Makefile")
        #expect(Documents.targets(makefile: makefile) == ["help", "demo"])
        let source = file(
            "let a = X(commandName: \"dna\")\nlet b = X(commandName: \"check\")", "Sources/plasmid/Dna.swift")
        let found = Documents.checkCommands(
            page, targets: Documents.targets(makefile: makefile), commands: Documents.commands(sources: [source]))
        #expect(found.map(\.line) == [1, 4, 5])
    }
}
