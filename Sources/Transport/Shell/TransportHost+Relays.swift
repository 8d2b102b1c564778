import Integrity
import NIOCore
import NIOPosix
import Sodium

/// Connections that stand on something else than a socket that was dialled or accepted in the usual way.
extension TransportHost {
    /// Which part this side takes in the handshake.
    public enum Part {
        /// Initiator. `expecting` is who must answer; `hint` makes the 16 bytes of message 1 from the ephemeral key.
        case dialer(identity: HostIdentity, expecting: PeerID?, hint: ((_ ephemeral: [UInt8]) -> [UInt8])?)
        /// Responder: the identity that the hint names answers, otherwise the default one. `only`: that identity answers a
        /// hint that names it, and nobody else does: a stranger sees a key made for the moment, and no connection.
        case listener(only: HostIdentity?)
    }

    /// Makes a connection of a stream over a relay that has become a pipe of bytes: `rest` came behind the relay's last
    /// message. `address` is the way over the relay. As responder, the identity's `onConnection` is called as well. Fails
    /// as a dial does.
    public func adopt(
        _ stream: PeerStream, rest: ByteBuffer, address: Multiaddr, as part: Part
    ) -> EventLoopFuture<PeerConnection> {
        loop.preconditionInEventLoop()
        let promise = loop.makePromise(of: PeerConnection.self)
        do throws(PlasmidError) {
            guard !isClosed else { throw Self.stopped }
            let slot: ConnectionSlot
            switch part {
            case .dialer: slot = try ledger.takeDialSlot()
            // What a relay carries is bounded by the relay, and does not come from the relay's machine.
            case .listener: slot = try takeAcceptSlot(from: nil)
            }
            let attempt = SocketAttempt(
                slot: slot, side: side(of: part), address: address.withoutPeer, begun: loop.now, promise: promise)
            upgrade(StreamWire(stream), attempt, isRelayed: true, bytes: rest)
        } catch { promise.fail(error) }
        return promise.futureResult
    }

    /// Connects from a port that is listened on, as hole punching wants it, with the part that the relay's messages gave this
    /// side: of two that connect at once, one is the initiator. Fails as a dial does.
    public func punch(
        _ address: Multiaddr, as part: Part
    ) -> EventLoopFuture<PeerConnection> {
        loop.preconditionInEventLoop()
        let promise = loop.makePromise(of: PeerConnection.self)
        do {
            guard !isClosed else { throw Self.stopped }
            let way = try SocketWay(address)
            guard !way.isWebSocket else {
                throw PlasmidError(.malformedAddress, "\(address) is a WebSocket, through which no hole is punched")
            }
            guard let local = listeningPort(for: address) else {
                throw PlasmidError(
                    .peerUnreachable, "no port is listened on from which a hole to \(address) could be punched")
            }
            let attempt = SocketAttempt(
                slot: try ledger.takeDialSlot(), side: side(of: part), address: address.withoutPeer, begun: loop.now,
                promise: promise, isFromListeningPort: true)
            connect(way, attempt, from: local)
        } catch {
            promise.fail(error)
        }
        return promise.futureResult
    }

    /// Takes a socket that comes from exactly `address` as part of a hole that is being punched, instead of as a stranger's,
    /// until it is told to ``expectNoMore(_:)``. `done` is called for each that becomes a connection.
    @discardableResult
    public func expect(
        _ address: Multiaddr, as part: Part, _ done: @escaping (PeerConnection) -> Void
    ) -> ExpectationToken {
        loop.preconditionInEventLoop()
        let loop = loop
        lastExpectation += 1
        let token = ExpectationToken(address: address.withoutPeer, number: lastExpectation)
        expected[token.address] = ExpectedSocket(part: part, number: token.number) {
            let promise = loop.makePromise(of: PeerConnection.self)
            promise.futureResult.assumeIsolated().whenSuccess(done)
            return promise
        }
        return token
    }

    /// From now on a socket from there is a stranger's, unless it is expected again.
    public func expectNoMore(_ token: ExpectationToken) {
        if expected[token.address]?.number == token.number { expected[token.address] = nil }
    }

