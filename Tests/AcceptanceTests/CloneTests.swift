import Integrity
import Testing

@testable import Conductor
@testable import plasmid

@Suite("clones: made, limited, disabled, deleted, by the operator and by zomes", .timeLimit(.minutes(5)))
struct CloneTests {
    private static func fault(_ conductor: TestConductor, _ method: String, _ params: String) async -> PlasmidError? {
        do {
            _ = try await conductor.admin(method, params)
            return nil
        } catch {
            return error as? PlasmidError
        }
    }

    private static func clone(_ role: String, seed: String, app: String = "alice", more: String = "") -> String {
        #"{"app_id":"\#(app)","role":"\#(role)","network_seed":"\#(seed)"\#(more)}"#
    }

    private static func id(_ clone: String, app: String = "alice") -> String {
        #"{"app_id":"\#(app)","clone":"\#(clone)"}"#
    }

    @Test("a clone is a cell of its own; ids count up, limits count the enabled ones, deleted ids are not used again")
    func whole() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let first = try await conductor.admin(
                "admin/app/clone", Self.clone("main", seed: "one", more: #","name":"One""#))
            #expect(first["instance_id"]?.text == "alice/main.0" && first["name"]?.text == "One")
            #expect(first["dna"]?.text != alice.dna.text && first["agent"]?.text == alice.agent.text)
            let write = #"{"role":"main.0","zome":"workshop","function":"write","text":"in the clone"}"#
            #expect(await alice.outcome("call_cell", write).isOK)
            #expect(try await alice.call("pages").items.isEmpty)

            let again = await Self.fault(conductor, "admin/app/clone", Self.clone("main", seed: "one"))
            #expect(again?.code == .cellExists)
            let same = await Self.fault(conductor, "admin/app/clone", #"{"app_id":"alice","role":"main"}"#)
            #expect(same?.code == .cellExists)
            _ = try await conductor.admin("admin/app/clone", Self.clone("main", seed: "two"))
            let third = await Self.fault(conductor, "admin/app/clone", Self.clone("main", seed: "three"))
            #expect(third?.code == .cloneLimitReached && third?.message.contains("2") == true)

            let early = await Self.fault(conductor, "admin/app/clone/delete", Self.id("main.0"))
            #expect(early?.code == .cloneEnabled)
            _ = try await conductor.admin("admin/app/clone/disable", Self.id("main.0"))
            #expect(await alice.outcome("call_cell", write).code == "cellNotActive")
            let three = try await conductor.admin("admin/app/clone", Self.clone("main", seed: "three"))
            #expect(three["clone"]?.text == "main.2")
            let full = await Self.fault(conductor, "admin/app/clone/enable", Self.id("main.0"))
            #expect(full?.code == .cloneLimitReached)
            _ = try await conductor.admin("admin/app/clone/disable", Self.id("main.2"))
            _ = try await conductor.admin("admin/app/clone/delete", Self.id("main.2"))
            #expect(await Self.fault(conductor, "admin/app/clone/enable", Self.id("main.2"))?.code == .unknownRole)
            _ = try await conductor.admin("admin/app/clone/enable", Self.id("main.0"))
        }
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            let pages = try await alice.call(
                "call_cell", #"{"role":"main.0","zome":"workshop","function":"pages"}"#)
            #expect(pages.items == [.string("in the clone")])
            _ = try await conductor.admin("admin/app/clone/disable", Self.id("main.0"))
            let next = try await conductor.admin("admin/app/clone", Self.clone("main", seed: "four"))
            #expect(next["clone"]?.text == "main.3")
            let ids = try await conductor.admin("admin/instance/list").items.compactMap { $0["id"]?.text }
            #expect(ids.sorted() == ["alice/main", "alice/main.0", "alice/main.1", "alice/main.3", "alice/side"])
        }
    }

    @Test(
        "a role that is made by cloning only has no cell before; roles without a limit, and unknown ones, are refused")
    func cloneOnly() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let call = #"{"role":"room","zome":"workshop","function":"pages"}"#
            #expect(await alice.outcome("call_cell", call).code == "unknownInstance")
            // Its DNA needs no change: nobody else has it.
            let room = try await conductor.admin("admin/app/clone", #"{"app_id":"alice","role":"room"}"#)
            #expect(room["clone"]?.text == "room.0")
            for (params, code) in [
                (Self.clone("side", seed: "x"), "cloneLimitReached"), (Self.clone("attic", seed: "x"), "unknownRole"),
                (Self.clone("room.0", seed: "x"), "unknownRole"),
                (Self.clone("room", seed: "x", app: "bob"), "unknownApp"),
            ] {
                #expect(await Self.fault(conductor, "admin/app/clone", params)?.code.rawValue == code, "\(params)")
            }
            for method in ["enable", "disable", "delete"] {
                let error = await Self.fault(conductor, "admin/app/clone/\(method)", Self.id("main"))
                #expect(error?.code == .unknownRole, "\(method)")
            }
        }
    }

