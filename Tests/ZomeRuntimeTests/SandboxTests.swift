import Foundation
import Integrity
import NIOCore
import NIOPosix
import Testing

@testable import ZomeRuntime

/// What a module cannot do in its process.
@Suite(.enabled(if: Products.areBuilt, "plasmid-zome-host and Tiny lie beside the tests")) struct SandboxTests {
    @Test(arguments: ["open", "create", "stat", "executable-memory", "shared-memory"])
    func refusedAndSurvived(_ what: String) async throws {
        let harness = try await Harness.process()
        let outcome = try await harness.text("try:" + what)
        #expect(outcome.hasPrefix(what + ": ") && !outcome.contains("worked"), "\(outcome)")
        try await harness.stop()
    }

    @Test(arguments: ["socket", "fork", "exec", "kill-parent", "ptrace"])
    func killedForIt(_ what: String) async throws {
        let harness = try await Harness.process()
        guard case .failure(let error) = try await harness.call("try:" + what) else { return #expect(Bool(false)) }
        #expect(error.code == .moduleForbidden)
        #expect(error.message.contains("try:" + what))
        #expect(try await harness.code("noop") == nil)
        try await harness.stop()
    }

    @Test func theProcessHoldsNoDescriptorOfOurs() async throws {
        // A listening socket of NIO, which lacks close-on-exec, and a plain one.
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let plain = open("/dev/null", O_RDONLY)
        let harness = try await Harness.process()
        #expect(try await harness.text("descriptors") == "0")
        try await harness.stop()
        close(plain)
        try await server.close()
    }

    @Test func theWholeSandboxIsInForceHereOrTheRunnerSaysSo() async throws {
        let harness = try await Harness.process { $0.sandbox = .required }
        let code = try await harness.code("noop")
        #expect(code == nil || code == .sandboxUnavailable)
        try await harness.stop()
    }

    @Test func validatorsHashAlike() async throws {
        let harness = try await Harness.process(role: .validator)
        #expect(try await harness.code("noop") == nil)
        try await harness.stop()
    }

    @Test func aProcessEndsWhenItsParentCloses() async throws {
        // Started as the runner starts it, but with nobody at the other end of descriptor 3.
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let command = ChildProcess.Command(
            executable: Products.host,
            arguments: ["--role", "coordinator", "--module", "tiny=" + Products.module("Tiny")],
            environment: [], socket: ends[1])
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ChildExit.self)
        let child = ChildProcess(command) { promise.succeed($0) }
        var first: UInt8 = 0
        #expect(read(ends[0], &first, 1) == 1, "it became ready")
        close(ends[0])
        let exit = try await promise.futureResult.get()
        #expect(exit.status == .exited(0) || exit.status == .signalled(SIGPIPE))
        #expect(child.number == nil)
    }
}
