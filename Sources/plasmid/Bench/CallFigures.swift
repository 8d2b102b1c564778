import Conductor
import Foundation
import Integrity

/// No-op calls, without the API: through the sandboxed child and in this process.
enum CallFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let pair = try BarePair()
        defer { pair.stop() }
        return try sandboxed(place, pair) + inProcess(place, pair)
    }

    static func ping(_ callers: Int, _ calls: Int) -> Load {
        Load(callers: callers, calls: calls, instances: ["bench/bench"], function: "ping") { _ in [0xc0] }
    }

    private static func sandboxed(_ place: BenchPlace, _ pair: BarePair) throws -> [Figure] {
        let conductor = try BenchConductor(folder: place.folder + "/sandboxed", isolation: .process)
        defer { try? conductor.stop() }
        try conductor.install(place.happ, as: ["bench"])
        _ = try conductor.drive(ping(32, 2_000))
        let processors = ProcessFacts.processors
        let (here, there) = (processors[0], processors[processors.count - 1])
        let apart = try alone(place, pair, conductor, here: here, there: there)
        let together = try alone(place, pair, conductor, here: there, there: there)
        ProcessFacts.bind(getpid(), to: processors)
        let many = try rounds(place, conductor, calls: place.count(100_000, quick: 30_000))
        let batched = 32 / pair.exchange(2_000, frames: 32).median
        return [
            apart, together,
            Figure(
                name: "calls.sandboxed.32", unit: "/s", value: many.rate, p50: many.latency.median * 1e6,
                p99: many.latency.quantile(0.99) * 1e6, processor: many.processor, floor: batched,
                floorName: "32 frames at once over a bare socket pair", budget: .atLeast(80_000)),
        ]
    }

    /// One call at a time, this process on one processor and the children on another or the same.
    private static func alone(
        _ place: BenchPlace, _ pair: BarePair, _ conductor: BenchConductor, here: Int, there: Int
    ) throws -> Figure {
        ProcessFacts.bind(getpid(), to: [here])
        for child in ProcessFacts.children(of: getpid()) { ProcessFacts.bind(child, to: [there]) }
        var (rates, floors, ratios, latency) = ([Double](), [Double](), [Double](), Samples())
        let trips = place.count(6_000, quick: 2_000)
        for _ in 0..<place.rounds {
            let floor = 1 / pair.exchange(trips).median
            let one = try conductor.drive(ping(1, trips)).latency
            rates.append(1 / one.median)
            floors.append(floor)
            ratios.append(1 / one.median / floor)
            for sample in one.seconds { latency.add(sample) }
        }
        let same = here == there
        return Figure(
            name: "calls.sandboxed.one\(same ? ".core" : "")", unit: "/s", value: median(rates),
            p50: latency.median * 1e6, p99: latency.quantile(0.99) * 1e6, floor: median(floors),
            floorName: "bare socket-pair round trips, both sides on \(same ? "one processor" : "two processors")",
            measuredRatio: median(ratios), budget: same ? .none : .ratioAtLeast(0.7))
    }

    private static func inProcess(_ place: BenchPlace, _ pair: BarePair) throws -> [Figure] {
        let conductor = try BenchConductor(folder: place.folder + "/none", isolation: .none)
        defer { try? conductor.stop() }
        try conductor.install(place.happ, as: ["bench"])
        _ = try conductor.drive(ping(32, 5_000))
        let many = try rounds(place, conductor, calls: place.count(200_000, quick: 60_000))
        let batched = 32 / pair.exchange(1_000, frames: 32).median
        return [
            Figure(
                name: "calls.inProcess.32", unit: "/s", value: many.rate, p50: many.latency.median * 1e6,
                p99: many.latency.quantile(0.99) * 1e6, processor: many.processor, floor: batched,
                floorName: "32 frames at once over a bare socket pair", budget: .atLeast(150_000))
        ]
    }

    private static func rounds(
        _ place: BenchPlace, _ conductor: BenchConductor, calls: Int
    ) throws -> (rate: Double, latency: Samples, processor: Double) {
        var (rates, processor) = ([Double](), [Double]())
        var last = Samples()
        for _ in 0..<place.rounds {
            let result = try conductor.drive(ping(32, calls))
            rates.append(result.perSecond)
            processor.append(result.processorMicroseconds)
            last = result.latency
        }
        return (median(rates), last, median(processor))
    }
}
