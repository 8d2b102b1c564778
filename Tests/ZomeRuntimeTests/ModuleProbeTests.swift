import Integrity
import NIOCore
import Testing

@testable import ZomeRuntime

@Suite("asking modules what they are", .enabled(if: Products.areBuilt, "Tiny lies beside the tests"))
struct ModuleProbeTests {
    private func probe(_ paths: [String], host: String = Products.host) -> [Result<ModuleDescription, PlasmidError>] {
        ModuleProbe.describe(paths.map { (zome: "z", path: $0) }, executable: host)
    }

    private func code(_ result: Result<ModuleDescription, PlasmidError>) -> String? {
        if case .failure(let error) = result { return error.code.rawValue }
        return nil
    }

    @Test("answers come in the order of the libraries, however many; one that is none spoils no other")
    func several() throws {
        let tiny = Products.module("Tiny")
        let answers = probe([tiny, "/nowhere/libNone.so", tiny, "/etc/hostname"] + Array(repeating: tiny, count: 12))
        #expect(answers.count == 16)
        #expect(try answers[0].get().functions.contains("echo"))
        #expect(try answers[15].get() == answers[0].get())
        #expect(answers.compactMap(code) == ["moduleMissing", "notAModule"])
    }

    @Test("modules that are built wrongly are told as such")
    func wrong() {
        #expect(
            probe([Products.module("BadABI"), Products.module("NotAModule")]).map(code) == ["moduleABI", "notAModule"])
    }

    @Test("without the program that runs modules there is an error, not a wait")
    func noHost() {
        #expect(probe([Products.module("Tiny")], host: "/nowhere/plasmid-zome-host").map(code) == ["moduleStopped"])
        #expect(probe([Products.module("Tiny")], host: "/bin/true").map(code) == ["moduleTrapped"])
    }
}
