import Gossip
import Integrity

// What operators see of the network: plain values, which the network fills and `plasmid admin` shows (docs/api.md).

/// An agent of a space, as a node of this conductor knows it.
public struct PeerView: Sendable, Hashable {
    /// Who.
    public var agent: AgentPubKey
    /// The libp2p peer id under which its conductor answers in this space, as text.
    public var peerID: String
    /// Where it can be dialled: multiaddrs as text, best first.
    public var addresses: [String]
    /// The locations whose ops it keeps.
    public var arc: Arc
    /// When what it says of itself ends to hold.
    public var expiresAt: Timestamp
    /// The connection to it; nil without one.
    public var connection: ConnectionView?
    /// How well it has behaved: 0 is neutral, less is worse.
    public var score: Int

    /// A view from its parts.
    public init(
        agent: AgentPubKey, peerID: String, addresses: [String], arc: Arc, expiresAt: Timestamp,
        connection: ConnectionView? = nil, score: Int = 0
    ) {
        self.agent = agent
        self.peerID = peerID
        self.addresses = addresses
        self.arc = arc
        self.expiresAt = expiresAt
        self.connection = connection
        self.score = score
    }
}

/// A connection to a peer.
public struct ConnectionView: Sendable, Hashable {
    /// The address at the other end, as a multiaddr.
    public var address: String
    /// Since when.
    public var since: Timestamp
    /// Whether this side dialled.
    public var isDialer: Bool
    /// Whether it goes through a relay.
    public var isRelayed: Bool
    /// The last measured time there and back, in microseconds; nil before one was.
    public var roundTripMicroseconds: UInt64?

    /// A view from its parts.
    public init(
        address: String, since: Timestamp, isDialer: Bool, isRelayed: Bool, roundTripMicroseconds: UInt64? = nil
    ) {
        self.address = address
        self.since = since
        self.isDialer = isDialer
        self.isRelayed = isRelayed
        self.roundTripMicroseconds = roundTripMicroseconds
    }
}

/// What was reconciled with a peer that is connected.
public struct SyncView: Sendable, Hashable {
    /// The first of its agents; nil while none is known.
    public var agent: AgentPubKey?
    /// Its libp2p peer id in this space, as text.
    public var peerID: String
    /// Whether a round that this side began is under way.
    public var isRunning: Bool
    /// Rounds that this side began and that came to their end, since the connection began.
    public var rounds: Int
    /// When the last of them did.
    public var endedAt: Timestamp?
    /// Ops that came from it since the connection began.
    public var opsIn: Int
    /// Ops that went to it.
    public var opsOut: Int

    /// A view from its parts.
    public init(
        agent: AgentPubKey?, peerID: String, isRunning: Bool, rounds: Int, endedAt: Timestamp?, opsIn: Int, opsOut: Int
    ) {
        self.agent = agent
        self.peerID = peerID
        self.isRunning = isRunning
        self.rounds = rounds
        self.endedAt = endedAt
        self.opsIn = opsIn
        self.opsOut = opsOut
    }
}

/// The others of a space, in numbers.
public struct NetworkFigures: Sendable, Hashable {
    /// Agents elsewhere that are known.
    public var peers: Int
    /// Those of them whose conductors are connected.
    public var connected: Int
    /// What each agent who is here keeps.
    public var arcs: [AgentPubKey: Arc]
    /// Ops that this node holds, own ones included.
    public var heldOps: Int
    /// Signals that peers were too slow to be sent, since the start.
    public var signalsLeftOut: UInt64

    /// Figures from their parts.
    public init(peers: Int, connected: Int, arcs: [AgentPubKey: Arc], heldOps: Int, signalsLeftOut: UInt64 = 0) {
        self.peers = peers
        self.connected = connected
        self.arcs = arcs
        self.heldOps = heldOps
        self.signalsLeftOut = signalsLeftOut
    }
}
