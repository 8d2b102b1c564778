import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import ZomeRuntime

/// Where the build put the programs and modules that tests start: beside the test bundle.
enum Products {
    static let folder: String = {
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return program.deletingLastPathComponent().path
    }()

    static let host = folder + "/plasmid-zome-host"

    static func module(_ name: String) -> String { folder + "/lib\(name).so" }

    static var areBuilt: Bool {
        FileManager.default.isExecutableFile(atPath: host) && FileManager.default.fileExists(atPath: module("Tiny"))
    }
}

/// A host that answers every request with its own bytes, or keeps the answers until they are released. Loop-confined.
final class EchoHost: ZomeHostHandler {
    var isHolding = false
    /// What every answer is, instead of the request's bytes.
    var fixedAnswer: [UInt8]?
    var held: [() -> Void] = []
    var operations: [UInt32] = []
    var reasons: [PlasmidError] = []
    var onRequest: (() -> Void)?

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8], answer: @escaping (UInt32, [UInt8]) -> Void
    ) {
        operations.append(operation)
        let bytes = fixedAnswer ?? bytes
        if isHolding { held.append { answer(0, bytes) } } else { answer(0, bytes) }
        onRequest?()
    }

    func runnerStopped(_ reason: PlasmidError) { reasons.append(reason) }
}

/// A runner on a loop, driven from tests.
final class Harness: Sendable {
    typealias Outcome = Result<ModuleReply, PlasmidError>

    let loop: any EventLoop
    private let runner: NIOLoopBoundBox<any ZomeRunner>
    private let host: NIOLoopBoundBox<EchoHost>
    private let next: NIOLoopBoundBox<UInt64>

    private init(
        _ loop: any EventLoop, _ runner: NIOLoopBoundBox<any ZomeRunner>, _ host: NIOLoopBoundBox<EchoHost>,
        _ next: NIOLoopBoundBox<UInt64>
    ) {
        self.loop = loop
        self.runner = runner
        self.host = host
        self.next = next
    }

    static func process(
        _ modules: [ModuleSpec] = [ModuleSpec(zome: "tiny", path: Products.module("Tiny"))],
        executable: String = Products.host, role: RunnerRole = .coordinator,
        change: @escaping @Sendable (inout RuntimeLimits) -> Void = { _ in }
    ) async throws -> Harness {
        try await make { loop, host in
            var limits = RuntimeLimits()
            change(&limits)
            return ProcessRunner(
                loop: loop, executable: executable, role: role, modules: modules, limits: limits, handler: host)
        }
    }

    static func inProcess(
        _ modules: [ModuleSpec] = [ModuleSpec(zome: "tiny", path: Products.module("Tiny"))]
    ) async throws -> Harness {
        try await make { loop, host in
            InProcessRunner(loop: loop, modules: modules, limits: RuntimeLimits(), handler: host)
        }
    }

    private static func make(
        _ build: @escaping @Sendable (any EventLoop, EchoHost) -> any ZomeRunner
    ) async throws -> Harness {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await loop.submit {
            let host = EchoHost()
            return Harness(
                loop, NIOLoopBoundBox(build(loop, host), eventLoop: loop), NIOLoopBoundBox(host, eventLoop: loop),
                NIOLoopBoundBox(0, eventLoop: loop))
        }.get()
    }

    /// Starts a call without waiting for it; it is on its way when this returns.
    func begin(
        _ name: String, _ payload: [UInt8] = [0xc0], zome: Int = 0, timeout: TimeAmount? = nil
    ) async throws -> (call: UInt64, outcome: EventLoopFuture<Outcome>) {
        try await loop.submit { [self] in beginOnLoop(name, payload, zome, timeout) }.get()
    }

    /// Starts two calls in one turn of the loop, the first with a time-out of its own.
    func beginBoth(
        _ first: String, timeout: TimeAmount, _ second: String
    ) async throws -> (EventLoopFuture<Outcome>, EventLoopFuture<Outcome>) {
        try await loop.submit { [self] in
            (beginOnLoop(first, [0xc0], 0, timeout).outcome, beginOnLoop(second, [0xc0], 0, nil).outcome)
        }.get()
    }

    private func beginOnLoop(
        _ name: String, _ payload: [UInt8], _ zome: Int, _ timeout: TimeAmount?
    ) -> (call: UInt64, outcome: EventLoopFuture<Outcome>) {
        next.value += 1
        let call = next.value
        let promise = loop.makePromise(of: Outcome.self)
        runner.value.invoke(
            call: call, zome: zome, kind: .function, name: name,
            invocation: Invocation(caller: nil, payload: payload), timeout: timeout
        ) { promise.succeed($0) }
        return (call, promise.futureResult)
    }

    /// Calls and waits.
    func call(_ name: String, _ payload: [UInt8] = [0xc0], zome: Int = 0, timeout: TimeAmount? = nil) async throws
        -> Outcome
    {
        try await begin(name, payload, zome: zome, timeout: timeout).outcome.get()
    }

    /// The text that a function of Tiny answers.
    func text(_ name: String) async throws -> String {
        guard case .ok(let bytes) = try await call(name).get() else { return "" }
        return try String(packed: bytes)
    }

    /// The code that a call fails with.
    func code(_ name: String, timeout: TimeAmount? = nil) async throws -> PlasmidError.Code? {
        switch try await call(name, timeout: timeout) {
        case .success: nil
        case .failure(let error): error.code
        }
    }

    func onLoop<R: Sendable>(
        _ body: @escaping @Sendable (any ZomeRunner, EchoHost) throws -> R
    ) async throws -> R {
        try await loop.submit { [self] in try body(runner.value, host.value) }.get()
    }

    func stop() async throws { try await onLoop { runner, _ in runner.stop() } }
}
