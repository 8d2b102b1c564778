import Foundation
import Integrity
import TestKit
import Testing

/// What passes between agents of two conductors, each with a network of its own, over loopback.
@Suite("between conductors", .timeLimit(.minutes(3)))
struct BetweenConductorsTests {
    private static let agreement =
        URL(fileURLWithPath: workshop).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path + "/dna/agreement/happ.yaml"

    private struct Signalled: Encodable {
        var to: [AgentPubKey]
        var name: String
        var count = 1
    }

    private struct Numbered: Decodable {
        var number: Int
    }

    /// Two people on two conductors who have found each other.
    private static func apart(
        _ happ: String, reaches: @escaping @Sendable (Person, Person) async throws -> Void,
        _ body: @escaping @Sendable (TestNetwork, _ ada: Person, _ ben: Person) async throws -> Void
    ) async throws {
        try await TestNetwork.run { network in
            let north = try await network.conductor("north")
            let south = try await network.conductor("south")
            let ada = try await network.person("ada", happ: happ, on: north)
            let ben = try await network.person("ben", happ: happ, on: south)
            try await network.until("they know of each other", within: 60) {
                do {
                    try await reaches(ada, ben)
                    try await reaches(ben, ada)
                    return true
                } catch let refusal as Refusal where ["agentNotFound", "peerUnreachable"].contains(refusal.code) {
                    return false
                }
            }
            try await body(network, ada, ben)
        }
    }

    @Test("a signal reaches an agent of another conductor, in order; one to nobody is no error")
    func signals() async throws {
        try await Self.apart(workshop) { one, other in
            _ = try await one.call(
                "say", ["to": other.agent.text, "order": "echo", "text": "hello"], as: String.self)
        } _: { _, ada, ben in
            let nobody = AgentPubKey(hashing: [1])
            try await ada.call("signal_to", Signalled(to: [nobody, ben.agent], name: "knock", count: 3))
            for number in 0..<3 {
                let heard = try await ben.signal("knock", as: Numbered.self)
                #expect(heard.number == number)
            }
            try await ben.call("signal_to", Signalled(to: [ada.agent], name: "come in"))
            let answer = try await ada.signal("come in", as: Numbered.self)
            #expect(answer.number == 0)
            // The operator sees the other, and the connection.
            let rows = try await ada.conductor.admin("admin/network/peers")
            guard case .array(let peers) = rows else { throw Refusal(code: "internal", message: "no list") }
            let row = try #require(peers.first { $0["agent"] == .string(ben.agent.text) })
            #expect(row["connected"] == .bool(true) && row["score"] == .int(0))
            // Messages went there and back: so did the ping that goes out when the two meet.
            #expect(row["rtt_us"] ?? .null != .null)
            guard case .array(let rounds) = try await ada.conductor.admin("admin/network/sync") else { return }
            #expect(rounds.first?["agent"] == .string(ben.agent.text))
        }
    }

    @Test("two agents of two conductors agree: both sign before either commits, and both hold the same")
    func agreement() async throws {
        struct Wish: Encodable {
            var terms = "The boat is yours on Sundays."
            var with: AgentPubKey
        }
        struct Proposal: Encodable {
            var terms = "The boat is yours on Sundays."
            var to: AgentPubKey
        }
        struct View: Decodable, Equatable {
            struct Agreement: Decodable, Equatable {
                var id: String
                var terms: String
                var proposer: AgentPubKey
                var accepter: AgentPubKey
                var proposerSignature: Signature
                var accepterSignature: Signature
            }
            var author: AgentPubKey
            var agreement: Agreement
        }
        // An offer that nobody has agreed to is refused by whoever is there.
        try await Self.apart(Self.agreement) { one, other in
            do {
                try await one.call("propose", Proposal(terms: "Are you there?", to: other.agent))
            } catch let refusal as Refusal where refusal.code == "notAgreed" {}
        } _: { _, ada, ben in
            try await ben.call("agree_to", Wish(with: ada.agent))
            try await ada.call("propose", Proposal(to: ben.agent))
            _ = try await ben.signal("agreed", as: ActionHash.self)
            let hers = try await ada.call("agreements", as: [View].self)
            let his = try await ben.call("agreements", as: [View].self)
            #expect(hers.count == 1 && hers.map(\.agreement) == his.map(\.agreement))
            #expect(hers.map(\.author) == [ada.agent] && his.map(\.author) == [ben.agent])
        }
    }
}
