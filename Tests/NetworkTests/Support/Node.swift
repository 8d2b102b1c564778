import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix

@testable import plasmid

/// A conductor in a network namespace of its own, with one app.
// `@unchecked Sendable`: one task at a time starts, kills and stops it; others only call while it runs.
final class Node: @unchecked Sendable {
    let number: Int
    let namespace: String
    let app: SampleApp
    let conductor: ConductorProcess
    private var threads: MultiThreadedEventLoopGroup?
    private var client: AppClient?
    private(set) var agent = ""

    /// `address`: its own in the test's network, from its number where none is given.
    init(_ number: Int, app: SampleApp, namespace: String, folder: String, address: String? = nil) throws {
        self.number = number
        self.address = address ?? "10.77.0.\(number)"
        self.app = app
        self.namespace = namespace
        conductor = try ConductorProcess(
            folder: folder, programs: Places.products, cost: .forTests, within: Namespace.words(namespace))
    }

    let address: String
    var person: String { "person\(number)" }
    var instance: String { "\(person)/\(app.name)" }

    /// Starts it and connects to its admin port.
    /// - Parameter bootstrap: nodes that it is told of.
    func start(bootstrap: [Node]) async throws {
        try await start(arguments: bootstrap.flatMap { ["--bootstrap", "/ip4/\($0.address)/tcp/4001"] })
    }

    /// Starts it with more arguments and connects to its admin port.
    func start(arguments: [String]) async throws {
        try conductor.start(arguments: ["--listen", "/ip4/0.0.0.0/tcp/4001"] + arguments)
        let threads: MultiThreadedEventLoopGroup
        if let there = self.threads { threads = there } else { threads = try await Namespace.thread(in: namespace) }
        self.threads = threads
        client = AppClient(socket: try await conductor.connect(on: threads))
    }

    func install() async throws {
        let info = try await request(
            "admin/app/install", .object(["path": .string(app.path), "app_id": .string(person)]))
        agent = info["agent"]?.text ?? ""
    }

    func request(_ method: String, _ params: MessagePackValue = .map([])) async throws -> MessagePackValue {
        guard let client else { throw Shell.Failed(description: "node \(number) is not running") }
        return try await client.request(method, params)
    }

    func call(_ function: String, _ args: MessagePackValue = .map([])) async throws -> MessagePackValue {
        guard let client else { throw Shell.Failed(description: "node \(number) is not running") }
        return try await client.call(instance, app.name, function, args)
    }

    /// Writes a note; its address once it is acknowledged.
    func write(_ text: String) async throws -> String {
        let address = try await call("write", .object(["text": .string(text)]))
        guard let hash = address.text else { throw Shell.Failed(description: "no address but \(address)") }
        return hash
    }

    /// Whether it holds an action, by now or within the time.
    func holds(_ hash: String, within milliseconds: Int64) async throws -> Bool {
        try await request(
            "admin/held",
            .object(["instance_id": .string(instance), "hash": .string(hash), "timeout_ms": .int(milliseconds)]))[
                "held"]
            == .bool(true)
    }

    /// Says something to the person of another node; nil when it was answered, else why not.
    func say(to other: Node) async throws -> String? {
        do {
            _ = try await call("say", .object(["to": .string(other.agent), "text": .string("hello")]))
            return nil
        } catch let error as AppError {
            return error.words
        }
    }

    /// The addresses of all actions on its own chain, by their numbers.
    func chain() async throws -> [(number: Int64, hash: String)] {
        let dump = try await request("admin/dump", .object(["instance_id": .string(instance)]))
        return (dump["records"]?.items ?? []).map { record in
            (record["seq"]?.number ?? -1, record["hash"]?.text ?? "")
        }
    }

    /// Ends it at once, nothing flushed, and everything of this process that stands in its namespace.
    func end() async {
        await client?.socket.close()
        client = nil
        conductor.kill()
        try? await threads?.shutdownGracefully()
        threads = nil
    }
}

/// An app whose one cell's zome has its name.
enum SampleApp: String {
    case messenger, notes

    var name: String { rawValue }
    var path: String { "\(Places.root)/dna/\(rawValue)/happ.yaml" }
}

/// Where the build put programs, and where the sources stand.
enum Places {
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
}
