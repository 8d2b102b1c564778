import Chain
import ConductorAPI
import Integrity
import Sodium
import Testing

@testable import plasmid

@Suite("grants that operators replace, and certificates that clients show", .timeLimit(.minutes(5)))
struct CapabilityUpdateTests {
    private static func update(_ conductor: TestConductor, _ more: String) async throws -> MessagePackValue {
        try await conductor.admin("admin/grant/update", #"{"instance_id":"alice/main",\#(more)}"#)
    }

    @Test("an operator replaces a grant: what is not said stays, uses are not given back, a kept secret goes on")
    func byOperator() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let people = try await conductor.workshops("alice", "bob")
            let (alice, bob) = (people[0], people[1])
            let grant = try await alice.grants("transferable", uses: 3)
            try await bob.claims(grant.secret, of: alice)
            #expect(await bob.writes("one", for: alice).isOK)
            let kept = try await Self.update(conductor, #""label":"t","new_label":"u","keep_secret":true"#)
            #expect(kept["secret"]?.text == grant.secret && kept["address"]?.text != grant.address)
            let line = try #require(
                try await conductor.admin("admin/grants", #"{"instance_id":"alice/main"}"#).items.first)
            #expect(line["label"]?.text == "u" && line["uses"]?.number == 2 && line["used"]?.number == 0, "\(line)")
            #expect(line["functions"] == .array([.string("workshop/write")]))
            for text in ["two", "three"] { #expect(await bob.writes(text, for: alice).isOK) }
            #expect(await bob.writes("four", for: alice).code == "capabilitySpent")
        }
        try await TestConductor.with(in: folder) { conductor in
            let (alice, bob) = (try await conductor.person("alice"), try await conductor.person("bob"))
            #expect(await bob.writes("four", for: alice).code == "capabilitySpent")
            let spent = await Self.code { try await Self.update(conductor, #""label":"u""#) }
            #expect(spent == .badCapability, "nothing is left to keep")
            let free = try await Self.update(
                conductor, #""label":"u","unlimited":true,"access":"assigned","assignees":["\#(bob.agent)"]"#)
            let secret = try #require(free["secret"]?.text)
            #expect(await bob.writes("four", for: alice).code == "capabilityWrong")
            try await bob.claims(secret, of: alice)
            for text in ["four", "five"] { #expect(await bob.writes(text, for: alice).isOK) }
            for (more, code) in [
                (#""label":"t""#, "notFound"), (#""keep_secret":true"#, "badParameter"),
                (#""label":"u","uses":0"#, "badCapability"), (#""label":"u","access":"secret""#, "badParameter"),
                (#""label":"u","unlimited":true,"uses":2"#, "badParameter"),
                (#""label":"u","functions":["workshop/diaries"]"#, "badCapability"),
                (#""label":"u","functions":["workshop/none"]"#, "unknownFunction"),
                (#""label":"u","assignees":[]"#, "badCapability"),
            ] {
                let found = await Self.code { try await Self.update(conductor, more) }
                #expect(found?.rawValue == code, "\(more)")
            }
            #expect(await bob.writes("six", for: alice).isOK, "what was refused changed nothing")
        }
    }

    private static func code(_ body: () async throws -> MessagePackValue) async -> PlasmidError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? PlasmidError)?.code
        }
    }

    @Test(
        "a client shows what was passed on to its own key; without the certificates, or with others, it opens nothing")
    func byClient() async throws {
        try await TestConductor.with { conductor in
            let people = try await conductor.workshops("alice", "bob")
            let (alice, bob) = (people[0], people[1])
            let client = try await conductor.stranger("client")
            let grant = try await alice.grants("transferable")
            try await bob.claims(grant.secret, of: alice)
            let passed = try DelegatedClaim(
                codableText: try await bob.passesOn(alice, to: client, more: #","uses":2"#))
            var call = SignedCall(
                owner: alice, function: "write", args: #"{"text":"by a client"}"#, secret: passed.secret)
            func outcome(_ certificates: [UInt8]?, by agent: AgentPubKey? = nil) async throws -> Outcome {
                call.nonce = SystemRandom.bytes(32)
                let signature = try await call.signed(by: agent ?? client, in: conductor)
                let shown = certificates.map { #","certificates":"\#(Base64.encode($0))"}"# } ?? "}"
                return await bob.outcome(
                    params: String(call.params(as: agent ?? client, signature).dropLast()) + shown)
            }
            #expect(try await outcome(nil).code == "capabilityWrong")
            #expect(try await outcome([Delegation]().packed).code == "capabilityWrong")
            #expect(try await outcome(passed.certificates.packed, by: bob.agent).code == "capabilityNotAssigned")
            #expect(try await outcome(passed.certificates.packed).isOK)
            var wider = passed.certificates
            wider[0].limits.uses = 100
            #expect(try await outcome(wider.packed).code == "capabilityWrong")
            let many = Array(repeating: passed.certificates[0], count: 9)
            #expect(try await outcome(many.packed).code == "badCapability")
            for broken in [[], [0xc1], [0x91, 0xc0], Array(passed.certificates.packed.dropLast())] as [[UInt8]] {
                #expect(try await outcome(broken).code == "malformedMessagePack", "\(broken.count)")
            }
            #expect(try await outcome(passed.certificates.packed).isOK)
            #expect(try await outcome(passed.certificates.packed).code == "capabilitySpent")
            #expect(try await alice.pages() == ["by a client", "by a client"])
        }
    }
}
