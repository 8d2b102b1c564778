import Foundation
import Integrity
import NIOCore
import Testing

@testable import ZomeRuntime

/// The modules of Tests/Modules that break the ABI, and the hostile one that is written with the HDK.
@Suite struct SampleModuleTests {
    static func isBuilt(_ name: String) -> Bool {
        Products.areBuilt && FileManager.default.fileExists(atPath: Products.module(name))
    }

    private func spec(_ name: String) -> [ModuleSpec] { [ModuleSpec(zome: "odd", path: Products.module(name))] }

    @Test(
        .enabled(if: isBuilt("BadABI") && isBuilt("NotAModule") && isBuilt("Garbage")),
        arguments: [("BadABI", "moduleABI"), ("NotAModule", "notAModule"), ("Garbage", "moduleDescribe")])
    func refusedBeforeTheFirstCall(_ name: String, _ code: String) async throws {
        for harness in [try await Harness.process(spec(name)), try await Harness.inProcess(spec(name))] {
            guard case .failure(let error) = try await harness.call("anything") else { return #expect(Bool(false)) }
            #expect(error.code.rawValue == code)
            #expect(error.message.contains("'odd'"))
            try await harness.stop()
        }
    }

    @Test(.enabled(if: isBuilt("AnswersTwice"))) func answersThatBreakTheRules() async throws {
        let harness = try await Harness.process(spec("AnswersTwice"))
        #expect(try await harness.call("twice") == .success(.ok([1])))
        #expect(try await harness.call("asks") == .success(.ok([1])))
        #expect(try await harness.onLoop { runner, _ in runner.statistics.crashes } == 0)
        #expect(try await harness.code("garbage") == .moduleGarbage)
        #expect(try await harness.code("status") == .moduleGarbage)
        #expect(try await harness.call("twice") == .success(.ok([1])), "a new process serves")
        let later = try await harness.begin("later")
        try await harness.onLoop { runner, _ in runner.cancel(call: later.call) }
        _ = try await later.outcome.get()
        #expect(try await harness.call("twice") == .success(.ok([1])))
        try await harness.stop()
    }

    @Test(.enabled(if: isBuilt("Hostile"))) func theConcurrencyRuntimeWorksInTheSandbox() async throws {
        let harness = try await Harness.process(spec("Hostile")) { $0.sandbox = .required }
        try await harness.onLoop { _, host in host.fixedAnswer = [0x01] }
        // {count: 200}: as many tasks, each with a request of its own.
        let amount: [UInt8] = [0x81, 0xa5] + Array("count".utf8) + [0xcc, 200]
        let asked = try await harness.call("ask_at_once", amount)
        #expect(asked == .success(.ok([0xcc, 200])))
        #expect(try await harness.onLoop { _, host in host.operations.count } == 200)
        #expect(try await harness.call("count") == .success(.ok([0x01])))
        guard case .success(.appError) = try await harness.call("fail", [0xa1, 0x78]) else {
            return #expect(Bool(false))
        }
        try await harness.stop()
    }

    @Test(
        .enabled(if: isBuilt("Hostile")),
        arguments: [
            ("trap", "moduleTrapped"), ("recurse", "moduleTrapped"), ("allocate", "moduleOutOfMemory"),
            ("loop", "moduleTimedOut"), ("hang", "moduleTimedOut"),
        ])
    func hostileSwift(_ name: String, _ code: String) async throws {
        let harness = try await Harness.process(spec("Hostile"))
        #expect(try await harness.code("count") == nil)
        let limit: TimeAmount? = code == "moduleTimedOut" ? .milliseconds(300) : nil
        guard case .failure(let error) = try await harness.call(name, timeout: limit) else {
            return #expect(Bool(false))
        }
        #expect(error.code.rawValue == code, "\(error) \(error.cause ?? "")")
        #expect(try await harness.call("count") == .success(.ok([0x01])), "a new process has new globals")
        try await harness.stop()
    }
}
