import Foundation
import Integrity
import TestKit
import Testing

private let hostile =
    URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/Modules/happ.yaml"

/// Validators in processes of their own, whose state is not to be trusted.
@Suite("validators with a state", .timeLimit(.minutes(3)))
struct ValidatorTests {
    /// The ops that wait, or that no verdict can be had for, at the conductor of a person.
    private static func waiting(_ person: Person) async throws -> [(code: String?, reason: String?)] {
        let rows = try await person.conductor.admin(
            "admin/network/ops",
            .map([.init("instance_id", .string(person.instance)), .init("state", .string("waiting"))]))
        return rows.items.map { ($0["code"]?.text, $0["reason"]?.text) }
    }

    @Test(
        "what only a spoilt process rejects is no verdict: no warrant, nobody refused, and a fresh process accepts it")
    func spoilt() async throws {
        try await TestNetwork.run { network in
            let (north, south) = (try await network.conductor("north"), try await network.conductor("south"))
            let ada = try await network.person("ada", happ: hostile, on: north)
            let ben = try await network.person("ben", happ: hostile, on: south)
            let spoils = try await ada.call("create", "spoils", as: ActionHash.self)
            try await network.until([ben], hold: spoils)
            // The same state in the author's own process has the write refused there.
            let own = await #expect(throws: Refusal.self) {
                _ = try await ada.call("create", "plain", as: ActionHash.self)
            }
            #expect(own?.message.contains("spoilt") == true)
            // With processes of which none has seen the first mark, the author may write it; ben's validators are spoilt.
            try await north.stop()
            try await north.start()
            let plain = try await ada.call("create", "plain", as: ActionHash.self)
            try await network.until("ben's conductor finds its validators at odds", within: 30) {
                try await Self.waiting(ben).contains { $0.code == "validatorNotDeterministic" }
            }
            let words = try await Self.waiting(ben).compactMap(\.reason)
            #expect(words.contains { $0.contains("this process is spoilt") })
            let warrants = try await south.admin(
                "admin/warrants", .map([.init("instance_id", .string(ben.instance))]))
            #expect(warrants == .array([]))
            // Ada is refused nothing: what she writes next is taken.
            let next = try await ada.call("create", "next", as: ActionHash.self)
            try await network.until([ben], hold: next)
            try await south.stop()
            try await south.start()
            try await network.until([ben], hold: plain)
            try await network.until("nothing waits at ben's any more", within: 30) {
                try await Self.waiting(ben).isEmpty
            }
        }
    }
}
