import Foundation
import Integrity
import Testing

@testable import plasmid

/// Conductors behind routers that let nobody in. Where no namespaces can be made the tests are skipped, and say why.
@Suite(.serialized, .enabled(if: Namespace.lack == nil, Comment(rawValue: Namespace.lack ?? "")))
struct RouterTests {
    @Test("two behind routers meet through a relay, and find a direct way that needs the relay no more")
    func punch() async throws {
        try await HomeNet.with(.messenger, .kept) { net in
            try await net.start()
            let (here, there) = (net.homes[0], net.homes[1])
            let met = try await Self.meet(here, there)
            let begun = ContinuousClock.now
            try await Self.until("a direct way is found", here) {
                let links = [try await Self.link(here, to: there), try await Self.link(there, to: here)]
                return links == [.direct, .direct]
            }
            report("behind routers: met after \(met), directly connected after another \(ContinuousClock.now - begun)")
            try net.unplugServers()
            for (from, to) in [(here, there), (there, here)] {
                let why = try await from.say(to: to)
                #expect(why == nil)
            }
            let hash = try await here.write("over the hole")
            #expect(try await there.holds(hash, within: TestNet.patience))
        }
    }

    @Test("where routers cannot be got through, the relay carries what is said")
    func relayed() async throws {
        try await HomeNet.with(.messenger, .random) { net in
            try await net.start()
            let (here, there) = (net.homes[0], net.homes[1])
            report("behind routers with random ports: met after \(try await Self.meet(here, there))")
            #expect(try await Self.link(here, to: there) == .relayed)
            let hash = try await here.write("over the relay")
            #expect(try await there.holds(hash, within: TestNet.patience))
        }
    }

    /// Each can speak to the other; how long that took.
    private static func meet(_ here: Node, _ there: Node) async throws -> Duration {
        let begun = ContinuousClock.now
        for (from, to) in [(here, there), (there, here)] {
            var why: String? = "not tried"
            try await until("\(from.number) reaches \(to.number)", from) {
                why = try await from.say(to: to)
                return why == nil
            }
        }
        return ContinuousClock.now - begun
    }

    /// How one is connected with the other.
    private enum Link { case none, relayed, direct }

    private static func link(_ node: Node, to other: Node) async throws -> Link {
        let peers = try await node.request("admin/network/peers").items
        guard let peer = peers.first(where: { $0["agent"]?.text == other.agent }), peer["connected"] == .bool(true)
        else { return .none }
        return peer["relayed"] == .bool(true) ? .relayed : .direct
    }

    /// Asks again and again, half a second of the conductor's time apart, until it is so.
    private static func until(
        _ what: String, _ node: Node, at location: SourceLocation = #_sourceLocation, _ isSo: () async throws -> Bool
    ) async throws {
        for _ in 0..<240 {
            if try await isSo() { return }
            _ = try await node.holds(TestNet.nothing, within: 500)
        }
        Issue.record("not in time: \(what)", sourceLocation: location)
        throw Shell.Failed(description: what)
    }
}
