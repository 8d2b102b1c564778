import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("bundles from elsewhere")
struct HostileBundleTests {
    @Test("cut anywhere, it is refused")
    func cut() throws {
        let bytes = try BundleBench().dna().bytes
        for length in Array(0..<64) + Array(stride(from: 64, to: bytes.count, by: 7)) + [bytes.count - 1] {
            #expect(BundleBench.refusal(Array(bytes[..<length])) == .bundleInvalid, "\(length)")
        }
        #expect(BundleBench.refusal(bytes + [0]) == .bundleInvalid, "bytes behind it")
        #expect(BundleBench.refusal(bytes + bytes) == .bundleInvalid, "two in one")
    }

    @Test("with any bit turned, it is refused; but for the two bytes of the head that mean nothing")
    func flipped() throws {
        let bytes = try BundleBench().happ("clone-only.happ.yaml").bytes
        let whole = try BundleFile(bytes, "it").digest
        for index in bytes.indices {
            var altered = bytes
            altered[index] ^= UInt8(1 << (index % 8))
            if index == 8 || index == 9 {
                #expect(try BundleFile(altered, "it").digest == whole)
            } else {
                let code = BundleBench.refusal(altered)
                #expect(code == .bundleInvalid || code == .bundleTooLarge, "byte \(index): \(String(describing: code))")
            }
        }
    }

