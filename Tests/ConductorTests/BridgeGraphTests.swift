import Integrity
import Testing

@testable import Conductor

@Suite struct BridgeGraphTests {
    private func bridge(_ caller: String, _ callee: String, _ handle: String) -> Bridge {
        Bridge(caller: caller, callee: callee, handle: handle)
    }

    @Test("a long way round that leads back is refused, a diamond is not")
    func cycles() throws {
        var graph = BridgeGraph()
        for (number, pair) in [("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("a", "d")].enumerated() {
            try graph.add(bridge(pair.0, pair.1, "h\(number)"))
        }
        for (caller, callee) in [("d", "a"), ("c", "a"), ("d", "b"), ("d", "d")] {
            let error = #expect(throws: PlasmidError.self) { try graph.add(bridge(caller, callee, "x")) }
            #expect(error?.code == .bridgeCycle)
        }
        #expect(graph.all.count == 5)
        graph.remove(bridge("a", "d", "h4"))
        graph.remove(bridge("c", "d", "h2"))
        try graph.add(bridge("d", "a", "x"))
        #expect(graph.callee(of: "d", "x") == "a" && graph.callee(of: "a", "h4") == nil)
    }

    @Test("whatever is added and removed in whatever order, there is never a way back")
    func property() throws {
        var random = SplitMix(seed: 7)
        var graph = BridgeGraph()
        for step in 0..<2_000 {
            let (from, to) = ("\(random.next() % 8)", "\(random.next() % 8)")
            if random.next() % 3 == 0, let old = graph.bridge(from: from, to: to) {
                graph.remove(old)
            } else {
                try? graph.add(bridge(from, to, "h\(step)"))
            }
            #expect(isAcyclic(graph.all), "seed 7, step \(step)")
        }
        #expect(!graph.all.isEmpty)
    }

    /// Takes away those that nobody leads to until nothing is left, or a circle.
    private func isAcyclic(_ bridges: [Bridge]) -> Bool {
        var left = bridges
        while true {
            let reached = Set(left.map(\.callee))
            let rest = left.filter { reached.contains($0.caller) }
            if rest.count == left.count { return left.isEmpty }
            left = rest
        }
    }
}

/// Numbers that are the same at every run.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
