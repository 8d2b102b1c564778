import Glibc
import Integrity
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// The conductor's service: JSON-RPC 2.0 over HTTP and WebSocket on two loopback ports.
///
/// Confined to the conductor loop, which also runs every connection, so that no call hops between threads. Create it, start it
/// and stop it on that loop.
public final class APIServer {
    let loop: any EventLoop
    let handler: any ConductorHandling
    private(set) var configuration: APIConfiguration
    let logger: Logger
    /// By the name of their door.
    private var listeners: [String: [any Channel]] = [:]
    private var connections: [String: ConnectionTable] = [:]
    private var sockets: [ObjectIdentifier: SocketHandler] = [:]
    private var waiting: [SocketHandler] = []
    private var scratch: [UInt8] = []
    private(set) var ports: APIPorts?
    /// Signals that clients who read too slowly did not get.
    var signalsMissed: UInt64 = 0

    /// A service that listens nowhere yet.
    /// - Parameter loop: the conductor loop; the caller has to be on it, here and in every other method.
    public init(
        loop: any EventLoop, handler: any ConductorHandling, configuration: APIConfiguration = APIConfiguration(),
        logger: Logger = Logger(label: "plasmid.api")
    ) {
        loop.preconditionInEventLoop()
        self.loop = loop
        self.handler = handler
        self.configuration = configuration
        self.logger = logger
    }

    /// Binds both ports and begins to answer.
    /// - Returns: the actual ports; fails with `addressInUse` or `startFailed`, and then nothing listens.
    public func start() -> EventLoopFuture<APIPorts> {
        loop.preconditionInEventLoop()
        handler.signalReceiver = { [weak self] signal in self?.deliver(signal) }
        handler.systemSignalReceiver = { [weak self] signal in self?.deliver(signal) }
        handler.accessReceiver = { [weak self] ended in self?.close(ended) }
        let isolated = loop.assumeIsolated()
        let started = isolated.makeSucceededFuture(()).assumeIsolated()
            .flatMap { self.listen(.admin, port: self.configuration.adminPort) }.nonisolated().assumeIsolated()
            .flatMap { admin in
                self.listen(.app, port: self.configuration.appPort).assumeIsolated()
                    .map { app in APIPorts(admin: admin.port, app: app.port, addresses: admin.addresses) }.nonisolated()
            }
        started.whenComplete { result in
            switch result {
            case .success(let ports): self.ports = ports
            case .failure: self.closeListeners()
            }
        }
        return started.nonisolated()
    }

    /// Stops listening, tells every socket that the conductor goes (1001), and closes the connections.
    /// - Returns: when all of them are closed, at the latest after `closeDeadline`.
    public func stop() -> EventLoopFuture<Void> {
        loop.preconditionInEventLoop()
        handler.signalReceiver = nil
        handler.systemSignalReceiver = nil
        handler.accessReceiver = nil
        let doors = Set(listeners.keys).union(connections.keys)
        return EventLoopFuture.andAllComplete(doors.sorted().map { close(door: $0) }, on: loop)
    }

    /// Takes up the parts of a configuration that may change while it runs: origins, bounds of signals, what sockets get
    /// unasked. Connections that are open keep what they began with; ports stay as they are.
    public func take(_ changed: APIConfiguration) {
        loop.preconditionInEventLoop()
        configuration.adminOrigins = changed.adminOrigins
        configuration.appOrigins = changed.appOrigins
        configuration.signalBacklogBytes = changed.signalBacklogBytes
        configuration.unaskedSignals = changed.unaskedSignals
    }

    private func closeListeners() {
        for listener in listeners.values.joined() { listener.close(promise: nil) }
        listeners = [:]
    }

    /// Stops listening at one door and ends what came through it: sockets are told 1001.
    /// - Returns: when all of it is closed.
    private func close(door name: String) -> EventLoopFuture<Void> {
        let listening = listeners.removeValue(forKey: name) ?? []
        let open = connections[name]?.all ?? []
        let closed = (listening + open).map { $0.closeFuture }
        for listener in listening { listener.close(promise: nil) }
        var left = Dictionary(open.map { (ObjectIdentifier($0), $0) }, uniquingKeysWith: { first, _ in first })
        for socket in Array(sockets.values) {
            guard let id = socket.channelID, left.removeValue(forKey: id) != nil else { continue }
            socket.fail(.goingAway)
        }
        for channel in left.values { channel.close(promise: nil) }
        return EventLoopFuture.andAllComplete(closed, on: loop)
    }

