import Conductor
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix
import Transport

/// Ops of others, from a peer's frames to the disk: decoded, verified, judged, stored.
enum IncomingFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let declared = try withoutModule(place)
        return [
            try PipelineFigure.measure(place), try rate("incoming.declared", declared, place, budget: 0.7),
            try rate("incoming.module", place.happ, place, budget: 0.35),
        ]
    }

    /// The same types as those of the app with a module.
    private static func withoutModule(_ place: BenchPlace) throws -> String {
        let folder = place.folder + "/declared"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let dna = """
            manifest_version: "1"
            name: declared
            integrity:
              network_seed: "bench"
              properties: {}
              entry_types:
                - { name: note, visibility: public, max_bytes: 16384, required_validations: 5 }
              link_types: []
              zomes: []
            coordinator:
              zomes:
                - name: messenger
                  module: Messenger
                  functions:
                    - { name: ping, access: public }
                  callbacks: []

            """
        let happ = """
            manifest_version: "1"
            name: declared
            roles:
              - name: bench
                provisioning: { strategy: create, deferred: false }
                dna:
                  path: dna.yaml
                  modifiers: { network_seed: "", properties: {} }
                  clone_limit: 0

            """
        try Data(dna.utf8).write(to: URL(fileURLWithPath: folder + "/dna.yaml"))
        try Data(happ.utf8).write(to: URL(fileURLWithPath: folder + "/happ.yaml"))
        return folder + "/happ.yaml"
    }

    private static func rate(_ name: String, _ happ: String, _ place: BenchPlace, budget: Double) throws -> Figure {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let conductor = try BenchConductor(
            folder: place.folder + "/" + name, isolation: .process, network: NetworkOptions())
        defer { try? conductor.stop() }
        try conductor.install(happ, as: ["bench"])
        let space = try conductor.space(of: "bench")
        let keystore = try BenchKeys.make(place)
        let peer = try BenchPeer(space: space, keystore: keystore, on: group.next())
        defer { try? peer.close() }
        let link = try peer.connect(to: try Multiaddr(conductor.addresses.first ?? "")).wait()
        // The first ops start the validators' process.
        let first = try BenchAuthor(space: space, keystore: keystore)
        try warmUp(try first.write(1_000, now: Keystore.now()), link, peer, conductor)
        var (values, floors, ratios, processor) = ([Double](), [Double](), [Double](), [Double]())
        let actions = place.count(8_000, quick: 3_000)
        for _ in 0..<place.rounds {
            let author = try BenchAuthor(space: space, keystore: keystore)
            let ops = try author.write(actions, now: Keystore.now())
            let floor = try author.verifyRate(actions)
            let before = ProcessFacts.processorSeconds(of: getpid())
            let seconds = try push(ops, link, peer, conductor)
            processor.append((ProcessFacts.processorSeconds(of: getpid()) - before) / Double(actions) * 1e6)
            let value = Double(actions) / seconds
            values.append(value)
            floors.append(floor)
            ratios.append(value / floor)
        }
        return Figure(
            name: name, unit: "/s", value: median(values), processor: median(processor), floor: median(floors),
            floorName: "signatures of the same actions, verified by one thread", measuredRatio: median(ratios),
            budget: .ratioAtLeast(budget),
            note: "actions of three ops each, from a member's frames of up to 256 ops until they are held on the disk; "
                + "cpu counts the sending side too")
    }

    /// Sends ops again until they are held: what comes before the conductor has made up its arc is let go, since between conductors
    /// rounds bring it.
    private static func warmUp(
        _ ops: [[UInt8]], _ link: BenchLink, _ peer: BenchPeer, _ conductor: BenchConductor
    ) throws {
        let frames = BenchAuthor.frames(ops).map(\.frame)
        let before = try conductor.heldOps()
        try BenchNode.until("the first ops of a peer are held", every: .milliseconds(500)) {
            if try conductor.heldOps() - before >= ops.count { return true }
            try peer.loop.submit { try link.push(frames) }.wait()
            return false
        }
    }

    /// Ops that are on their way and not held, at most.
    private static let ahead = 8_192

    /// Seconds until all of them are held.
    private static func push(
        _ ops: [[UInt8]], _ link: BenchLink, _ peer: BenchPeer, _ conductor: BenchConductor
    ) throws -> Double {
        let frames = BenchAuthor.frames(ops)
        let before = try conductor.heldOps()
        var (next, sent) = (0, 0)
        let start = monotonicSeconds()
        try BenchNode.until("the ops of a peer are held", every: .milliseconds(2)) {
            let held = try conductor.heldOps() - before
            var now: [ByteBuffer] = []
            while next < frames.count, sent - held < ahead {
                now.append(frames[next].frame)
                sent += frames[next].ops
                next += 1
            }
            if !now.isEmpty { try peer.loop.submit { [now] in try link.push(now) }.wait() }
            return held >= ops.count
        }
        return monotonicSeconds() - start
    }
}
