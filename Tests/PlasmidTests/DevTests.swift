import Foundation
import Testing

@testable import plasmid

@Suite("plasmid dev", .timeLimit(.minutes(5)))
struct DevTests {
    private static let module = Spoken.root + "/Tests/Modules/Tiny/tiny.c"

    /// A package with one module in C, so that it builds in seconds, whose function `noop` says a word.
    private static func write(word: String, seed: String = "", to folder: String, then more: String = "") throws {
        let tiny = try String(contentsOfFile: module, encoding: .utf8).replacingOccurrences(
            of: #"if (named(name, name_count, "noop")) return complete(waiter, ZOME_OK, &nil, 1);"#,
            with: #"if (named(name, name_count, "noop")) return answer_text(waiter, complete, "\#(word)");"#)
        try #require(tiny.contains(word))
        try writeFile(
            """
            // swift-tools-version: 6.2
            import PackageDescription
            let package = Package(
                name: "tiny", products: [.library(name: "Tiny", type: .dynamic, targets: ["Tiny"])],
                targets: [.target(name: "Tiny")])
            """, to: folder + "/Package.swift")
        try writeFile(
            try String(contentsOfFile: Spoken.root + "/Sources/CZome/include/zome.h", encoding: .utf8),
            to: folder + "/Sources/Tiny/include/zome.h")
        try writeFile(
            """
            manifest_version: "1"
            name: tiny
            integrity: { network_seed: "\(seed)" }
            coordinator: { zomes: [ { name: tiny, module: Tiny, functions: [ { name: noop } ] } ] }

            """, to: folder + "/dna.yaml")
        try writeFile(
            "manifest_version: \"1\"\nname: tiny\nroles: [ { name: main, dna: { path: dna.yaml } } ]\n",
            to: folder + "/happ.yaml")
        try writeFile(tiny + more, to: folder + "/Sources/Tiny/tiny.c")
    }

    private static func word(_ folder: String) throws -> String? {
        let call = try Spoken(
            [Spoken.plasmid, "call", "tiny/main", "tiny", "noop", "--data", folder + "/.plasmid-dev"], in: folder)
        guard call.end() == 0 else { return call.words }
        return call.lines.first
    }

    @Test("a saved change is built and taken up; a faulty one shows the compiler's words while the old code serves")
    func takesUp() async throws {
        try await Spoken.alone { folder in
            try Self.write(word: "one", to: folder)
            let dev = try Spoken([Spoken.plasmid, "dev", ".", "--port", "0"], in: folder)
            #expect(dev.hear("watching") != nil, "\(dev.words)")
            #expect(try Self.word(folder) == #""one""#)

            try Self.write(word: "two", to: folder)
            #expect(dev.hear("has the new modules") != nil, "\(dev.words)")
            #expect(try Self.word(folder) == #""two""#)

            try Self.write(word: "three", to: folder, then: "\nint broken = unheard_of;\n")
            #expect(dev.hear("unheard_of") != nil, "\(dev.words)")
            #expect(dev.hear("what was built before goes on") != nil)
            #expect(try Self.word(folder) == #""two""#)

            try Self.write(word: "four", seed: "another street", to: folder)
            #expect(dev.hear("is another network now") != nil, "\(dev.words)")
            #expect(try Self.word(folder) == #""four""#)

            try writeFile("manifest_version: [", to: folder + "/dna.yaml")
            #expect(dev.hear("not taken up") != nil, "\(dev.words)")
            #expect(try Self.word(folder) == #""four""#)
            #expect(dev.stop() == 0, "\(dev.words)")

            let again = try Spoken([Spoken.plasmid, "dev", ".", "--port", "0"], in: folder)
            #expect(again.hear("not taken up") != nil, "\(again.words)")
            #expect(try Self.word(folder) == #""four""#)
            #expect(again.stop(SIGTERM) == 0)
        }
    }

    @Test("a folder that is no package, and a port that is none, are told at once")
    func refused() async throws {
        try await Spoken.alone { folder in
            let none = try Spoken([Spoken.plasmid, "dev", folder], in: folder)
            #expect(none.end() == 1 && none.words.contains("error[notAPackage]"), "\(none.words)")
            let port = try Spoken([Spoken.plasmid, "dev", folder, "--port", "70000"], in: folder)
            #expect(port.end() == 2)
            let name = try Spoken([Spoken.plasmid, "dev", folder, "--as", "ada", "--as", "a b"], in: folder)
            #expect(name.end() == 2 && name.words.contains("\"a b\" cannot be the name of a person"), "\(name.words)")
            #expect(!name.words.contains("building"))
        }
    }

    @Test(
        "a first start that fails says that nothing runs, with every fault; mended, it starts and tells what check knows"
    )
    func firstStart() async throws {
        try await Spoken.alone { folder in
            try Self.write(word: "one", to: folder)
            let dna = folder + "/dna.yaml"
            let good = try String(contentsOfFile: dna, encoding: .utf8)
            let bad = good.replacingOccurrences(of: "name: tiny\n", with: "nam: tiny\n")
            try writeFile(bad.replacingOccurrences(of: "module: Tiny", with: "modul: Tiny"), to: dna)
            let dev = try Spoken([Spoken.plasmid, "dev", ".", "--port", "0"], in: folder)
            #expect(dev.hear("watching") != nil, "\(dev.words)")
            #expect(dev.words.contains("nothing runs yet") && !dev.words.contains("goes on"), "\(dev.words)")
            #expect(dev.lines.count { $0.contains("[unknownKey]") } == 2 && dev.words.contains(" | nam: tiny\n"))

            try writeFile(good, to: dna)
            #expect(dev.hear("[functionUndeclared]")?.contains("echo, trap") == true, "\(dev.words)")
            #expect(dev.hear("call:  plasmid call tiny/main tiny noop ") != nil, "\(dev.words)")

            try writeFile(
                good.replacingOccurrences(of: "{ name: noop }", with: "{ name: noop }, { name: echo }"), to: dna)
            #expect(dev.hear("has the new manifest") != nil, "\(dev.words)")
            #expect(dev.hear("  tiny/main tiny: noop, echo") != nil, "\(dev.words)")
            #expect(dev.hear("[functionUndeclared]")?.contains("\"trap\"") == true, "\(dev.words)")
            #expect(dev.stop() == 0, "\(dev.words)")
        }
    }

    @Test("files that matter wake it: in new folders too, and none of the hidden ones")
    func watcher() async throws {
        try await Spoken.alone { folder in
            try writeFile("", to: folder + "/Sources/A/A.swift")
            let watcher = try Watcher(folder)
            try writeFile("x", to: folder + "/.build/debug/B.swift")
            try writeFile("x", to: folder + "/Sources/A/.A.swift.swp")
            try writeFile("x", to: folder + "/Sources/A/notes.txt")
            try writeFile("x", to: folder + "/Sources/A/A.swift")
            #expect(watcher.wait() == [folder + "/Sources/A/A.swift"])
            try writeFile("x", to: folder + "/Sources/New/Deep/C.swift")
            #expect(watcher.wait().contains(folder + "/Sources/New/Deep/C.swift"))
            try FileManager.default.removeItem(atPath: folder + "/Sources/A/A.swift")
            #expect(watcher.wait() == [folder + "/Sources/A/A.swift"])
        }
    }

    @Test("of a build's words, counting is left out and everything else stays as it is")
    func words() {
        let said = "[1/3] Compiling A\n/x/A.swift:3:1: error: no\n 3 | [1] + [2]\n[x] stays\n[12/345] Linking"
        #expect(DevPackage.shown(said) == "/x/A.swift:3:1: error: no\n 3 | [1] + [2]\n[x] stays")
    }
}