    // MARK: Interfaces that come and go

    /// Opens an interface beside the two fixed ones.
    /// - Returns: its actual port; fails with `addressInUse` or `startFailed`, and then nothing listens.
    public func open(_ interface: InterfaceDoor) -> EventLoopFuture<Int> {
        open(.interface(interface), port: interface.port)
    }

    /// Begins to serve a folder.
    /// - Returns: as ``open(_:)-(InterfaceDoor)``.
    public func open(_ pages: PagesDoor) -> EventLoopFuture<Int> {
        open(.pages(pages), port: pages.port)
    }

    private func open(_ door: Door, port: Int) -> EventLoopFuture<Int> {
        loop.preconditionInEventLoop()
        return listen(door, port: port).assumeIsolated().map { $0.port }.flatMapErrorThrowing { error in
            for listener in self.listeners.removeValue(forKey: door.name) ?? [] { listener.close(promise: nil) }
            throw error
        }.nonisolated()
    }

    /// Ends an interface and its connections; the others know nothing of it.
    public func close(interface id: String) -> EventLoopFuture<Void> { close(door: "interface \(id)") }

    /// Ends the serving of a folder.
    public func close(pages id: String) -> EventLoopFuture<Void> { close(door: "pages \(id)") }

    /// The origins that may use a door from a browser; a page that is served here may use its own.
    func origins(_ door: Door, _ channel: any Channel) -> [String] {
        switch door {
        case .admin: return configuration.adminOrigins
        case .app: return configuration.appOrigins
        case .interface(let interface): return handler.origins(ofInterface: interface.id)
        case .pages:
            let port = channel.localAddress?.port ?? 0
            return ["127.0.0.1", "localhost", "[::1]"].map { "http://\($0):\(port)" }
        }
    }

    /// Whether a signal concerns those who came in with this scope, whatever they subscribed to.
    func reaches(_ scope: APIScope, _ signal: InstanceSignal) -> Bool {
        guard case .interface(let id, false) = scope else { return true }
        return handler.isMounted(signal.instanceID, on: id)
    }

    // MARK: Listening

    private struct Listening: Sendable {
        var port: Int
        var addresses: [String]
    }

    /// Binds 127.0.0.1, then the same port of ::1: a program that sat there instead of us would hear `localhost`'s tokens.
    private func listen(_ door: Door, port: Int) -> EventLoopFuture<Listening> {
        bind(door, "127.0.0.1", port).assumeIsolated().flatMap { channel in
            self.listeners[door.name, default: []].append(channel)
            let actual = channel.localAddress?.port ?? port
            let second = self.bind(door, "::1", actual).assumeIsolated()
            return second.map { other in
                self.listeners[door.name, default: []].append(other)
                return Listening(port: actual, addresses: ["127.0.0.1", "::1"])
            }
            .flatMapErrorThrowing { error in
                guard Self.meansNoIPv6(error) else { throw error }
                return Listening(port: actual, addresses: ["127.0.0.1"])
            }
            .nonisolated()
        }
        .flatMapErrorThrowing { error in throw Self.listenFault(error, door, port) }
        .nonisolated()
    }

