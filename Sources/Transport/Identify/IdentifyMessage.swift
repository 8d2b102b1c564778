import Integrity
import NIOCore
import SwiftProtobuf

/// What a peer says of itself, in `/ipfs/id/1.0.0` when it is asked and in `/ipfs/id/push/1.0.0` when something changed.
///
/// Source: the identify page of the libp2p specification.
public struct IdentifyMessage: Hashable, Sendable {
    /// The protocol in which one asks: the side that opened the stream says nothing, the other writes and finishes.
    public static let protocolID = "/ipfs/id/1.0.0"
    /// The protocol in which one tells unasked: the side that opened the stream writes and finishes.
    public static let pushProtocolID = "/ipfs/id/push/1.0.0"
    /// Bytes of the longest part that is read, and how many parts one message may come in.
    static let partMaximum = 8192
    static let partsMaximum = 10
    /// Bytes of the longest message that is written: some peers read no more.
    static let writtenMaximum = 4096
    /// Addresses and protocols of a peer that are looked at.
    public static let addressesMaximum = 500
    static let protocolsMaximum = 1024

    /// The peer's public key, encoded as ``PublicKeyCoding`` does.
    public var publicKey: [UInt8]?
    /// Where the peer listens; in a push, none means that nothing changed.
    public var listenAddresses: [Multiaddr] = []
    /// What the peer speaks; in a push, none means that nothing changed.
    public var protocols: [String] = []
    /// Where the peer sees the reader.
    public var observedAddress: Multiaddr?
    /// A name of the network, for people.
    public var protocolVersion: String?
    /// A name of the program, for people.
    public var agentVersion: String?
    /// The envelope of a ``PeerRecord``.
    public var signedPeerRecord: [UInt8]?

    /// A message that says nothing.
    public init() {}

    /// The message with its length before it, at most 4,096 bytes: addresses, then the record, then protocols are left out
    /// from the end where they do not fit.
    public func framed() -> [UInt8] {
        var message = self
        var bytes = message.encoded
        while bytes.count > Self.writtenMaximum - 2 {
            if !message.listenAddresses.isEmpty {
                message.listenAddresses.removeLast()
            } else if message.signedPeerRecord != nil {
                message.signedPeerRecord = nil
            } else if !message.protocols.isEmpty {
                message.protocols.removeLast()
            } else {
                message = IdentifyMessage()
            }
            bytes = message.encoded
        }
        return LengthPrefixed.framed(bytes)
    }

    private var encoded: [UInt8] {
        var message = PBIdentify()
        if let publicKey { message.publicKey = publicKey.data }
        message.listenAddrs = listenAddresses.map(\.bytes.data)
        message.protocols = protocols
        if let observedAddress { message.observedAddr = observedAddress.bytes.data }
        if let protocolVersion { message.protocolVersion = protocolVersion }
        if let agentVersion { message.agentVersion = agentVersion }
        if let signedPeerRecord { message.signedPeerRecord = signedPeerRecord.data }
        return message.encoded
    }

    /// From what came: addresses that are none and protocol ids that nobody could ask for are left out.
    init(_ message: PBIdentify) {
        publicKey = message.hasPublicKey ? message.publicKey.array : nil
        listenAddresses = message.listenAddrs.prefix(Self.addressesMaximum).compactMap { try? Multiaddr(bytes: $0) }
        protocols = message.protocols.prefix(Self.protocolsMaximum)
            .filter { $0.hasPrefix("/") && $0.utf8.count < Multistream.messageMaximum }
        observedAddress = message.hasObservedAddr ? try? Multiaddr(bytes: message.observedAddr) : nil
        protocolVersion = message.hasProtocolVersion ? Self.shown(message.protocolVersion) : nil
        agentVersion = message.hasAgentVersion ? Self.shown(message.agentVersion) : nil
        signedPeerRecord = message.hasSignedPeerRecord ? message.signedPeerRecord.array : nil
    }

    /// A name that may be printed: at most 128 visible characters of ASCII.
    private static func shown(_ name: String) -> String {
        String(decoding: name.utf8.prefix(128).filter { (0x20..<0x7f).contains($0) }, as: UTF8.self)
    }
}

/// Reads one identify message off a stream until the peer's FIN: it may come in several parts, each with its length, that
/// are merged.
public struct IdentifyReader: Sendable {
    private var message = PBIdentify()
    private var parts = 0

    /// A reader before the first byte.
    public init() {}

    /// Takes every whole part off the front of `bytes`. Throws `protocolBroken` beyond 10 parts or 8 KiB in one, and for a part
    /// that is no message.
    public mutating func read(_ bytes: inout ByteBuffer) throws(PlasmidError) {
        while let part = try LengthPrefixed.take(&bytes, maximum: IdentifyMessage.partMaximum, "an identify message") {
            parts += 1
            guard parts <= IdentifyMessage.partsMaximum else {
                throw PlasmidError(.protocolBroken, "an identify message comes in more than 10 parts")
            }
            var options = BinaryDecodingOptions()
            options.discardUnknownFields = true
            do {
                try message.merge(serializedBytes: part, partial: true, options: options)
            } catch {
                throw PlasmidError(.protocolBroken, "an identify message is none", cause: "\(error)")
            }
        }
    }

    /// What was said, now that the peer has finished. Throws `protocolBroken` when it finished within a part or before the
    /// first; `left` is what the last ``read(_:)`` did not take.
    public func finish(left: ByteBuffer) throws(PlasmidError) -> IdentifyMessage {
        guard parts > 0, left.readableBytes == 0 else {
            throw PlasmidError(.protocolBroken, "an identify message ends before its end")
        }
        return IdentifyMessage(message)
    }
}
