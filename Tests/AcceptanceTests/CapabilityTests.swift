import Integrity
import Sodium
import Testing

@testable import plasmid

@Suite("capabilities through the real conductor", .timeLimit(.minutes(5)))
struct CapabilityTests {
    /// Two agents who run the workshop.
    private func pair(
        _ body: @escaping @Sendable (TestConductor, _ alice: Person, _ bob: Person) async throws -> Void
    ) async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            try await body(conductor, alice, bob)
        }
    }

    /// Grants, and says how.
    private static func grant(
        _ owner: Person, _ access: String, assignees: [AgentPubKey] = [], functions: String = #"["workshop/write"]"#
    ) async throws -> (address: String, secret: CapSecret?) {
        let names = assignees.map { "\"\($0)\"" }.joined(separator: ",")
        let receipt = try await owner.call(
            "grant", #"{"tag":"t","access":"\#(access)","assignees":[\#(names)],"functions":\#(functions)}"#)
        let secret = receipt["secret"]?.text
        return (try #require(receipt["address"]?.text), try secret.map { try CapSecret.from($0) })
    }

    private static func isRefused(_ outcome: Outcome) -> Bool {
        guard case .refused(let error) = outcome else { return false }
        return error.message.contains("does not have Capability")
    }

    private static let write = #"{"text":"by leave"}"#

    @Test("§11.56 what Bob signs Alice verifies; another text or key is false; malformed text is an error")
    func signatures() async throws {
        try await pair { _, alice, bob in
            let signature = try #require(try await bob.call("sign", #"{"text":"I was here"}"#).text)
            func verify(_ signature: String, _ text: String, _ agent: String) async -> Outcome {
                await alice.outcome(
                    "verify", #"{"signature":"\#(signature)","text":"\#(text)","agent":"\#(agent)"}"#)
            }
            #expect(await verify(signature, "I was here", bob.agent.text) == .ok(.bool(true)))
            #expect(await verify(signature, "I was there", bob.agent.text) == .ok(.bool(false)))
            #expect(await verify(signature, "I was here", alice.agent.text) == .ok(.bool(false)))
            for broken in ["", "no base64 !", "QUJD", String(signature.dropLast(4))] {
                #expect(await verify(broken, "x", bob.agent.text).code == "badInput", "\(broken)")
            }
            #expect(await verify(signature, "x", "uhCAk").code == "badInput")
            #expect(await alice.outcome("who").isOK)
        }
    }

    @Test("§11.62 a zome learns what the operator sees; a call shows its true caller, a callback none")
    func globals() async throws {
        try await pair { conductor, alice, bob in
            let own = try await alice.call("who")
            let dnas = try await conductor.admin("admin/dna/list").items
            #expect(dnas.map { $0["hash"] } == [own["dna"]])
            let agents = try await conductor.admin("admin/agent/list").items.compactMap { $0["public_address"]?.text }
            #expect(agents.contains(try #require(own["me"]?.text)))
            #expect(own["caller"] == own["me"] && own["secret_used"] == .bool(false))
            #expect(own["zome"]?.text == "workshop" && own["function"]?.text == "who")
            let (_, secret) = try await Self.grant(alice, "transferable", functions: #"["workshop/who_granted"]"#)
            let shown = SignedCall(owner: alice, function: "who_granted", secret: secret)
            let granted = try #require(try await shown.outcome(by: bob.agent, over: bob, conductor).value)
            #expect(granted["caller"]?.text == bob.agent.text && granted["secret_used"] == .bool(true))
            #expect(granted["me"]?.text == alice.agent.text)
            for name in ["init", "post_commit"] {
                let signals = try await alice.frames.wait(for: name)
                #expect(signals.allSatisfy { $0.arguments?["caller"] == .null })
            }
        }
    }

    @Test("§11.67 a function that is not public does not have Capability for a stranger without a secret")
    func withoutSecret() async throws {
        try await pair { conductor, alice, bob in
            let stranger = try await conductor.stranger("carol")
            for function in ["write", "grant", "who_granted", "diaries"] {
                let call = SignedCall(owner: alice, function: function, args: Self.write)
                #expect(Self.isRefused(try await call.outcome(by: stranger, over: bob, conductor)), "\(function)")
                #expect(Self.isRefused(await bob.outcome(function, Self.write, of: alice)))
            }
            let open = SignedCall(owner: alice, function: "who")
            let seen = try await open.outcome(by: stranger, over: bob, conductor)
            #expect(seen.value?["caller"]?.text == stranger.text)
        }
    }

    @Test("§11.68 who shows a transferable secret may call; a wrong one fails; equal grants differ in theirs")
    func transferable() async throws {
        try await pair { conductor, alice, bob in
            let (_, secret) = try await Self.grant(alice, "transferable")
            let (_, other) = try await Self.grant(alice, "transferable")
            #expect(secret != nil && secret != other)
            let carol = try await conductor.stranger("carol")
            for agent in [bob.agent, carol] {
                let call = SignedCall(owner: alice, function: "write", args: Self.write, secret: secret)
                #expect(try await call.outcome(by: agent, over: bob, conductor).isOK)
            }
            var guess = Array(try #require(secret).packed.suffix(64))
            guess[63] ^= 1
            for wrong in [guess, [UInt8](repeating: 0, count: 64), SystemRandom.bytes(64)] {
                let call = SignedCall(owner: alice, function: "write", args: Self.write, secret: CapSecret(wrong))
                #expect(Self.isRefused(try await call.outcome(by: bob.agent, over: bob, conductor)))
            }
            #expect(try await alice.call("pages").items.count == 2)
        }
    }

    @Test("§11.69 an assigned grant works for Bob, not for Carol with his secret or in his name")
    func assigned() async throws {
        try await pair { conductor, alice, bob in
            let (_, secret) = try await Self.grant(alice, "assigned", assignees: [bob.agent])
            let carol = try await conductor.stranger("carol")
            func call() -> SignedCall {
                SignedCall(owner: alice, function: "write", args: Self.write, secret: secret)
            }
            #expect(try await call().outcome(by: bob.agent, over: bob, conductor).isOK)
            #expect(Self.isRefused(try await call().outcome(by: carol, over: bob, conductor)))
            let forged = call()
            let byCarol = try await forged.signed(by: carol, in: conductor)
            let claimed = await bob.outcome(params: forged.params(as: bob.agent, byCarol))
            #expect(claimed.code == "authenticationFailed")
            let asOwner = await bob.outcome(params: forged.params(as: alice.agent, byCarol))
            #expect(asOwner.code == "authenticationFailed")
            // Bob's name alone, without the secret, opens nothing.
            #expect(Self.isRefused(await bob.outcome("write", Self.write, of: alice)))
            #expect(try await alice.call("pages").items.count == 1)
        }
    }

    @Test("§11.70 a grant for one function opens no other, and none of another zome")
    func otherFunction() async throws {
        try await pair { conductor, alice, bob in
            let (_, secret) = try await Self.grant(alice, "transferable")
            for (zome, function) in [("workshop", "remove"), ("workshop", "who_granted"), ("annex", "write")] {
                let call = SignedCall(owner: alice, zome: zome, function: function, args: Self.write, secret: secret)
                let outcome = try await call.outcome(by: bob.agent, over: bob, conductor)
                #expect(Self.isRefused(outcome), "\(zome)/\(function): \(outcome)")
            }
            let good = SignedCall(owner: alice, function: "write", args: Self.write, secret: secret)
            #expect(try await good.outcome(by: bob.agent, over: bob, conductor).isOK)
        }
    }

    @Test("§11.71 grants to nobody, open ones with names and ones for what is not there are errors")
    func faultyGrants() async throws {
        try await pair { conductor, alice, bob in
            try await alice.call("who")
            let before = try await alice.length(conductor)
            func byZome(_ access: String, _ functions: String) async -> Outcome {
                await alice.outcome("grant", #"{"tag":"t","access":"\#(access)","functions":\#(functions)}"#)
            }
            #expect(await byZome("assigned", #"["workshop/write"]"#).isOK == false)
            #expect(await byZome("transferable", #"["nowhere/write"]"#).words.contains("nowhere"))
            #expect(await byZome("transferable", #"["workshop/fly"]"#).words.contains("fly"))
            for access in ["public", "transferable"] {
                let error = await #expect(throws: PlasmidError.self) {
                    try await conductor.admin(
                        "admin/grant",
                        #"{"instance_id":"alice/main","tag":"t","access":"\#(access)","assignees":["\#(bob.agent)"],"#
                            + #""functions":["workshop/write"]}"#)
                }
                #expect(error?.message.contains("assignees") == true)
            }
            #expect(try await alice.length(conductor) == before)
            #expect(try await conductor.admin("admin/grants", #"{"instance_id":"alice/main"}"#).items.isEmpty)
        }
    }

    @Test("§11.72 the owner's key is no secret: a stranger who shows it is refused, the owner's signature works")
    func ownerKey() async throws {
        try await pair { conductor, alice, bob in
            let carol = try await conductor.stranger("carol")
            let padded = alice.agent.bytes + [UInt8](repeating: 0, count: 25)
            var call = SignedCall(owner: alice, function: "write", args: Self.write, secret: CapSecret(padded))
            #expect(Self.isRefused(try await call.outcome(by: carol, over: bob, conductor)))
            call = SignedCall(owner: alice, function: "write", args: Self.write)
            let params = call.params(as: carol, try await call.signed(by: carol, in: conductor))
            let asText = params.dropLast() + #","token":"\#(alice.agent)"}"#
            let shown = await bob.outcome(params: String(asText))
            #expect(shown.code == "badParameter", "\(shown)")
            call = SignedCall(owner: alice, function: "write", args: Self.write)
            #expect(try await call.outcome(by: alice.agent, over: bob, conductor).isOK)
        }
    }

    @Test("§11.73 a captured call is refused when replayed, elsewhere, changed or late")
    func captured() async throws {
        try await pair { conductor, alice, bob in
            let (_, secret) = try await Self.grant(alice, "transferable", functions: "null")
            let call = SignedCall(owner: alice, function: "write", args: Self.write, secret: secret)
            let signature = try await call.signed(by: bob.agent, in: conductor)
            #expect(await bob.outcome(params: call.params(as: bob.agent, signature)).isOK)
            #expect(await bob.outcome(params: call.params(as: bob.agent, signature)).code == "nonceReplayed")
            var changed: [SignedCall] = []
            for change in [
                { (call: inout SignedCall) in call.zome = "annex" },
                { $0.function = "who_granted" }, { $0.owner = bob }, { $0.args = #"{"text":"other"}"# },
                { $0.nonce = SystemRandom.bytes(32) }, { $0.secret = nil },
                { $0.expiresAt = Timestamp(microseconds: $0.expiresAt.microseconds + 1) },
            ] as [(inout SignedCall) -> Void] {
                var copy = call
                change(&copy)
                changed.append(copy)
            }
            for copy in changed {
                let outcome = await bob.outcome(params: copy.params(as: bob.agent, signature))
                #expect(outcome.code == "authenticationFailed", "\(outcome)")
            }
            var late = SignedCall(owner: alice, function: "write", args: Self.write, secret: secret)
            late.expiresAt = Timestamp(microseconds: SignedCall.now - 1)
            #expect(try await late.outcome(by: bob.agent, over: bob, conductor).code == "callExpired")
            #expect(try await alice.call("pages").items.count == 1)
        }
    }

    @Test("§11.74 a revoked grant opens nothing from the next call on, its successor works; after a restart too")
    func revoked() async throws {
        let folder = try TestFolder()
        let secrets = try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let old = try await Self.grant(alice, "assigned", assignees: [bob.agent])
            try await Self.expect(old.secret, opens: true, alice, bob, conductor)
            try await alice.call("revoke", #"{"hash":"\#(old.address)"}"#)
            try await Self.expect(old.secret, opens: false, alice, bob, conductor)
            let new = try await Self.grant(alice, "assigned", assignees: [bob.agent])
            try await Self.expect(old.secret, opens: false, alice, bob, conductor)
            try await Self.expect(new.secret, opens: true, alice, bob, conductor)
            return (old.secret, new.secret)
        }
        try await TestConductor.with(in: folder) { conductor in
            let (alice, bob) = (try await conductor.person("alice"), try await conductor.person("bob"))
            try await Self.expect(secrets.0, opens: false, alice, bob, conductor)
            try await Self.expect(secrets.1, opens: true, alice, bob, conductor)
            // The operator can do the same, without the module.
            let grants = try await conductor.admin("admin/grants", #"{"instance_id":"alice/main"}"#).items
            #expect(grants.count == 1)
            let address = try #require(grants.first?["address"]?.text)
            _ = try await conductor.admin("admin/revoke", #"{"instance_id":"alice/main","address":"\#(address)"}"#)
            try await Self.expect(secrets.1, opens: false, alice, bob, conductor)
        }
    }

    private static func expect(
        _ secret: CapSecret?, opens: Bool, _ owner: Person, _ caller: Person, _ conductor: TestConductor,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let call = SignedCall(owner: owner, function: "write", args: write, secret: secret)
        let outcome = try await call.outcome(by: caller.agent, over: caller, conductor)
        #expect(opens ? outcome.isOK : isRefused(outcome), "\(outcome)", sourceLocation: location)
    }

    @Test("§11.75 a provenance of any wrong shape is -32602, and the next call works")
    func brokenProvenance() async throws {
        try await pair { _, alice, bob in
            let zeros = Base64.encode([UInt8](repeating: 0, count: 64))
            let key = bob.agent.text
            for provenance in [
                "{}", "[]", "5", #""me""#, #"["\#(key)"]"#, #"["\#(key)","%%%"]"#, #"["\#(key)","AAAA"]"#,
                #"["uhCAkbroken","\#(zeros)"]"#, #"["","\#(zeros)"]"#, #"["\#(key)","\#(zeros)","more"]"#,
                #"[null,null]"#, #"["\#(key)","\#(zeros)"]"#,
            ] {
                let outcome = await bob.outcome("who", of: alice, more: #","provenance":\#(provenance)"#)
                guard case .refused(let error) = outcome else {
                    Issue.record("\(provenance): \(outcome)")
                    continue
                }
                #expect(error.message.contains("provenance"), "\(provenance): \(error)")
            }
            #expect(await bob.outcome("who", of: alice).isOK)
        }
    }

    @Test("§11.76 the ghostwriter: ask, grant, claim, post on the owner's chain, and nothing after revocation")
    func ghostwriter() async throws {
        try await TestConductor.with { conductor in
            let owner = try await conductor.install(Places.ghostwriter, as: "owner")
            let writer = try await conductor.install(Places.ghostwriter, as: "writer")
            let post = #"{"owner":"\#(owner.agent)","text":"in your name"}"#
            #expect(await writer.outcome("post_for", post, zome: "ghostwriter").code == "noClaim")
            let asked = await writer.outcome("ask", #"{"owner":"\#(owner.agent)"}"#, zome: "ghostwriter")
            #expect(asked.code == "refused")
            try await owner.call("invite", #"{"writer":"\#(writer.agent)"}"#, zome: "ghostwriter")
            try await writer.call("ask", #"{"owner":"\#(owner.agent)"}"#, zome: "ghostwriter")
            let claims = try await writer.call("claims", zome: "ghostwriter").items
            #expect(claims.map { $0["grantor"]?.text } == [owner.agent.text])
            try await writer.call("post_for", post, zome: "ghostwriter")
            let posts = try await owner.call("posts", zome: "ghostwriter").items
            #expect(posts.count == 1)
            #expect(posts.first?["author"]?.text == owner.agent.text)
            #expect(posts.first?["writer"]?.text == writer.agent.text)
            try await owner.call("revoke", #"{"writer":"\#(writer.agent)"}"#, zome: "ghostwriter")
            let refused = await writer.outcome("post_for", post, zome: "ghostwriter")
            #expect(refused.words.contains("does not have Capability"), "\(refused)")
            #expect(try await owner.call("posts", zome: "ghostwriter").items.count == 1)
        }
    }

    @Test("a call from another cell: without, with a wrong, somebody else's, a good and a revoked secret")
    func fromCells() async throws {
        try await pair { conductor, alice, bob in
            let carol = try await conductor.install(Places.workshop, as: "carol")
            let grant = try await Self.grant(alice, "assigned", assignees: [bob.agent])
            let secret = Base64.encode(Array(try #require(grant.secret).packed.suffix(64)))
            func remote(_ from: Person, _ more: String) async -> Outcome {
                await from.outcome(
                    "call_remote",
                    #"{"to":"\#(alice.agent)","zome":"workshop","function":"write","text":"by cell"\#(more)}"#)
            }
            let wrong = Base64.encode([UInt8](repeating: 7, count: 64))
            for (from, more) in [
                (bob, ""), (bob, #","secret":"\#(wrong)""#), (carol, #","secret":"\#(secret)""#),
            ] {
                let outcome = await remote(from, more)
                #expect(outcome.words.contains("does not have Capability"), "\(outcome)")
            }
            #expect(await remote(bob, #","secret":"\#(secret)""#).isOK)
            try await alice.call("revoke", #"{"hash":"\#(grant.address)"}"#)
            #expect(await remote(bob, #","secret":"\#(secret)""#).words.contains("does not have Capability"))
            #expect(try await alice.call("pages").items == [.string("by cell")])
        }
    }
}
