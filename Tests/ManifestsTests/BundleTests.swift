import Foundation
import Integrity
import Testing

@testable import Manifests

/// A folder with samples, libraries and what is packed of them.
struct BundleBench {
    let samples: Samples

    init() throws {
        samples = try Samples("Good")
        for module in ["Notes", "NotesIntegrity", "Z"] {
            try samples.write("built/lib\(module).so", "the library \(module)")
        }
    }

    func libraries(_ platform: String = BundlePlatform.current) -> BundlePacker.Libraries {
        { manifest in
            manifest.modules.compactMap { module in
                let path = samples.file("built/lib\(module).so")
                guard FileManager.default.fileExists(atPath: path) else { return nil }
                return BundlePacker.Library(platform: platform, module: module, path: path)
            }
        }
    }

    func dna(_ name: String = "notes.yaml") throws -> BundlePacker.Packed {
        let manifest = try #require(ManifestReader.dna(at: samples.file(name)).manifest)
        return try BundlePacker.dna(manifest, libraries: libraries())
    }

    func happ(_ name: String = "notes.happ.yaml") throws -> BundlePacker.Packed {
        let happ = try #require(ManifestReader.happ(at: samples.file(name)).happ)
        return try BundlePacker.happ(happ, libraries: libraries())
    }

    /// The index and the files of a bundle.
    static func halves(_ bytes: [UInt8]) throws -> (index: MessagePackValue, files: [String: [UInt8]]) {
        var budget = BundleLimits.unpackedBytes
        let envelope = try BundleEnvelope(bytes, "it", budget: &budget)
        return (envelope.index, envelope.resources)
    }

    static func refusal(_ bytes: [UInt8]) -> PlasmidError.Code? {
        do throws(PlasmidError) {
            _ = try BundleFile(bytes, "hostile.dna")
            return nil
        } catch { return error.code }
    }
}

extension MessagePackValue {
    /// The map with another value for a key, or without it.
    func with(_ key: String, _ value: MessagePackValue?) -> MessagePackValue {
        guard case .map(let pairs) = self else { return self }
        let others = pairs.filter { $0.key != .string(key) }
        return .map(others + (value.map { [Pair(key, $0)] } ?? []))
    }

    var firstItem: MessagePackValue? {
        guard case .array(let items) = self else { return nil }
        return items.first
    }
}

