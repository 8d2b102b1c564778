import Foundation
import Integrity
import Sodium
import Testing

@testable import plasmid

/// Conductors in network namespaces, whose network fails in the ways in which networks do. Where no namespaces can be made
/// (not root, no `ip` or `nft`) the tests are skipped, and say why.
@Suite(.serialized, .enabled(if: Namespace.lack == nil, Comment(rawValue: Namespace.lack ?? "")))
struct PartitionTests {
    @Test(
        "five conductors that know one address meet, are cut in two, write on both sides, and hold everything when it heals"
    )
    func partition() async throws {
        try await TestNet.with(5, .messenger) { net in
            try await net.start()
            let nodes = net.nodes
            let (left, right) = (Array(nodes[..<2]), Array(nodes[2...]))
            report("five meet and hold each other's notes: \(try await net.hold(try await Self.write(nodes), nodes))")
            for (from, to) in [(0, 4), (4, 0), (1, 2), (3, 1)] {
                _ = try await net.talk(from: nodes[from], to: nodes[to])
            }
            try net.cut([1, 2], [3, 4, 5])
            let (here, there) = (try await Self.write(left), try await Self.write(right))
            try await net.hold(here, left)
            try await net.hold(there, right)
            for node in left { for hash in there { #expect(try await !Self.holds(node, hash)) } }
            for node in right { for hash in here { #expect(try await !Self.holds(node, hash)) } }
            try await Self.talkAcross(nodes[0], nodes[2])
            try await Self.talkAcross(nodes[3], nodes[1])
            let (laterHere, laterThere) = (try await Self.write(left), try await Self.write(right))
            try net.heal()
            report(
                "after the cut all hold everything: \(try await net.hold(here + there + laterHere + laterThere, nodes))"
            )
            for from in left {
                for to in right {
                    let there = try await net.talk(from: from, to: to)
                    let back = try await net.talk(from: to, to: from)
                    report("messages \(from.number) to \(to.number): \(there), back: \(back)")
                }
            }
            report("a new note: \(try await net.hold(try await Self.write(nodes), nodes))")
        }
    }

    private static func write(_ nodes: [Node]) async throws -> [String] {
        var hashes: [String] = []
        for node in nodes { hashes.append(try await node.write("a note of \(node.person)")) }
        return hashes
    }

    private static func holds(_ node: Node, _ hash: String) async throws -> Bool {
        try await node.holds(hash, within: 0)
    }

    /// Messages over a cut are errors; from when on it is known, at once.
    private static func talkAcross(_ from: Node, _ to: Node) async throws {
        let begun = ContinuousClock.now
        var isKnown = false
        for _ in 0..<40 where !isKnown {
            let why = try await from.say(to: to)
            isKnown = try #require(why, "a message went over a cut").contains("offline")
        }
        #expect(isKnown)
        let known = ContinuousClock.now
        var slowest = Duration.zero
        for _ in 0..<20 {
            let sent = ContinuousClock.now
            #expect(try await from.say(to: to) != nil)
            slowest = max(slowest, ContinuousClock.now - sent)
        }
        report("the cut is known after \(known - begun); then the slowest of 20 refusals took \(slowest)")
    }

    @Test("a node that loses power and comes back is one of them again, although nobody has heard of its end")
    func powerCut() async throws {
        try await TestNet.with(3, .messenger) { net in
            try await net.start()
            let nodes = net.nodes
            try await net.hold(try await Self.write(nodes), nodes)
            // Connections older than those that two nodes make by dialling each other at once.
            for _ in 0..<24 { _ = try await nodes[0].holds(TestNet.nothing, within: 500) }
            try await net.powerCut(nodes[1])
            let meanwhile = try await Self.write([nodes[0], nodes[2]])
            try await nodes[1].start(bootstrap: [nodes[0]])
            report("back after a power cut: \(try await net.hold(meanwhile, nodes))")
            let since = try await Self.write(nodes)
            report("new notes: \(try await net.hold(since, nodes))")
            for (from, to) in [(nodes[0], nodes[1]), (nodes[1], nodes[2]), (nodes[2], nodes[1])] {
                report("messages \(from.number) to \(to.number): \(try await net.talk(from: from, to: to))")
            }
            // And it stays so, although the old connections are not over for those that were left with them.
            for _ in 0..<20 {
                for (from, to) in [(nodes[0], nodes[1]), (nodes[1], nodes[2]), (nodes[2], nodes[1])] {
                    #expect(try await from.say(to: to) == nil)
                }
                _ = try await nodes[0].holds(TestNet.nothing, within: 500)
            }
        }
    }

    @Test("with packets lost (and late, where the kernel can) a hundred notes reach all")
    func loss() async throws {
        try await TestNet.with(3, .messenger) { net in
            try net.lose(percent: 3)
            if let why = net.delay(milliseconds: 100, jitter: 50) { report("packets are lost, not late: \(why)") }
            try await net.start()
            var hashes: [String] = []
            for number in 0..<100 { hashes.append(try await net.nodes[number % 3].write("note \(number)")) }
            report("a hundred notes over a bad network: \(try await net.hold(hashes, net.nodes))")
        }
    }

    @Test(
        "a conductor that is killed amid writes of all, and started again: all hold what was acknowledged anywhere, no chain has a gap"
    )
    func killedInBurst() async throws {
        try await TestNet.with(4, .messenger) { net in
            try await net.start()
            let nodes = net.nodes
            let seed = UInt64.random(in: 0...UInt64.max)
            let dies = Int(seed % 40) + 5
            report("seed \(seed): node 2 dies after \(dies) notes")
            let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
                for node in nodes {
                    group.addTask { try await Self.burst(node, dies: node.number == 2 ? dies : nil) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(acknowledged.count >= 180 + dies)
            try await nodes[1].start(bootstrap: [nodes[0]])
            report("\(acknowledged.count) acknowledged notes at all: \(try await net.hold(acknowledged, nodes))")
            // Also what was written and never acknowledged, and everything before it.
            for node in nodes {
                let chain = try await node.chain()
                #expect(chain.map(\.number) == Array(0..<Int64(chain.count)))
                try await net.hold(chain.map(\.hash), nodes)
            }
        }
    }

    /// Writes 60 notes, or until it is killed with several of them on their way.
    private static func burst(_ node: Node, dies: Int?) async throws -> [String] {
        var hashes: [String] = []
        for number in 0..<60 {
            if number == dies {
                let last = Task { try? await node.write("the last of \(node.person)") }
                node.conductor.kill()
                if let hash = await last.value { hashes.append(hash) }
                return hashes
            }
            hashes.append(try await node.write("note \(number) of \(node.person)"))
        }
        return hashes
    }

    @Test(
        "what is private stays: neither the others' folders nor the traffic hold it, nor does the traffic name the space"
    )
    func privateStays() async throws {
        try await TestNet.with(3, .notes) { net in
            let tap = try Tap(net.bridge)
            try await net.start()
            let nodes = net.nodes
            let (secret, known) = ("the-private-words-\(UUID())", "the-public-words-\(UUID())")
            func write(_ title: String, _ text: String, isPrivate: Bool) async throws -> String {
                try await nodes[0].call(
                    "write",
                    .object([
                        "title": .string(title), "text": .string(text), "tags": .array([]), "private": .bool(isPrivate),
                    ])
                ).text ?? ""
            }
            let hidden = try await write("hidden", secret, isPrivate: true)
            let open = try await write("open", known, isPrivate: false)
            // The action of a private entry is public, its content is not.
            try await net.hold([hidden, open], nodes)
            _ = try await nodes[0].call(
                "change", .object(["title": .string("hidden"), "text": .string(secret + " changed")]))
            try await net.hold(try await nodes[0].chain().map(\.hash), nodes)
            let dna = try await nodes[0].request("admin/dump", .object(["instance_id": .string(nodes[0].instance)]))[
                "dna"]
            for node in nodes { await node.end() }
            let traffic = tap.stop()
            #expect(try Self.folder(of: nodes[0], holds: known))
            for node in nodes.dropFirst() {
                #expect(try Self.folder(of: node, holds: known), "the search finds what is there")
                #expect(try !Self.folder(of: node, holds: secret))
            }
            #expect(traffic.range(of: Data("/multistream/1.0.0".utf8)) != nil, "the search finds what is there")
            for words in [secret, known] { #expect(traffic.range(of: Data(words.utf8)) == nil) }
            let space = try DnaHash(try #require(dna?.text))
            for name in [space.bytes, space.core.array] { #expect(traffic.range(of: Data(name)) == nil) }
            for node in nodes {
                let agent = try AgentPubKey(node.agent)
                #expect(traffic.range(of: Data(agent.core.array)) == nil)
            }
            report("\(traffic.count) bytes of traffic searched")
        }
    }

    /// Whether the bytes of a text stand in any file of a conductor's data folder.
    private static func folder(of node: Node, holds text: String) throws -> Bool {
        let path = node.conductor.folder.path
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        #expect(names.count > 3)
        return names.contains { name in
            guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { return false }
            return data.range(of: Data(text.utf8)) != nil
        }
    }
}
