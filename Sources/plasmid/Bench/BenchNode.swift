import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix

/// A conductor as a process of its own that meets others over loopback, and its operator.
final class BenchNode {
    let conductor: ConductorProcess
    private var client: AppClient?
    /// Whom the app was installed for.
    private(set) var agent = ""

    init(_ folder: String) throws { conductor = try ConductorProcess(folder: folder, cost: .forTests) }

    func start(bootstrap: [String] = []) throws {
        try conductor.start(
            arguments: ["--listen", "/ip4/127.0.0.1/tcp/0"] + bootstrap.flatMap { ["--bootstrap", $0] })
        let conductor = conductor
        client = try Self.run { AppClient(socket: try await conductor.connect()) }
    }

    /// Runs what takes a while from a thread that has nothing else to do.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        try MultiThreadedEventLoopGroup.singleton.next().makeFutureWithTask(body).wait()
    }

    /// The operator's connection.
    /// - Throws: `internal` before ``start(bootstrap:)``.
    func admin() throws -> AppClient {
        guard let client else { throw PlasmidError(.internal, "a conductor of the figure does not run") }
        return client
    }

    func request(_ method: String, _ params: MessagePackValue = .map([])) throws -> MessagePackValue {
        let admin = try admin()
        return try Self.run { try await admin.request(method, params) }
    }

    /// Installs an app under the name `bench`.
    func install(_ happ: String) throws {
        let info = try request("admin/app/install", .object(["path": .string(happ), "app_id": "bench"]))
        agent = info["agent"]?.text ?? ""
    }

    func call(_ zome: String, _ function: String, _ args: MessagePackValue) throws -> MessagePackValue {
        let admin = try admin()
        return try Self.run { try await admin.call("bench/bench", zome, function, args) }
    }

    /// Where others reach it.
    func address() throws -> String {
        guard let address = try conductor.folder.readPeerAddresses().first else {
            throw PlasmidError(.internal, "a conductor of the figure listens nowhere")
        }
        return address
    }

    /// The space of its app.
    func space() throws -> DnaHash {
        let apps = try request("admin/app/list").items
        return try DnaHash(apps.first?["roles"]?.items.first?["dna"]?.text ?? "")
    }

    /// Ops that it holds.
    func heldOps() throws -> Int {
        let spaces = try request("admin/stats")["spaces"]?.items ?? []
        return spaces.reduce(0) { $0 + Int($1["network"]?["held_ops"]?.number ?? 0) }
    }

    /// Agents of others whose conductors it is connected with.
    func connected() throws -> Int {
        try request("admin/network/peers").items.count { $0["connected"] == .bool(true) }
    }

    var processID: Int32 { conductor.processID ?? 0 }

    func stop() {
        if let client { try? Self.run { await client.socket.close() } }
        client = nil
        conductor.stop()
    }

    /// Waits until something holds, asked every few milliseconds.
    static func until(
        _ what: String, seconds: Double = 60, every: TimeAmount = .milliseconds(20), _ isSo: () throws -> Bool
    ) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let end = monotonicSeconds() + seconds
        while try !isSo() {
            guard monotonicSeconds() < end else {
                throw PlasmidError(.timeout, "a figure waited \(Int(seconds)) s in vain until \(what)")
            }
            try loop.scheduleTask(in: every) {}.futureResult.wait()
        }
    }
}