@Suite("bundles")
struct BundleTests {
    @Test("the same files give the same bytes, wherever they lie and whenever they were written")
    func deterministic() throws {
        let (first, second) = (try BundleBench(), try BundleBench())
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1), .posixPermissions: 0o600],
            ofItemAtPath: second.samples.file("notes.yaml"))
        let (one, other) = (try first.dna(), try second.dna())
        #expect(one.bytes == other.bytes && one.bundle.digest == other.bundle.digest)
        #expect(try first.happ().bytes == second.happ().bytes)
        #expect(Array(one.bytes[0..<10]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF], "no name and no time")
        try second.samples.write("built/libNotes.so", "another build")
        #expect(try second.dna().bundle.digest != one.bundle.digest)
        #expect(try second.dna().bundle.dnas[0].hash == one.bundle.dnas[0].hash, "a build is not the network")
    }

    @Test("a DNA comes out of its bundle as it went in, with its hash, and packs to the same bytes again")
    func dnaAndBack() throws {
        let bench = try BundleBench()
        let packed = try bench.dna()
        #expect(packed.bundle.kind == .dna && packed.bundle.file == "notes.yaml")
        #expect(packed.bundle.modules.map(\.name) == ["Notes", "NotesIntegrity"])
        #expect(
            packed.bundle.paths == [
                "Plugins/NotesIntegrity/Checks/Length.swift", "Plugins/NotesIntegrity/Notes.swift",
                "modules/\(BundlePlatform.current)/libNotes.so",
                "modules/\(BundlePlatform.current)/libNotesIntegrity.so", "notes.yaml", "plasmid-bundle.json",
            ])
        let folder = bench.samples.file("out/deep")
        try BundleFolder.unpack(packed.bundle, to: folder, replacing: false)
        #expect(
            try String(contentsOfFile: folder + "/notes.yaml", encoding: .utf8)
                == (try bench.samples.text("notes.yaml")))
        let again = try #require(ManifestReader.dna(at: folder + "/notes.yaml").manifest)
        let original = try #require(ManifestReader.dna(at: bench.samples.file("notes.yaml")).manifest)
        #expect(again.definition().hash() == original.definition().hash())
        #expect(again.bundledModules == folder + "/modules/\(BundlePlatform.current)")
        #expect(original.bundledModules == nil && original.bundledLibraries.isEmpty)
        let repacked = try BundlePacker.dna(again) { $0.bundledLibraries }
        #expect(repacked.bytes == packed.bytes)
    }

    @Test("a hApp has a whole bundle for each DNA file, and its roles are what they were")
    func happAndBack() throws {
        let bench = try BundleBench()
        let packed = try bench.happ()
        #expect(packed.bundle.dnas.map(\.file) == ["notes.yaml", "minimal.yaml"])
        let (_, files) = try BundleBench.halves(packed.bytes)
        #expect(files.keys.sorted() == ["dnas/0.dna", "dnas/1.dna", "notes.happ.yaml"])
        let inner = try #require(files["dnas/0.dna"])
        #expect(inner == (try bench.dna().bytes), "the bundle inside is the DNA's own")
        let folder = bench.samples.file("out")
        try BundleFolder.unpack(packed.bundle, to: folder, replacing: false)
        let again = try #require(ManifestReader.happ(at: folder + "/notes.happ.yaml").happ)
        let original = try #require(ManifestReader.happ(at: bench.samples.file("notes.happ.yaml")).happ)
        #expect(again.roles.map { $0.definition.hash() } == original.roles.map { $0.definition.hash() })
        #expect(try BundlePacker.happ(again) { $0.bundledLibraries }.bytes == packed.bytes)
    }

    @Test("a hApp file may lie beside its DNAs' folder; the folders above are not told")
    func beside() throws {
        let bench = try BundleBench()
        try bench.samples.write(
            "app/deep/x.happ.yaml", heading + "roles: [ { name: a, dna: { path: ../../notes.yaml } } ]\n")
        let packed = try bench.happ("app/deep/x.happ.yaml")
        #expect(packed.bundle.file == "app/deep/x.happ.yaml" && packed.bundle.dnas.map(\.file) == ["notes.yaml"])
        try bench.samples.write("d/dna.yaml", heading + "integrity: {}\n" + oneZome)
        try bench.samples.write("e/x.happ.yaml", heading + "roles: [ { name: a, dna: { path: ../d/dna.yaml } } ]\n")
        let apart = try bench.happ("e/x.happ.yaml")
        #expect(apart.bundle.paths.contains("d/plasmid-bundle.json") && apart.bundle.dnas.map(\.file) == ["d/dna.yaml"])
        let path = bench.samples.file("e.happ")
        try BundleFolder.save(apart.bytes, to: path, replacing: false)
        let unpacked = try UnpackedBundle(path, in: bench.samples.path)
        #expect(try unpacked.happ().happ?.roles.count == 1)
        try bench.samples.write(
            "app/y.happ.yaml", heading + "roles: [ { name: a, dna: { path: deep/../../notes.yaml } } ]\n")
        #expect(throws: PlasmidError.self, "a detour") { try bench.happ("app/y.happ.yaml") }
    }

    @Test("modules of another platform go along when an unpacked bundle is packed again")
    func platforms() throws {
        let bench = try BundleBench()
        let manifest = try #require(ManifestReader.dna(at: bench.samples.file("notes.yaml")).manifest)
        let far = try BundlePacker.dna(manifest, libraries: bench.libraries("riscv64-unknown-linux-gnu"))
        let folder = bench.samples.file("far")
        try BundleFolder.unpack(far.bundle, to: folder, replacing: false)
        let there = try #require(ManifestReader.dna(at: folder + "/notes.yaml").manifest)
        let here = bench.libraries()
        let both = try BundlePacker.dna(there) { dna throws(PlasmidError) in try dna.bundledLibraries + here(dna) }
        #expect(
            both.bundle.modules.map(\.platform).sorted() == [
                "riscv64-unknown-linux-gnu", "riscv64-unknown-linux-gnu", BundlePlatform.current,
                BundlePlatform.current,
            ])
        #expect(both.bundle.dnas[0].hash == far.bundle.dnas[0].hash)
    }

    // MARK: A second reader

    private static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    @Test(
        "a reader that was written from the page alone reads the same, and finds what was altered",
        .enabled(if: (try? python(["-c", "import gzip"]))?.status == 0, "needs python3"))
    func secondReader() throws {
        let bench = try BundleBench()
        let script = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Interop/bundle.py").path
        let (dna, happ) = (try bench.dna(), try bench.happ())
        for (name, packed) in [("a.dna", dna), ("a.happ", happ)] {
            try BundleFolder.save(packed.bytes, to: bench.samples.file(name), replacing: false)
            let (status, output) = try Self.python([script, bench.samples.file(name)])
            #expect(status == 0, "\(output)")
            let value = try JSONDecoder().decode(Told.self, from: Data(output.utf8))
            #expect(value.kind == packed.bundle.kind.rawValue && value.name == packed.bundle.name)
            #expect(value.digest == packed.bundle.digest.text)
            #expect(value.dnas == packed.bundle.dnas.map(\.hash.text))
            #expect(value.files == packed.bundle.paths.filter { $0 != BundleFile.mark })
        }
        let (index, files) = try BundleBench.halves(dna.bytes)
        var altered = files
        altered["Plugins/NotesIntegrity/Notes.swift"]?.append(0x20)
        let bytes = try BundleEnvelope.bytes(index, altered)
        try BundleFolder.save(bytes, to: bench.samples.file("b.dna"), replacing: false)
        let (status, output) = try Self.python([script, bench.samples.file("b.dna")])
        #expect(status == 1 && output.contains("the digest of Plugins/NotesIntegrity"), "\(output)")
        #expect(BundleBench.refusal(bytes) == .bundleMismatch)
    }

    private struct Told: Decodable {
        let kind: String
        let name: String
        let digest: String
        let dnas: [String]
        let files: [String]
    }
}
