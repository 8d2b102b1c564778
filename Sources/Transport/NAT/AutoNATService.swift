public import Integrity
import NIOCore
import Sodium

/// AutoNAT on a host, under its default identity: dials others back where they ask, and asks others itself. On the loop only.
///
/// Sendable because futures carry it: it is made and used on its host's loop alone.
public final class AutoNATService: @unchecked Sendable {
    private let host: TransportHost
    private let now: () -> Timestamp
    private var server = AutoNATServerCore()
    private var client = AutoNATClientCore()

    /// Told when it becomes known, or changes, whether others can dial this node.
    public var onVerdict: (AutoNATClientCore.Verdict) -> Void = { _ in }

    /// A service that serves nobody before ``start()``.
    public init(host: TransportHost, now: @escaping () -> Timestamp) {
        self.host = host
        self.now = now
    }

    /// The addresses at which others say they have dialled this node, of those that it asked them to try; the latest first.
    public private(set) var confirmed: [Multiaddr] = []

    /// Whether others can dial this node, as far as is known.
    public var verdict: AutoNATClientCore.Verdict { client.verdict }

    /// Dials back those who ask, until ``stop()``.
    public func start() {
        host.defaultIdentity.handle(AutoNATMessage.protocolID, perPeer: 2) { [weak self] stream in
            guard let self else { return stream.reset() }
            serve(stream)
        }
    }

    /// Serves nobody any more.
    public func stop() { host.defaultIdentity.stopHandling(AutoNATMessage.protocolID) }

    private func serve(_ stream: PeerStream) {
        let connection = stream.connection
        let messages = MessageStream(stream, maximum: AutoNATMessage.bytesMaximum, idle: .seconds(60))
        messages.onMessage = { [weak self, unowned messages] bytes in
            guard let self else { return stream.reset() }
            // One question to a stream: what comes behind it is not read.
            messages.onMessage = nil
            guard let message = try? AutoNATMessage(bytes: bytes) else {
                return answer(messages, .response(.badRequest, address: nil))
            }
            let verdict = server.judge(
                message, from: connection.peer, seenAt: connection.remoteAddress, isRelayed: connection.isRelayed,
                now: now())
            switch verdict {
            case .failure(let refusal): answer(messages, .response(refusal.status, address: nil))
            case .success(let addresses): dial(addresses[...], connection.peer, messages)
            }
        }
        messages.onEnd = { error in if error == nil { stream.finish() } }
        messages.start()
    }

    private func answer(_ messages: MessageStream, _ message: AutoNATMessage) {
        messages.send(message.bytes)
        messages.conclude()
    }

    /// Dials under an identity of its own, so that it is a connection anew whatever there is already, and nothing that the
    /// peer would take for this node's.
    private func dial(_ addresses: ArraySlice<Multiaddr>, _ peer: PeerID, _ messages: MessageStream) {
        guard let address = addresses.first else { return answer(messages, .response(.dialError, address: nil)) }
        let identity = HostIdentity(seed: SecretBytes.random(count: 32))
        host.dial(address, expecting: peer, as: identity).assumeIsolated().whenComplete { [weak self] result in
            guard let self else { return messages.stream.reset() }
            switch result {
            case .failure: dial(addresses.dropFirst(), peer, messages)
            case .success(let connection):
                connection.close()
                answer(messages, .response(.ok, address: address))
            }
        }
    }

    /// Asks the peer of a connection, if it is time to ask somebody: can you dial me at one of these? `done` is called when
    /// the answer has been heard, or nothing was asked.
    public func ask(_ connection: PeerConnection, addresses: [Multiaddr], _ done: @escaping () -> Void = {}) {
        guard !connection.isRelayed, !addresses.isEmpty, client.isDue(now: now()) else { return done() }
        let question = AutoNATMessage.dial(host.defaultIdentity.peerID, addresses: addresses)
        connection.ask(
            [question.bytes], AutoNATMessage.protocolID, maximum: AutoNATMessage.bytesMaximum, timeout: .seconds(60)
        ).assumeIsolated().whenComplete { [weak self] result in
            defer { done() }
            guard let self, case .success(let answers) = result,
                case .response(let status, let dialled)? = try? AutoNATMessage(bytes: answers.first ?? [])
            else { return }
            if status == .ok, let dialled = dialled?.withoutPeer, addresses.contains(dialled) {
                confirmed = Array(([dialled] + confirmed.filter { $0 != dialled }).prefix(4))
            }
            let group = AddressGroup(multiaddr: connection.remoteAddress.bytes)
            if client.answered(status, group: group) { onVerdict(client.verdict) }
        }
    }
}
