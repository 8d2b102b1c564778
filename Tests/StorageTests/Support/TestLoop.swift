import Foundation
import Integrity

@testable import Storage

/// Stands in for the conductor's loop: closures delivered from other threads run when a test pumps them.
final class TestLoop: Sendable {
    private let queue = Monitor<[@Sendable () -> Void]>([])

    var deliver: Database.Deliver {
        { [queue] work in queue.with(wake: true) { $0.append(work) } }
    }

    /// Runs what is delivered until `done`; false when nothing has come for 20 seconds.
    @discardableResult
    func pump(until done: () -> Bool) -> Bool {
        while !done() {
            let work = queue.wait(milliseconds: 20_000) { queue -> [@Sendable () -> Void]? in
                if queue.isEmpty { return nil }
                defer { queue = [] }
                return queue
            }
            guard let work else { return false }
            for closure in work { closure() }
        }
        return true
    }

    /// Waits for one delivery, at most a second, and runs what is there.
    func pumpOnce() {
        let work = queue.wait(milliseconds: 1000) { queue -> [@Sendable () -> Void]? in
            if queue.isEmpty { return nil }
            defer { queue = [] }
            return queue
        }
        for closure in work ?? [] { closure() }
    }

    /// Runs what has been delivered by now.
    func pumpReady() {
        let work = queue.with { queue in
            defer { queue = [] }
            return queue
        }
        for closure in work { closure() }
    }
}

/// Small sizes, so that tests see segment switches and many transactions.
func smallOptions() -> Database.Options {
    var options = Database.Options()
    options.mapBytes = 256 << 20
    options.segmentBytes = 64 << 10
    options.journalBytesMax = 1 << 20
    options.applyDelayMilliseconds = 0
    return options
}

/// A folder of one test's own, gone after it.
func withFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plasmid-storage-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path + "/data")
}

/// Opens, runs and closes.
func withDatabase<Value>(
    _ folder: String, _ options: Database.Options = smallOptions(), _ body: (Database, TestLoop) throws -> Value
) throws -> Value {
    let loop = TestLoop()
    let database = try Database(folder: folder, options: options, deliver: loop.deliver)
    defer { database.close() }
    return try body(database, loop)
}

extension Database {
    /// Commits and waits for the answer.
    func commitNow(_ space: Space, _ commit: SpaceCommit, _ loop: TestLoop) -> Result<Void, PlasmidError> {
        var answer: Result<Void, PlasmidError>?
        space.commit(commit) { answer = $0 }
        loop.pump { answer != nil }
        return answer ?? .failure(StorageFault.failed("no answer"))
    }

    /// Writes and waits for the answer.
    func writeNow(_ changes: [ConductorStore.Change], _ loop: TestLoop) throws -> Result<Void, PlasmidError> {
        var answer: Result<Void, PlasmidError>?
        try conductor.write(changes) { answer = $0 }
        loop.pump { answer != nil }
        return answer ?? .failure(StorageFault.failed("no answer"))
    }
}

extension Result where Success == Void, Failure == PlasmidError {
    var code: PlasmidError.Code? {
        if case .failure(let error) = self { return error.code }
        return nil
    }
}

/// The code of the error that `body` throws; nil where it throws none.
func code(of body: () throws -> Void) -> PlasmidError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? PlasmidError)?.code
    }
}

/// The hash of some small number, for DNAs and the like.
func dna(_ number: Int) -> DnaHash { DnaHash(hashing: Array("dna \(number)".utf8)) }
