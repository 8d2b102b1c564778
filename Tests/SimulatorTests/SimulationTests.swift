import Integrity
import Simulator
import Testing

@Suite("Simulated networks")
struct SimulationTests {
    @Test("the invariants hold through all faults, and the network converges", arguments: 1...20 as ClosedRange<UInt64>)
    func allFaults(seed: UInt64) throws {
        let settings = SimSettings(nodes: 8, seed: seed, faults: .all, seconds: 60, writes: 0.5)
        let report = try SimWorld(settings).run()
        #expect(report.isGood, "\(report.violations)\n\(settings.replay)")
        #expect(report.acknowledged > 20, "\(settings.replay)")
    }

    @Test("malicious nodes are found out, and honest ones never refused", arguments: 1...4 as ClosedRange<UInt64>)
    func malice(seed: UInt64) throws {
        let settings = SimSettings(
            nodes: 9, seed: seed, faults: try SimFaults("malicious=0.5"), seconds: 60, writes: 1)
        let report = try SimWorld(settings).run()
        #expect(report.isGood, "\(report.violations)\n\(settings.replay)")
    }

    @Test("the same seed does exactly the same, another does not")
    func replay() throws {
        func run(_ seed: UInt64) throws -> SimReport {
            try SimWorld(SimSettings(nodes: 6, seed: seed, faults: .all, seconds: 40, writes: 0.5)).run()
        }
        let first = try run(7)
        let second = try run(7)
        #expect(first == second)
        #expect(try run(8).fingerprint != first.fingerprint)
    }

    @Test("what goes through the bytes of frames is what comes of values: nothing is lost, added or read otherwise")
    func frames() throws {
        func run(_ usesFrames: Bool) throws -> SimReport {
            try SimWorld(
                SimSettings(nodes: 7, seed: 12, faults: .all, seconds: 50, writes: 1, usesFrames: usesFrames)
            ).run()
        }
        let (bytes, values) = (try run(true), try run(false))
        #expect(bytes.isGood, "\(bytes.violations)")
        #expect(bytes.messages > 500)
        #expect(bytes.fingerprint == values.fingerprint && bytes.acknowledged == values.acknowledged)
    }

    @Test(
        "a third of the nodes crash each minute: every op lies on 15 to 40 of them, and none has three times the mean load",
        arguments: [3, 5, 8] as [UInt64])
    func arcs(seed: UInt64) throws {
        let settings = SimSettings(
            nodes: 64, seed: seed, faults: try SimFaults("churn=0.33"), seconds: 100, writes: 0.3,
            usesFrames: false)
        let report = try SimWorld(settings).run()
        #expect(report.isGood, "\(report.violations)\n\(settings.replay)")
        #expect(report.crashes > 15)
        // Once the faults have stopped as well.
        let measures = report.measures.filter { $0.ops > 0 }
        #expect(measures.count > 2)
        for measure in measures {
            #expect(measure.leastHolders >= 15 && measure.mostHolders <= 40, "\(measure)\n\(settings.replay)")
            #expect(measure.mostLoad < 3, "\(measure)\n\(settings.replay)")
        }
    }

    @Test("faults are read as they are written, and what is none is named")
    func faults() throws {
        for text in ["none", "loss=0.05", "loss=0.05,duplicate=0.1,reorder,partition,churn=0.33,skew,malicious=0.2"] {
            #expect(try SimFaults(text).description == text)
        }
        #expect(try SimFaults("all") == SimFaults.all)
        #expect(try SimFaults(SimFaults.all.description) == SimFaults.all)
        for text in ["loss=2", "loss=x", "rain", "churn="] {
            #expect(throws: PlasmidError.self) { _ = try SimFaults(text) }
        }
        #expect(throws: PlasmidError.self) { _ = try SimWorld(SimSettings(nodes: 1, seed: 1, faults: .none)) }
    }
}
