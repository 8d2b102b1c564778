import Conductor
import Foundation
import Integrity
import Keystore

/// Commits that are created, validated and durable, on a space that holds many rows already; then reads of that space.
enum CreateFigures {
    static let happCells = 32

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let data = place.folder + "/data"
        let names = (0..<happCells).map { "bench-\($0)" }
        let floor = try CommitFloors(place)
        var figures: [Figure] = []
        let base: [UInt8]
        let sample: [[UInt8]]
        do {
            let conductor = try BenchConductor(folder: data, isolation: .none)
            defer { try? conductor.stop() }
            try conductor.install(place.happ, as: names)
            let rows = place.count(200_000, quick: 20_000)
            _ = try conductor.drive(write(32, rows, cells: 1))
            figures += try creates("inProcess", 20_000, place, conductor, floor)
            sample = try conductor.drive(write(32, 2_000, cells: 1, keeps: true)).results
            base = try conductor.drive(write(1, 1, cells: 1, keeps: true)).results[0]
            _ = try conductor.drive(answers(to: base))
        }
        do {
            let conductor = try BenchConductor(folder: data, isolation: .process)
            defer { try? conductor.stop() }
            figures += try creates("sandboxed", 10_000, place, conductor, floor)
        }
        return figures + (try ReadFigures.measure(place, folder: data, sample: sample, base: base))
    }

    /// Notes of a hundred bytes, from so many callers on so many cells.
    static func write(_ callers: Int, _ calls: Int, cells: Int, keeps: Bool = false) -> Load {
        let seed = UInt64(callers) << 32 | UInt64(cells)
        return Load(
            callers: callers, calls: calls, instances: (0..<cells).map { "bench-\($0)/bench" }, function: "write",
            keepsResults: keeps
        ) { number in
            var text = "note \(number) of \(seed): "
            text += String(repeating: "x", count: max(0, 100 - text.utf8.count))
            return MessagePackValue.object(["text": .string(text)]).packed
        }
    }

    /// Ten thousand notes that answer one.
    private static func answers(to base: [UInt8]) -> Load {
        Load(callers: 32, calls: 10_000, instances: ["bench-0/bench"], function: "write") { number in
            var writer = MessagePackWriter()
            writer.writeMapHeader(2)
            writer.writeString("text")
            writer.writeString("answer \(number)")
            writer.writeString("answers")
            writer.writeArrayHeader(1)
            writer.writeRaw(base)
            return writer.bytes
        }
    }

    private static func creates(
        _ how: String, _ wanted: Double, _ place: BenchPlace, _ conductor: BenchConductor, _ floor: CommitFloors
    ) throws -> [Figure] {
        // Starts every cell's modules and the validators.
        _ = try conductor.drive(write(happCells, happCells * 8, cells: happCells))
        var figures = [try one(how, place, conductor, floor)]
        for cells in [1, happCells] {
            var (rates, processor, latency) = ([Double](), [Double](), Samples())
            for _ in 0..<place.count(5, quick: 3) {
                let result = try conductor.drive(write(32, place.count(10_000, quick: 3_000), cells: cells))
                rates.append(result.perSecond)
                processor.append(result.processorMicroseconds)
                latency = result.latency
            }
            figures.append(
                Figure(
                    name: "creates.\(how).32on\(cells)", unit: "/s", value: median(rates), p50: latency.median * 1e6,
                    p99: latency.quantile(0.99) * 1e6, processor: median(processor), floor: floor.group,
                    floorName: "32 signatures and one fdatasync of their records, one group after the other",
                    budget: .atLeast(wanted)))
        }
        return figures
    }

    private static func one(
        _ how: String, _ place: BenchPlace, _ conductor: BenchConductor, _ floor: CommitFloors
    ) throws -> Figure {
        var (values, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        var processor: [Double] = []
        let count = place.count(1_000, quick: 300)
        for _ in 0..<place.rounds {
            let base = try floor.one(count)
            let driven = try conductor.drive(write(1, count, cells: 1))
            let result = driven.latency
            processor.append(driven.processorMicroseconds)
            values.append(result.median)
            floors.append(base)
            ratios.append(result.median / base)
            for sample in result.seconds { latency.add(sample) }
        }
        return Figure(
            name: "creates.\(how).one", unit: "µs", value: median(values) * 1e6, p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, processor: median(processor), floor: median(floors) * 1e6,
            floorName: "fdatasync of a preallocated file + one signature", measuredRatio: median(ratios),
            budget: .ratioAtMost(2))
    }
}

/// What commits cannot do without, on the same disk.
struct CommitFloors {
    /// Bytes that a note of a hundred takes in the journal, about.
    private static let recordBytes = 700
    private let keystore: Keystore
    private let agent: AgentPubKey
    private let file: SyncedFile
    /// Commits in a second where 32 share a sync.
    let group: Double

    init(_ place: BenchPlace) throws {
        file = try SyncedFile(folder: place.folder)
        keystore = try Keystore.create(
            at: place.folder + "/floor-keystore", passphrase: BenchConductor.passphrase, cost: .forTests)
        agent = try keystore.addTestAgent(name: "floor")
        let signature = try CommitFloor.signature(keystore, by: agent, count: 1_000).median
        let sync = try file.write(bytes: 32 * Self.recordBytes, count: 500).median
        group = 32 / (sync + 32 * signature)
    }

    /// The seconds of one commit alone.
    func one(_ count: Int) throws -> Double {
        try file.write(bytes: Self.recordBytes, count: count).median
            + CommitFloor.signature(keystore, by: agent, count: count).median
    }
}
