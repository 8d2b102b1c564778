import Foundation
import Glibc
import Integrity

@testable import plasmid

/// Two homes, each with a router that lets nobody in, and between them an internet with a bootstrap server and a relay. Both
/// homes have the same private addresses, as homes do.
final class HomeNet: Sendable {
    let homes: [Node]
    private let internet = Namespace.name("internet")
    private let machine = Namespace.name("server")
    private let folder: String
    let bootstrap: ServerProcess
    let relay: ServerProcess

    /// What the routers do with the port that a connection leaves from.
    enum Ports {
        /// They keep it where they can, as most do.
        case kept
        /// They take another one for each connection: nobody can tell where to dial.
        case random
    }

    private init(_ app: SampleApp) throws {
        folder = FileManager.default.temporaryDirectory.path + "/plasmid-homes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        homes = try [1, 2].map { [folder] number in
            try Node(
                number, app: app, namespace: Namespace.name("home\(number)"), folder: "\(folder)/\(number)",
                address: "192.168.1.2")
        }
        bootstrap = ServerProcess(
            "bootstrap", in: machine, folder: folder + "/bootstrap", 4_001)
        relay = ServerProcess("relay", in: machine, folder: folder + "/relay", 4_002)
    }

    /// Runs a test; everything is gone afterwards in any case.
    static func with(_ app: SampleApp, _ ports: Ports, _ body: (HomeNet) async throws -> Void) async throws {
        let net = try HomeNet(app)
        do {
            try net.build(ports)
            try await body(net)
            await net.end()
        } catch {
            await net.end()
            throw error
        }
    }

    private func router(_ home: Node) -> String { Namespace.name("router\(home.number)") }

    private func build(_ ports: Ports) throws {
        try Namespace.make(internet)
        try Shell.run("ip -n \(internet) link add br0 type bridge")
        try Shell.run("ip -n \(internet) link set br0 up")
        try Namespace.make(machine)
        try plug(machine, "server", "203.0.113.1")
        for home in homes {
            let router = router(home)
            try Namespace.make(router)
            try plug(router, "router\(home.number)", "203.0.113.\(10 + home.number)")
            try Namespace.make(home.namespace)
            try Shell.run("ip -n \(router) link add eth1 type veth peer name eth0 netns \(home.namespace)")
            try Shell.run("ip -n \(router) addr add 192.168.1.1/24 dev eth1")
            try Shell.run("ip -n \(router) link set eth1 up")
            try Shell.run("ip -n \(home.namespace) addr add \(home.address)/24 dev eth0")
            try Shell.run("ip -n \(home.namespace) link set eth0 up")
            try Shell.run("ip -n \(home.namespace) route add default via 192.168.1.1")
            try route(router, ports)
        }
    }

    private func plug(_ namespace: String, _ cable: String, _ address: String) throws {
        try Shell.run("ip -n \(internet) link add \(cable) type veth peer name eth0 netns \(namespace)")
        try Shell.run("ip -n \(internet) link set \(cable) master br0")
        try Shell.run("ip -n \(internet) link set \(cable) up")
        try Shell.run("ip -n \(namespace) addr add \(address)/24 dev eth0")
        try Shell.run("ip -n \(namespace) link set eth0 up")
    }

    /// A router as in most homes: what goes out looks as if it came from the router; of what comes in only answers pass, and
    /// the rest is dropped without a word.
    private func route(_ router: String, _ ports: Ports) throws {
        try Shell.run(["ip", "netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        let masquerade = ports == .random ? "masquerade fully-random" : "masquerade"
        for rule in [
            "add table ip home", "add chain ip home out { type nat hook postrouting priority 100; }",
            "add rule ip home out oifname eth0 \(masquerade)",
            "add chain ip home through { type filter hook forward priority 0; policy drop; }",
            "add rule ip home through iifname eth1 accept",
            "add rule ip home through ct state established,related accept",
            "add chain ip home in { type filter hook input priority 0; }", "add rule ip home in iifname eth0 drop",
        ] { try Namespace.nft(rule, in: router) }
    }

    /// Nothing goes to or from the servers any more.
    func unplugServers() throws { try Shell.run("ip -n \(internet) link set server down") }

    /// Starts the servers, then the conductors: one that is told of the relay, and one that finds it among its bootstrap
    /// addresses.
    func start() async throws {
        let (place, relay) = (try bootstrap.start(), try relay.start())
        let ways = [["--bootstrap", place, "--relay", relay], ["--bootstrap", place, "--bootstrap", relay]]
        for (home, arguments) in zip(homes, ways) {
            try await home.start(arguments: arguments)
            try await home.install()
        }
    }

    private func end() async {
        for home in homes { await home.end() }
        bootstrap.kill()
        relay.kill()
        for home in homes {
            Namespace.remove(home.namespace)
            Namespace.remove(router(home))
        }
        Namespace.remove(machine)
        Namespace.remove(internet)
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// `plasmid bootstrap` or `plasmid relay` in a namespace.
// `@unchecked Sendable`: one task at a time starts and ends it.
final class ServerProcess: @unchecked Sendable {
    private let process = Process()
    private let output = Pipe()
    private let log: String

    init(_ command: String, in namespace: String, folder: String, _ port: Int) {
        let words =
            Namespace.words(namespace) + [
                Places.products + "/plasmid", command, "--data", folder, "--listen", "/ip4/0.0.0.0/tcp/\(port)",
            ]
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.standardOutput = output
        log = folder + ".log"
    }

    /// Starts it; gives the address that it tells.
    func start() throws -> String {
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        var heard = ""
        while !heard.contains("\n") {
            let bytes = output.fileHandleForReading.availableData
            if bytes.isEmpty {
                let words = FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) }
                throw Shell.Failed(description: "a server did not start: \(words ?? "")")
            }
            heard += String(decoding: bytes, as: UTF8.self)
        }
        return String(heard.prefix { $0 != "\n" }.dropFirst("ready: ".count))
    }

    func kill() {
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
