public import Integrity
public import NIOCore
import Sodium

/// A bootstrap server on a host: serves `/plasmid/bootstrap/1.0.0` under the default identity. On the loop only.
public final class BootstrapService {
    /// The protocol.
    public static let protocolID = "/plasmid/bootstrap/1.0.0"
    /// Requests that are answered on one stream.
    public static let requestsPerStream = 16

    private let host: TransportHost
    private let now: () -> Timestamp
    private var random: any RandomNumberGenerator
    private var store: BootstrapStore
    private var sweeping: LoopTicker?
    /// Requests answered so far; for those who watch.
    public private(set) var requests = 0

    /// A server on `host` that serves nobody before ``start()``.
    public init(
        host: TransportHost, settings: BootstrapStore.Settings = BootstrapStore.Settings(),
        now: @escaping () -> Timestamp, random: any RandomNumberGenerator
    ) {
        self.host = host
        self.now = now
        self.random = random
        store = BootstrapStore(settings: settings)
    }

    /// Records kept.
    public var count: Int { store.count }
    /// Names under which records are kept.
    public var nameCount: Int { store.nameCount }

    /// Serves, until ``stop()``.
    public func start() {
        host.defaultIdentity.handle(Self.protocolID, perPeer: 2) { [weak self] stream in
            guard let self else { return stream.reset() }
            serve(stream)
        }
        guard sweeping == nil else { return }
        sweeping = LoopTicker(host.loop, every: .seconds(1)) { [weak self] in
            guard let self else { return }
            store.sweep(now: now())
        }
    }

    /// Serves nobody any more.
    public func stop() {
        host.defaultIdentity.stopHandling(Self.protocolID)
        sweeping?.stop()
        sweeping = nil
    }

    private func serve(_ stream: PeerStream) {
        // Over a relay all would come from one machine, and a node that can reach a relay can reach this server.
        guard !stream.connection.isRelayed else { return stream.reset() }
        let group = AddressGroup(multiaddr: stream.connection.remoteAddress.bytes)
        let messages = MessageStream(stream, maximum: BootstrapRequest.bytesMaximum, idle: .seconds(10))
        var left = Self.requestsPerStream
        messages.onMessage = { [weak self, unowned messages] message in
            guard let self else { return stream.reset() }
            let answer = store.answer(message, from: group, now: now(), using: &random)
            requests += 1
            left -= 1
            messages.send(answer.bytes)
            if answer == .refused(.malformed) || left == 0 { messages.conclude() }
        }
        messages.onEnd = { error in if error == nil { stream.finish() } }
        messages.start()
    }
}

/// One space at its bootstrap servers: puts its record there and asks for those of others, as ``BootstrapSeeker`` says. On
/// the loop only.
///
/// It speaks to a server under an identity made for that one round, so that a server cannot tell from a peer id which names,
/// of which hours and spaces, are one node's.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class BootstrapClient: @unchecked Sendable {
    private let host: TransportHost
    private let servers: [Multiaddr]
    private let now: () -> Timestamp
    private var random: any RandomNumberGenerator
    private var seeker: BootstrapSeeker
    private var timer: Scheduled<Void>?
    private var isRunning = false

    /// How to be reached, in the form that the space gives its records; nil while there is no way.
    public var record: () -> [UInt8]? = { nil }
    /// How many peers of the space are known: few make rounds come soon.
    public var known: () -> Int = { 0 }
    /// Takes the records that were found, one's own among them.
    public var onRecords: ([[UInt8]]) -> Void = { _ in }
    /// Told what each round came to at each server: nil, or what went wrong.
    public var onRound: (Multiaddr, PlasmidError?) -> Void = { _, _ in }

    /// A client that does nothing before ``start()``.
    public init(
        host: TransportHost, servers: [Multiaddr], seeker: consuming BootstrapSeeker,
        now: @escaping () -> Timestamp, random: any RandomNumberGenerator
    ) {
        self.host = host
        self.servers = servers
        self.seeker = seeker
        self.now = now
        self.random = random
    }

    /// Makes the first round now, and the others when they are due.
    public func start() {
        guard !isRunning else { return }
        isRunning = true
        round()
    }

    /// Makes no more rounds.
    public func stop() {
        isRunning = false
        timer?.cancel()
        timer = nil
    }

    /// Makes a round now, for instance because the node's addresses changed.
    public func hurry() {
        guard isRunning else { return }
        round()
    }

    private func round() {
        timer?.cancel()
        let rounds = servers.map { server in
            visit(server).assumeIsolated().map { records -> Void in
                self.onRecords(records)
                self.onRound(server, nil)
            }.flatMapErrorThrowing { error in
                self.onRound(server, error as? PlasmidError ?? PlasmidError(.peerUnreachable, "\(error)"))
            }.nonisolated()
        }
        EventLoopFuture.andAllComplete(rounds, on: host.loop).assumeIsolated().whenComplete { [weak self] _ in
            self?.schedule()
        }
    }

    private func schedule() {
        guard isRunning else { return }
        let start = now()
        let next = seeker.nextRound(known: known(), now: start, using: &random)
        let wait = TimeAmount.microseconds(max(0, next.microseconds - start.microseconds))
        timer?.cancel()
        timer = host.loop.assumeIsolated().scheduleTask(in: wait) { [weak self] in self?.round() }
    }

    /// One visit to one server: the records of the space that it tells. Fails with what the dial or the stream failed with.
    public func visit(_ server: Multiaddr) -> EventLoopFuture<[[UInt8]]> {
        let requests = seeker.requests(record: record(), now: now(), using: &random)
        let identity = HostIdentity(seed: SecretBytes.random(count: 32))
        return host.dial(server, expecting: server.peerID, as: identity).assumeIsolated().flatMap { connection in
            let asked = connection.ask(
                requests.map(\.request.bytes), BootstrapService.protocolID, maximum: BootstrapAnswer.bytesMaximum,
                timeout: .seconds(10))
            asked.assumeIsolated().whenComplete { _ in connection.close() }
            return asked.assumeIsolated().map { answers in
                zip(requests, answers).flatMap { asked, bytes -> [[UInt8]] in
                    BootstrapAnswer(bytes: bytes).map { self.seeker.records(in: $0, epoch: asked.epoch) } ?? []
                }
            }.nonisolated()
        }.nonisolated()
    }
}
