import ArgumentParser
import Foundation
import Integrity
import Logging
import Manifests
import NIOCore
import NIOPosix
import Sodium
import Transport

/// What the servers of the network have in common: where they listen, their key, and how they say so.
struct ServerOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Listen here (may be given again): /ip4/0.0.0.0/tcp/4001 for everyone. Default: /ip4/127.0.0.1/tcp/4001.",
            valueName: "address"))
    var listen: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Tell others this address instead of those it listens on (may be given again).", valueName: "address"))
    var announce: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep the server's key here. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @Flag(name: .long, help: "Say in JSON where it listens, once it is ready, and at the end what it did.")
    var json = false

    func validate() throws {
        for address in listen {
            guard let fault = NetworkAddress.fault(address, for: .listen) else { continue }
            throw ValidationError("--listen: \(Words.harmless(address)) \(fault.reason); \(fault.hint)")
        }
        for address in announce {
            guard let fault = NetworkAddress.fault(address, for: .dial) else { continue }
            throw ValidationError("--announce: \(Words.harmless(address)) \(fault.reason); \(fault.hint)")
        }
    }

    /// Runs a server until it is told to stop. `name` is its key's file; two servers in one folder are two peers. `serve`
    /// starts its services on the loop, and gives what tells their counts.
    func run(_ name: String, _ serve: @escaping (TransportHost, @escaping () -> Timestamp) -> () -> [ServerCount])
        throws
    {
        let folder = try DataFolder(option: data)
        let listen = try (listen.isEmpty ? ["/ip4/127.0.0.1/tcp/4001"] : listen).map { try Multiaddr($0) }
        let announce = try announce.map { try Multiaddr($0) }
        try folder.create()
        let key = try NetworkKey(folder, name)
        let signals = StopSignals()
        OpenFiles.raise()
        let logger = Run.logger(LogSwitch(.info))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = RunningServer(loop: group.next(), serve: serve)
        do {
            let addresses = try server.start(key: key, listen: listen, announce: announce, logger: logger).wait()
            try tellReady(addresses)
        } catch {
            _ = try? server.stop().wait()
            try? group.syncShutdownGracefully()
            throw Failure(status: .unreachable, error: Self.told(error, listen))
        }
        // Nothing is read from a file that could have changed.
        while signals.wait() == SIGHUP {}
        let counts = try server.stop().wait()
        try group.syncShutdownGracefully()
        guard json else { return Output.line("stopping") }
        try Output.json(
            .map(counts.map { MessagePackValue.Pair(key: .string($0.name), value: .int(Int64($0.count))) }))
    }

    private static func told(_ error: any Error, _ listen: [Multiaddr]) -> PlasmidError {
        if let error = error as? PlasmidError { return error }
        let addresses = listen.map(\.description).joined(separator: ", ")
        return PlasmidError(
            .startFailed, "there is no listening on \(addresses)",
            hint: "name an address of this machine with --listen", cause: "\(error)")
    }

    private func tellReady(_ addresses: [Multiaddr]) throws {
        guard json else {
            for address in addresses { Output.line("ready: \(address)") }
            return
        }
        try Output.json(.object(["addresses": .array(addresses.map { .string("\($0)") })]))
    }
}

/// How much of something a server did or has.
struct ServerCount: Sendable {
    let name: String
    let count: Int
}

/// The key by which a server is known: 32 random bytes in `NAME.key`, readable by the owner only, made at the first start.
struct NetworkKey: ~Copyable {
    let seed: SecretBytes

    init(_ folder: DataFolder, _ name: String) throws {
        let path = "\(folder.path)/\(name).key"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0, errno == ENOENT {
            let fresh = SecretBytes.random(count: 32)
            try Self.write(fresh, to: path)
            seed = fresh
            return
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 33)
        let count = descriptor < 0 ? -1 : read(descriptor, &bytes, bytes.count)
        guard count == 32 else {
            wipe(&bytes)
            throw Failure(
                status: .unreachable,
                error: PlasmidError(
                    .startFailed, "\(path) is no key of 32 bytes that can be read",
                    hint: "put the key back, or move the file away: a new one gives the server a new address"))
        }
        bytes.removeLast()
        seed = SecretBytes(moving: &bytes)
    }

    private static func write(_ seed: borrowing SecretBytes, to path: String) throws {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let written = seed.withUnsafeBytes { descriptor < 0 ? -1 : Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard descriptor >= 0, written == 32, fsync(descriptor) == 0, close(descriptor) == 0,
            rename(temporary, path) == 0
        else {
            throw Failure(
                status: .unreachable,
                error: PlasmidError(
                    .startFailed, "\(path) cannot be written", hint: "is the disk full, or the folder not yours?",
                    cause: String(cString: strerror(errno))))
        }
    }
}

/// A server while it runs. Made and stopped from outside the loop; all else happens on it.
final class RunningServer: @unchecked Sendable {
    // Sendable: `loop` and `serve` never change, everything else is touched on the loop alone.
    private let loop: any EventLoop
    private let serve: (TransportHost, @escaping () -> Timestamp) -> () -> [ServerCount]
    private var host: TransportHost?
    private var kad: KadService?
    private var autoNAT: AutoNATService?
    private var counts: () -> [ServerCount] = { [] }

    init(
        loop: any EventLoop, serve: @escaping (TransportHost, @escaping () -> Timestamp) -> () -> [ServerCount]
    ) {
        self.loop = loop
        self.serve = serve
    }

    /// Listens and serves; gives the addresses to tell others, with the server's peer id.
    func start(key: borrowing NetworkKey, listen: [Multiaddr], announce: [Multiaddr], logger: Logger)
        -> EventLoopFuture<[Multiaddr]>
    {
        let identity = HostIdentity(seed: key.seed)
        return loop.flatSubmit { [self] in
            // Guests stay connected, and come by the household.
            var settings = TransportSettings()
            (settings.connections, settings.inboundConnections) = (4_096, 2_048)
            (settings.connectionsPerAddress, settings.upgrading) = (64, 256)
            let host = TransportHost(loop: loop, defaultIdentity: identity, settings: settings, logger: logger)
            self.host = host
            let now = { RunningServer.now() }
            let kad = KadService(
                host: host, identity: identity, now: now, random: SystemRandomNumberGenerator())
            self.kad = kad
            identity.onConnection = { kad.watch($0) }
            kad.start(serves: true)
            // So that nodes find out whether others can dial them.
            let autoNAT = AutoNATService(host: host, now: now)
            self.autoNAT = autoNAT
            autoNAT.start()
            counts = serve(host, now)
            return EventLoopFuture.whenAllSucceed(listen.map { host.listen(on: $0) }, on: loop)
                .assumeIsolated().flatMapThrowing { bound in
                    let own = AnnouncedAddresses.of(bound.flatMap(\.self), machine: AnnouncedAddresses.ofMachine())
                    let addresses = announce.isEmpty ? own : announce
                    identity.announced = addresses.map(\.withoutPeer)
                    return try addresses.map { try $0.appending(identity.peerID) }
                }.nonisolated()
        }
    }

    /// Ends everything; gives what it came to.
    func stop() -> EventLoopFuture<[ServerCount]> {
        loop.flatSubmit { [self] in
            let result = counts()
            kad?.stop()
            autoNAT?.stop()
            // The services go here, on their loop, while there is one: their timers are its tasks.
            counts = { [] }
            (kad, autoNAT) = (nil, nil)
            defer { host = nil }
            return host.map { host in host.close().map { result } } ?? loop.makeSucceededFuture(result)
        }
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