    private func bind(_ door: Door, _ host: String, _ port: Int) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 262_144, high: 1_048_576))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.accept(channel, door) }
            }
            .bind(host: host, port: port)
    }

    /// Prepares a new connection; throwing closes it.
    private func accept(_ channel: any Channel, _ door: Door) throws {
        let name = door.name
        var table = connections.removeValue(forKey: name) ?? ConnectionTable(bound: configuration.maximumConnections)
        let room = table.add(channel)
        connections[name] = table
        if table.isNewlyFull {
            logger.warning("an interface is full", metadata: ["interface": "\(name)", "bound": "\(table.bound)"])
        }
        switch room {
        case .free: break
        case .afterClosing(let other): other.close(promise: nil)
        case .none: throw PlasmidError(.overloaded, "too many connections")
        }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.connections[name]?.remove(channel) }
        try HTTPHandler.install(on: channel, server: self, door: door)
    }

    /// The connections that came through a door and have not gone.
    func connectionCount(_ door: String) -> Int { connections[door]?.all.count ?? 0 }

    /// A connection has shown a right token: it no longer gives way to newer ones.
    func proved(_ channel: any Channel) {
        for name in connections.keys { connections[name]?.prove(channel) }
    }

    private static func meansNoIPv6(_ error: any Error) -> Bool {
        guard let error = error as? IOError else { return false }
        return [EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT].contains(error.errnoCode)
    }

    private static func listenFault(_ error: any Error, _ door: Door, _ port: Int) -> PlasmidError {
        if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            return inUse(door, port)
        }
        return PlasmidError(
            .startFailed, "cannot listen on the \(door.name) port \(port)",
            cause: String(describing: error))
    }

    // MARK: What it counts

    func metrics() -> [Metric] {
        [
            Metric(
                "plasmid_api_connections", "Open connections of all interfaces.",
                value: Double(connections.values.reduce(0) { $0 + $1.count })),
            Metric("plasmid_api_sockets", "WebSockets among them.", value: Double(sockets.count)),
            Metric(
                "plasmid_api_unsent_bytes", "Bytes that wait for clients to read.",
                value: Double(sockets.values.reduce(0) { $0 + $1.unsentBytes })),
            Metric(
                "plasmid_api_signals_missed_total", "Signals that clients who read too slowly did not get.", .counter,
                value: Double(signalsMissed)),
        ]
    }

    // MARK: Sockets and signals

    func add(_ socket: SocketHandler) {
        sockets[ObjectIdentifier(socket)] = socket
        if !socket.systemKinds.isEmpty { systemWishesChanged() }
    }

    func remove(_ socket: SocketHandler) {
        guard sockets.removeValue(forKey: ObjectIdentifier(socket)) != nil else { return }
        if !socket.systemKinds.isEmpty { systemWishesChanged() }
    }

    /// Closes the sockets that were opened with what opens nothing any more. Later: one of them may be asking for it just now,
    /// and is answered first.
    private func close(_ ended: EndedAccess) {
        let concerned = sockets.values.filter { $0.wasOpened(by: ended) }
        guard !concerned.isEmpty else { return }
        loop.assumeIsolated().execute { for socket in concerned { socket.fail(.tokenEnded) } }
    }

    /// Tells the conductor what any socket wants of its own signals.
    func systemWishesChanged() {
        handler.wantSystemSignals(sockets.values.reduce(into: []) { $0.formUnion($1.systemKinds) })
    }

    /// Sends one signal to every socket that wants it; its text is made once, and only if any does.
    func deliver(_ signal: InstanceSignal) {
        var once = OnceText { self.text(of: signal) }
        for socket in sockets.values { socket.hear(signal) { once.text() } }
    }

    /// Sends one signal of the conductor itself to every socket that wants it.
    func deliver(_ signal: SystemSignal) {
        var once = OnceText {
            do {
                return try SystemSignalText.text(signal)
            } catch {
                self.logger.warning("a signal cannot be shown as JSON", metadata: ["kind": "\(signal.kind)"])
                return nil
            }
        }
        for socket in sockets.values { socket.hear(signal) { once.text() } }
    }

    /// A zome's signal as its frame holds it; nil, and a line in the log, if JSON cannot hold it.
    func text(of signal: InstanceSignal) -> [UInt8]? {
        do {
            return try SignalText.signal(signal, boot: handler.bootID)
        } catch {
            logger.warning("a signal cannot be shown as JSON", metadata: ["zome": "\(signal.zome)"])
            return nil
        }
    }

    /// Text that is made when it is first wanted, and never twice, also where that failed.
    private struct OnceText {
        private let make: () -> [UInt8]?
        private var made: [UInt8]??

        init(_ make: @escaping () -> [UInt8]?) { self.make = make }

        mutating func text() -> [UInt8]? {
            if let made { return made }
            let text = make()
            made = .some(text)
            return text
        }
    }

    /// Calls the socket back once, later in this turn of the loop.
    func scheduleTick(_ socket: SocketHandler) {
        waiting.append(socket)
        if waiting.count == 1 { loop.assumeIsolated().execute { self.runTicks() } }
    }

    private func runTicks() {
        let sockets = waiting
        waiting.removeAll(keepingCapacity: true)
        for socket in sockets { socket.tick() }
    }

    /// Memory for one message, shared by all connections of the loop: idle sockets hold none. Taking it moves it out, so a
    /// message inside a message gets memory of its own.
    func takeScratch(_ count: Int) -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &scratch)
        if taken.count < count { taken = [UInt8](repeating: 0, count: max(count, 4_096)) }
        return taken
    }

    func putScratch(_ used: consuming [UInt8]) {
        if used.count <= 1 << 20 { scratch = used }
    }
}
