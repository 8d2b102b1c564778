import Integrity
import NIOCore
import Sodium

/// An encrypted connection as it begins: with whom, and the two ciphers.
public struct NoiseSession {
    /// Who is at the other end.
    public let peer: PeerID
    /// The peer's Ed25519 key.
    public let peerKey: Bytes32
    /// The hash over the whole handshake, 32 bytes, the same on both sides and on no other connection.
    public let handshakeHash: [UInt8]
    /// Which muxer begins.
    public let muxer: EarlyMuxer
    /// Seals what is sent, opens what comes.
    public let transport: NoiseTransport
}

/// The two ciphers of an encrypted connection. Frames carry no meaning: what is sent and received is one stream of bytes.
/// After an error nothing more may be sent or read: the connection is to be closed.
public final class NoiseTransport {
    private let sendKey: SecretBytes
    private let receiveKey: SecretBytes
    private var sendCounter: UInt64 = 0
    private var receiveCounter: UInt64 = 0
    private var hasFailed = false

    init(keys: consuming NoiseKeys, isInitiator: Bool) {
        if isInitiator {
            sendKey = keys.toResponder
            receiveKey = keys.toInitiator
        } else {
            sendKey = keys.toInitiator
            receiveKey = keys.toResponder
        }
    }

    // MARK: Sending

    /// Begins a frame at the end of `out`: keeps two bytes for the length. What is written to `out` from here on is its plain
    /// text, until ``endFrame(_:at:)`` with the value that this returns.
    public static func beginFrame(_ out: inout ByteBuffer) -> Int {
        let start = out.writerIndex
        out.writeInteger(UInt16(0))
        return start
    }

    /// Encrypts in place what was written since ``beginFrame(_:)`` returned `start`, and puts the length and the tag to it. A
    /// frame with nothing in it is taken away again: peers take an empty one for the end. A plain text of more than
    /// ``NoiseFrame/plainMaximum`` bytes is a programming error. Throws `protocolBroken` when all counters are used up.
    public func endFrame(_ out: inout ByteBuffer, at start: Int) throws(PlasmidError) {
        let plainBytes = out.writerIndex - start - 2
        precondition((0...NoiseFrame.plainMaximum).contains(plainBytes), "a frame has at most 65,519 bytes")
        guard plainBytes > 0 else {
            out.moveWriterIndex(to: start)
            return
        }
        guard !hasFailed, sendCounter < .max else { throw fail("its cipher is used up") }
        out.setInteger(UInt16(plainBytes + ChaCha20Poly1305.overhead), at: start)
        out.writeRepeatingByte(0, count: ChaCha20Poly1305.overhead)
        let offset = start + 2 - out.readerIndex
        out.withUnsafeMutableReadableBytes { bytes in
            let frame = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            ChaCha20Poly1305.seal(
                UnsafeRawBufferPointer(rebasing: frame[..<plainBytes]), into: frame, key: sendKey,
                counter: sendCounter, ad: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        sendCounter += 1
    }

    /// Encrypts all of `plain` into as many frames as it takes, at the end of `out`.
    public func seal(_ plain: ByteBuffer, into out: inout ByteBuffer) throws(PlasmidError) {
        var plain = plain
        out.reserveCapacity(
            minimumWritableBytes: plain.readableBytes + (plain.readableBytes / NoiseFrame.plainMaximum + 1) * 18)
        while plain.readableBytes > 0 {
            let count = min(plain.readableBytes, NoiseFrame.plainMaximum)
            let start = Self.beginFrame(&out)
            if var piece = plain.readSlice(length: count) { out.writeBuffer(&piece) }
            try endFrame(&out, at: start)
        }
    }

    // MARK: Receiving

    /// Takes every frame that is whole off the front of `bytes` and puts the plain text, decrypted into place without a copy
    /// in between, at the end of `plain`. What is left in `bytes` is the beginning of a frame. An empty frame adds nothing.
    /// Throws `protocolBroken` where one was altered; what stood before it in `plain` is true.
    public func open(_ bytes: inout ByteBuffer, into plain: inout ByteBuffer) throws(PlasmidError) {
        while let length = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self),
            bytes.readableBytes >= 2 + Int(length)
        {
            guard !hasFailed, receiveCounter < .max else { throw fail("its cipher is used up or had failed") }
            guard length >= ChaCha20Poly1305.overhead else { throw fail("a frame of it is too short to be sealed") }
            let plainBytes = Int(length) - ChaCha20Poly1305.overhead
            var isTrue = false
            // `minimumWritableBytes` is never zero, so that there is an address to write to.
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: max(plainBytes, 1)) { target in
                bytes.withUnsafeReadableBytes { frame in
                    isTrue = ChaCha20Poly1305.open(
                        UnsafeRawBufferPointer(rebasing: frame[2..<2 + Int(length)]), into: target, key: receiveKey,
                        counter: receiveCounter, ad: UnsafeRawBufferPointer(start: nil, count: 0))
                }
                return isTrue ? plainBytes : 0
            }
            guard isTrue else { throw fail("a frame of it does not open") }
            receiveCounter += 1
            bytes.moveReaderIndex(forwardBy: 2 + Int(length))
        }
    }

    /// Plain bytes that the whole frames at the front of `bytes` come to: what ``open(_:into:)`` would add.
    public static func plainBytes(in bytes: ByteBuffer) -> Int {
        var index = bytes.readerIndex
        var sum = 0
        while let length = bytes.getInteger(at: index, as: UInt16.self), bytes.writerIndex - index >= 2 + Int(length) {
            sum += max(Int(length) - ChaCha20Poly1305.overhead, 0)
            index += 2 + Int(length)
        }
        return sum
    }

    private func fail(_ reason: String) -> PlasmidError {
        hasFailed = true
        return PlasmidError(.protocolBroken, "an encrypted connection cannot go on: \(reason)")
    }
}
