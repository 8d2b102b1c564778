import Integrity
import SwiftProtobuf

/// What Kad's peers say to each other, requests and answers alike.
///
/// Source: the kad-dht page of the libp2p specification; limits as in docs/spec/discovery.md.
public struct KadMessage: Hashable, Sendable {
    /// What is asked, or what an answer answers.
    public enum Kind: Hashable, Sendable, CaseIterable {
        case putValue
        case getValue
        case addProvider
        case getProviders
        case findNode
        case ping
    }

    /// Bytes of a message without its length, at most.
    public static let bytesMaximum = 16_384
    /// Bytes of a key, at most.
    public static let keyBytesMaximum = 80
    /// Contacts of one list that are read; more are left unread.
    static let contactsMaximum = 128
    /// What providers may take of an answer, so that closer peers fit beside them.
    private static let providerBytes = 10_240

    /// What it is about.
    public var kind: Kind
    /// A multihash, or the bytes of a peer id; empty in a ping.
    public var key: [UInt8]
    /// In answers: peers that are closer to the key.
    public var closer: [KadContact]
    /// In answers: peers that have what the key names; in an announcement: the sender.
    public var providers: [KadContact]

    /// Joins the parts.
    public init(_ kind: Kind, key: [UInt8] = [], closer: [KadContact] = [], providers: [KadContact] = []) {
        self.kind = kind
        self.key = key
        self.closer = closer
        self.providers = providers
    }

    /// The message's bytes, without its length: as many of the contacts, in order, as fit.
    public var bytes: [UInt8] {
        var message = PBKadMessage()
        message.type = PBKadMessage.MessageType(kind)
        if !key.isEmpty { message.key = key.data }
        var left = Self.bytesMaximum - key.count - 16
        message.providerPeers = Self.fitting(providers, bytes: Self.providerBytes, left: &left)
        message.closerPeers = Self.fitting(closer, bytes: Self.bytesMaximum, left: &left)
        return message.encoded
    }

    private static func fitting(_ contacts: [KadContact], bytes: Int, left: inout Int) -> [PBKadMessage.Peer] {
        var budget = min(bytes, left)
        var peers: [PBKadMessage.Peer] = []
        for contact in contacts {
            var peer = PBKadMessage.Peer()
            peer.id = contact.peer.bytes.data
            peer.addrs = contact.addresses.map(\.bytes.data)
            // The field's tag and a length of two bytes stand before it.
            let size = peer.encoded.count + 3
            guard size <= budget else { break }
            budget -= size
            left -= size
            peers.append(peer)
        }
        return peers
    }

    /// Reads a message of at most ``bytesMaximum`` bytes. Contacts without a good id, and addresses that are none, are left
    /// out; more than 128 contacts in a list are not looked at. Throws `protocolBroken` for what is no message at all.
    public init(bytes: [UInt8]) throws(PlasmidError) {
        let message = try PBKadMessage.decoded(bytes, maximum: Self.bytesMaximum, "a message of Kad")
        guard message.key.count <= Self.keyBytesMaximum else {
            throw PlasmidError(.protocolBroken, "a message of Kad has a key of \(message.key.count) bytes")
        }
        // A type of zero is left out by some; an unknown one cannot be told from it and is refused where it matters.
        kind = Kind(message.type)
        key = message.key.array
        closer = Self.contacts(message.closerPeers)
        providers = Self.contacts(message.providerPeers)
    }

    private static func contacts(_ peers: [PBKadMessage.Peer]) -> [KadContact] {
        peers.prefix(contactsMaximum).compactMap { peer in
            guard let id = PeerID(bytes: peer.id) else { return nil }
            let addresses = peer.addrs.prefix(32).compactMap { try? Multiaddr(bytes: $0) }
            return KadContact(peer: id, addresses: addresses)
        }
    }
}

extension KadMessage.Kind {
    fileprivate init(_ type: PBKadMessage.MessageType) {
        switch type {
        case .putValue: self = .putValue
        case .getValue: self = .getValue
        case .addProvider: self = .addProvider
        case .getProviders: self = .getProviders
        case .findNode: self = .findNode
        case .ping: self = .ping
        }
    }
}

extension PBKadMessage.MessageType {
    fileprivate init(_ kind: KadMessage.Kind) {
        switch kind {
        case .putValue: self = .putValue
        case .getValue: self = .getValue
        case .addProvider: self = .addProvider
        case .getProviders: self = .getProviders
        case .findNode: self = .findNode
        case .ping: self = .ping
        }
    }
}
