import Gossip
import Integrity
import Validation

/// What a node wants of the world, and what the world shall know of it, gathered while it handles one event.
struct SimOut {
    var sends: [(message: SimMessage, to: Int)] = []
    var batches: [(batch: SettledOps, node: Int)] = []
    var records: [(records: [Record], isAcknowledged: Bool)] = []
    var blocked: [(agent: AgentPubKey, by: Int)] = []
    var droppedPeers: Set<Int> = []
    var troubles: [PlasmidError] = []
    var refusedWrites = 0
    var dropped = 0
    var rounds = 0
    var roundBytes = 0
    /// Whether the node asks the bootstrap for others.
    var polls = false

    mutating func send(_ message: SimMessage, to node: Int) { sends.append((message, node)) }
    mutating func stored(_ batch: SettledOps, _ node: Int) { batches.append((batch, node)) }
    mutating func made(_ records: [Record], isAcknowledged: Bool) { self.records.append((records, isAcknowledged)) }
}