    @Test(
        "a zome makes, disables, enables and deletes clones of its own app, up to the limit, and no further by flooding"
    )
    func byZomes() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            let made = try await alice.call("create_clone", #"{"role":"room","name":"Garden","seed":"g"}"#)
            #expect(made["clone"]?.text == "room.0" && made["name"]?.text == "Garden")
            let enter = #"{"role":"room.0","zome":"workshop","function":"visit"}"#
            #expect(try await alice.call("call_cell", enter)["instance"]?.text == "alice/main")
            #expect(try await alice.call("flood_clones", #"{"role":"room"}"#) == .int(2))
            let change = { (what: String) in #"{"clone":"room.0","change":"\#(what)"}"# }
            #expect(await alice.outcome("change_clone", change("delete")).code == "cloneEnabled")
            try await alice.call("change_clone", change("disable"))
            #expect(await alice.outcome("call_cell", enter).code == "cellNotActive")
            #expect(try await alice.call("change_clone", change("enable")) == .bool(true))
            try await alice.call("change_clone", change("disable"))
            try await alice.call("change_clone", change("delete"))
            #expect(await alice.outcome("change_clone", change("enable")).code == "unknownRole")
        }
    }

    @Test("a clone that is out of service says what brings it back; deleted it is gone from bridges and interfaces too")
    func mentions() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.house, as: "alice")
            _ = try await conductor.admin("admin/app/clone", Self.clone("main", seed: "one"))
            _ = try await conductor.admin(
                "admin/interface/add", #"{"id":"door","admin":false,"type":"http","port":0}"#)
            for id in ["alice/main", "alice/main.0"] {
                _ = try await conductor.admin(
                    "admin/interface/add_instance", #"{"interface_id":"door","instance_id":"\#(id)"}"#)
            }
            let bridge = Bridge(caller: "alice/side", callee: "alice/main.0", handle: "room")
            #expect(await conductor.bridge(bridge) == nil)
            _ = try await conductor.admin("admin/app/clone/disable", Self.id("main.0"))
            let visit = #"{"instance_id":"alice/main.0","zome":"workshop","function":"who"}"#
            guard case .refused(let error) = await alice.outcome(params: visit) else {
                Issue.record("a disabled clone answers")
                return
            }
            #expect(error.hint?.contains("plasmid admin clone enable alice main.0") == true, "\(error)")
            _ = try await conductor.admin("admin/app/clone/delete", Self.id("main.0"))
            #expect(try await Self.mounted(conductor) == ["alice/main"])
            #expect(try await conductor.bridges().map(\.handle) == ["sideways"])
        }
        try await TestConductor.with(in: folder) { conductor in
            let mounted = try await Self.mounted(conductor)
            #expect(mounted == ["alice/main"])
        }
    }

    private static func mounted(_ conductor: TestConductor) async throws -> [String] {
        let interfaces = try await conductor.admin("admin/interface/list").items
        return interfaces.first?["instances"]?.items.compactMap { $0["id"]?.text } ?? []
    }

    @Test("a clone passes the genesis self-check with a proof of its own, or is not made")
    func membranes() async throws {
        try await TestConductor.with { conductor in
            let sesame = Base64.encode(Array("sesame".utf8))
            let alice = try await conductor.install(
                Places.gate, as: "alice", params: #","membrane_proofs":{"main":"\#(sesame)"}"#)
            let refused = await Self.fault(conductor, "admin/app/clone", Self.clone("main", seed: "c"))
            #expect(refused?.code == .joinRefused && refused?.message.contains("gate_integrity") == true)
            let proof = #","membrane_proof":"\#(sesame)""#
            let made = try await conductor.admin("admin/app/clone", Self.clone("main", seed: "c", more: proof))
            // What was refused took no number.
            #expect(made["clone"]?.text == "main.0")
            let zome = await alice.outcome("create_clone", #"{"role":"main","seed":"d","proof":"parsley"}"#)
            #expect(zome.code == "joinRefused", "\(zome)")
            #expect(await alice.outcome("create_clone", #"{"role":"main","seed":"d","proof":"sesame"}"#).isOK)
        }
    }
}
