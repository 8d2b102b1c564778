import Foundation
import Gossip
import Integrity
import NIOCore
import NIOPosix
import Sodium
import TestKit
import Testing

@testable import Transport

/// A peer that knows nothing of any space, over sockets, against one conductor: before it is in a space, and while it is in
/// one together with others. What it hears has to be the same.
@Suite("what a peer outside learns", .timeLimit(.minutes(3)))
struct ProberTests {
    /// Everything that is asked of a conductor, as openings of streams.
    private static func probes(_ offer: [UInt8]) -> [[Probe]] {
        let talk = "/plasmid/space/1.0.0"
        let random = { (count: Int) in SystemRandom.bytes(count) }
        func frame(_ kind: FrameKind, _ body: [UInt8]) -> [UInt8] {
            let frame = Frame(kind, id: 1, body: body)
            return frame.header + frame.body
        }
        let hash = AnyDhtHash(ActionHash(core: AgentPubKey(hashing: [1]).core))
        let frames =
            frame(.get, GetBody(hashes: [hash]).packed) + frame(.agents, [0x90])
            + frame(.query, QueryBody(base: AnyLinkableHash(hash), types: [], skip: 0).packed)
        let names = [
            IdentifyMessage.protocolID, Ping.protocolID, talk, "/plasmid/sync/1.0.0", KadCore.protocolID,
            "/ipfs/kad/1.0.0", BootstrapService.protocolID, "/libp2p/circuit/relay/0.2.0/hop",
            "/libp2p/circuit/relay/0.2.0/stop", "/libp2p/autonat/1.0.0", "/libp2p/dcutr", "/plasmid/echo/1.0.0", "ls",
            "/nobody/1",
        ]
        return names.map { [Probe(name: $0)] } + [
            [Probe(name: IdentifyMessage.protocolID, finishes: true)],
            [Probe(name: IdentifyMessage.pushProtocolID, finishes: true) { _ in [2, 8, 1] }],
            [Probe(name: Ping.protocolID, finishes: true) { _ in [UInt8](0..<32) }],
            [Probe(name: talk) { _ in random(256) }],
            [Probe(name: talk) { _ in random(255) }],
            [Probe(name: talk, finishes: true) { _ in random(256) }],
            [Probe(name: talk) { _ in offer }],
            [Probe(name: talk) { _ in offer + frames }],
            [Probe(name: talk, finishes: true) { _ in offer + frames }],
            // Proofs under the keys of a space that everybody can guess.
            [
                Probe(name: talk) { hash in
                    Membership.offer(
                        SpaceKeys(dna: DnaHash(core: AgentPubKey(hashing: []).core)), handshakeHash: hash, place: 3,
                        random: random)
                }
            ],
            [Probe(name: "/plasmid/sync/1.0.0") { _ in frames }],
            (0..<12).map { _ in Probe(name: talk) { _ in random(256) } },
            [Probe(name: talk) { _ in random(256) }, Probe(name: IdentifyMessage.protocolID), Probe(name: talk)],
        ]
    }

    /// What comes of a handshake that is not gone through with: `first` for its first message, `rest` behind the answer.
    private static func breakOff(
        _ address: String, on loop: any EventLoop, first: [UInt8], rest: [UInt8]
    ) async throws -> String {
        let line = try await ProberLine.connect(address, on: loop)
        line.send(ProberSession.opening + first)
        guard try await line.read(ProberSession.opening.count) == ProberSession.opening,
            let length = try await line.read(2), try await line.read(Int(length[0]) << 8 | Int(length[1])) != nil
        else { return "no answer" }
        line.send(rest)
        let last = try await line.readToEnd()
        return "\(length), then \(last.bytes.count) bytes, \(last.end?.rawValue ?? "open")"
    }

    /// Everything that a prober does, and what it hears, step by step.
    private static func probe(
        _ address: String, on loop: any EventLoop, _ seen: [ProberTap.Recording]
    ) async throws -> [String] {
        var log: [String] = []
        let recorded = try recorded(seen)
        let hints: [(String, (([UInt8]) -> [UInt8])?)] = [
            ("no hint", nil), ("a random hint", { _ in SystemRandom.bytes(16) }),
            ("a member's hint over another key", { _ in recorded.hint }),
        ]
        for (name, hint) in hints {
            let session = try await ProberSession(address, on: loop, seed: 92, hint: hint)
            log.append("\(name): \(session.peer)")
            for probes in Self.probes(recorded.offer) { log += try await session.say(probes).map { "\(name): \($0)" } }
            session.close()
        }
        var random = SystemRandom.bytes(150)
        random[0...1] = [0, 148]
        let ephemeral = NoiseSecrets().ephemeralKey.array
        for count in [0, 1, 15, 16, 17, 48, 200] {
            let first = [0, UInt8(32 + count)] + ephemeral + [UInt8](repeating: 7, count: count)
            log.append("payload of \(count): \(try await breakOff(address, on: loop, first: first, rest: random))")
        }
        for rest in [recorded.third, random, [0, 0], [0xff, 0xff]] {
            let text = try await breakOff(address, on: loop, first: recorded.first, rest: rest)
            log.append("a recorded first message: \(text)")
        }
        return log
    }

    /// What was seen of a member that dialled: its first message, its hint, what it said behind the answer.
    private static func recorded(
        _ seen: [ProberTap.Recording]
    ) throws -> (first: [UInt8], ephemeral: [UInt8], hint: [UInt8], third: [UInt8], offer: [UInt8]) {
        // Those without a hint are of no space: the member asks whether others can dial it.
        let dialled = seen.map { $0.there.dropFirst(ProberSession.opening.count) }
        let all = try #require(dialled.first { $0.count > 500 && $0.starts(with: [0, 48]) })
        let first = Array(all.prefix(2 + 48))
        let rest = Array(all.dropFirst(50))
        return (first, Array(first[2..<34]), Array(first[34...]), Array(rest.prefix(400)), Array(rest.suffix(256)))
    }

