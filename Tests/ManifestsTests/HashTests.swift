import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("manifests: the DNA hash")
struct HashTests {
    private func hash(_ samples: Samples, _ name: String = "notes.yaml") throws -> DnaHash {
        let (manifest, diagnostics) = ManifestReader.dna(at: samples.file(name))
        #expect(diagnostics.isEmpty, "\(diagnostics.text)")
        return try #require(manifest).definition().hash()
    }

    /// The hash of notes.yaml with one piece of its text replaced.
    private func hash(replacing old: String, by new: String) throws -> DnaHash {
        let samples = try Samples("Good")
        let text = try samples.text("notes.yaml")
        try #require(text.contains(old))
        try samples.write("notes.yaml", text.replacingOccurrences(of: old, with: new))
        return try hash(samples)
    }

    @Test("golden: the hashes of the samples never change")
    func golden() throws {
        let samples = try Samples("Good")
        #expect(try hash(samples).text == "uhC0kjQA1N7mhlkMQk7qOFozeWrtNZfsE78Pm10_4mJG3v382atkY")
        #expect(try hash(samples, "rules.yaml").text == "uhC0kkqvDy65A-2eN897hhRrnEW-SaYOI5MqSJeIJ_0l0Ug1z4tXO")
        #expect(try hash(samples, "minimal.yaml").text == "uhC0k5bou_UroAuSWGPvupND13K9SE5tAjW1a3J5Umj9845nsq3B2")
    }

