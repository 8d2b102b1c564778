import Integrity
import NIOCore
import Testing

@testable import ZomeRuntime

@Suite(.enabled(if: Products.areBuilt, "Tiny lies beside the tests"), .serialized) struct InProcessRunnerTests {
    @Test func echoesAndDescribes() async throws {
        let harness = try await Harness.inProcess()
        let expected = Invocation(caller: nil, payload: [0xc3]).packed
        #expect(try await harness.call("echo", [0xc3]) == .success(.ok(expected)))
        #expect(try await harness.onLoop { runner, _ in runner.descriptions?.count } == 1)
        #expect(
            try await harness.call("host", [0xc2]) == .success(.ok(Invocation(caller: nil, payload: [0xc2]).packed)))
        #expect(try await harness.call("later") == .success(.ok([0xc0])))
        #expect(try await harness.call("twice") == .success(.ok([0xc0])))
        #expect(try await harness.code("nothing") == .unknownFunction)
        try await harness.stop()
    }

    @Test func aThousandCallsAtOnce() async throws {
        let harness = try await Harness.inProcess()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let payload = [0xcd, UInt8(number >> 8), UInt8(number & 255)]
                    let expected = Invocation(caller: nil, payload: payload).packed
                    return try await harness.call("echo", payload) == .success(.ok(expected))
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        try await harness.stop()
    }

    @Test func aCallThatNeverEndsTimesOut() async throws {
        let harness = try await Harness.inProcess()
        #expect(try await harness.code("never", timeout: .milliseconds(50)) == .moduleTimedOut)
        #expect(try await harness.code("noop") == nil)
        try await harness.stop()
        #expect(try await harness.code("noop") == .moduleStopped)
    }

    @Test(arguments: [("/nowhere/libNone.so", "moduleMissing"), ("/etc/hostname", "notAModule")])
    func whatIsNoModuleIsRefused(_ path: String, _ code: String) async throws {
        let harness = try await Harness.inProcess([ModuleSpec(zome: "odd", path: path)])
        #expect(try await harness.code("noop")?.rawValue == code)
        #expect(try await harness.onLoop { _, host in host.reasons.count } == 1)
        try await harness.stop()
    }
}
