import Chain
import Conductor
import ConductorAPI
import Foundation
import Integrity
import Keystore
import Logging
import Manifests
import NIOCore
import NIOPosix
import Sodium
import Testing

@testable import plasmid

/// What a test may have otherwise than `plasmid run`.
struct TestSettings: Sendable {
    var isolation = ConductorConfig.Isolation.process
    var callTimeoutMilliseconds = 30_000
    var testMode = true
    var modules: [String] = []
    /// In place of the system's clock.
    var clock: (@Sendable () -> Timestamp)?
    var failureBound: FailureBound?
}

/// A whole conductor in this process: keystore, database, cells, modules in their processes, and the API on two ports.
final class TestConductor: Sendable {
    let folder: TestFolder
    let settings: TestSettings
    let ports: APIPorts
    let adminToken: String
    let admin: RPCSocket
    /// What the admin socket was told without asking.
    let frames: Frames
    private let group: MultiThreadedEventLoopGroup
    let running: RunningConductor
    private let keystore: Keystore

    private init(
        folder: TestFolder, settings: TestSettings, ports: APIPorts, adminToken: String, admin: RPCSocket,
        frames: Frames, group: MultiThreadedEventLoopGroup, running: RunningConductor, keystore: Keystore
    ) {
        self.folder = folder
        self.settings = settings
        self.ports = ports
        self.adminToken = adminToken
        self.admin = admin
        self.frames = frames
        self.group = group
        self.running = running
        self.keystore = keystore
    }

    /// Runs a test against a conductor in a folder of its own; it is stopped in any case. Few run at a time: each has
    /// processes of its own.
    static func with<R: Sendable>(
        _ settings: TestSettings = TestSettings(), in folder: TestFolder? = nil,
        _ body: @Sendable (TestConductor) async throws -> R
    ) async throws -> R {
        await Turnstile.shared.enter()
        do {
            let result = try await running(settings, in: folder, body)
            await Turnstile.shared.leave()
            return result
        } catch {
            await Turnstile.shared.leave()
            throw error
        }
    }

    /// The same inside a turn that was taken already: for a second conductor on the same folder.
    static func running<R: Sendable>(
        _ settings: TestSettings = TestSettings(), in folder: TestFolder? = nil,
        _ body: @Sendable (TestConductor) async throws -> R
    ) async throws -> R {
        let conductor = try await start(settings, in: folder ?? TestFolder())
        do {
            let result = try await body(conductor)
            try await conductor.stop()
            return result
        } catch {
            try await conductor.stop()
            throw error
        }
    }

    private static func start(_ settings: TestSettings, in folder: TestFolder) async throws -> TestConductor {
        let run = try runSettings(settings, folder)
        let keystore = try openKeystore(run.folder.keystore)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let running = RunningConductor(loop: group.next())
        do {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let ports = try await running.start(run, keystore: keystore, logger: logger).get()
            let token = try #require(try run.folder.readAdminToken())
            let frames = Frames()
            let admin = try await RPCSocket.open(
                RPCAddress(port: ports.admin, token: token), on: MultiThreadedEventLoopGroup.singleton
            ) { frames.add($0) }
            return TestConductor(
                folder: folder, settings: settings, ports: ports, adminToken: token, admin: admin, frames: frames,
                group: group, running: running, keystore: keystore)
        } catch {
            try await running.stop().get()
            try await group.shutdownGracefully()
            throw error
        }
    }

    static func runSettings(_ settings: TestSettings, _ folder: TestFolder) throws -> RunSettings {
        var config = ConductorConfig()
        config.admin.port = 0
        config.app.port = 0
        config.zomes.isolation = settings.isolation
        config.zomes.callTimeoutMilliseconds = settings.callTimeoutMilliseconds
        var run = RunSettings(
            folder: try DataFolder(option: folder.path), config: config, apps: [],
            moduleFolders: settings.modules + [Places.products], zomeHost: Places.zomeHost,
            testMode: settings.testMode)
        run.clock = settings.clock
        run.failureBound = settings.failureBound
        return run
    }

    /// A keystore that costs nothing: made once, then opened.
    static func openKeystore(_ path: String) throws -> Keystore {
        var passphrase = Array("test passphrase".utf8)
        let secret = SecretBytes(moving: &passphrase)
        if FileManager.default.fileExists(atPath: path) { return try Keystore.open(at: path, passphrase: secret) }
        return try Keystore.create(at: path, passphrase: secret, cost: .forTests)
    }

    private func stop() async throws {
        await admin.close()
        try await running.stop().get()
        try await group.shutdownGracefully()
    }

    /// What the conductor is confined to.
    var loop: any EventLoop { running.loop }

    // MARK: What a test does with it

    /// Calls an administrative method.
    func admin(_ method: String, _ params: String = "{}") async throws -> MessagePackValue {
        try JSONLines.value(try await admin.call(method, params: Array(params.utf8)))
    }

    /// Installs an app for an agent of its own and opens a socket for it.
    func install(_ happ: String, as appID: String, params: String = "") async throws -> Person {
        let info = try await admin(
            "admin/app/install", #"{"path":\#(quoted(happ)),"app_id":"\#(appID)"\#(params)}"#)
        return try await person(appID, info: info)
    }

    /// An installed app with a new token and socket.
    func person(_ appID: String) async throws -> Person {
        let apps = try await admin("admin/app/list").items
        return try await person(appID, info: try #require(apps.first { $0["app_id"]?.text == appID }))
    }

    private func person(_ appID: String, info: MessagePackValue) async throws -> Person {
        let role = try #require(info["roles"]?.items.first)
        let token = try #require(try await admin("admin/token/issue", #"{"app_id":"\#(appID)"}"#)["token"]?.text)
        let frames = Frames()
        let address = RPCAddress(port: ports.app, token: token)
        let socket = try await RPCSocket.open(address, on: MultiThreadedEventLoopGroup.singleton) { frames.add($0) }
        return Person(
            appID: appID, instance: try #require(role["instance_id"]?.text),
            agent: try AgentPubKey(try #require(info["agent"]?.text)),
            dna: try DnaHash(try #require(role["dna"]?.text)), token: token, socket: socket, frames: frames)
    }

    /// A key of the keystore that runs no app.
    func stranger(_ name: String) async throws -> AgentPubKey {
        let made = try await admin("admin/agent/add", #"{"id":"\#(name)","name":"\#(name)"}"#)
        return try AgentPubKey(try #require(made["agent_address"]?.text))
    }

    /// Signs bytes with any key of the keystore, on the loop that it is confined to.
    func sign(_ bytes: [UInt8], by agent: AgentPubKey) async throws -> Signature {
        let keystore = keystore
        return try await running.loop.submit { try keystore.sign(bytes, by: agent) }.get()
    }
}

/// How many conductors run at a time.
private actor Turnstile {
    static let shared = Turnstile(places: 3)
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { free = places }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

/// A text as JSON.
func quoted(_ text: String) -> String {
    (try? JSONLines.text(.string(text), indented: false)) ?? "\"\""
}
