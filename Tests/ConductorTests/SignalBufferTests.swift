import Testing

@testable import Conductor

@Suite("The buffer of an instance's last signals")
struct SignalBufferTests {
    private func signal(_ number: UInt64, bytes: Int = 10, instance: String = "app/role") -> UserSignal {
        UserSignal(
            instanceID: instance, appID: "app", zome: "z", name: "n", payload: [UInt8](repeating: 0, count: bytes),
            sequence: number)
    }

    @Test("gives what came after a number, and nothing for the newest")
    func since() {
        var buffer = SignalBuffer()
        for number in 1...10 as ClosedRange<UInt64> { buffer.add(signal(number)) }
        #expect(buffer.since(7, last: 10).signals.map(\.sequence) == [8, 9, 10])
        #expect(buffer.since(7, last: 10).missed == 0)
        #expect(buffer.since(0, last: 10).signals.count == 10)
        #expect(buffer.since(10, last: 10).signals.isEmpty && buffer.since(10, last: 10).missed == 0)
        #expect(buffer.since(99, last: 10).signals.isEmpty && buffer.since(99, last: 10).missed == 0)
    }

    @Test("lets the oldest go at either bound, and says how many are gone")
    func bounds() {
        var buffer = SignalBuffer()
        let total = UInt64(SignalBuffer.maximumCount) + 1_000
        for number in 1...total { buffer.add(signal(number)) }
        #expect(buffer.count == SignalBuffer.maximumCount)
        let all = buffer.since(0, last: total)
        #expect(all.missed == 1_000 && all.signals.first?.sequence == 1_001 && all.signals.last?.sequence == total)
        #expect(buffer.since(500, last: total).missed == 500)

        var heavy = SignalBuffer()
        for number in 1...100 as ClosedRange<UInt64> { heavy.add(signal(number, bytes: 100_000)) }
        #expect(heavy.bytes <= SignalBuffer.maximumBytes && heavy.count == 10)
        #expect(heavy.since(0, last: 100).missed == 90)
        heavy.add(signal(101, bytes: SignalBuffer.maximumBytes + 1))
        #expect(heavy.count == 0 && heavy.bytes == 0, "what is larger than the buffer is not kept")
        #expect(heavy.since(100, last: 101).missed == 1)
    }

    @Test("what is let go leaves memory at once, large signals too")
    func released() {
        var buffer = SignalBuffer()
        for number in 1...60 as ClosedRange<UInt64> { buffer.add(signal(number, bytes: 900_000)) }
        // Whatever the buffer is made of: the payloads that it still holds.
        func held(_ value: Any) -> Int {
            if let signal = value as? UserSignal { return signal.payload.count }
            return Mirror(reflecting: value).children.reduce(0) { $0 + held($1.value) }
        }
        #expect(held(buffer) == 900_000)
        #expect(buffer.since(0, last: 60).signals.map(\.sequence) == [60])
        #expect(buffer.since(0, last: 60).missed == 59)
    }

    @Test("all instances together keep within one bound: the fullest gives way")
    func together() {
        let hub = SignalHub()
        let instances = SignalHub.maximumBytes / SignalBuffer.maximumBytes + 20
        for round in 0..<20 {
            for instance in 0..<instances {
                let name = "app/\(instance)"
                hub.deliver(signal(hub.nextNumber(of: name), bytes: 50_000, instance: name))
                #expect(hub.bufferedBytes <= SignalHub.maximumBytes, "round \(round)")
            }
        }
        #expect(hub.bufferedBytes > SignalHub.maximumBytes * 9 / 10)
        let one = hub.since(0, of: "app/0")
        #expect(one.missed + UInt64(one.signals.count) == 20)
        hub.forget("app/0")
        #expect(hub.since(0, of: "app/0").missed == 20 && hub.nextNumber(of: "app/0") == 21)
    }
}
