import Foundation
import Gossip
import Integrity
import Keystore
import Logging
import NIOCore
import NIOPosix
import Sodium
import Transport

/// A member of a space that is no conductor: it dials one, shows its proofs, and sends what a figure wants sent
/// (docs/spec/space.md).
// `@unchecked Sendable`: made and used on its loop only.
final class BenchPeer: @unchecked Sendable {
    static let talkProtocol = "/plasmid/space/1.0.0"
    static let syncProtocol = "/plasmid/sync/1.0.0"

    let loop: any EventLoop
    let agent: AgentPubKey
    fileprivate let keys: SpaceKeys
    private let keystore: Keystore
    private let identity: HostIdentity
    private let host: TransportHost

    init(space: DnaHash, keystore: Keystore, on loop: any EventLoop) throws {
        self.loop = loop
        agent = try keystore.newAgent(tag: UUID().uuidString)
        self.keystore = keystore
        keys = SpaceKeys(dna: space)
        let identity = HostIdentity(seed: Ed25519.generateSeed())
        self.identity = identity
        host = try loop.submit {
            var logger = Logger(label: "bench-peer") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .error
            let host = TransportHost(loop: loop, defaultIdentity: identity, logger: logger)
            // Rounds that the conductor begins come to nothing: who is measured shall do nothing else.
            identity.handle(Self.syncProtocol) { stream in
                var reader = FrameReader()
                stream.onBytes = { [weak stream] buffer in
                    try? buffer.withUnsafeReadableBytes { raw throws(PlasmidError) in
                        try reader.read(raw) { frame in
                            guard frame.kind == .round, frame.id != 0 else { return }
                            stream?.write(BenchLink.buffer(Frame(.answer, id: frame.id, body: [0xc0])))
                        }
                    }
                }
            }
            return host
        }.wait()
    }

    /// A connection on which both sides have shown that they know the space.
    func connect(to address: Multiaddr) -> EventLoopFuture<BenchLink> {
        let done = loop.makePromise(of: BenchLink.self)
        loop.execute { [self] in
            host.dial(address, as: identity, hint: { [keys] in keys.hint(ephemeral: $0) }).assumeIsolated()
                .whenComplete { [self] result in
                    do {
                        try offer(over: try result.get(), done)
                    } catch {
                        done.fail(error)
                    }
                }
        }
        return done.futureResult
    }

    private func offer(over connection: PeerConnection, _ done: EventLoopPromise<BenchLink>) throws {
        let stream = try connection.open(Self.talkProtocol)
        let hash = connection.handshakeHash
        let place = 3
        var held = ByteBuffer()
        stream.onEnd = { _ in done.fail(PlasmidError(.connectionLost, "the conductor ended the conversation")) }
        stream.onBytes = { [keys, loop] buffer in
            var buffer = buffer
            held.writeBuffer(&buffer)
            guard let answer = held.readBytes(length: Membership.messageBytes) else { return }
            guard Membership.isTrue(answer, keys, handshakeHash: hash, place: place) else {
                return done.fail(PlasmidError(.proofRefused, "the conductor is not of the space"))
            }
            done.succeed(BenchLink(connection, stream, held, on: loop))
        }
        let offer = Membership.offer(
            keys, handshakeHash: hash, place: place, random: { TransportHost.systemRandom($0) })
        stream.write(ByteBuffer(bytes: offer))
    }

    /// The proof that this peer's agent is at its end of the connection.
    fileprivate func proof(over connection: PeerConnection) throws -> ProofBody {
        guard let other = connection.peer.ed25519 else {
            throw PlasmidError(.proofRefused, "the conductor's key is of a kind to which no agent can be proved")
        }
        let statement = AgentProof.statement(
            agent: agent, role: .initiator, peer: other, keys: keys, handshakeHash: connection.handshakeHash)
        let mac = try keystore.mac(of: agent, for: other) { AgentProof.mac(secret: $0, statement: statement) }
        return ProofBody(agent: agent, mac: mac)
    }

    /// Connects, proves the agent and asks something that only a proved agent may: seconds until the answer is here.
    /// What is asked for is not there, which the answer says.
    func meet(_ address: Multiaddr) -> EventLoopFuture<Double> {
        let start = monotonicSeconds()
        let message = MessageBody(from: agent, to: AgentPubKey(core: Bytes32()), zome: "bench", payload: [0xc0]).packed
        return connect(to: address).flatMap { [self] link in
            do {
                link.tell(.prove, try proof(over: link.connection).packed)
            } catch {
                return loop.makeFailedFuture(error)
            }
            return link.ask(.message, message).flatMapThrowing { frame in
                let seconds = monotonicSeconds() - start
                let code = frame.kind == .refusal ? try RefusalBody(packed: frame.body).error.code : nil
                link.connection.close(atOnce: true)
                guard let code, code != .proofRefused else {
                    throw PlasmidError(.internal, "the conductor did not take the proof of a figure's agent")
                }
                return seconds
            }
        }
    }

    func close() throws { try loop.flatSubmit { [host] in host.close() }.wait() }
}

/// One connection of a ``BenchPeer``. On its loop only.
// `@unchecked Sendable`: futures carry it; made and used on the peer's loop only.
final class BenchLink: @unchecked Sendable {
    let connection: PeerConnection
    private let loop: any EventLoop
    private let talk: PeerStream
    private var reader = FrameReader()
    private var waiting: [UInt32: EventLoopPromise<Frame>] = [:]
    private var last: UInt32 = 0
    private var sync: PeerStream?

    fileprivate init(
        _ connection: PeerConnection, _ talk: PeerStream, _ rest: ByteBuffer, on loop: any EventLoop
    ) {
        self.connection = connection
        self.loop = loop
        self.talk = talk
        talk.onBytes = { [weak self] in self?.take($0) }
        talk.onEnd = { [weak self] _ in
            guard let self else { return }
            for (_, promise) in waiting {
                promise.fail(PlasmidError(.connectionLost, "the conductor ended the conversation"))
            }
            waiting = [:]
        }
        if rest.readableBytes > 0 { take(rest) }
    }

    static func buffer(_ frame: Frame) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Frame.headerBytes + frame.body.count)
        buffer.writeBytes(frame.header)
        buffer.writeBytes(frame.body)
        return buffer
    }

    private func take(_ buffer: ByteBuffer) {
        try? buffer.withUnsafeReadableBytes { raw throws(PlasmidError) in
            try reader.read(raw) { waiting.removeValue(forKey: $0.id)?.succeed($0) }
        }
    }

    func tell(_ kind: FrameKind, _ body: [UInt8]) { talk.write(Self.buffer(Frame(kind, body: body))) }

    /// The frame that answers.
    func ask(_ kind: FrameKind, _ body: [UInt8]) -> EventLoopFuture<Frame> {
        last += 1
        let promise = loop.makePromise(of: Frame.self)
        waiting[last] = promise
        talk.write(Self.buffer(Frame(kind, id: last, body: body)))
        return promise.futureResult
    }

    /// Sends frames of ops; how many may be on their way is the caller's to know.
    func push(_ frames: [ByteBuffer]) throws {
        let stream = try sync ?? connection.open(BenchPeer.syncProtocol)
        if sync == nil { stream.onBytes = { _ in } }
        sync = stream
        for frame in frames { stream.write(frame) }
    }
}
