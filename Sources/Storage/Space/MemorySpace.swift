import Integrity

/// A space that lives in memory alone: the same rows, the same answers, nothing durable. For the simulator and for tests.
public final class MemorySpace: RowSpace {
    private let memory = MemoryRows()
    var next: UInt64 = 1

    /// An empty space.
    public init() {
        super.init(rows: memory)
    }

    /// Writes all of a commit, or nothing.
    /// - Throws: `headMoved` where it does not follow the author's head, `commitMalformed` where it mixes authors.
    public func commit(_ commit: SpaceCommit) throws(PlasmidError) {
        try checkFollows(commit, head: try ownHead(of: commit.author))
        var deriver = RowDeriver(self, next: next)
        try deriver.derive(commit)
        for row in deriver.rows { put(row) }
        next = deriver.next
    }

    func put(_ row: RowDeriver.Row) { memory.put(row.table, row.key, row.value) }
}

extension RowSpace {
    /// Refuses a commit that does not follow `head`. Nothing else about its validity is asked here.
    func checkFollows(_ commit: SpaceCommit, head: ChainHead?) throws(PlasmidError) {
        var hash = head?.hash
        var seq = head.map { UInt64($0.seq) + 1 } ?? 0
        for record in commit.records {
            let header = record.signedAction.action.header
            guard header.author == commit.author else {
                throw PlasmidError(
                    .commitMalformed, "A commit of \(commit.author) holds an action of \(header.author)")
            }
            guard header.prevAction == hash, UInt64(header.actionSeq) == seq else {
                let place = head.map { "\($0.seq)" } ?? "empty"
                throw PlasmidError(
                    .headMoved,
                    "Action \(header.actionSeq) of \(commit.author) does not follow the chain's head (\(place))",
                    hint: "Read the head again and repeat the call")
            }
            hash = record.signedAction.hash
            seq += 1
        }
    }
}
