import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("signals through the real conductor", .timeLimit(.minutes(5)))
struct SignalTests {
    @Test("§11.34 a signal comes as one frame of the shape of 2019, with its arguments as text")
    func shape() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("emit", #"{"name":"tick","count":1}"#)
            let frame = try #require(try await alice.frames.wait(for: "tick").first)
            #expect(frame["type"]?.text == "InstanceSignal")
            #expect(frame["signal"]?["signal_type"]?.text == "User")
            #expect(frame["signal"]?["arguments"]?.text == #"{"number":0}"#)
            #expect(frame["instance_id"]?.text == "alice/main" && frame["zome"]?.text == "workshop")
            try await conductor.frames.wait(for: "tick")
        }
    }

    @Test("§11.37 a call that emits and then fails is not heard")
    func failed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let outcome = await alice.outcome("emit_then_fail", #"{"name":"boast","count":1}"#)
            #expect(outcome.code == "itDidNot")
            // Refused by the validator: the call itself returned.
            #expect(await alice.outcome("write_and_emit", #"{"text":"invalid"}"#).code == "validationFailed")
            // What comes after it would have come after the boast.
            try await alice.call("emit", #"{"name":"last","count":1}"#)
            try await alice.frames.wait(for: "last")
            #expect(alice.frames.signals("boast").isEmpty && alice.frames.signals("wrote").isEmpty)
        }
    }

    @Test("a call's signals reach the socket before its answer, in order and numbered without a gap")
    func beforeAnswer() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("who")
            for _ in 0..<5 {
                let order = alice.frames
                let done = alice.begin("emit", #"{"name":"tick","count":20}"#).map { outcome in
                    order.add(.string("answer"))
                    return outcome
                }
                #expect(try await done.get().isOK)
                #expect(order.all.last == .string("answer"))
            }
            let ticks = alice.frames.signals("tick")
            #expect(ticks.count == 100)
            #expect(ticks.map { $0.arguments?["number"]?.number } == (0..<100).map { Int64($0 % 20) })
            let numbers = ticks.compactMap { $0["seq"]?.number }
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 })
        }
    }

    @Test("a committed call's signal comes before its answer too, and another app hears nothing")
    func committed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let frames = alice.frames
            let done = alice.begin("write_and_emit", #"{"text":"news"}"#).map { _ in frames.signals("wrote").count }
            #expect(try await done.get() == 1)
            try await bob.call("emit", #"{"name":"own","count":1}"#)
            try await bob.frames.wait(for: "own")
            #expect(bob.frames.signals("wrote").isEmpty)
        }
    }
}
