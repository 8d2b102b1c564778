// What can go wrong between two peers on the wire; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A multiaddress, or the peer id in it, that cannot be read.
    public static let malformedAddress = Self(rawValue: "malformedAddress")
    /// An encrypted connection that could not be made: a message of the handshake is cut, altered, or not signed as it should be.
    public static let handshakeFailed = Self(rawValue: "handshakeFailed")
    /// Another peer answers at an address than the one that was dialled.
    public static let wrongPeer = Self(rawValue: "wrongPeer")
    /// A protocol that the peer does not speak.
    public static let protocolRefused = Self(rawValue: "protocolRefused")
    /// Bytes from a peer that break the rules of the protocol they belong to.
    public static let protocolBroken = Self(rawValue: "protocolBroken")
}
