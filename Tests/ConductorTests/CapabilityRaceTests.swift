import Chain
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing
import ZomeRuntime

@testable import Conductor

/// Capabilities that change while calls wait or run.
@Suite struct CapabilityRaceTests {
    private static let stranger = EntryHash(hashing: Array("stranger".utf8)).agent

    /// Runs a scene on a cell whose functions want a grant; it ends when the scene says so.
    private func play(_ scene: @escaping @Sendable (CellBench, EventLoopPromise<Void>) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("conductor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            CellBench.make(
                on: loop, folder: folder.path, hold: 50_000, functions: ["a", "b"], access: .granted
            ) { made in
                do {
                    let bench = try made.get()
                    let ended = loop.makePromise(of: Void.self)
                    // Not from inside the database's own callback.
                    ended.futureResult.assumeIsolated().whenComplete { result in
                        bench.conductor.after(microseconds: 0) {
                            bench.close()
                            promise.completeWith(result)
                        }
                    }
                    do {
                        try scene(bench, ended)
                    } catch {
                        ended.fail(error)
                    }
                } catch {
                    promise.fail(error)
                }
            }
        }
        try promise.futureResult.wait()
    }

    @Test("a call that waited for `init` while its grant was revoked does not begin")
    func revokedWhileWaiting() throws {
        try play { bench, promise in
            bench.grants(uses: 3) { address, secret in
                bench.cell.initialisation = .running(nil, waiting: [])
                let ending = try bench.call("a", as: Self.stranger, secret: secret) {}
                bench.revokes(.address(address)) {
                    #expect(bench.runner.latest("a") == nil)
                    bench.finishInit()
                    #expect(ending.code == .capabilityWrong, "\(ending.results)")
                    #expect(bench.runner.latest("a") == nil)
                    promise.succeed()
                }
            }
        }
    }

    @Test("a call that is run again after its grant was revoked is refused, and its function does not begin again")
    func revokedBeforeRerun() throws {
        try play { bench, promise in
            bench.grants { address, secret in
                let ending = try bench.call("a", as: Self.stranger, secret: secret) {}
                let first = bench.runner.latest("a")
                #expect(bench.ask(first, .agentInfo, NoInput().packed).statuses == [0])
                bench.revokes(.address(address)) {
                    _ = bench.create(first, "late")
                    bench.conductor.after(microseconds: 0) {
                        #expect(bench.runner.invoked.filter { $0.name == "a" }.count == 1)
                        #expect(ending.code == .capabilityWrong, "\(ending.results)")
                        promise.succeed()
                    }
                }
            }
        }
    }

    @Test("uses made of a grant while a call replaces it count for the new one")
    func usedWhileReplaced() throws {
        try play { bench, promise in
            bench.grants(uses: 3) { address, secret in
                _ = bench.call("b")
                let b = bench.runner.latest("b")
                let update = GrantUpdate(original: .address(address), keepsSecret: true)
                #expect(bench.ask(b, .updateCapabilityGrant, update.packed).statuses == [0])
                // The replacement is written and not committed; the old one is used twice meanwhile.
                _ = try bench.call("a", as: Self.stranger, secret: secret) {}
                _ = try bench.call("a", as: Self.stranger, secret: secret) {}
                b?.completion(.success(.ok([0xc0])))
                bench.conductor.after(microseconds: 200_000) {
                    let grants = bench.cell.grants.all
                    #expect(grants.count == 1 && grants.first?.address != address)
                    let calls = (0..<4).map { _ in bench.admits("a", Self.stranger, secret) }
                    #expect(calls == [true, false, false, false], "one of three uses was left: \(calls)")
                    do {
                        try bench.cell.loadCapabilities()
                        // Nobody waited for the last of them to be stored; the two that were made meanwhile are.
                        let again = (0..<2).map { _ in bench.admits("a", Self.stranger, secret) }
                        #expect(again == [true, false], "after a restart the two are counted as well")
                        promise.succeed()
                    } catch {
                        promise.fail(error)
                    }
                }
            }
        }
    }

    @Test("who revokes by label means the grants of calls before his as well, committed or not")
    func revokedByLabel() throws {
        try play { bench, promise in
            _ = bench.call("a")
            let a = bench.runner.latest("a")
            let wish = GrantRequest(tag: "l", access: .transferable, assignees: [], functions: .all)
            #expect(bench.ask(a, .commitCapabilityGrant, wish.packed).statuses == [0])
            a?.completion(.success(.ok([0xc0])))
            bench.revokes(.label("l")) {
                #expect(bench.cell.grants.grants(label: "l").isEmpty)
                promise.succeed()
            }
        }
    }

    @Test("what runs after a commit is as deep as the call that committed: writing and calling go round in no circle")
    func afterCommit() throws {
        try play { bench, promise in
            _ = bench.call("a", origin: CallOrigin(depth: Limits.callDepth))
            let a = bench.runner.latest("a")
            #expect(bench.create(a, "deep").statuses == [0])
            bench.runner.whenInvoked = { invoked in
                guard invoked.name == "post_commit" else { return }
                bench.conductor.after(microseconds: 0) {
                    let call = CallCellRequest(
                        target: .here, zome: "zome", function: "a", payload: [0xc0], secret: nil,
                        timeoutMilliseconds: 1_000)
                    let answers = bench.ask(bench.runner.latest("post_commit"), .callCell, call.packed)
                    #expect(answers.codes == ["callTooDeep"])
                    promise.succeed()
                }
            }
            a?.completion(.success(.ok([0xc0])))
        }
    }

    @Test(
        "a persisted function stays in the schedule when it was not its own fault that it could not run",
        arguments: [("headMoved", true), ("readOnlyAfterRestore", true), ("diskFull", true), ("moduleTrapped", false)])
    func schedule(_ code: String, _ stays: Bool) throws {
        try play { bench, promise in
            let conductor = bench.conductor
            conductor.cells[bench.cell.instanceID] = bench.cell
            let function = ScheduledFunction(instance: bench.cell.instanceID, zome: "zome", function: "tick")
            let past = conductor.options.clock().advanced(byMicroseconds: -3_000_000)
            let isScheduled = conductor.schedules.add(function, .persisted("* * * * * *"), now: past)
            #expect(isScheduled)
            conductor.clockMoved()
            let tick = try #require(bench.runner.latest("tick"))
            tick.completion(.failure(PlasmidError(PlasmidError.Code(rawValue: code), "it did not run")))
            #expect(conductor.schedules.holds(function) == stays)
            conductor.schedules.remove(function)
            promise.succeed()
        }
    }
}
