import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("keys through the real conductor", .timeLimit(.minutes(3)))
struct KeyTests {
    /// What has to be the same after a restart.
    private struct Facts: Equatable {
        var listed: MessagePackValue
        var seen: MessagePackValue
        var signatures: [Signature]
    }

    private static func facts(_ conductor: TestConductor, _ alice: Person, _ keys: [AgentPubKey]) async throws -> Facts
    {
        var signatures: [Signature] = []
        for key in keys { signatures.append(try await conductor.sign([1, 2, 3], by: key)) }
        return Facts(
            listed: try await conductor.admin("admin/agent/list"),
            seen: try await alice.call("key_of", #"{"text":"agent"}"#), signatures: signatures)
    }

    @Test(
        "§11.59 without derivation: after a restart list, public keys and signatures are as before; a name that exists is refused, and a zome derives no keys"
    )
    func restart() async throws {
        let folder = try TestFolder()
        let (before, keys) = try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let carol = try await conductor.stranger("carol")
            let keys = [alice.agent, carol]
            let facts = try await Self.facts(conductor, alice, keys)
            #expect(facts.listed.items.contains { $0["public_address"]?.text == carol.text })
            #expect(Set(facts.signatures).count == 2)
            for id in ["carol", ""] {
                await #expect(throws: PlasmidError.self) { try await conductor.stranger(id) }
            }
            // Neither a key of another app, nor one that nobody made for this one.
            for id in ["carol", "app:alice", "seed"] {
                #expect(await alice.outcome("key_of", #"{"text":"\#(id)"}"#).code == "keyNotFound")
            }
            return (facts, keys)
        }
        try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            let after = try await Self.facts(conductor, alice, keys)
            #expect(after == before)
            await #expect(throws: PlasmidError.self) { try await conductor.stranger("carol") }
        }
    }
}
