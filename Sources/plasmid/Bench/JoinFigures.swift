import Conductor
import Foundation
import Integrity
import Keystore

/// Somebody who comes when much has been written already: how fast it is taken over, and what it takes in memory.
enum JoinFigures {
    /// In quick runs too: the names of the figures say so.
    static let ops = 100_000

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let wanted = ops
        let first = try BenchConductor(
            folder: place.folder + "/first", isolation: .none, network: NetworkOptions())
        defer { try? first.stop() }
        let names = (0..<8).map { "bench-\($0)" }
        try first.install(place.happ, as: names)
        // Three ops each.
        _ = try first.drive(CreateFigures.write(32, wanted / 3 + 1, cells: names.count))
        let author = try BenchAuthor(space: try first.space(of: names[0]), keystore: try BenchKeys.make(place))
        _ = try author.write(4_000, now: Keystore.now())

        let late = try BenchNode(place.folder + "/late")
        defer { late.stop() }
        try late.start(bootstrap: first.addresses)
        let floor = try author.verifyRate(4_000) * 3
        let start = monotonicSeconds()
        try late.install(place.happ)
        try BenchNode.until("a late joiner holds everything", seconds: 180) { try late.heldOps() >= wanted }
        let seconds = monotonicSeconds() - start
        let joined = ProcessFacts.memory(of: late.processID).privateBytes
        late.stop()
        try late.start(bootstrap: first.addresses)
        try BenchNode.until("the late joiner is there again") { try late.connected() > 0 }
        let again = ProcessFacts.memory(of: late.processID).privateBytes
        let program = try FloorChild(.idle)
        defer { program.stop() }
        _ = try program.word()
        let bare = ProcessFacts.memory(of: program.processID).privateBytes
        func memory(_ name: String, _ bytes: Int, _ note: String) -> Figure {
            Figure(
                name: name, unit: "MB", value: Double(bytes) / 1e6, floor: Double(bare) / 1e6,
                floorName: "this program with an event loop, doing nothing", budget: .atMost(250), note: note)
        }
        return [
            Figure(
                name: "join.late", unit: "/s", value: Double(wanted) / seconds, floor: floor,
                floorName: "ops whose actions' signatures one thread verifies, three ops an action",
                budget: .atLeast(5_000),
                note: "from the installation on; two processes, the newcomer's modules judge every op"),
            memory("memory.100k.joined", joined, "private, of the conductor, right after it took over all"),
            memory("memory.100k.restarted", again, "the same after a restart"),
        ]
    }
}
