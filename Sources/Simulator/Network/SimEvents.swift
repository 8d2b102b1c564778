import Gossip
import Integrity

/// What nodes send to each other in a simulation.
enum SimMessage: Sendable {
    /// "I am here": my record; the other side answers with its own.
    case hello(AgentRecord, isAnswer: Bool)
    /// Records of agents.
    case agents([AgentRecord])
    /// "Send me all records that you have."
    case askAgents
    case ops([DhtOp], receiptsWanted: Bool)
    case round(UInt64, byBeginner: Bool, ReconcileMessage)
    case receipts([SignedReceipt])
    case fetch([AnyDhtHash])
    case records([Record])
}

/// What happens at a point of virtual time.
enum SimEvent: Sendable {
    case deliver(SimMessage, from: Int, to: Int)
    /// A node's own timer; the life says in which of its lives it was set.
    case tick(Int, life: Int)
    case write(Int)
    case crash(Int)
    case start(Int)
    /// `node` notices that its connection to `other` is gone.
    case lost(node: Int, other: Int)
    case part([Bool])
    case heal
    case measure
    case faultsEnd
}

/// Events in the order of their time; of one time in the order in which they were added.
struct SimQueue {
    private var heap: [(at: Int64, number: UInt64, event: SimEvent)] = []
    private var lastNumber: UInt64 = 0

    var count: Int { heap.count }

    mutating func add(_ event: SimEvent, at: Int64) {
        lastNumber += 1
        heap.append((at, lastNumber, event))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Int64, event: SimEvent)? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return (last.at, last.event) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return (first.at, first.event) }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        heap[left].at != heap[right].at ? heap[left].at < heap[right].at : heap[left].number < heap[right].number
    }
}
