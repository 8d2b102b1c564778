import Chain
import Foundation
import Gossip
import Integrity
import Keystore
import NIOCore
import NIOPosix
import Storage
import Testing
import ZomeRuntime

@testable import Conductor

/// What cells ask of the members elsewhere, and what operators see of them. The members here are the test's own.
@Suite("the others of a space") struct SpacePeersTests {
    private final class Others: SpacePeers {
        var passed: [DirectSignal] = []
        var announcedArcs: [AgentPubKey: Arc] = [:]
        var heldOps = 0
        var signalsLeftOut: UInt64 = 0
        var peers: [PeerView] = []
        var rounds: [SyncView] = []
        func signal(_ signal: DirectSignal) { passed.append(signal) }
        func peerViews() -> [PeerView] { peers }
        func syncViews() -> [SyncView] { rounds }
    }

    private func bench(
        _ callbacks: [Callback] = [.receive], _ body: @escaping (CellBench, EventLoopPromise<Void>) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("conductor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: Void.self)
        // The test waits for the promise, which is kept on the loop; nothing is used on both sides at a time.
        nonisolated(unsafe) let body = body
        loop.execute {
            CellBench.make(on: loop, folder: folder.path, hold: 0, functions: ["a"], callbacks: callbacks) { made in
                do {
                    try body(try made.get(), promise)
                } catch {
                    promise.fail(error)
                }
            }
        }
        try promise.futureResult.wait()
    }

    private static func agent(_ name: String) -> AgentPubKey { AgentPubKey(hashing: Array(name.utf8)) }

    private static func request(_ to: [AgentPubKey], _ name: String = "n", _ payload: [UInt8] = [7]) -> [UInt8] {
        RemoteSignalRequest(to: to, name: name, payload: payload).packed
    }

    @Test(
        "a signal for somebody elsewhere is passed on when the call has ended well, with the cell's own agent as its sender"
    )
    func passedOn() throws {
        try bench { bench, promise in
            let others = Others()
            bench.cell.space.peers = others
            let eve = Self.agent("eve")
            let failed = bench.call("a")
            let lost = bench.runner.latest("a")
            #expect(bench.ask(lost, .remoteSignal, Self.request([eve])).statuses == [0])
            lost?.completion(.success(.appError(ModuleError(code: "no", message: "no"))))
            #expect(failed.results.count == 1 && others.passed.isEmpty)
            _ = bench.call("a")
            let attempt = bench.runner.latest("a")
            #expect(bench.ask(attempt, .remoteSignal, Self.request([eve, eve, Self.agent("bob")])).statuses == [0])
            #expect(others.passed.isEmpty, "not before the call has ended")
            attempt?.completion(.success(.ok([0xc0])))
            #expect(others.passed.map(\.to) == [eve, Self.agent("bob")])
            let first = try #require(others.passed.first)
            #expect(first.from == bench.agent && first.zome == "zome" && first.name == "n" && first.payload == [7])
            bench.close()
            promise.succeed(())
        }
    }

    @Test("what comes from elsewhere is held against the same bounds, and shown with its sender")
    func received() throws {
        try bench { bench, promise in
            var heard: [UserSignal] = []
            _ = bench.conductor.hearSignals { heard.append($0) }
            let (space, eve) = (bench.cell.space, Self.agent("eve"))
            func deliver(
                _ payload: [UInt8], name: String = "n", zome: String = "zome", to: AgentPubKey? = nil
            ) {
                space.deliver(
                    DirectSignal(from: eve, to: to ?? bench.agent, zome: zome, name: name, payload: payload))
            }
            let deep = [UInt8](repeating: 0x91, count: 100) + [0xc0]
            for payload in [[], [0xc1], [0xc0, 0xc0], [0x92, 0x01], deep, [0xdd, 0xff, 0xff, 0xff, 0xff]] {
                deliver(payload)
            }
            deliver([0xc4, 0xff])
            deliver([UInt8](repeating: 0, count: Limits.signalBytes + 1))
            deliver([7], name: String(repeating: "n", count: Limits.signalNameBytes + 1))
            deliver([7], zome: "other")
            deliver([7], to: eve)
            #expect(heard.isEmpty)
            deliver([7])
            let signal = try #require(heard.first)
            #expect(heard.count == 1 && signal.from == eve && signal.instanceID == "app/role" && signal.sequence == 1)
            #expect(signal.name == "n" && signal.payload == [7] && signal.zome == "zome" && signal.appID == "app")
            bench.close()
            promise.succeed(())
        }
    }

    @Test("a zome without receive is not spoken to")
    func noReceive() throws {
        try bench([.postCommit]) { bench, promise in
            var heard = 0
            _ = bench.conductor.hearSignals { _ in heard += 1 }
            bench.cell.space.deliver(
                DirectSignal(from: Self.agent("eve"), to: bench.agent, zome: "zome", name: "n", payload: [7]))
            #expect(heard == 0)
            bench.close()
            promise.succeed(())
        }
    }

    /// The answer of a method that answers at once.
    private static func admin(
        _ bench: CellBench, _ method: String, _ params: [MessagePackValue.Pair] = []
    ) throws -> MessagePackValue {
        var answer: Result<MessagePackValue, PlasmidError>?
        bench.conductor.admin(method, params: .map(params)) { answer = $0 }
        return try #require(answer).get()
    }

    @Test("operators see the agents elsewhere, the connections, what is kept and what was reconciled")
    func views() throws {
        try bench { bench, promise in
            let space = bench.cell.space
            bench.conductor.spaces[space.dna] = space
            bench.conductor.cells[bench.cell.instanceID] = bench.cell
            #expect(try Self.admin(bench, "admin/network/peers") == .array([]), "alone")
            let others = Others()
            space.peers = others
            let link = ConnectionView(
                address: "/ip4/192.0.2.7/tcp/4001", since: Timestamp(microseconds: 5), isDialer: true, isRelayed: false,
                roundTripMicroseconds: 1_234)
            let (one, two) = (Self.agent("one"), Self.agent("two"))
            others.peers = [one, two].map { agent in
                PeerView(
                    agent: agent, peerID: "12D3", addresses: ["/ip4/192.0.2.7/tcp/4001"],
                    arc: agent == one ? .full : .empty, expiresAt: Timestamp(microseconds: 9),
                    connection: agent == one ? link : nil, score: agent == one ? 0 : -2)
            }
            others.rounds = ["b", "a"].map {
                SyncView(
                    agent: $0 == "a" ? nil : two, peerID: $0, isRunning: $0 == "a", rounds: 4,
                    endedAt: Timestamp(microseconds: 8), opsIn: 3, opsOut: 5)
            }
            (others.announcedArcs, others.heldOps) = ([bench.agent: .full], 12)
            let rows = try Self.admin(
                bench, "admin/network/peers", [.init("instance_id", .string(bench.cell.instanceID))])
            guard case .array(let peers) = rows else { throw PlasmidError(.internal, "no list") }
            #expect(peers.count == 2 && peers.allSatisfy { $0["dna"] == .string(space.dna.text) })
            let met = try #require(peers.first { $0["agent"] == .string(one.text) })
            #expect(met["connected"] == .bool(true) && met["rtt_us"] == .int(1_234) && met["relayed"] == .bool(false))
            #expect(met["arc"]?["length"] == .int(1 << 32))
            let away = try #require(peers.first { $0["agent"] == .string(two.text) })
            #expect(away["connected"] == .bool(false) && away["address"] == .null && away["score"] == .int(-2))
            guard case .array(let rounds) = try Self.admin(bench, "admin/network/sync") else { return }
            #expect(rounds.map { $0["agent"] } == [.null, .string(two.text)] && rounds[0]["running"] == .bool(true))
            #expect(
                rounds[1]["ended_at"] == .int(8) && rounds[1]["ops_in"] == .int(3) && rounds[1]["ops_out"] == .int(5))
            let figures = try #require(bench.conductor.statistics().spaces.first?.network)
            #expect(figures == NetworkFigures(peers: 2, connected: 1, arcs: [bench.agent: .full], heldOps: 12))
            #expect(throws: PlasmidError.self) {
                try Self.admin(bench, "admin/network/sync", [.init("instance_id", .string("no/body"))])
            }
            bench.close()
            promise.succeed(())
        }
    }

    @Test("operators see which ops wait and for what, which were rejected and why, and the own ones")
    func ops() throws {
        try bench { bench, promise in
            let space = bench.cell.space
            bench.conductor.cells[bench.cell.instanceID] = bench.cell
            func ops(_ state: String, limit: Int = 100) throws -> [MessagePackValue] {
                let answer = try Self.admin(
                    bench, "admin/network/ops",
                    [
                        .init("instance_id", .string(bench.cell.instanceID)), .init("state", .string(state)),
                        .init("limit", .int(Int64(limit))),
                    ])
                guard case .array(let rows) = answer else { throw PlasmidError(.internal, "no list") }
                return rows
            }
            // The genesis: each action a record and its author's activity, the key an entry as well. None is published yet.
            let own = try ops("own")
            #expect(own.count == 7 && own.allSatisfy { $0["receipts"] == .int(0) })
            #expect(try Set(ops("unpublished").map { $0["op"] }) == Set(own.map { $0["op"] }))
            #expect(try ops("own", limit: 2).count == 2)
            for state in ["waiting", "rejected"] { #expect(try ops(state).isEmpty) }
            #expect(throws: PlasmidError.self) { try ops("lost") }

            let stranger = try bench.conductor.keystore.newAgent(tag: "eve")
            var genesis = try Genesis.scratch(dna: space.dna, agent: stranger, membraneProof: nil, now: Keystore.now())
            try genesis.sign { bytes throws(PlasmidError) in
                try bench.conductor.keystore.sign(bytes, by: stranger)
            }
            let records = try bench.conductor.spaceCommit(of: genesis, agent: stranger).records
            let held = records.map {
                HeldOp(signedAction: $0.signedAction, actionBytes: $0.actionBytes, type: .createRecord)
            }
            let signed = held[1].signedAction
            let waiting = DhtOp.chainOp(
                ChainOp(type: .agentActivity, action: signed.action, signature: signed.signature))
            let missing = AnyDhtHash(held[0].signedAction.hash)
            var batch = OpBatch()
            batch.rejected = [RejectedOp(op: held[0], reason: "a bad beginning", when: Timestamp(microseconds: 4))]
            batch.parked = [ParkedOp(op: waiting, missing: [missing], since: Timestamp(microseconds: 3))]
            space.store.take(batch) { result in
                do {
                    try result.get()
                    let rejected = try #require(try ops("rejected").first)
                    #expect(rejected["reason"] == .string("a bad beginning") && rejected["judged_at"] == .int(4))
                    #expect(rejected["author"] == .string(stranger.text) && rejected["type"] == .string("CreateRecord"))
                    let parked = try #require(try ops("waiting").first)
                    #expect(parked["op"] == .string(waiting.hash.text) && parked["since_at"] == .int(3))
                    #expect(parked["missing"] == .array([.string(missing.text)]))
                    bench.conductor.spaces[space.dna] = space
                    let figures = try #require(bench.conductor.statistics().spaces.first)
                    #expect(figures.opsWaiting == 1 && figures.opsRejected == 1)
                    bench.close()
                    promise.succeed(())
                } catch {
                    promise.fail(error)
                }
            }
        }
    }
}
