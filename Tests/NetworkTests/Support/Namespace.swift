import Foundation
import Glibc
import NIOCore
import NIOPosix

/// Network namespaces of these tests: each one's name holds the process that made it, so that what a crashed run left is
/// known, and nothing else is ever touched.
enum Namespace {
    private static let prefix = "plasmid-test-"

    /// Why there can be none on this machine; nil where there can.
    static let lack: String? = {
        guard geteuid() == 0 else { return "network namespaces want root" }
        for program in ["ip", "nft"] where Shell.path(of: program) == nil { return "\(program) is not installed" }
        do {
            removeLeftovers()
            let name = name("probe")
            try make(name)
            defer { remove(name) }
            try Shell.run("ip -n \(name) link add br0 type bridge")
            try Shell.run("ip -n \(name) link add p0 type veth peer name p1")
            try nft("add table bridge probe", in: name)
            return nil
        } catch {
            return "this system makes none: \(error)"
        }
    }()

    static func name(_ name: String) -> String { "\(prefix)\(getpid())-\(name)" }

    static func make(_ name: String) throws {
        try Shell.run("ip netns add \(name)")
        try Shell.run("ip -n \(name) link set lo up")
    }

    /// With it go its interfaces and what still runs in it.
    static func remove(_ name: String) {
        let processes = (try? Shell.run("ip netns pids \(name)")) ?? ""
        for process in processes.split(separator: "\n").compactMap({ Int32($0) }) where process > 1 {
            kill(process, SIGKILL)
        }
        _ = try? Shell.run("ip netns del \(name)")
    }

    static func nft(_ rules: String, in name: String) throws {
        try Shell.run(["ip", "netns", "exec", name, "nft", rules])
    }

    /// The words before a command that shall run inside.
    static func words(_ name: String) -> [String] { [Shell.path(of: "ip") ?? "ip", "netns", "exec", name] }

    /// Removes what runs left that are over.
    private static func removeLeftovers() {
        let all = (try? Shell.run("ip netns list")) ?? ""
        for line in all.split(separator: "\n") {
            guard let name = line.split(separator: " ").first.map(String.init), name.hasPrefix(prefix),
                let maker = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(maker, 0) != 0, errno == ESRCH
            else { continue }
            remove(name)
        }
    }

    /// Moves the calling thread, and every socket that it makes from now on, into a namespace.
    static func enter(_ name: String) throws {
        // Glibc's module leaves it out: it is Linux's alone.
        guard let symbol = dlsym(nil, "setns") else { throw Shell.Failed(description: "there is no setns") }
        let setns = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        let file = open("/var/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Shell.Failed(description: "there is no namespace \(name)") }
        defer { close(file) }
        let network: Int32 = 0x4000_0000
        guard setns(file, network) == 0 else {
            throw Shell.Failed(description: "\(name) cannot be entered: \(String(cString: strerror(errno)))")
        }
    }

    /// One thread for sockets that stands inside.
    static func thread(in name: String) async throws -> MultiThreadedEventLoopGroup {
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await threads.next().submit { try enter(name) }.get()
        return threads
    }
}
