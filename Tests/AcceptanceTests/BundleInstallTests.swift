import Foundation
import Integrity
import Manifests
import Testing

@testable import plasmid

@Suite("installing bundles", .timeLimit(.minutes(5)))
struct BundleInstallTests {
    /// A hApp whose module lies nowhere but in its bundle.
    private static func pack(_ folder: TestFolder, kind: String = "happ") throws -> String {
        _ = try folder.write(
            "manifest_version: \"1\"\nname: packed\nintegrity: { network_seed: s }\n"
                + "coordinator: { zomes: [ { name: workshop, module: Renamed, functions: [ { name: who } ] } ] }\n",
            to: "dna.yaml")
        let file = try folder.write(
            "manifest_version: \"1\"\nname: packed\nroles: [ { name: main, dna: { path: dna.yaml } } ]\n",
            to: "happ.yaml")
        let happ = try #require(ManifestReader.happ(at: file).happ)
        let library = BundlePacker.Library(
            platform: BundlePlatform.current, module: "Renamed", path: Places.products + "/libWorkshop.so")
        let packed =
            kind == "happ"
            ? try BundlePacker.happ(happ) { _ in [library] } : try BundlePacker.dna(happ.dnas[0]) { _ in [library] }
        let bundle = "\(folder.path)/packed.\(kind)"
        try BundleFolder.save(packed.bytes, to: bundle, replacing: false)
        return bundle
    }

    private static func leftovers(_ conductor: TestConductor) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: conductor.folder.path)) ?? []
        return names.filter { $0.hasPrefix("plasmid-bundle-") }
    }

    @Test("an app is installed from its bundle, with the module that is in it; nothing unpacked stays")
    func install() async throws {
        try await TestConductor.with { conductor in
            let folder = try TestFolder()
            let bundle = try Self.pack(folder)
            let alice = try await conductor.install(bundle, as: "alice")
            #expect(try await alice.call("who")["me"]?.text == alice.agent.text)
            #expect(Self.leftovers(conductor).isEmpty)
            // The bundle is not needed any more, nor are the files that it was made of.
            for name in ["packed.happ", "happ.yaml", "dna.yaml"] {
                try FileManager.default.removeItem(atPath: folder.path + "/" + name)
            }
            _ = try await conductor.admin("admin/app/disable", #"{"app_id":"alice"}"#)
            _ = try await conductor.admin("admin/app/enable", #"{"app_id":"alice"}"#)
            #expect(try await alice.call("who")["me"]?.text == alice.agent.text)
        }
    }

    @Test("a bundle that was altered, or is of another kind, installs nothing and leaves nothing")
    func refused() async throws {
        try await TestConductor.with { conductor in
            let folder = try TestFolder()
            _ = try Self.pack(folder)
            try folder.damage("packed.happ") { $0[$0.count / 2] ^= 0x10 }
            let altered = await conductor.fault("admin/app/install", #"{"path":"\#(folder.path)/packed.happ"}"#)
            #expect(altered?.code == .bundleInvalid)
            let dna = try Self.pack(folder, kind: "dna")
            let other = await conductor.fault("admin/app/install", #"{"path":"\#(dna)"}"#)
            #expect(other?.code == .manifestInvalid)
            #expect(other?.message.contains("the bundle of a DNA file") == true)
            #expect(try await conductor.admin("admin/app/list").items.isEmpty)
            #expect(Self.leftovers(conductor).isEmpty)
            #expect(!FileManager.default.fileExists(atPath: conductor.folder.path + "/modules"))
            let hash = try await conductor.installDna("packed", dna)
            #expect(hash.hasPrefix("uhC0k"), "a DNA bundle is a DNA for the register")
        }
    }

    @Test("what a killed conductor left unpacked goes at the next start, and nothing else does")
    func swept() async throws {
        let folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/plasmid-bundle-left/dna", withIntermediateDirectories: true)
        _ = try folder.write("mine", to: "notes.txt")
        try await TestConductor.with(in: folder) { conductor in
            #expect(Self.leftovers(conductor).isEmpty)
            #expect(folder.file("notes.txt", holds: "mine"))
        }
    }
}
