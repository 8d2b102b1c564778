import Integrity

/// A space on disk: reads see a commit as soon as it is taken, its completion comes when it is durable.
///
/// Used on the loop's thread only, as everything of ``Database``.
public final class Space: RowSpace {
    /// The DNA whose data this is.
    public let dna: DnaHash
    let environment: StoredEnvironment
    private var heads: [AgentPubKey: ChainHead] = [:]
    var next: UInt64

    init(_ dna: DnaHash, _ environment: StoredEnvironment) throws(PlasmidError) {
        self.dna = dna
        self.environment = environment
        var last: UInt64 = 0
        let overlay = environment.overlay
        try overlay.reading { () throws(PlasmidError) in
            try overlay.scan(SpaceTables.rows, RowRange(prefix: [], reverse: true)) { key, _ throws(PlasmidError) in
                guard key.count == 8 else { throw StorageFault.damaged("The last row of \(dna) is misshapen") }
                last = key.bigEndian(0)
                return false
            }
        }
        next = last + 1
        super.init(rows: overlay)
    }

    /// The same object, for those who only read.
    public var reading: any SpaceReading { self }

    override func ownHead(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        if let head = heads[author] { return head }
        let head = try super.ownHead(of: author)
        if let head { heads[author] = head }
        return head
    }

    /// Writes all of a commit, or nothing.
    ///
    /// A refusal is told at once, before this returns: `headMoved`, `commitMalformed`, `tooLarge`, `diskFull`,
    /// `storageFailed`, `storageClosed`. Otherwise the commit is visible to reads when this returns, unless it has to
    /// wait for room (then it is checked against the head when its turn comes), and `completion` is called after the
    /// sync. Failure after that is `storageFailed`: the journal is broken and the process must be restarted.
    public func commit(_ commit: SpaceCommit, completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        var derived: UInt64 = next
        environment.commit(
            StoredEnvironment.Waiting(
                prepare: { [self] () throws(PlasmidError) in
                    try checkFollows(commit, head: try ownHead(of: commit.author))
                    var deriver = RowDeriver(self, next: next)
                    try rows.reading { () throws(PlasmidError) in try deriver.derive(commit) }
                    derived = deriver.next
                    return deriver.rows
                },
                taken: { [self] in
                    next = derived
                    if let last = commit.records.last?.signedAction {
                        let header = last.action.header
                        heads[commit.author] = ChainHead(
                            hash: last.hash, seq: header.actionSeq, timestamp: header.timestamp)
                    }
                }, completion: completion))
    }
}
