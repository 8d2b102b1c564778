import Foundation
import Testing

@testable import plasmid

@Suite("check --watch", .timeLimit(.minutes(3)))
struct WatchTests {
    private static func dna(_ key: String = "name") -> String {
        "manifest_version: \"1\"\n\(key): x\nintegrity: { network_seed: s }\n"
            + "coordinator: { zomes: [ { name: z, module: Z } ] }\n"
    }

    /// Saves as editors do: a new file beside the old one, then a rename over it.
    private static func replace(_ path: String, _ text: String) throws {
        try writeFile(text, to: path + ".new")
        try #require(rename(path + ".new", path) == 0)
    }

    @Test("each change is told once, however it was saved; Ctrl-C ends with the status of the last check")
    func told() async throws {
        try await Spoken.alone { folder in
            let file = folder + "/dna.yaml"
            try writeFile(Self.dna(), to: file)
            let watch = try Spoken([Spoken.plasmid, "dna", "check", "dna.yaml", "--watch", "--no-modules"], in: folder)
            #expect(watch.hear("dna.yaml: valid") != nil && watch.hear("watching") != nil, "\(watch.words)")

            // Written in place.
            try writeFile(Self.dna("nmae"), to: file)
            #expect(watch.hear("changed: dna.yaml") != nil && watch.hear("[unknownKey]") != nil, "\(watch.words)")
            #expect(watch.hear("watching") != nil)

            // What lies beside it is nobody's business.
            try writeFile("x", to: folder + "/dna.yaml~")
            try writeFile("x", to: folder + "/.dna.yaml.swp")
            try Self.replace(file, Self.dna())
            #expect(watch.hear("changed: dna.yaml") != nil && watch.hear("dna.yaml: valid") != nil, "\(watch.words)")
            #expect(watch.hear("watching") != nil)

            // Taken away, and made again.
            try FileManager.default.removeItem(atPath: file)
            #expect(watch.hear("[fileMissing]") != nil && watch.hear("watching") != nil, "\(watch.words)")
            try writeFile(Self.dna("nome"), to: file)
            #expect(watch.hear("[unknownKey]") != nil && watch.hear("watching") != nil, "\(watch.words)")
            #expect(watch.stop() == 1, "the last check found faults")
            #expect(watch.lines.count { $0.hasPrefix("changed: ") } == 4, "\(watch.words)")
            #expect(watch.lines.count { $0.hasPrefix("watching ") } == 5, "\(watch.words)")
        }
    }

    @Test("a file in a folder that is not there yet is waited for, and SIGTERM ends a valid one with 0")
    func later() async throws {
        try await Spoken.alone { folder in
            let words = [Spoken.plasmid, "dna", "check", "a/b/dna.yaml", "--watch", "--no-modules", "--json"]
            let watch = try Spoken(words, in: folder)
            #expect(watch.hear("fileMissing") != nil && watch.hear("watching") != nil, "\(watch.words)")
            try writeFile(Self.dna(), to: folder + "/a/b/dna.yaml")
            #expect(watch.hear("\"valid\":true") != nil && watch.hear("watching") != nil, "\(watch.words)")
            #expect(watch.stop(SIGTERM) == 0)
        }
    }

    @Test("of a hApp, its DNA and its validators' sources are watched")
    func deep() async throws {
        try await Spoken.alone { folder in
            try writeFile("import HDK\n", to: folder + "/Plugins/V/V.swift")
            try writeFile(
                "manifest_version: \"1\"\nname: x\nintegrity: { network_seed: s, zomes: "
                    + "[ { name: v, module: V, sources: Plugins/V } ] }\n", to: folder + "/dna.yaml")
            try writeFile(
                "manifest_version: \"1\"\nname: x\nroles: [ { name: a, dna: { path: dna.yaml } } ]\n",
                to: folder + "/happ.yaml")
            let watch = try Spoken([Spoken.plasmid, "happ", "check", ".", "--watch", "--no-modules"], in: folder)
            #expect(watch.hear("happ.yaml: valid") != nil && watch.hear("watching") != nil, "\(watch.words)")
            try Self.replace(folder + "/Plugins/V/V.swift", "import Foundation\n")
            #expect(watch.hear("changed: ")?.contains("V.swift") == true && watch.hear("[forbiddenImport]") != nil)
            #expect(watch.hear("watching") != nil)
            try writeFile("import HDK\n", to: folder + "/Plugins/V/V.swift")
            #expect(watch.hear("happ.yaml: valid") != nil && watch.hear("watching") != nil, "\(watch.words)")
            try writeFile("let more = 1\n", to: folder + "/Plugins/V/Deep/More.swift")
            #expect(watch.hear("More.swift") != nil && watch.hear("happ.yaml: valid") != nil, "\(watch.words)")
            #expect(watch.hear("watching") != nil)
            #expect(watch.stop() == 0)
        }
    }
}
