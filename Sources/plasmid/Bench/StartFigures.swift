import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix
import Sodium
import ZomeRuntime

/// Starting a conductor and a child, and what they hold when nothing happens.
enum StartFigures {
    static let apps = 10

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let conductor = try ConductorProcess(folder: place.folder + "/data", cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        let names = (0..<apps).map { "bench-\($0)" }
        try ask(conductor) { admin in
            for name in names {
                _ = try await admin.request(
                    "admin/app/install", .object(["path": .string(place.happ), "app_id": .string(name)]))
            }
        }
        var figures = [try start(place, conductor)]
        try ask(conductor) { admin in
            for name in names {
                _ = try await admin.call("\(name)/bench", "messenger", "write", .object(["text": "a note"]))
            }
        }
        figures += try idle(place, conductor)
        return figures + [try child(place)]
    }

    private static func ask(
        _ conductor: ConductorProcess, _ body: @escaping @Sendable (AppClient) async throws -> Void
    ) throws {
        try MultiThreadedEventLoopGroup.singleton.next().makeFutureWithTask {
            let admin = AppClient(socket: try await conductor.connect())
            try await body(admin)
            await admin.socket.close()
        }.wait()
    }

    /// From the start of the process to its word that it is ready, without what opening the keystore takes.
    private static func start(_ place: BenchPlace, _ conductor: ConductorProcess) throws -> Figure {
        var (times, floors) = (Samples(), Samples())
        for _ in 0..<place.rounds {
            conductor.stop()
            let floor = monotonicSeconds()
            let nothing = try FloorChild(.nothing)
            nothing.wait()
            floors.add(monotonicSeconds() - floor)
            var phrase = [UInt8](
                FileManager.default.contents(atPath: conductor.folder.path + "/credentials/passphrase") ?? Data())
            let opening = monotonicSeconds()
            _ = try Keystore.open(at: conductor.folder.keystore, passphrase: SecretBytes(moving: &phrase))
            let keystore = monotonicSeconds() - opening
            let start = monotonicSeconds()
            try conductor.start()
            times.add(max(0, monotonicSeconds() - start - keystore))
        }
        return Figure(
            name: "start.10apps", unit: "ms", value: times.median * 1e3, p50: times.median * 1e3,
            p99: times.quantile(0.99) * 1e3, floor: floors.median * 1e3,
            floorName: "the same program, ended at once; the keystore's Argon2id is taken off the value",
            budget: .atMost(500))
    }

    /// Ten apps that were used, and rest.
    private static func idle(_ place: BenchPlace, _ conductor: ConductorProcess) throws -> [Figure] {
        let program = try FloorChild(.idle)
        defer { program.stop() }
        _ = try program.word()
        let bare = ProcessFacts.memory(of: program.processID)
        let process = conductor.processID ?? 0
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        // What the last calls left to do is done by then.
        try loop.scheduleTask(in: .seconds(1)) {}.futureResult.wait()
        let before = ProcessFacts.processorSeconds(of: process)
        let begin = monotonicSeconds()
        try loop.scheduleTask(in: .seconds(place.isQuick ? 3 : 10)) {}.futureResult.wait()
        let busy = (ProcessFacts.processorSeconds(of: process) - before) / (monotonicSeconds() - begin) * 100
        let own = ProcessFacts.memory(of: process)
        let children = ProcessFacts.children(of: process).map { ProcessFacts.memory(of: $0) }
        let sum = children.reduce(own, +).proportional
        let largest = children.map(\.proportional).max() ?? 0
        let floorName = "this program with an event loop, doing nothing"
        func megabytes(_ name: String, _ bytes: Int, _ floor: Int, _ limit: Double) -> Figure {
            Figure(
                name: name, unit: "MB", value: Double(bytes) / 1e6, floor: Double(floor) / 1e6, floorName: floorName,
                budget: .atMost(limit))
        }
        return [
            megabytes("memory.idle.all", sum, bare.proportional, 80),
            megabytes("memory.idle.conductor.private", own.privateBytes, bare.privateBytes, 60),
            megabytes("memory.idle.child", largest, bare.proportional, 15),
            Figure(
                name: "memory.idle.processor", unit: "%", value: busy, floor: 0, floorName: "nothing",
                budget: .atMost(0.5)),
        ]
    }

    /// The time in which the smallest program starts and ends, without the wrapping of Foundation.
    private static func bareStart() throws -> Double {
        let start = monotonicSeconds()
        var process = pid_t()
        var arguments = [strdup("true"), nil]
        defer { free(arguments[0]) }
        guard posix_spawn(&process, "/bin/true", nil, nil, &arguments, environ) == 0 else {
            throw Failure(PlasmidError(.startFailed, "/bin/true cannot be started"))
        }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return monotonicSeconds() - start
    }

    /// From nothing to the answer of a child's first call.
    private static func child(_ place: BenchPlace) throws -> Figure {
        // Of the whole process: the children's ends are told to it after this has returned.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var (times, floors) = (Samples(), Samples())
        // Ended together afterwards, so that no start is measured beside another's end.
        var started: [NIOLoopBound<FirstCall>] = []
        for _ in 0..<place.count(40, quick: 15) {
            floors.add(try bareStart())
            let start = monotonicSeconds()
            started.append(try loop.flatSubmit { FirstCall(loop).run() }.wait())
            times.add(monotonicSeconds() - start)
        }
        for first in started { try loop.submit { first.value.stop() }.wait() }
        return Figure(
            name: "start.child", unit: "ms", value: times.median * 1e3, p50: times.median * 1e3,
            p99: times.quantile(0.99) * 1e3, floor: floors.median * 1e3, floorName: "starting /bin/true and its end",
            budget: .atMost(3))
    }
}

/// A child of its own and one call of it. Confined to its loop.
private final class FirstCall: ZomeHostHandler {
    private let loop: any EventLoop
    private var runner: ProcessRunner?

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func run() -> EventLoopFuture<NIOLoopBound<FirstCall>> {
        let programs = RunSettings.programFolder()
        let done = loop.makePromise(of: NIOLoopBound<FirstCall>.self)
        let runner = ProcessRunner(
            loop: loop, executable: programs + "/plasmid-zome-host", role: .coordinator,
            modules: [ModuleSpec(zome: "messenger", path: programs + "/libMessenger.so", functions: ["ping"])],
            limits: RuntimeLimits(), handler: self)
        self.runner = runner
        runner.invoke(
            call: 1, zome: 0, kind: .function, name: "ping", invocation: Invocation(caller: nil, payload: [0xc0]),
            timeout: nil
        ) { [self] result in
            switch result {
            case .success: done.succeed(NIOLoopBound(self, eventLoop: loop))
            case .failure(let error): done.fail(error)
            }
        }
        return done.futureResult
    }

    func stop() { runner?.stop() }

    func hostRequest(
        call: UInt64, zome: Int, operation: UInt32, bytes: [UInt8],
        answer: @escaping (_ status: UInt32, _ bytes: [UInt8]) -> Void
    ) {
        answer(1, ModuleError(code: "notSupported", message: "nothing is served here").packed)
    }

    func runnerStopped(_ reason: PlasmidError) {}
}