    @Test("golden: the digest of the sources, and the bytes that are hashed")
    func goldenDigest() throws {
        let samples = try Samples("Good")
        var report = Report(file: "f")
        let tree = try #require(
            SourceTree.read(
                folder: samples.file("Plugins/NotesIntegrity"), shown: "s", place: .start, report: &report))
        #expect(tree.files.map(\.path) == ["Checks/Length.swift", "Notes.swift"])
        var expected: [UInt8] = [0x92]
        for file in tree.files {
            expected += [0x92, 0xA0 | UInt8(file.path.utf8.count)] + Array(file.path.utf8) + [0xC4, 32]
            expected += EntryHash(hashing: file.bytes).bytes[3..<35]
        }
        #expect(tree.canonicalBytes == expected)
        let manifest = try #require(ManifestReader.dna(at: samples.file("notes.yaml")).manifest)
        let digest = manifest.definition().integrity.zomes.first?.digest
        #expect(digest == EntryHash(hashing: expected).core)
    }

    @Test("order of keys, quotes, comments, white space, defaults and the coordinator do not enter the hash")
    func rewritten() throws {
        let samples = try Samples("Good")
        #expect(try hash(samples, "notes-rewritten.yaml") == hash(samples))
        let text = try samples.text("notes.yaml")
        try samples.write("notes.yaml", "# more\n\n" + text.replacingOccurrences(of: "\n", with: "\r\n") + "# end\n")
        #expect(try hash(samples) == hash(try Samples("Good")))
    }

    @Test(
        "a change of the coordinator, the name, a module or a default written out is the same network",
        arguments: [
            ("name: notes\nintegrity", "name: renamed\nintegrity"), ("callbacks: [init, receive, post_commit]", ""),
            ("{ name: write, access: author }", "{ name: write }"), ("access: granted", "access: public"),
            ("- name: erase", "- name: erased"), ("module: Notes\n", "module: Other\n"),
            ("module: NotesIntegrity,", "module: Validators,"), ("delete: author }", "}"), ("rules: {}", ""),
            ("messaging: { floor: direct }", ""), ("required_validations: 5", ""), ("publishing: [signed]", ""),
        ])
    func sameNetwork(_ old: String, _ new: String) throws {
        #expect(try hash(replacing: old, by: new) == hash(try Samples("Good")))
    }

    @Test(
        "a change of anything in integrity is another network",
        arguments: [
            ("network_seed: \"seed\"", "network_seed: \"seed2\""), ("limit: 10", "limit: 11"),
            ("[ada, grace]", "[grace, ada]"), ("b: true", "b: \"true\""), ("a: null", "a: ~, c: 1"),
            ("ratio: 0.5", "ratio: 0.25"), ("floor: direct", "floor: mix"), ("- name: note\n", "- name: memo\n"),
            ("visibility: public", "visibility: private"), ("max_bytes: 65536", "max_bytes: 65537"),
            ("required_validations: 5", "required_validations: 6"), ("visibility: private }", "visibility: public }"),
            ("name: inbox", "name: outbox"), ("base: agent", "base: any"), ("target: external", "target: any"),
            ("create: anyone", "create: author"), ("delete: author", "delete: anyone"),
            ("notes_integrity", "notes_checks"),
        ])
    func otherNetwork(_ old: String, _ new: String) throws {
        // Links that name a renamed type are renamed with it.
        let samples = try Samples("Good")
        var text = try samples.text("notes.yaml")
        try #require(text.contains(old))
        text = text.replacingOccurrences(of: old, with: new)
        if new.contains("memo") {
            text = text.replacingOccurrences(of: "target: note", with: "target: memo")
                .replacingOccurrences(of: "base: note", with: "base: memo")
        }
        try samples.write("notes.yaml", text)
        #expect(try hash(samples) != hash(try Samples("Good")))
    }

    @Test("the order of types is the order of their numbers: another order is another network")
    func order() throws {
        let samples = try Samples("Good")
        let text = try samples.text("notes.yaml")
        let diary = "    - { name: diary, visibility: private }\n"
        let moved = text.replacingOccurrences(of: diary, with: "")
            .replacingOccurrences(of: "  entry_types:\n", with: "  entry_types:\n" + diary)
        try samples.write("notes.yaml", moved)
        #expect(try hash(samples) != hash(try Samples("Good")))
    }

    @Test("any change of a validator's sources is another network, wherever they lie it is the same")
    func sources() throws {
        let reference = try hash(try Samples("Good"))
        #expect(try hash(try Samples("Good")) == reference, "two copies in different folders")
        func changed(_ change: (Samples) throws -> Void) throws -> DnaHash {
            let samples = try Samples("Good")
            try change(samples)
            return try hash(samples)
        }
        let folder = "Plugins/NotesIntegrity/"
        let manager = FileManager.default
        let hashes = try [
            changed { try $0.write(folder + "Notes.swift", "import HDK\n") },
            changed { try $0.write(folder + "Notes.swift", $0.text(folder + "Notes.swift") + "\n") },
            changed { try $0.write(folder + "New.swift", "") },
            changed { try $0.write(folder + "notes.txt", "") },
            changed { try manager.removeItem(atPath: $0.file(folder + "Checks/Length.swift")) },
            changed {
                try manager.moveItem(atPath: $0.file(folder + "Notes.swift"), toPath: $0.file(folder + "notes.swift"))
            },
            changed {
                try manager.moveItem(atPath: $0.file(folder + "Checks"), toPath: $0.file(folder + "Checked"))
            },
        ]
        #expect(Set(hashes + [reference]).count == hashes.count + 1)
        let touched = try changed {
            let path = $0.file(folder + "Notes.swift")
            try manager.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 0), .posixPermissions: 0o600], ofItemAtPath: path)
        }
        #expect(touched == reference, "times and modes do not count")
    }

    @Test("sources start at the nearest folder with a Package.swift, else at the manifest's")
    func sourceBase() throws {
        let samples = try Samples("Good")
        let reference = try hash(samples)
        let text = try samples.text("notes.yaml")
        try samples.write("Package.swift", "")
        try samples.write("dna/notes/dna.yaml", text)
        #expect(try hash(samples, "dna/notes/dna.yaml") == reference)
        try samples.write("dna/Package.swift", "")
        #expect(samples.diagnostics("dna/notes/dna.yaml").map(\.code) == [.sourcesMissing])
        #expect(ManifestFile.folder(of: "dna.yaml") == "." && ManifestFile.folder(of: "/dna.yaml") == "/")
        #expect(ManifestFile.join(".", "a") == "a" && ManifestFile.join("/", "a") == "/a")
    }
}
