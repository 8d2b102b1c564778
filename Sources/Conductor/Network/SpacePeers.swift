import Gossip
import Integrity

/// The members of a space who are not on this conductor, as its cells and its operator see them. On the conductor's loop.
protocol SpacePeers: AnyObject {
    /// Passes a signal on to an agent who is not here. Returns at once; who cannot be reached now never hears it.
    func signal(_ signal: DirectSignal)
    /// What the agents who are here have announced to keep.
    var announcedArcs: [AgentPubKey: Arc] { get }
    /// Ops that this node holds, own ones included.
    var heldOps: Int { get }
    /// Signals that peers were too slow to be sent, since the start.
    var signalsLeftOut: UInt64 { get }
    /// The agents elsewhere that are known, in any order.
    func peerViews() -> [PeerView]
    /// What was reconciled with each peer that is connected, in any order.
    func syncViews() -> [SyncView]
}
