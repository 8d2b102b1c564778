import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing
import ZomeRuntime

@testable import Conductor

/// A call that is run again, loses the writer position before it writes, and writes all the same.
@Suite struct RerunTests {
    @Test("a re-run that loses the position before its first write keeps what it writes")
    func rerunLosesPosition() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("conductor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            CellBench.make(on: loop, folder: folder.path, hold: 0, functions: ["a", "b", "c"]) { made in
                do {
                    let bench = try made.get()
                    Scene(bench, promise).begin()
                } catch {
                    promise.fail(error)
                }
            }
        }
        try promise.futureResult.wait()
    }

    /// `a` looks, `b` commits, so `a` is run again; `c` asks for the position before the second `a` writes.
    private final class Scene {
        let bench: CellBench
        let promise: EventLoopPromise<Void>
        var a = Ending()

        init(_ bench: CellBench, _ promise: EventLoopPromise<Void>) {
            self.bench = bench
            self.promise = promise
        }

        func begin() {
            a = bench.call("a") { [self] in end() }
            let first = bench.runner.latest("a")
            let looked = bench.ask(first, .agentInfo, NoInput().packed)
            _ = bench.call("b") {}
            let b = bench.runner.latest("b")
            let written = bench.create(b, "b")
            let late = bench.create(first, "a")
            b?.completion(.success(.ok([0xc0])))
            #expect(looked.statuses == [0])
            #expect(written.statuses == [0])
            #expect(late.statuses == [1], "the request of the abandoned attempt is answered, once")
            #expect(bench.runner.cancelled == [first?.number])
            #expect(bench.runner.latest("a")?.number != first?.number, "`a` runs again")
            _ = bench.call("c") { [self] in returnA() }
            let c = bench.runner.latest("c")
            _ = bench.create(c, "c")
            // The clock of the position runs on the loop: it passes to `c` before this.
            bench.conductor.after(microseconds: 1_000) { [self] in
                let second = bench.runner.latest("a")
                _ = bench.create(second, "a")
                c?.completion(.success(.ok([0xc0])))
            }
        }

        /// `c` is durable. The present attempt writes, if it has not, and returns.
        private func returnA() {
            let attempt = bench.runner.latest("a")
            _ = bench.create(attempt, "a")
            attempt?.completion(.success(.ok([0xc0])))
        }

        private func end() {
            // Genesis, `b`, `c`, and at least one entry of `a`.
            let length = (try? bench.chainLength()) ?? 0
            #expect(a.isSuccess)
            #expect(length == 6, "what `a` wrote is on the chain")
            bench.conductor.after(microseconds: 0) { [bench, promise] in
                bench.close()
                promise.succeed()
            }
        }
    }
}