    /// How long the answer to a first message takes, each time.
    private static func times(_ address: String, on loop: any EventLoop, _ first: () -> [UInt8]) async throws
        -> Duration
    {
        var all: [Duration] = []
        for _ in 0..<40 {
            let line = try await ProberLine.connect(address, on: loop)
            let begun = ContinuousClock.now
            line.send(ProberSession.opening + first())
            _ = try await line.read(ProberSession.opening.count + 2 + 216)
            all.append(ContinuousClock.now - begun)
            line.close()
        }
        return all.sorted()[all.count / 2]
    }

    private static func report(
        _ when: String, _ address: String, on loop: any EventLoop, _ seen: [ProberTap.Recording]
    ) async throws {
        let first = try recorded(seen).first
        let plain = [0, 48] + NoiseSecrets().ephemeralKey.array + [UInt8](repeating: 5, count: 16)
        let (one, other) = (
            try await times(address, on: loop) { plain }, try await times(address, on: loop) { first }
        )
        let line = "prober, \(when): the answer to a random hint takes \(one) (median), to a recorded one \(other)\n"
        FileHandle.standardError.write(Data(line.utf8))
    }

    private static func meet(_ network: TestNetwork, _ one: Person, _ other: Person) async throws {
        try await network.until("\(one.name) reaches \(other.name)") {
            (try? await one.call("say", ["to": other.agent.text, "order": "echo", "text": ""], as: String.self)) != nil
        }
    }

    /// Conductors that are in the space, and what somebody on the line has seen of one of them.
    private struct Scene {
        let dna: DnaHash
        let ada: Person
        /// Where a member can be reached.
        let way: String
        let seen: [ProberTap.Recording]
        /// Keeps the member `west` from all others.
        let middle: ProberMiddle
        let west: TestConductor
    }

    private static func settings(_ bootstrap: [String]) -> TestConductor.Settings {
        var settings = TestConductor.Settings()
        settings.bootstrap = bootstrap
        return settings
    }

    private static func scene(_ network: TestNetwork, on loop: any EventLoop) async throws -> Scene {
        let tap = ProberTap(loop)
        let north = try await network.conductor("north")
        let ada = try await network.person("ada", happ: workshop, on: north)
        let way = try #require(north.addresses.first)
        // A member whose every byte is seen on its way.
        let south = try await network.conductor("south", settings([try await tap.listen(before: way)]))
        let ben = try await network.person("ben", happ: workshop, on: south)
        try await meet(network, ben, ada)
        let seen = try await tap.recordings
        let dump = try await north.admin("admin/dump", .map([.init("instance_id", .string(ada.instance))]))
        let dna = try DnaHash(try #require(dump["dna"]?.text))
        let caught = try recorded(seen)
        #expect(SpaceKeys(dna: dna).accepts(hint: caught.hint, ephemeral: caught.ephemeral))
        let (middle, trap) = try await ProberMiddle.listen(on: loop)
        let west = try await network.conductor("west", settings([trap]))
        _ = try await network.person("wim", happ: workshop, on: west)
        return Scene(dna: dna, ada: ada, way: way, seen: seen, middle: middle, west: west)
    }

    @Test("probes, replays and relays hear the same from a conductor that is in no space and from one that is")
    func outside() async throws {
        try await TestNetwork.run { network in
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let scene = try await Self.scene(network, on: loop)
            let seen = scene.seen
            let east = try await network.conductor("east", Self.settings([scene.way]))
            let address = try #require(east.addresses.first)
            let alone = try await Self.probe(address, on: loop, seen)
            // The prober does hear something: as many bytes as a member would, identify, refusals.
            #expect(alone.count { $0.contains("agreed, 256 bytes, random") } > 12)
            #expect(alone.count { $0.contains("agentVersion") } > 3)
            #expect(alone.count { $0.hasPrefix("a recorded first message: [0, 216], then 0 bytes, ") } == 4)
            let relayedAlone = try await scene.middle.relayNext(to: address)
            try await Self.report("in no space", address, on: loop, seen)
            let witness = try await ProberSession(address, on: loop, seed: 93)
            let asked = Probe(name: IdentifyMessage.protocolID)
            let silent = Probe(name: "/plasmid/space/1.0.0") { _ in [UInt8](repeating: 1, count: 256) }
            let before = try await witness.say([asked, silent])

            let cyd = try await network.person("cyd", happ: workshop, on: east)
            try await Self.meet(network, cyd, scene.ada)
            try await Self.meet(network, scene.ada, cyd)
            // Who knows the space meets another key at the same port: the probes did have something to find.
            let member = try await ProberSession(address, on: loop, seed: 94) {
                SpaceKeys(dna: scene.dna).hint(ephemeral: $0)
            }
            #expect(member.peer != witness.peer)
            member.close()

            // Whoever was connected all the time heard nothing of it, and is answered as before.
            let after = try await witness.say([asked, silent])
            #expect(before == after && before.last?.frames == [])
            let patience = try await witness.untilReset()
            #expect(patience.count == 1, "\(patience)")
            let within = try await Self.probe(address, on: loop, seen)
            #expect(within.count == alone.count)
            for (one, other) in zip(alone, within) { #expect(one == other) }
            let relayedWithin = try await scene.middle.relayNext(to: address)
            #expect(relayedWithin == relayedAlone && relayedWithin.last == "the member hangs up")
            try await Self.report("in a space", address, on: loop, seen)
            #expect(try await scene.west.admin("admin/network/peers") == .array([]))
            try await scene.middle.close()
        }
    }
}
