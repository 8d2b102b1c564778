import Integrity
import Testing

@testable import plasmid

@Suite("figures")
struct BenchTests {
    private func figure(_ value: Double, floor: Double, _ budget: Budget, ratio: Double? = nil) -> Figure {
        Figure(
            name: "calls.x", unit: "µs", value: value, p50: value, p99: nil, floor: floor, floorName: "f",
            measuredRatio: ratio, budget: budget)
    }

    @Test("a figure is held to its budget, absolute or as a ratio of its floor")
    func budgets() {
        #expect(figure(10, floor: 8, .atMost(10)).ok && !figure(11, floor: 8, .atMost(10)).ok)
        #expect(figure(10, floor: 8, .atLeast(10)).ok && !figure(9, floor: 8, .atLeast(10)).ok)
        #expect(figure(12, floor: 10, .ratioAtMost(1.2)).ok && !figure(13, floor: 10, .ratioAtMost(1.2)).ok)
        #expect(figure(7, floor: 10, .ratioAtLeast(0.7)).ok && !figure(6, floor: 10, .ratioAtLeast(0.7)).ok)
        // Where floor and figure took turns, the median of the rounds counts and not the ratio of the medians.
        #expect(!figure(7, floor: 10, .ratioAtLeast(0.7), ratio: 0.6).ok)
        #expect(figure(1e9, floor: 1, .none).ok)
    }

    @Test("a row of the results has the keys that the design names, and a line in the table")
    func row() throws {
        let row = figure(12.3456, floor: 10, .ratioAtMost(1.4))
        let text = try JSONLines.text(row.object, indented: false)
        #expect(
            text
                == #"{"name":"calls.x","unit":"µs","value":12.346,"p50":12.346,"p99":null,"processor_us":null,"floor":10.0,"floor_is":"f","ratio":1.235,"budget":"≤ 1.4 × floor","ok":true,"note":null}"#
        )
        #expect(Figure.table([row]).contains("met"))
        #expect(Figure.short(1_234.5) == "1,235" && Figure.short(12.34) == "12.3" && Figure.short(1.2) == "1.2")
    }

    @Test("quantiles of samples")
    func samples() {
        var samples = Samples()
        #expect(samples.median == 0)
        for value in (1...100).reversed() { samples.add(Double(value)) }
        #expect(samples.median == 51 && samples.quantile(0.99) == 100 && samples.quantile(1) == 100)
    }
}
