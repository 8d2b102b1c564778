import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("damaged and foreign data folders", .timeLimit(.minutes(5)))
struct FolderTests {
    /// A folder in which alice wrote a page, with its conductor stopped.
    private static func written() async throws -> TestFolder {
        let folder = try TestFolder()
        try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"before"}"#)
        }
        return folder
    }

    /// Starts again and expects everything that was acknowledged, and a chain that goes on.
    private static func expectWhole(_ folder: TestFolder) async throws {
        try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(try await alice.call("pages").items.first == .string("before"))
            let before = try await alice.length(conductor)
            try await alice.call("write", #"{"text":"after"}"#)
            #expect(try await alice.length(conductor) == before + 1)
        }
    }

    private static func startFails(_ folder: TestFolder, _ code: String, at location: SourceLocation = #_sourceLocation)
        async throws
    {
        let before = folder.listing()
        let error = await #expect(throws: PlasmidError.self, sourceLocation: location) {
            try await TestConductor.running(in: folder) { _ in }
        }
        #expect(error?.code.rawValue == code, "\(String(describing: error))", sourceLocation: location)
        #expect(error?.hint?.isEmpty == false, sourceLocation: location)
        #expect(folder.listing() == before, sourceLocation: location)
    }

    @Test("a folder that is in use is refused, and its user is not disturbed")
    func inUse() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await Self.startFails(folder, "storageInUse")
            #expect(await alice.outcome("write", #"{"text":"undisturbed"}"#).isOK)
        }
    }

    @Test("a folder of a newer version is refused and left alone")
    func newer() async throws {
        let folder = try await Self.written()
        let old = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/format"))
        _ = try folder.write("plasmid-data 99\n", to: "format")
        try await Self.startFails(folder, "storageVersion")
        try folder.damage("format") { $0 = old }
        try await Self.expectWhole(folder)
    }

    @Test("a keystore with a flipped bit, cut off, empty or foreign is refused; none is begun in its place")
    func keystore() async throws {
        let folder = try await Self.written()
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/keystore"))
        for change in [
            { (data: inout Data) in data[data.count - 1] ^= 1 }, { $0[$0.count / 2] ^= 0x10 },
            { $0 = $0.prefix($0.count - 5) }, { $0 = $0.prefix(10) }, { $0 = Data() },
            { $0 = Data(repeating: 0x41, count: $0.count) },
        ] as [(inout Data) -> Void] {
            try folder.damage("keystore", change)
            let damaged = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/keystore"))
            let error = await #expect(throws: PlasmidError.self) {
                try await TestConductor.running(in: folder) { _ in }
            }
            #expect(error?.code.rawValue.contains("eystore") == true || error?.code == "wrongPassphrase")
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/keystore")) == damaged)
            try folder.damage("keystore") { $0 = good }
        }
        try await Self.expectWhole(folder)
    }

    @Test("§11.42 where there are chains and no keystore, none is made; one that holds other keys starts no cell")
    func keystoreGone() async throws {
        let folder = try await Self.written()
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/keystore"))
        try FileManager.default.removeItem(atPath: folder.path + "/keystore")
        let before = folder.listing()
        #expect(throws: Failure.self) { try Run.keystore(TestConductor.runSettings(TestSettings(), folder)) }
        #expect(folder.listing() == before)
        // One made by hand holds none of the keys: the cell says so, and begins nothing.
        try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            let outcome = await alice.outcome("pages")
            #expect(outcome.code == "keyNotFound", "\(outcome)")
        }
        try folder.damage("keystore") { $0 = good }
        try await Self.expectWhole(folder)
    }

    @Test("§11.32 a space that is gone or no database is a fault of its cell; no chain is begun in its place")
    func space() async throws {
        let folder = try await Self.written()
        let dna = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/spaces").first { !$0.contains(".") })
        let file = "spaces/\(dna)/data.mdb"
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + file))
        try folder.damage(file) { $0.replaceSubrange(0..<8_192, with: Data(repeating: 0xaa, count: 8_192)) }
        try await Self.expectFault(folder)
        try folder.damage(file) { $0 = good }
        let away = folder.path + "/away"
        try FileManager.default.moveItem(atPath: folder.path + "/spaces/" + dna, toPath: away)
        try await Self.expectFault(folder)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/spaces/" + dna))
        try FileManager.default.moveItem(atPath: away, toPath: folder.path + "/spaces/" + dna)
        try await Self.expectWhole(folder)
    }

    /// Either the conductor does not start, or it does and the cell says what is wrong.
    private static func expectFault(_ folder: TestFolder) async throws {
        do {
            try await TestConductor.running(in: folder) { conductor in
                let alice = try await conductor.person("alice")
                let outcome = await alice.outcome("write", #"{"text":"on sand"}"#)
                #expect(["storageCorrupt", "chainMissing", "storageFailed"].contains(outcome.code ?? ""), "\(outcome)")
                let apps = try await conductor.admin("admin/app/list").items
                #expect(apps.first?["roles"]?.items.first?["fault"]?.text?.isEmpty == false)
            }
        } catch let error as PlasmidError {
            #expect(["storageCorrupt", "chainMissing", "storageFailed"].contains(error.code.rawValue), "\(error)")
        }
    }

    @Test("a journal whose records are damaged is refused, or replayed up to the damage: never a new chain")
    func journal() async throws {
        let folder = try await Self.written()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/journal").sorted()
        let name = "journal/" + (try #require(names.first))
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
        try folder.damage(name) { $0.replaceSubrange(0..<64, with: Data(repeating: 0x55, count: 64)) }
        let error = await #expect(throws: PlasmidError.self) {
            try await TestConductor.running(in: folder) { _ in }
        }
        #expect(error?.code == "journalDamaged", "\(String(describing: error))")
        try folder.damage(name) { $0 = good }
        try await Self.expectWhole(folder)
    }

    @Test("§11.32 a space whose file is cut off, at any place, is a fault of its cell and not the end of the conductor")
    func cutOff() async throws {
        let folder = try await Self.written()
        let dna = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/spaces").first { !$0.contains(".") })
        let file = "spaces/\(dna)/data.mdb"
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + file))
        for count in [0, 100, 8_192, good.count / 2] {
            try folder.damage(file) { $0 = good.prefix(count) }
            try await Self.expectFault(folder)
            try folder.damage(file) { $0 = good }
        }
        // One page: whatever does not need it still works, and what needs it says so.
        try folder.damage(file) { $0 = good.prefix(good.count - 4_096) }
        try await TestConductor.running(in: folder) { conductor in
            let outcome = try await conductor.person("alice").outcome("pages")
            #expect(outcome.value?.items == [.string("before")] || outcome.code == "storageCorrupt", "\(outcome)")
        }
        try folder.damage(file) { $0 = good }
        try await Self.expectWhole(folder)
    }

    @Test("a flipped bit in any part of the journal is refused, or touches nothing that was acknowledged")
    func journalBits() async throws {
        let folder = try await Self.written()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/journal").sorted()
        let name = "journal/" + (try #require(names.last))
        let good = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
        let end = (good.lastIndex { $0 != 0 } ?? 0) + 1
        for part in 0..<8 {
            try folder.damage(name) { $0[end * part / 8 + 9] ^= 0x20 }
            do {
                try await TestConductor.running(in: folder) { conductor in
                    let alice = try await conductor.person("alice")
                    #expect(try await alice.call("pages").items == [.string("before")])
                }
            } catch let error as PlasmidError {
                #expect(error.code == "journalDamaged", "\(error)")
            }
            try folder.damage(name) { $0 = good }
        }
        try await Self.expectWhole(folder)
    }

    @Test("an app that is uninstalled and installed again for the same agent goes on with its chain")
    func installedAgain() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"first life"}"#)
            _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"alice"}"#)
            // Its token is gone, and its socket with it.
            #expect(await alice.outcome("pages").code == "connectionLost")
            let again = try await conductor.install(Places.workshop, as: "alice")
            #expect(again.agent == alice.agent)
            #expect(try await again.call("pages").items == [.string("first life")])
        }
    }

    @Test("a conductor stops while the processes of its last app still end")
    func stopsWhileChildrenEnd() async throws {
        for _ in 0..<3 {
            try await TestConductor.with { conductor in
                let alice = try await conductor.install(Places.workshop, as: "alice")
                #expect(await alice.outcome("pages").isOK)
                // Nothing but the ending processes refers to the conductor any more when it is told to stop.
                _ = try await conductor.admin("admin/app/uninstall", #"{"app_id":"alice"}"#)
            }
        }
    }

    @Test("everything acknowledged is there after a restart, and the chain goes on")
    func restart() async throws {
        let folder = try await Self.written()
        try await Self.expectWhole(folder)
        try await Self.expectWhole(folder)
    }
}
