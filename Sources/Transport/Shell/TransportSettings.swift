import NIOCore

/// Bounds and times of a host's connections; the defaults are those that docs/spec/transport.md names.
public struct TransportSettings: Sendable {
    /// Connections in all.
    public var connections = 256
    /// How many of them others may have made.
    public var inboundConnections = 128
    /// Connections with one peer, of one identity.
    public var connectionsPerPeer = 2
    /// Connections that one IP address may have made. Addresses of this machine are free unless ``countsLoopback``.
    public var connectionsPerAddress = 8
    /// Whether the bound of an address holds for this machine too.
    public var countsLoopback = false
    /// How long a connection of a stranger may carry nothing before it has to make room where places are short.
    public var strangerTime = TimeAmount.seconds(60)
    /// Connections of others that are not yet encrypted and multiplexed.
    public var upgrading = 32
    /// How long a connection may take from the socket to its muxer, dialled or accepted.
    public var upgradeTime = TimeAmount.seconds(10)
    /// How long a stream may take to agree on its protocol.
    public var negotiationTime = TimeAmount.seconds(10)
    /// How long live streams may go on after a farewell.
    public var farewellTime = TimeAmount.seconds(5)
    /// How long the second of two connections that both sides dialled at once stays.
    public var duplicateTime = TimeAmount.seconds(5)
    /// Two connections with a peer that began further apart were not dialled at once: the peer has lost the older one.
    public var duplicateAge = TimeAmount.seconds(10)
    /// Inbound streams of one protocol that one peer may have, unless the handler says otherwise.
    public var streamsPerProtocol = 8
    /// How long a ping stream may be silent.
    public var pingIdle = TimeAmount.seconds(10)
    /// The shortest time between two identify pushes of one peer that are read.
    public var pushInterval = TimeAmount.seconds(5)
    /// Whether the muxer is offered in the handshake, which saves a round trip.
    public var offersEarlyMuxer = true
    /// What identify says this program is.
    public var agentVersion = "plasmid"
    /// Web pages that may open a WebSocket here (the `Origin` header); programs send none and may always.
    public var origins: [String] = []
    /// Bounds of each connection's streams.
    var muxer = YamuxLimits()

    /// The defaults.
    public init() {}
}
