import Integrity
import NIOCore
import Sodium

@testable import Transport

/// What a conductor said on one stream, frame by frame. What is random in it stands as its length.
struct ProbeAnswer: Hashable, CustomStringConvertible {
    var frames: [String] = []
    var said = ""

    var description: String { "\(frames.joined(separator: ", ")): \(said)" }
}

/// An encrypted connection made by hand, of a peer that keeps what it is told to the last byte.
final class ProberSession {
    private let line: ProberLine
    private let noise: NoiseTransport
    private var plain = ByteBuffer()
    private var lastStream: UInt32 = UInt32.max
    private var lastPing: UInt32 = 0
    /// Who answered.
    let peer: PeerID
    let handshakeHash: [UInt8]

    static let opening = MultistreamDialer([NoiseHandshake.protocolID]).start()

    /// - Parameter hint: makes the 16 bytes of message 1 from the ephemeral key; nil for none.
    init(_ address: String, on loop: any EventLoop, seed: UInt8, hint: (([UInt8]) -> [UInt8])? = nil) async throws {
        line = try await ProberLine.connect(address, on: loop)
        let handshake = NoiseHandshake(
            isInitiator: true, secrets: NoiseSecrets(), muxers: [ConnectionUpgrade.muxerID])
        line.send(Self.opening + (try handshake.writeMessage1(hint: hint?(handshake.ephemeralKey) ?? [])))
        guard try await line.read(Self.opening.count) == Self.opening, let length = try await line.read(2),
            let message = try await line.read(Int(length[0]) << 8 | Int(length[1]))
        else { throw ChannelError.eof }
        peer = try handshake.readMessage2(message, expecting: nil)
        var bytes = [UInt8](repeating: seed, count: 32)
        guard let key = SecretKey(seed: SecretBytes(moving: &bytes)) else { throw ChannelError.eof }
        line.send(try handshake.writeMessage3(identity: key))
        let session = try handshake.finish()
        handshakeHash = session.handshakeHash
        noise = session.transport
    }

    func close() { line.close() }

    private func send(_ header: YamuxHeader, _ body: [UInt8] = []) throws {
        var frame = ByteBuffer()
        header.write(to: &frame)
        frame.writeBytes(body)
        var sealed = ByteBuffer()
        try noise.seal(frame, into: &sealed)
        line.send(Array(sealed.readableBytesView))
    }

    /// The next frame; nil at the end of the connection.
    private func frame() async throws -> (header: YamuxHeader, body: [UInt8])? {
        guard try await fill(YamuxHeader.bytes), let header = YamuxHeader(reading: &plain) else { return nil }
        guard header.kind == YamuxHeader.Kind.data else { return (header, []) }
        guard try await fill(Int(header.length)) else { return nil }
        return (header, plain.readBytes(length: Int(header.length)) ?? [])
    }

    private func fill(_ count: Int) async throws -> Bool {
        while plain.readableBytes < count {
            guard let length = try await line.read(2),
                let body = try await line.read(Int(length[0]) << 8 | Int(length[1]))
            else { return false }
            var sealed = ByteBuffer(bytes: length + body)
            try noise.open(&sealed, into: &plain)
        }
        return true
    }

    /// Opens a stream for each of several openings at once, and gathers what is said until two pings have come back: by then
    /// everything has been answered that is answered without waiting.
    func say(_ probes: [Probe]) async throws -> [ProbeAnswer] {
        var streams: [UInt32: Int] = [:]
        for (place, probe) in probes.enumerated() {
            lastStream &+= 2
            streams[lastStream] = place
            let flags = YamuxHeader.Flags.syn | (probe.finishes ? YamuxHeader.Flags.fin : 0)
            let body = probe.opening + probe.body(handshakeHash)
            try send(
                YamuxHeader(YamuxHeader.Kind.data, flags: flags, stream: lastStream, length: UInt32(body.count)), body)
        }
        var frames = [[String]](repeating: [], count: probes.count + 1)
        var said = [[UInt8]](repeating: [], count: probes.count)
        for _ in 0..<2 {
            lastPing += 1
            try send(YamuxHeader(YamuxHeader.Kind.ping, flags: YamuxHeader.Flags.syn, length: lastPing))
            while let (header, body) = try await frame() {
                if header.kind == YamuxHeader.Kind.ping, header.length == lastPing { break }
                // What was not asked for stands last.
                let place = streams[header.stream] ?? probes.count
                frames[place].append(Self.words(header))
                if place < probes.count { said[place] += body }
            }
        }
        var answers = try probes.enumerated().map { place, probe in
            ProbeAnswer(frames: frames[place], said: try probe.read(said[place]))
        }
        answers.append(ProbeAnswer(frames: frames[probes.count], said: "unasked"))
        return answers
    }

    /// The frames that come until one resets a stream.
    func untilReset() async throws -> [String] {
        var frames: [String] = []
        while let (header, _) = try await frame() {
            frames.append(Self.words(header))
            if header.has(YamuxHeader.Flags.rst) { break }
        }
        return frames
    }

    private static func words(_ header: YamuxHeader) -> String {
        let kinds = ["data", "window", "ping", "farewell"]
        let names = zip(["syn", "ack", "fin", "rst"], [1, 2, 4, 8] as [UInt16])
        let flags = names.filter { header.has($0.1) }.map(\.0).joined(separator: "+")
        return "\(kinds[Int(header.kind) % 4]) \(flags) \(header.length)"
    }
}

/// One stream of a prober.
struct Probe {
    let name: String
    var finishes = false
    /// What is said behind the name, by the hash of the handshake.
    var body: ([UInt8]) -> [UInt8] = { _ in [] }

    var opening: [UInt8] { Multistream.message(Multistream.header) + Multistream.message(name) }

    /// What was said, with what has to differ from one time to the next taken out.
    func read(_ said: [UInt8]) throws -> String {
        guard said.starts(with: opening) else { return "\(said)" }
        let rest = Array(said.dropFirst(opening.count))
        switch name {
        case "/plasmid/space/1.0.0":
            // Random: told apart from a constant, and no more.
            return "agreed, \(rest.count) bytes, \(Set(rest).count > rest.count / 4 ? "random" : "\(rest)")"
        case IdentifyMessage.protocolID:
            var reader = IdentifyReader()
            var bytes = ByteBuffer(bytes: rest)
            try reader.read(&bytes)
            var message = try reader.finish(left: bytes)
            // The prober's own port.
            message.observedAddress = nil
            return "agreed, \(rest.count) bytes, \(message)"
        default: return "agreed, \(rest)"
        }
    }
}
