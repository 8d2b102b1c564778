import Foundation
import Integrity
import Sodium
import Testing

/// Conductors in namespaces of their own, all on one bridge, which stands in a namespace as well: the machine's own network
/// is never touched.
final class TestNet: Sendable {
    let nodes: [Node]
    let bridge: String
    private let folder: String

    /// How long a thing may take to arrive, in milliseconds: far more than it does.
    static let patience: Int64 = 180_000

    private init(_ count: Int, _ app: SampleApp) throws {
        folder = FileManager.default.temporaryDirectory.path + "/plasmid-net-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        bridge = Namespace.name("bridge")
        nodes = try (1...count).map { [folder] number in
            try Node(number, app: app, namespace: Namespace.name("\(number)"), folder: "\(folder)/\(number)")
        }
    }

    /// Runs a test with so many conductors; everything is gone afterwards in any case.
    static func with(_ count: Int, _ app: SampleApp, _ body: (TestNet) async throws -> Void) async throws {
        let net = try TestNet(count, app)
        do {
            try net.build()
            try await body(net)
            await net.end()
        } catch {
            await net.end()
            throw error
        }
    }

    private func build() throws {
        try Namespace.make(bridge)
        try Shell.run("ip -n \(bridge) link add br0 type bridge")
        try Shell.run("ip -n \(bridge) link set br0 up")
        try Namespace.nft("add table bridge cut", in: bridge)
        try Namespace.nft("add chain bridge cut forward { type filter hook forward priority 0; }", in: bridge)
        for node in nodes { try plug(node) }
    }

    /// A machine for a node, with a cable to the bridge.
    private func plug(_ node: Node) throws {
        try Namespace.make(node.namespace)
        let cable = "p\(node.number)"
        try Shell.run("ip -n \(bridge) link add \(cable) type veth peer name eth0 netns \(node.namespace)")
        try Shell.run("ip -n \(bridge) link set \(cable) master br0")
        try Shell.run("ip -n \(bridge) link set \(cable) up")
        try Shell.run("ip -n \(node.namespace) addr add \(node.address)/24 dev eth0")
        try Shell.run("ip -n \(node.namespace) link set eth0 up")
    }

    private func end() async {
        for node in nodes { await node.end() }
        for node in nodes { Namespace.remove(node.namespace) }
        Namespace.remove(bridge)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Starts all; all but the first are told of the first.
    func start() async throws {
        for node in nodes {
            try await node.start(bootstrap: node.number == 1 ? [] : [nodes[0]])
            try await node.install()
        }
    }

    // MARK: Faults

    /// Lets nothing through between two sides.
    func cut(_ one: [Int], _ other: [Int]) throws {
        func names(_ numbers: [Int]) -> String { "{ \(numbers.map { "p\($0)" }.joined(separator: ", ")) }" }
        for (from, to) in [(one, other), (other, one)] {
            try Namespace.nft(
                "add rule bridge cut forward iifname \(names(from)) oifname \(names(to)) drop", in: bridge)
        }
    }

    /// A machine loses power: nobody hears of it, no FIN, no RST; and nothing answers for its connections afterwards, as
    /// behind a firewall that has never heard of them. It comes back empty.
    func powerCut(_ node: Node) async throws {
        try Shell.run("ip -n \(bridge) link del p\(node.number)")
        await node.end()
        Namespace.remove(node.namespace)
        try Namespace.nft("add rule bridge cut forward tcp flags rst drop", in: bridge)
        try plug(node)
    }

    /// Loses so many packets of a hundred.
    func lose(percent: Int) throws {
        try Namespace.nft("add rule bridge cut forward numgen random mod 100 < \(percent) drop", in: bridge)
    }

    /// Delays what every node sends; nil where it does, else why the kernel cannot.
    func delay(milliseconds: Int, jitter: Int) -> String? {
        do {
            for node in nodes {
                try Shell.run(
                    "ip netns exec \(node.namespace) tc qdisc add dev eth0 root netem delay \(milliseconds)ms \(jitter)ms"
                )
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Ends cuts and losses.
    func heal() throws { try Namespace.nft("flush chain bridge cut forward", in: bridge) }

    // MARK: What is held where

    /// Waits until every one of `nodes` holds all of `hashes`, and gives how long that took.
    @discardableResult
    func hold(
        _ hashes: [String], _ nodes: [Node], at location: SourceLocation = #_sourceLocation
    ) async throws -> Duration {
        let begun = ContinuousClock.now
        let missing = try await withThrowingTaskGroup(of: String?.self) { group in
            for node in nodes {
                for hash in hashes {
                    group.addTask {
                        try await node.holds(hash, within: Self.patience) ? nil : "node \(node.number) lacks \(hash)"
                    }
                }
            }
            var missing: [String] = []
            for try await one in group { if let one { missing.append(one) } }
            return missing
        }
        #expect(missing.isEmpty, sourceLocation: location)
        return ContinuousClock.now - begun
    }

    /// Says something from one node to another until it is answered, at most so often.
    /// - Returns: how long it took.
    func talk(from: Node, to: Node, at location: SourceLocation = #_sourceLocation) async throws -> Duration {
        let begun = ContinuousClock.now
        var why: String?
        for _ in 0..<60 {
            why = try await from.say(to: to)
            if why == nil { break }
            // Half a second of the conductor's time: nobody has this entry.
            _ = try await from.holds(Self.nothing, within: 500)
        }
        #expect(why == nil, "\(from.number) to \(to.number)", sourceLocation: location)
        return ContinuousClock.now - begun
    }

    /// The address of an action that nobody wrote.
    static let nothing = ActionHash(core: Bytes32()).text
}
