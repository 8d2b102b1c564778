import Integrity
import Storage
import Testing

@testable import Conductor
@testable import plasmid

@Suite("joining: genesis self-checks, membrane proofs and proofs that come later", .timeLimit(.minutes(5)))
struct MembraneTests {
    private static let sesame = Base64.encode(Array("sesame".utf8))

    private static func install(_ path: String, proofs: String = "", more: String = "") -> String {
        #"{"path":\#(quoted(path)),"app_id":"guest"\#(proofs.isEmpty ? "" : #","membrane_proofs":{\#(proofs)}"#)\#(more)}"#
    }

    private static func fault(_ conductor: TestConductor, _ method: String, _ params: String) async -> PlasmidError? {
        do {
            _ = try await conductor.admin(method, params)
            return nil
        } catch {
            return error as? PlasmidError
        }
    }

    @Test("§11.64 a self-check that refuses is told with zome and words, and leaves nothing; with the proof one joins")
    func selfCheck() async throws {
        try await TestConductor.with { conductor in
            let before = conductor.folder.listing()
            let wrong = #""main":"\#(Base64.encode([1]))""#
            for proofs in ["", wrong] {
                let error = await Self.fault(
                    conductor, "admin/app/install", Self.install(Places.gate, proofs: proofs))
                #expect(error?.code == .joinRefused)
                #expect(error?.message.contains("gate_integrity") == true, "\(String(describing: error))")
                #expect(error?.message.contains("the door stays shut for uhCAk") == true)
                #expect(conductor.folder.listing() == before)
                #expect(try await conductor.admin("admin/app/list").items.isEmpty)
            }
            let unknown = await Self.fault(
                conductor, "admin/app/install", Self.install(Places.gate, proofs: #""attic":"AA==""#))
            #expect(unknown?.code == .unknownRole)
            for bad in [#""main":"***""#, #""main":5"#] {
                let error = await Self.fault(
                    conductor, "admin/app/install", Self.install(Places.gate, proofs: bad))
                #expect(error?.code == .badParameter)
            }
            let guest = try await conductor.install(
                Places.gate, as: "guest", params: #","membrane_proofs":{"main":"\#(Self.sesame)"}"#)
            #expect(await guest.outcome("who").isOK)
            let chain = try await guest.chain()
            #expect(chain.map { $0["type"]?.text }.prefix(3) == ["Dna", "AgentValidationPkg", "Create"])
            let stored = try await conductor.inside { conductor, reply in
                reply(
                    Result { () throws(PlasmidError) in
                        let cell = try conductor.cell("guest/main")
                        return try cell.space.store.chain(of: cell.id.agent).map(\.signedAction.action.data)
                    })
            }
            #expect(stored.contains(.agentValidationPkg(membraneProof: Array("sesame".utf8))))
        }
    }

    @Test("the validators are shown the proof as well: what they refuse is not begun either")
    func validators() async throws {
        try await TestConductor.with { conductor in
            let manifests = try TestFolder()
            let before = conductor.folder.listing()
            let path = try Self.manifest(#"{ hall: sesame }"#, in: manifests)
            let error = await Self.fault(conductor, "admin/app/install", Self.install(path))
            #expect(error?.code == .joinRefused && error?.message.contains("nobody in the hall") == true)
            #expect(conductor.folder.listing() == before)
            let proof = #""main":"\#(Self.sesame)""#
            #expect(await Self.fault(conductor, "admin/app/install", Self.install(path, proofs: proof)) == nil)
        }
    }

    @Test(
        "a self-check that traps or throws is no verdict: the install fails with its zome, and nothing is begun",
        arguments: ["trap", "throw"])
    func faulty(_ fault: String) async throws {
        try await TestConductor.with { conductor in
            let manifests = try TestFolder()
            let before = conductor.folder.listing()
            let path = try Self.manifest("{ fault: \(fault) }", in: manifests)
            let error = await Self.fault(conductor, "admin/app/install", Self.install(path))
            #expect(error?.message.contains("gate_integrity") == true, "\(String(describing: error))")
            #expect(conductor.folder.listing() == before)
            #expect(try await conductor.admin("admin/app/list").items.isEmpty)
        }
    }

    @Test("an app that may wait for its proofs is installed without chains, says so, and joins when they come")
    func deferred() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let app = try await conductor.admin("admin/app/install", Self.install(Places.gateLater))
            #expect(app["status"]?.text == "awaiting_memproofs")
            #expect(conductor.folder.listing("spaces").isEmpty)
            let guest = try await conductor.person("guest")
            #expect(await guest.outcome("who").code == "awaitingMembraneProofs")
            let early = await Self.fault(conductor, "admin/app/enable", #"{"app_id":"guest"}"#)
            #expect(early?.code == .awaitingMembraneProofs)
        }
        try await TestConductor.with(in: folder) { conductor in
            let guest = try await conductor.person("guest")
            #expect(await guest.outcome("who").code == "awaitingMembraneProofs")
            let give = "admin/app/provide-memproofs"
            let none = await Self.fault(conductor, give, #"{"app_id":"guest","membrane_proofs":{}}"#)
            #expect(none?.code == .joinRefused)
            let odd = await Self.fault(conductor, give, #"{"app_id":"guest","membrane_proofs":{"attic":"AA=="}}"#)
            #expect(odd?.code == .unknownRole)
            #expect(await guest.outcome("who").code == "awaitingMembraneProofs")
            let proofs = #"{"app_id":"guest","membrane_proofs":{"main":"\#(Self.sesame)"}}"#
            let app = try await conductor.admin(give, proofs)
            #expect(app["status"]?.text == "enabled")
            #expect(await guest.outcome("who").isOK)
            #expect(await Self.fault(conductor, give, proofs)?.code == .badParameter)
        }
        try await TestConductor.with(in: folder) { conductor in
            let guest = try await conductor.person("guest")
            #expect(await guest.outcome("who").isOK)
        }
    }

    @Test("a deferred role's chain is begun when the app is first enabled, not before")
    func deferredRole() async throws {
        try await TestConductor.with { conductor in
            let proofs = #""main":"\#(Self.sesame)""#
            let more = #","enable":false"#
            let app = try await conductor.admin(
                "admin/app/install", Self.install(Places.gateLater, proofs: proofs, more: more))
            #expect(app["status"]?.text == "disabled")
            let begun = conductor.folder.listing("spaces").count
            let enabled = try await conductor.admin("admin/app/enable", #"{"app_id":"guest"}"#)
            #expect(enabled["roles"]?.items.allSatisfy { $0["active"] == .bool(true) } == true)
            #expect(conductor.folder.listing("spaces").count > begun)
            _ = try await conductor.admin("admin/app/disable", #"{"app_id":"guest"}"#)
            _ = try await conductor.admin("admin/app/enable", #"{"app_id":"guest"}"#)
            let guest = try await conductor.person("guest")
            #expect(await guest.outcome("who").isOK)
        }
    }

    @Test("§11.64 an init that refuses is told with its zome and its words; of what it wrote nothing is left")
    func failingInit() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.failingInit, as: "eve")
            let outcome = await eve.outcome("echo", "1", zome: "hostile")
            #expect(outcome.code == "initFailed" && outcome.words.contains("zome 'hostile'"), "\(outcome)")
            #expect(outcome.words.contains("the properties ask this init to fail"))
            #expect(try await eve.length(conductor) == 3)
        }
    }

    /// The gate under other properties.
    private static func manifest(_ properties: String, in folder: TestFolder) throws -> String {
        let dna = Places.root + "/Tests/Modules/manifests/gate.dna.yaml"
        let up = folder.path.split(separator: "/").map { _ in ".." }.joined(separator: "/")
        return try folder.write(
            """
            manifest_version: "1"
            name: odd-gate
            roles:
              - { name: main, dna: { path: \(up)\(dna), modifiers: { properties: \(properties) } } }
            """, to: "happ.yaml")
    }
}