    @Test("what is packed, altered and packed again is a bundle or refused, and never a trap")
    func fuzz() throws {
        let rounds = Fuzz("bundles", rounds: 400)
        var random = SplitMix(state: rounds.seed)
        let bench = try BundleBench()
        var samples: [[UInt8]] = []
        for bytes in [try bench.happ().bytes, try bench.dna().bytes] {
            samples.append(try Gzip.unpack(bytes, most: BundleLimits.unpackedBytes, "it"))
        }
        var refused = 0
        for round in rounds {
            var bytes = samples[round % samples.count]
            for _ in 0...Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[place] = [0, 0x7f, 0x90, 0xc0, 0xdf, 0xff].randomElement(using: &random) ?? 0
                case 2: bytes.remove(at: place)
                case 3: bytes.insert(contentsOf: [0xdd, 0xff, 0xff, 0xff, 0xff], at: place)
                default: bytes.removeSubrange(place...)
                }
            }
            // Half of them reach behind gzip, the other half do not get that far.
            let packed = round % 4 < 2 ? try Gzip.pack(bytes) : bytes
            if BundleBench.refusal(packed) != nil { refused += 1 }
        }
        #expect(refused > 0, "seed \(rounds.seed)")
    }

    @Test("a bomb is refused before anything is allocated for it")
    func bomb() throws {
        let zeros = try Gzip.pack([UInt8](repeating: 0, count: 4 << 20))
        #expect(zeros.count < 8_000)
        #expect(throws: PlasmidError.self) { try Gzip.unpack(zeros, most: (4 << 20) - 1, "it") }
        #expect(try Gzip.unpack(zeros, most: 4 << 20, "it").count == 4 << 20)
        // A size in the trailer that the file cannot have, and one that is smaller than what comes.
        for size: UInt32 in [0, 1, 1 << 20, (4 << 20) - 1, 1 << 30, .max] {
            var lying = zeros
            lying.replaceSubrange(
                (lying.count - 4)..., with: (0..<4).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) })
            #expect(BundleBench.refusal(lying) != nil, "\(size)")
        }
        // Bundles inside share the bound of the whole.
        let bench = try BundleBench()
        let (index, files) = try BundleBench.halves(try bench.happ().bytes)
        let inner = try #require(files["dnas/0.dna"])
        var small = 1_000
        #expect(throws: PlasmidError.self) { try BundleEnvelope(inner, "it", budget: &small) }
        #expect(small == 1_000)
        var large = files
        large["dnas/0.dna"] = zeros
        #expect(BundleBench.refusal(try BundleEnvelope.bytes(index, large)) == .bundleInvalid)
        let flood = MessagePackValue.array(Array(repeating: .null, count: BundleLimits.indexBytes))
        #expect(BundleBench.refusal(try BundleEnvelope.bytes(flood, files)) == .bundleTooLarge)
        let many = Dictionary(uniqueKeysWithValues: (0...BundleLimits.files).map { ("f\($0)", [UInt8]()) })
        #expect(BundleBench.refusal(try BundleEnvelope.bytes(index, many)) == .bundleTooLarge)
    }

    @Test(
        "names that lead out, and names that no folder should have",
        arguments: [
            "../evil", "a/../../evil", "/etc/passwd", "a//b", "./a", "a/.", "..", "", "a\u{0}b", "a\nb", "\u{1B}[31m",
            String(repeating: "x", count: 256), String(repeating: "x/", count: 40) + "x", "plasmid-bundle.json",
            "a/plasmid-bundle.json", String(repeating: "abcdefghi/", count: 101) + "x",
        ])
    func names(_ name: String) throws {
        let bench = try BundleBench()
        let (index, files) = try BundleBench.halves(try bench.dna().bytes)
        #expect(
            BundleBench.refusal(try BundleEnvelope.bytes(index, files.merging([name: [1]]) { $1 })) == .bundleUnsafe)
        for key in ["file"] {
            let bytes = try BundleEnvelope.bytes(index.with(key, .string(name)), files)
            #expect(BundleBench.refusal(bytes) == .bundleUnsafe, "\(key)")
        }
        let (app, dnas) = try BundleBench.halves(try bench.happ().bytes)
        guard !name.isEmpty else { return }
        let item = MessagePackValue.map(["root": .string(name), "bundle": "dnas/0.dna"])
        let bytes = try BundleEnvelope.bytes(app.with("dnas", .array([item])), dnas.filter { $0.key != "dnas/1.dna" })
        #expect(BundleBench.refusal(bytes) == .bundleUnsafe, "root")
    }

    @Test("a name that is a file and a folder, a file twice, a file of which nothing speaks, one that is missing")
    func files() throws {
        let (index, files) = try BundleBench.halves(try BundleBench().dna().bytes)
        func code(_ index: MessagePackValue, _ files: [String: [UInt8]]) throws -> PlasmidError.Code? {
            BundleBench.refusal(try BundleEnvelope.bytes(index, files))
        }
        #expect(try code(index, files.merging(["notes.yaml/x": []]) { $1 }) == .bundleUnsafe)
        #expect(try code(index, files.merging(["more.txt": []]) { $1 }) == .bundleInvalid)
        #expect(try code(index, files.filter { $0.key != "notes.yaml" }) == .bundleInvalid)
        #expect(try code(index, files.filter { !$0.key.hasSuffix("libNotes.so") }) == .bundleInvalid)
        #expect(try code(index, files.filter { !$0.key.hasSuffix("Length.swift") }) == .bundleMismatch)
        #expect(try code(index, files.merging(["Plugins/NotesIntegrity/x.swift": []]) { $1 }) == .bundleMismatch)
        let library = "modules/\(BundlePlatform.current)/libNotes.so"
        #expect(try code(index, files.merging([library: [7]]) { $1 }) == .bundleMismatch)
        let twice = MessagePackValue.map([
            .init("manifest", index), .init("resources", .map([.init("a", .binary([])), .init("a", .binary([]))])),
        ])
        #expect(BundleBench.refusal(try Gzip.pack(twice.packed)) == .bundleInvalid)
    }

    @Test("an index with other keys, other types or another version is refused")
    func indices() throws {
        let (index, files) = try BundleBench.halves(try BundleBench().dna().bytes)
        guard case .map(let pairs) = index else { return }
        for case .string(let key) in pairs.map(\.key) {
            for value: MessagePackValue? in [nil, .null, .int(7), .emptyMap, .array([.null]), .array([.emptyMap])] {
                let bytes = try BundleEnvelope.bytes(index.with(key, value), files)
                #expect(BundleBench.refusal(bytes) == .bundleInvalid, "\(key) \(String(describing: value))")
            }
        }
        for altered in [index.with("more", .null), index.with("bundle_version", "2"), index.with("kind", "webhapp")] {
            #expect(BundleBench.refusal(try BundleEnvelope.bytes(altered, files)) == .bundleInvalid)
        }
        let module = try #require(index["modules"]?.firstItem)
        for (key, value) in [("module", "../x"), ("platform", ".."), ("platform", ""), ("file", "notes.yaml")] {
            let altered = index.with("modules", .array([module.with(key, .string(value))]))
            let code = BundleBench.refusal(try BundleEnvelope.bytes(altered, files))
            #expect(code == .bundleInvalid, "\(key)")
        }
        for bytes in [Gzip.magic, [UInt8]("hello".utf8), [], try Gzip.pack([]), try Gzip.pack([0xC1])] {
            #expect(BundleBench.refusal(bytes) == .bundleInvalid)
        }
        let foreign = MessagePackValue.map(["manifest_version": "0", "name": "x", "roles": .array([])])
        #expect(BundleBench.refusal(try BundleEnvelope.bytes(foreign, files)) == .bundleInvalid, "Holochain's own")
    }

    @Test("a bundle that tells another hash than its manifest has, or a module that no zome has")
    func lies() throws {
        let bench = try BundleBench()
        let (index, files) = try BundleBench.halves(try bench.dna().bytes)
        let other = try bench.dna("minimal.yaml").bundle.dnas[0].hash
        func opened(_ index: MessagePackValue, _ files: [String: [UInt8]]) throws {
            let path = bench.samples.file("\(UUID().uuidString).dna")
            try BundleFolder.save(try BundleEnvelope.bytes(index, files), to: path, replacing: false)
            _ = try UnpackedBundle(path, in: bench.samples.path).dna()
        }
        #expect(throws: Never.self) { try opened(index, files) }
        let lie = #expect(throws: PlasmidError.self) { try opened(index.with("dna", .string(other.text)), files) }
        #expect(lie?.code == .bundleMismatch)
        let place = BundlePlatform.place(BundlePlatform.current, "Spy")
        let spy = MessagePackValue.map([
            "platform": .string(BundlePlatform.current), "module": "Spy", "file": .string(place),
            "digest": .string(EntryHash(hashing: [1]).text),
        ])
        let stranger = #expect(throws: PlasmidError.self) {
            try opened(
                index.with("modules", .array([spy])),
                files.filter { !$0.key.hasSuffix(".so") }.merging([place: [1]]) { $1 })
        }
        #expect(stranger?.code == .bundleMismatch)
    }

    @Test("a hApp in a bundle reads no file outside of it")
    func outside() throws {
        let bench = try BundleBench()
        let (index, files) = try BundleBench.halves(try bench.happ("pinned.happ.yaml").bytes)
        try bench.samples.write("secret.yaml", heading + "integrity: {}\n" + oneZome)
        for path in ["../secret.yaml", "../../../../../../../../etc/passwd", "x/../../secret.yaml"] {
            let text = heading + "roles: [ { name: a, dna: { path: \(path) } } ]\n"
            let file = bench.samples.file("\(UUID().uuidString).happ")
            let altered = files.merging(["pinned.happ.yaml": Array(text.utf8)]) { $1 }
            try BundleFolder.save(try BundleEnvelope.bytes(index, altered), to: file, replacing: false)
            let read = try UnpackedBundle(file, in: bench.samples.path).happ()
            #expect(read.happ == nil && read.diagnostics.map(\.code) == [.badPath], "\(path)")
        }
    }

    // MARK: Writing

    @Test("nothing is written over unasked; over what is there, file by file, and through no link")
    func overwriting() throws {
        let bench = try BundleBench()
        let bundle = try bench.dna().bundle
        let folder = bench.samples.file("out")
        try bench.samples.write("out/mine.txt", "mine")
        try bench.samples.write("out/notes.yaml", "old")
        let refused = #expect(throws: PlasmidError.self) {
            try BundleFolder.unpack(bundle, to: folder, replacing: false)
        }
        #expect(refused?.code == .folderNotEmpty)
        #expect(try bench.samples.text("out/notes.yaml") == "old")
        try BundleFolder.unpack(bundle, to: folder, replacing: true)
        #expect(try bench.samples.text("out/notes.yaml") == (try bench.samples.text("notes.yaml")))
        #expect(try bench.samples.text("out/mine.txt") == "mine")

        // A folder that is there and empty is taken.
        let empty = bench.samples.file("empty")
        try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: false)
        try BundleFolder.unpack(bundle, to: empty, replacing: false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: empty).count == 4)
        #expect(FileManager.default.isReadableFile(atPath: empty + "/notes.yaml"))

        try bench.samples.write("victim/keep.txt", "keep")
        for link in ["Plugins", "notes.yaml"] {
            let place = bench.samples.file("linked-\(link)")
            try bench.samples.write("linked-\(link)/x", "")
            try FileManager.default.createSymbolicLink(
                atPath: place + "/" + link, withDestinationPath: bench.samples.file("victim"))
            let refused = #expect(throws: PlasmidError.self) {
                try BundleFolder.unpack(bundle, to: place, replacing: true)
            }
            #expect(refused?.code == .bundleUnsafe)
        }
        try FileManager.default.createSymbolicLink(
            atPath: bench.samples.file("target"), withDestinationPath: bench.samples.file("victim"))
        #expect(throws: PlasmidError.self) {
            try BundleFolder.unpack(bundle, to: bench.samples.file("target"), replacing: true)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.samples.file("victim")) == ["keep.txt"])
        let left = try FileManager.default.contentsOfDirectory(atPath: bench.samples.path)
        #expect(!left.contains { $0.hasPrefix(".plasmid") }, "nothing half-written stays")
    }

    @Test("a bundle's file appears whole, and over nothing unasked")
    func saving() throws {
        let bench = try BundleBench()
        let path = bench.samples.file("a.dna")
        try BundleFolder.save([1, 2], to: path, replacing: false)
        let refused = #expect(throws: PlasmidError.self) { try BundleFolder.save([3], to: path, replacing: false) }
        #expect(refused?.code == .fileExists)
        #expect(FileManager.default.contents(atPath: path) == Data([1, 2]))
        try BundleFolder.save([3], to: path, replacing: true)
        #expect(FileManager.default.contents(atPath: path) == Data([3]))
        for place in ["Plugins", "nowhere/a.dna"] {
            #expect(throws: PlasmidError.self, "\(place)") {
                try BundleFolder.save([3], to: bench.samples.file(place), replacing: true)
            }
        }
        let missing = #expect(throws: PlasmidError.self) { try BundleFile.read(bench.samples.file("none.dna")) }
        #expect(missing?.code == .manifestUnreadable)
        #expect(!BundleFile.isBundle(bench.samples.file("notes.yaml")) && !BundleFile.isBundle(bench.samples.path))
    }
}
