import Chain
import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import Sodium
import Storage
import Testing

@testable import plasmid

@Suite("what a call uses up, and how a capability is passed on", .timeLimit(.minutes(5)))
struct CapabilityLimitTests {
    @Test("of twenty calls at once on the last three uses three are let in; a call that fails has used its use")
    func concurrentUses() async throws {
        try await TestConductor.with { conductor in
            let people = try await conductor.workshops("alice", "bob")
            let (alice, bob) = (people[0], people[1])
            let grant = try await alice.grants(
                "transferable", functions: #"["workshop/write","workshop/remove"]"#, uses: 4)
            try await bob.claims(grant.secret, of: alice)
            // A call that fails inside: `remove` takes no text.
            let failed = await bob.writes("no address", for: alice, function: "remove")
            #expect(!failed.isOK && failed.code != "capabilitySpent", "\(failed)")
            let outcomes = await withTaskGroup(of: Outcome.self) { group in
                for number in 0..<20 { group.addTask { await bob.writes("\(number)", for: alice) } }
                return await group.reduce(into: [Outcome]()) { $0.append($1) }
            }
            #expect(outcomes.filter(\.isOK).count == 3, "\(outcomes)")
            #expect(outcomes.filter { $0.code == "capabilitySpent" }.count == 17)
            #expect(try await alice.pages().count == 3)
            let lines = try await conductor.admin("admin/grants", #"{"instance_id":"alice/main"}"#).items
            #expect(lines.first?["used"]?.number == 4 && lines.first?["uses"]?.number == 4)
            #expect(lines.first?["state"]?.text == "spent")
        }
    }

    @Test("no effect of a counted call survives a kill without its use being spent", arguments: SyncPoint.allCases)
    func killed(at point: SyncPoint) async throws {
        let place = FileManager.default.temporaryDirectory.path + "/plasmid-uses-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let claim = try await Self.prepare(AppClient(socket: conductor.connect()))
        conductor.kill()
        var acknowledged: Int64 = 0
        do {
            try conductor.start(environment: ["PLASMID_KILL_AT": "\(point.rawValue):2"])
            let client = AppClient(socket: try await conductor.connect())
            for _ in 1...30 {
                _ = try await client.call("bob/main", "workshop", "call_claimed", claim)
                acknowledged += 1
            }
        } catch {
            // The conductor died: that is what it was asked to do.
        }
        conductor.kill()
        try conductor.start()
        let client = AppClient(socket: try await conductor.connect())
        let pages = try await client.call("alice/main", "workshop", "pages").items
        let grants = try await client.request("admin/grants", .object(["instance_id": .string("alice/main")])).items
        let used = try #require(grants.first?["used"]?.number)
        #expect(Int64(pages.count) >= acknowledged && used >= Int64(pages.count), "\(pages.count) pages, \(used) uses")
        // What is left is exactly what was not spent.
        for _ in used..<40 { _ = try await client.call("bob/main", "workshop", "call_claimed", claim) }
        await #expect(throws: AppError.self) {
            try await client.call("bob/main", "workshop", "call_claimed", claim)
        }
        await client.socket.close()
    }

    /// Alice lets Bob write forty times; gives what he calls with.
    private static func prepare(_ client: AppClient) async throws -> MessagePackValue {
        var agents: [String: String] = [:]
        for name in ["alice", "bob"] {
            let info = try await client.request(
                "admin/app/install", .object(["path": .string(Places.workshop), "app_id": .string(name)]))
            agents[name] = info["agent"]?.text
        }
        let alice = try #require(agents["alice"])
        let grant = try await client.request(
            "admin/grant",
            .object([
                "instance_id": .string("alice/main"), "label": .string("t"), "access": .string("transferable"),
                "functions": .array([.string("workshop/write")]), "uses": .int(40),
            ]))
        _ = try await client.call(
            "bob/main", "workshop", "claim",
            .object([
                "tag": .string("t"), "grantor": .string(alice), "secret": .string(try #require(grant["secret"]?.text)),
            ]))
        await client.socket.close()
        return .object([
            "to": .string(alice), "label": .string("t"), "function": .string("write"), "text": .string("counted"),
        ])
    }

    @Test("§11.73 a signed call is not taken again after a restart, whether it wrote, only read or was refused")
    func replayedAfterRestart() async throws {
        let (folder, clock) = (try TestFolder(), SetClock())
        let captured = try await TestConductor.with(clock.settings, in: folder) { conductor in
            let people = try await conductor.workshops("alice", "bob")
            let (alice, bob) = (people[0], people[1])
            var captured: [String] = []
            let secret = try CapSecret.from(try await alice.grants("transferable").secret)
            for (function, secret) in [("write", secret), ("pages", nil), ("write", nil)] as [(String, CapSecret?)] {
                var call = SignedCall(owner: alice, function: function, args: #"{"text":"once"}"#, secret: secret)
                call.expiresAt = Timestamp(microseconds: clock.ahead(hours: 0.5))
                captured.append(call.params(as: bob.agent, try await call.signed(by: bob.agent, in: conductor)))
            }
            #expect(await bob.outcome(params: captured[0]).isOK)
            #expect(await bob.outcome(params: captured[1]).isOK)
            #expect(await bob.outcome(params: captured[2]).code == "capabilityMissing")
            return captured
        }
        try await TestConductor.with(clock.settings, in: folder) { conductor in
            let (alice, bob) = (try await conductor.person("alice"), try await conductor.person("bob"))
            // What was refused shall not come true now that everybody may write.
            _ = try await conductor.admin(
                "admin/grant",
                #"{"instance_id":"alice/main","label":"all","access":"public","functions":["workshop/write"]}"#)
            for params in captured { #expect(await bob.outcome(params: params).code == "nonceReplayed") }
            // A clock that is set back brings none of them to life, neither soon after nor when they are long forgotten.
            for (hours, code) in [(0.6, "nonceReplayed"), (2, "callExpired")] as [(Double, String)] {
                clock.move(hours: hours)
                for params in captured { #expect(await bob.outcome(params: params).code == "callExpired") }
                clock.move(hours: -hours)
                for params in captured { #expect(await bob.outcome(params: params).code == code) }
            }
            #expect(try await alice.pages() == ["once"])
        }
    }

    @Test("an app's token is the author in its own app, a stranger in another of the same DNA, and nobody elsewhere")
    func tokenOfAnotherApp() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            // The same person runs a second app under the same key.
            let second = try await conductor.install(
                Places.ghostwriter, as: "second", params: #","agent":"\#(alice.agent)""#)
            #expect(second.agent == alice.agent)
            #expect(await alice.outcome("write", #"{"text":"mine"}"#).isOK)
            #expect(await second.outcome("posts", zome: "ghostwriter").isOK)
            for function in ["write", "diaries", "who"] {
                let outcome = await second.outcome(function, #"{"text":"not mine"}"#, of: alice)
                #expect(outcome.code == "unknownInstance", "\(function): \(outcome)")
            }
            let call = SignedCall(owner: alice, function: "write", args: #"{"text":"signed"}"#)
            let signed = try await call.outcome(by: alice.agent, over: second, conductor)
            #expect(signed.code == "unknownInstance", "\(signed)")
            #expect(await alice.outcome("posts", zome: "ghostwriter", of: second).code == "unknownInstance")
            // Bob's app runs the same DNA: he is a stranger at Alice's, and she at his.
            #expect(await bob.outcome("who", of: alice).isOK)
            #expect(await bob.outcome("diaries", of: alice).code == "capabilityMissing")
            #expect(await alice.outcome("diaries", of: bob).code == "capabilityMissing")
            #expect(try await alice.pages() == ["mine"])
        }
    }

    @Test("a capability is passed on, narrower each time; the grantor sees by whom, and ends all of it at once")
    func passedOn() async throws {
        let (folder, clock) = (try TestFolder(), SetClock())
        try await TestConductor.with(clock.settings, in: folder) { conductor in
            let people = try await conductor.workshops("alice", "bob", "carol", "dave")
            let (alice, bob, carol, dave) = (people[0], people[1], people[2], people[3])
            let grant = try await alice.grants(
                "transferable", functions: #"["workshop/write","workshop/by_what_right"]"#)
            try await bob.claims(grant.secret, of: alice)
            let toCarol = try await bob.passesOn(
                alice, to: carol.agent, more: #","uses":3,"expires":\#(clock.ahead(hours: 2))"#)
            #expect(await carol.keeps(toCarol).isOK)
            #expect(await carol.writes("by carol", for: alice).isOK)
            let right = try #require(await carol.writes("", for: alice, function: "by_what_right").value)
            #expect(right["by"] == .array([.string(bob.agent.text)]) && right["label"]?.text == "t")
            // What was meant for Carol is of no use to Dave, nor is it his to keep.
            #expect(await dave.keeps(toCarol).words.contains("somebody else"))
            let toDave = try await carol.passesOn(
                alice, to: dave.agent, more: #","functions":["write"],"uses":100,"expires":\#(clock.ahead(hours: 9))"#)
            #expect(await dave.keeps(toDave).isOK)
            #expect(await dave.writes("", for: alice, function: "by_what_right").code == "capabilityNotForFunction")
            #expect(await dave.writes("by dave", for: alice).isOK)
            #expect(await dave.writes("again", for: alice).code == "capabilitySpent", "Carol's three uses")
            #expect(await carol.writes("again", for: alice).code == "capabilitySpent")
            #expect(await bob.writes("by bob", for: alice).isOK)
        }
        try await TestConductor.with(clock.settings, in: folder) { conductor in
            let (alice, bob) = (try await conductor.person("alice"), try await conductor.person("bob"))
            let dave = try await conductor.person("dave")
            #expect(await dave.writes("again", for: alice).code == "capabilitySpent")
            let toDave = try await bob.passesOn(alice, to: dave.agent, more: #","expires":\#(clock.ahead(hours: 1))"#)
            #expect(await dave.keeps(toDave).isOK)
            #expect(await dave.writes("directly", for: alice).isOK)
            clock.move(hours: 1)
            #expect(await dave.writes("late", for: alice).code == "capabilityExpired")
            clock.move(hours: -1)
            #expect(await dave.writes("late", for: alice).code == "capabilityExpired")
            let more = try await bob.passesOn(alice, to: dave.agent)
            #expect(await dave.keeps(more).isOK)
            #expect(await dave.writes("once more", for: alice).isOK)
            #expect(try await alice.call("revoke_label", #"{"label":"t"}"#).number == 1)
            #expect(await dave.writes("too late", for: alice).code == "capabilityWrong")
            #expect(await bob.writes("too late", for: alice).code == "capabilityWrong")
            #expect(try await alice.pages() == ["by carol", "by dave", "by bob", "directly", "once more"])
        }
    }

    @Test(
        "an assigned capability is not passed on, what is passed on is not forged, and nobody passes on what he has not"
    )
    func notPassedOn() async throws {
        try await TestConductor.with { conductor in
            let people = try await conductor.workshops("alice", "bob", "carol")
            let (alice, bob, carol) = (people[0], people[1], people[2])
            let grant = try await alice.grants("assigned", to: [bob.agent, carol.agent])
            try await bob.claims(grant.secret, of: alice)
            let passedOn = try await bob.passesOn(alice, to: carol.agent)
            #expect(await carol.keeps(passedOn).isOK)
            #expect(await carol.writes("x", for: alice).code == "capabilityNotTransferable")
            let nothing = await carol.outcome(
                "pass_on", #"{"grantor":"\#(bob.agent)","label":"t","to":"\#(alice.agent)"}"#)
            #expect(nothing.code == "noClaim")
            for broken in ["", "%%%", "AAAA", String(passedOn.dropLast(8))] {
                #expect(await carol.keeps(broken).code == "badInput", "\(broken)")
            }
            for limits in [#""uses":0"#, #""expires":1"#, #""functions":[]"#] {
                let outcome = await bob.outcome(
                    "pass_on", #"{"grantor":"\#(alice.agent)","label":"t","to":"\#(carol.agent)",\#(limits)}"#)
                #expect(outcome.code == "badCapability", "\(limits): \(outcome)")
            }
        }
    }

    @Test("grants by label: found, counted, replaced and revoked; a call sees its own; one that is meant must be one")
    func labels() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            #expect(try await alice.call("grant_and_look").items.map(\.number) == [0, 1, 0])
            for _ in 0..<2 { _ = try await alice.grants("transferable", label: "twice") }
            _ = try await alice.grants("transferable", label: "once", uses: 5)
            #expect(await alice.outcome("regrant", #"{"label":"twice"}"#).code == "capabilityAmbiguous")
            #expect(await alice.outcome("regrant", #"{"label":"never"}"#).code == "notFound")
            #expect(await alice.outcome("regrant", #"{"label":"once","uses":0}"#).code == "badCapability")
            #expect(await alice.outcome("regrant", #"{"label":"once","expires":1}"#).code == "badCapability")
            func admin(_ label: String) async throws -> [MessagePackValue] {
                try await conductor.admin("admin/grants", #"{"instance_id":"alice/main","label":"\#(label)"}"#).items
            }
            #expect(try await admin("twice").count == 2)
            let revoked = try await conductor.admin("admin/revoke", #"{"instance_id":"alice/main","label":"twice"}"#)
            #expect(revoked["revoked"]?.items.count == 2)
            #expect(try await admin("twice").isEmpty)
            #expect(try await admin("once").map { $0["uses"]?.number } == [5])
            for params in [#"{"instance_id":"alice/main"}"#, #"{"instance_id":"alice/main","label":"twice"}"#] {
                await #expect(throws: PlasmidError.self) { try await conductor.admin("admin/revoke", params) }
            }
            for limits in [
                #""uses":0"#, #""uses":-1"#, #""uses":4294967296"#, #""uses":"3""#, #""expires_at":1"#,
                #""expiry_seconds":0"#, #""expiry_seconds":60,"expires_at":99999999999999999"#, #""expires_at":1.5"#,
            ] {
                await #expect(throws: PlasmidError.self, "\(limits)") {
                    try await conductor.admin(
                        "admin/grant",
                        #"{"instance_id":"alice/main","label":"l","access":"transferable","functions":"all",\#(limits)}"#
                    )
                }
            }
        }
    }

    @Test("a function for the author alone is opened by no grant, not one of all functions either")
    func authorOnly() async throws {
        try await TestConductor.with { conductor in
            let people = try await conductor.workshops("alice", "bob")
            let (alice, bob) = (people[0], people[1])
            let all = try await alice.grants("transferable", functions: "null")
            let call = SignedCall(owner: alice, function: "diaries", secret: try CapSecret.from(all.secret))
            #expect(try await call.outcome(by: bob.agent, over: bob, conductor).code == "capabilityNotForFunction")
            let listed = await alice.outcome(
                "grant", #"{"tag":"t","access":"transferable","functions":["workshop/diaries"]}"#)
            #expect(listed.code == "badCapability", "\(listed)")
        }
    }
}