    /// Where others see this host's listening ports, as those say to whom a connection leaves from one. Claims: good for
    /// punching holes, with a peer who learns no more of it than that nobody answers there.
    public var observed: [Multiaddr] {
        sightings.filter { loop.now - $0.value < Self.sightingTime }
            .sorted { ($1.value, $0.key.description) < ($0.value, $1.key.description) }.map(\.key)
    }

    /// How long what was seen of a connection is believed after it was said.
    private static var sightingTime: TimeAmount { .minutes(10) }
    /// Addresses that are remembered, at most.
    private static var sightingsMaximum: Int { 8 }

    /// A peer says where it sees a connection that leaves from a listening port.
    func noteSighting(_ address: Multiaddr) {
        let address = address.withoutPeer
        if sightings[address] == nil, sightings.count >= Self.sightingsMaximum,
            let oldest = sightings.min(by: { $0.value < $1.value })
        {
            sightings[oldest.key] = nil
        }
        sightings[address] = loop.now
    }

    /// A port of plain TCP that is listened on, for a socket to `address`: of the same kind of IP, and not on loopback where
    /// the address is elsewhere.
    func listeningPort(for address: Multiaddr) -> SocketAddress? {
        for local in listening where local.parts.count == 2 && local.parts[0].kind == address.parts.first?.kind {
            guard let ip = AddressGroup.ip(of: local.bytes), let way = try? SocketWay(local) else { continue }
            let other = AddressGroup.ip(of: address.bytes)
            let isLoopback = ip.count == 4 ? ip[0] == 127 : ip.dropLast().allSatisfy { $0 == 0 } && ip.last == 1
            guard !isLoopback || other == ip else { continue }
            return try? SocketAddress(ipAddress: way.host, port: way.port)
        }
        return nil
    }

    func side(of part: Part) -> ConnectionUpgrade.Side {
        switch part {
        case .dialer(let identity, let expecting, let hint):
            .dialer(identity: identity, expecting: expecting, hint: hint)
        case .listener(nil): .listener { [self] in choose($0) }
        case .listener(let only?):
            .listener { hello in
                if let hint = hello.hint, only.accepts(hint, hello.ephemeral) { return only }
                // As default identities do for those who mean no space of theirs.
                if only === self.defaultIdentity { return only }
                return HostIdentity(seed: SecretBytes.random(count: 32))
            }
        }
    }
}

/// What takes an expectation back.
public struct ExpectationToken: Sendable {
    let address: Multiaddr
    let number: UInt64
}

/// A socket that a peer may make here while a hole is punched.
struct ExpectedSocket {
    let part: TransportHost.Part
    let number: UInt64
    /// Who waits for a connection of it.
    let promise: () -> EventLoopPromise<PeerConnection>
}

/// A stream over a relay as the wire of a connection.
final class StreamWire: PeerWire {
    var receiver: (any WireReceiver)? {
        didSet { if receiver != nil { stream.resumeReading() } }
    }
    private let stream: PeerStream
    private var isClosed = false

    init(_ stream: PeerStream) {
        self.stream = stream
        stream.pauseReading()
        stream.onBytes = { [weak self] bytes in
            self?.receiver?.wireRead(bytes)
            self?.receiver?.wireReadComplete()
        }
        stream.onWritable = { [weak self] in self?.receiver?.wireBecameWritable() }
        // The wire lives as long as its stream: the last of these two lets go of it.
        stream.onEnd = { [self] _ in end() }
    }

    var isWritable: Bool { stream.isWritable }

    func send(_ bytes: ByteBuffer) { stream.write(bytes) }

    func setReading(_ isOn: Bool) { if isOn { stream.resumeReading() } else { stream.pauseReading() } }

    func close(atOnce: Bool) {
        if atOnce {
            end()
        } else {
            // What was written goes out first; what still comes is of no use.
            stream.onBytes = { _ in }
            stream.resumeReading()
            stream.finish()
            isClosed = true
            receiver = nil
        }
    }

    private func end() {
        guard !isClosed else { return }
        isClosed = true
        let receiver = receiver
        self.receiver = nil
        stream.reset()
        receiver?.wireClosed()
    }
}
