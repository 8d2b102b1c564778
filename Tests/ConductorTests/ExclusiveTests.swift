import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import Conductor

@Suite struct ExclusiveTests {
    @Test("of two changes of one app the second is refused until the first is answered")
    func oneChangeAtATime() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("conductor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let loop = group.next()
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            CellBench.make(on: loop, folder: folder.path, hold: 0, functions: []) { made in
                let result = Result { try Self.check(made.get()) }
                // Not from inside the database's own callback.
                loop.assumeIsolated().execute {
                    if case .success(let bench) = made { bench.close() }
                    promise.completeWith(result)
                }
            }
        }
        try promise.futureResult.wait()
    }

    private static func check(_ bench: CellBench) throws {
        var answers = 0
        let done = try bench.conductor.exclusively("notes") { (_: Result<Void, PlasmidError>) in answers += 1 }
        #expect(throws: PlasmidError.self) { try bench.conductor.exclusively("notes", done) }
        done(.success(()))
        #expect(answers == 1)
        _ = try bench.conductor.exclusively("notes", done)
    }
}
