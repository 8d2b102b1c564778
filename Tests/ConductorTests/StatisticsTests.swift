import Testing

@testable import Conductor

@Suite("what is counted")
struct StatisticsTests {
    @Test("a histogram tells the bound that a share lies below, and never more than the longest")
    func quantiles() {
        var times = LatencyHistogram()
        #expect(times.quantile(0.5) == 0)
        for _ in 0..<98 { times.add(microseconds: 80) }
        times.add(microseconds: 700)
        times.add(microseconds: 90_000_000)
        #expect(times.quantile(0.5) == 100 && times.quantile(0.99) == 1_000 && times.quantile(1) == 90_000_000)
        #expect(times.count == 100 && times.sum == 98 * 80 + 700 + 90_000_000 && times.longest == 90_000_000)
        #expect(times.counts.reduce(0, +) == 100 && times.counts.last == 1)
    }

    @Test("a bound itself belongs to its bucket; what is shorter than the first bound is told as it is")
    func bounds() {
        for (index, bound) in LatencyHistogram.bounds.enumerated() {
            var times = LatencyHistogram()
            times.add(microseconds: bound)
            #expect(times.counts[index] == 1 && times.quantile(0.5) == bound)
        }
        var short = LatencyHistogram()
        short.add(microseconds: 3)
        #expect(short.quantile(0.99) == 3)
    }

    @Test("counters of two cells add up")
    func sums() {
        var left = CallCounters()
        left.succeeded = 3
        left.failures = ["timeout": 1]
        left.latency.add(microseconds: 60)
        var right = CallCounters()
        right.appErrors = 2
        right.failures = ["timeout": 2, "moduleTrapped": 1]
        right.latency.add(microseconds: 6_000)
        left.add(right)
        #expect(left.ended == 9 && left.failed == 4 && left.failures == ["timeout": 3, "moduleTrapped": 1])
        #expect(left.latency.count == 2 && left.latency.longest == 6_000)
    }
}
