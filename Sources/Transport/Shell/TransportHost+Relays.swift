import Integrity
import NIOCore
import NIOPosix

/// Connections that stand on something else than a socket that was dialled or accepted in the usual way.
extension TransportHost {
    /// Which part this side takes in the handshake.
    public enum Part {
        /// Initiator. `expecting` is who must answer; `hint` makes the 16 bytes of message 1 from the ephemeral key.
        case dialer(identity: HostIdentity, expecting: PeerID?, hint: ((_ ephemeral: [UInt8]) -> [UInt8])?)
        /// Responder: the identity that the hint names answers, otherwise the default one.
        case listener
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
            case .listener: slot = try ledger.takeAcceptSlot(from: address.relay ?? address)
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
        _ address: Multiaddr, from local: Multiaddr, as part: Part
    ) -> EventLoopFuture<PeerConnection> {
        loop.preconditionInEventLoop()
        let promise = loop.makePromise(of: PeerConnection.self)
        do {
            guard !isClosed else { throw Self.stopped }
            let way = try SocketWay(address)
            guard !way.isWebSocket else {
                throw PlasmidError(.malformedAddress, "\(address) is a WebSocket, through which no hole is punched")
            }
            let from = try SocketWay(local)
            let localAddress = try SocketAddress(ipAddress: from.host, port: from.port)
            let attempt = SocketAttempt(
                slot: try ledger.takeDialSlot(), side: side(of: part), address: address.withoutPeer, begun: loop.now,
                promise: promise)
            connect(way, attempt, from: localAddress)
        } catch {
            promise.fail(error)
        }
        return promise.futureResult
    }

    private func side(of part: Part) -> ConnectionUpgrade.Side {
        switch part {
        case .dialer(let identity, let expecting, let hint):
            .dialer(identity: identity, expecting: expecting, hint: hint)
        case .listener: .listener { [self] in choose($0) }
        }
    }
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
