import Conductor
import Foundation
import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("an app's files taken up again while it runs", .timeLimit(.minutes(5)))
struct ReloadTests {
    /// A happ whose one zome has these functions; `types` enters the DNA hash.
    private static func write(
        _ functions: [String], types: String = "page", to folder: TestFolder, module: String = "Workshop"
    ) throws -> String {
        let dna = """
            manifest_version: "1"
            name: changing
            integrity:
              network_seed: ""
              entry_types: [ { name: \(types), max_bytes: 2048 }, { name: diary, visibility: private } ]
              zomes: []
            coordinator:
              zomes:
                - name: workshop
                  module: \(module)
                  functions: [ \(functions.map { "{ name: \($0), access: author }" }.joined(separator: ", ")) ]
                  callbacks: \(module == "Workshop" ? "[init, receive]" : "[]")

            """
        _ = try folder.write(dna, to: "dna.yaml")
        return try folder.write(
            "manifest_version: \"1\"\nname: changing\nroles: [ { name: main, dna: { path: dna.yaml } } ]\n",
            to: "happ.yaml")
    }

    private static func reload(_ conductor: TestConductor, _ app: String, _ more: String = "") async -> Result<
        MessagePackValue, PlasmidError
    > {
        do {
            return .success(
                try await conductor.admin("admin/app/update-coordinators", #"{"app_id":"\#(app)"\#(more)}"#))
        } catch let error as PlasmidError {
            return .failure(error)
        } catch {
            return .failure(PlasmidError(.internal, "\(error)"))
        }
    }

    private static func change(_ result: Result<MessagePackValue, PlasmidError>) throws -> String? {
        try result.get()["roles"]?.items.first?["change"]?.text
    }

    @Test("a coordinator is swapped between calls: the chain goes on, and a call under way ends in the old modules")
    func swap() async throws {
        let files = try TestFolder()
        let happ = try Self.write(["write", "say"], to: files)
        let data = try TestFolder()
        try await TestConductor.with(in: data) { conductor in
            let alice = try await conductor.install(happ, as: "alice")
            let bob = try await conductor.install(happ, as: "bob")
            try await alice.call("write", #"{"text":"before"}"#)
            #expect(try Self.change(await Self.reload(conductor, "alice")) == "none")
            #expect(await alice.outcome("pages").code == "unknownFunction")
            let held = alice.begin("say", #"{"to":"\#(bob.agent)","order":"hang","text":"","timeout_ms":3000}"#)
            try await bob.frames.wait(for: "init")
            _ = try Self.write(["write", "say", "pages"], to: files)
            #expect(try Self.change(await Self.reload(conductor, "alice")) == "coordinator")
            #expect(try await alice.call("pages").items == [.string("before")])
            try await alice.call("write", #"{"text":"after"}"#)
            // Not `moduleStopped`: what it waited for did not come.
            #expect(try await held.get().code == "timeout")
            #expect(try await alice.call("pages").items == [.string("before"), .string("after")])
            #expect(await bob.outcome("pages").code == "unknownFunction")
        }
        try await TestConductor.with(in: data) { conductor in
            let alice = try await conductor.person("alice")
            #expect(try await alice.call("pages").items.count == 2)
        }
    }

    @Test("modules that cannot be taken up replace nothing, and the old ones serve")
    func refused() async throws {
        let files = try TestFolder()
        let happ = try Self.write(["write", "pages"], to: files)
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(happ, as: "alice")
            try await alice.call("write", #"{"text":"one"}"#)
            let before = try await conductor.admin("admin/app/list")
            _ = try Self.write(["write", "pages", "no_such_function"], to: files)
            guard case .failure(let missing) = await Self.reload(conductor, "alice") else {
                Issue.record("a module without a declared function was taken up")
                return
            }
            #expect(missing.code == "moduleDescribe" && missing.message.contains("no_such_function"), "\(missing)")
            _ = try Self.write(["write"], to: files, module: "NotAModule")
            guard case .failure(let none) = await Self.reload(conductor, "alice") else {
                Issue.record("a library that is no module was taken up")
                return
            }
            #expect(none.code == "notAModule", "\(none)")
            _ = try files.write("manifest_version: [", to: "dna.yaml")
            guard case .failure(let faulty) = await Self.reload(conductor, "alice") else {
                Issue.record("a faulty manifest was taken up")
                return
            }
            #expect(faulty.code == "manifestInvalid", "\(faulty)")
            #expect(try await conductor.admin("admin/app/list") == before)
            #expect(try await alice.call("pages").items == [.string("one")])
        }
    }

    @Test(
        "another DNA is refused unless it may come; then it is a new cell, and the old chain is there when it comes back"
    )
    func network() async throws {
        let files = try TestFolder()
        let happ = try Self.write(["write", "pages"], to: files)
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(happ, as: "alice")
            try await alice.call("write", #"{"text":"old street"}"#)
            _ = try Self.write(["write", "pages"], types: "page, required_validations: 7", to: files)
            guard case .failure(let error) = await Self.reload(conductor, "alice") else {
                Issue.record("another DNA was taken up unasked")
                return
            }
            #expect(error.code == "dnaMismatch")
            #expect(try await alice.call("pages").items == [.string("old street")])
            let may = #","allow_new_network":true"#
            #expect(try Self.change(await Self.reload(conductor, "alice", may)) == "network")
            #expect(try await alice.call("pages").items.isEmpty)
            try await alice.call("write", #"{"text":"new street"}"#)
            _ = try Self.write(["write", "pages"], to: files)
            #expect(try Self.change(await Self.reload(conductor, "alice", may)) == "network")
            #expect(try await alice.call("pages").items == [.string("old street")])
        }
    }

    @Test("bridges that the file declares come and go with it; those made by hand stay, and stand in the way by name")
    func bridges() async throws {
        let files = try TestFolder()
        _ = try Self.write(["call_cell", "visit"], to: files)
        @Sendable func happ(_ bridges: String) throws -> String {
            let role = "dna: { path: dna.yaml, modifiers: { network_seed: "
            return try files.write(
                """
                manifest_version: "1"
                name: changing
                roles:
                  - { name: main, \(role)a } } }
                  - { name: side, \(role)b } } }
                  - { name: back, \(role)c } } }
                bridges: [ \(bridges) ]

                """, to: "happ.yaml")
        }
        let data = try TestFolder()
        @Sendable func call(_ bridge: String) -> String {
            #"{"bridge":"\#(bridge)","zome":"workshop","function":"visit","text":"x"}"#
        }
        let next = "{ caller: main, callee: side, handle: next }"
        try await TestConductor.with(in: data) { conductor in
            let alice = try await conductor.install(try happ(next), as: "alice")
            #expect(await alice.outcome("call_cell", call("next")).isOK)
            // Another name for the same way, and a new one.
            _ = try happ("{ caller: main, callee: side, handle: beside }, { caller: side, callee: back, handle: on }")
            let report = try await Self.reload(conductor, "alice").get()
            #expect(report["bridges"]?.items.compactMap { $0["handle"]?.text } == ["next", "beside", "on"])
            #expect(await alice.outcome("call_cell", call("beside")).isOK)
            #expect(await alice.outcome("call_cell", call("next")).code == "unknownBridge")
            let byHand = Bridge(caller: "alice/main", callee: "alice/back", handle: "hand")
            #expect(await conductor.bridge(byHand) == nil)
            // What is in the way is named, and nothing has changed.
            _ = try happ("{ caller: main, callee: side, handle: hand }")
            guard case .failure(let taken) = await Self.reload(conductor, "alice") else {
                Issue.record("a handle that was taken by hand was given to another")
                return
            }
            #expect(taken.code == "bridgeExists" && taken.message.contains("hand"), "\(taken)")
            #expect(try await conductor.bridges().count == 3)
            _ = try happ(next)
            _ = try await Self.reload(conductor, "alice").get()
        }
        try await TestConductor.with(in: data) { conductor in
            #expect(try await conductor.bridges().map(\.handle).sorted() == ["hand", "next"])
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("call_cell", call("next")).isOK)
            _ = try happ("")
            _ = try await Self.reload(conductor, "alice").get()
            #expect(try await conductor.bridges().map(\.handle) == ["hand"])
        }
    }

    @Test("a seed that the installation brought stays; one that changes in the file is another network")
    func seeds() async throws {
        let files = try TestFolder()
        let happ = try Self.write(["write", "pages"], to: files)
        let data = try TestFolder()
        try await TestConductor.with(in: data) { conductor in
            let alice = try await conductor.install(happ, as: "alice", params: #","network_seed":"our street""#)
            try await alice.call("write", #"{"text":"one"}"#)
        }
        try await TestConductor.with(in: data) { conductor in
            _ = try Self.write(["write", "pages", "who"], to: files)
            #expect(try Self.change(await Self.reload(conductor, "alice")) == "coordinator")
            let alice = try await conductor.person("alice")
            #expect(try await alice.call("pages").items == [.string("one")])
            let bob = try await conductor.install(happ, as: "bob")
            let text = try String(contentsOfFile: files.path + "/dna.yaml", encoding: .utf8)
            _ = try files.write(
                text.replacingOccurrences(of: #"network_seed: """#, with: #"network_seed: "another""#), to: "dna.yaml")
            guard case .failure(let error) = await Self.reload(conductor, "bob") else {
                Issue.record("another network was taken up unasked")
                return
            }
            #expect(error.code == "dnaMismatch")
            #expect(bob.dna != alice.dna)
        }
    }

    @Test("calls that write while modules are swapped again and again are all kept, once")
    func underLoad() async throws {
        let files = try TestFolder()
        let happ = try Self.write(["write", "pages"], to: files)
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(happ, as: "alice")
            try await alice.call("pages")
            let writes = (0..<60).map { alice.begin("write", #"{"text":"\#($0)"}"#) }
            for round in 0..<4 {
                _ = try Self.write(
                    round.isMultiple(of: 2) ? ["write", "pages", "who"] : ["write", "pages"], to: files)
                #expect(try Self.change(await Self.reload(conductor, "alice")) == "coordinator")
            }
            for write in writes { #expect(try await write.get().isOK) }
            let texts = try await alice.call("pages").items.compactMap(\.text)
            #expect(texts.sorted() == (0..<60).map { "\($0)" }.sorted())
        }
    }
}
