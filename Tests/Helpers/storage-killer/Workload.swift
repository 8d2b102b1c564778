import Integrity
import Storage

/// Commits in two spaces and the conductor's tables, takes batches of ops of others, several at a time, and prints each
/// acknowledgement: `A <space> <seq of the commit's last action>`, `O <space> <seq of the batch's last action>` or
/// `S <value of the setting>`.
struct Workload {
    let database: Database
    let loop: HelperLoop
    let count: Int

    func run() throws {
        var chains = [Chain(0), Chain(1)]
        // Two more that are written elsewhere, and come as ops.
        var others = [Chain(100), Chain(101)]
        for index in chains.indices {
            let space = try database.space(DnaHash(hashing: [UInt8(index)]))
            chains[index].head = try space.head(of: chains[index].author)
            others[index].head = try space.head(of: others[index].author)
        }
        var setting = try database.conductor.settings.get([1]).map { Int($0[0]) << 8 | Int($0[1]) } ?? 0
        var open = 0
        var failure: PlasmidError?
        func answered(_ result: Result<Void, PlasmidError>, _ line: String) {
            open -= 1
            if case .failure(let error) = result { failure = error } else { Killer.say(line) }
        }
        for step in 0..<count {
            let index = step % 2
            let commit = chains[index].next()
            let seq = chains[index].head?.seq ?? 0
            open += 1
            try database.space(DnaHash(hashing: [UInt8(index)])).commit(commit) { answered($0, "A \(index) \(seq)\n") }
            if step % 3 == 0 {
                let told = others[index].next()
                let seq = others[index].head?.seq ?? 0
                open += 1
                try database.space(DnaHash(hashing: [UInt8(index)])).take(Self.batch(told)) {
                    answered($0, "O \(index) \(seq)\n")
                }
            }
            if step % 5 == 0 {
                setting += 1
                let value = setting
                open += 1
                try database.conductor.settings.put([1], [UInt8(value >> 8), UInt8(value & 255)]) {
                    answered($0, "S \(value)\n")
                }
            }
            loop.run { open < 6 }
            if let failure { throw failure }
        }
        loop.run { open == 0 }
        if let failure { throw failure }
    }
}

extension Workload {
    /// All ops of what another wrote, and for each action a parked op that waits for it.
    static func batch(_ commit: SpaceCommit) -> OpBatch {
        var batch = OpBatch()
        for record in commit.records {
            let signed = record.signedAction
            for type in ChainOpType.produced(by: signed.action) {
                batch.integrated.append(
                    HeldOp(
                        signedAction: signed, actionBytes: record.actionBytes, type: type, entryBytes: record.entryBytes
                    ))
            }
            let missing = ActionHash(hashing: signed.hash.bytes)
            let waiting = Action(
                header: ActionHeader(
                    author: signed.action.author, timestamp: signed.action.timestamp,
                    actionSeq: signed.action.actionSeq &+ 1_000_000, prevAction: missing),
                data: .initZomesComplete)
            let op = ChainOp(type: .agentActivity, action: waiting, signature: signed.signature)
            batch.parked.append(
                ParkedOp(op: .chainOp(op), missing: [AnyDhtHash(missing)], since: signed.action.timestamp))
        }
        return batch
    }
}

/// A chain whose commits are of three actions: a create, a link to its entry, a create of a private entry.
struct Chain {
    let author: AgentPubKey
    var head: ChainHead?

    init(_ number: UInt8) { author = AgentPubKey(hashing: [number]) }

    /// Where every link of a chain starts.
    var base: AnyLinkableHash { AnyLinkableHash(author) }

    mutating func next() -> SpaceCommit {
        guard head != nil else {
            return SpaceCommit(author: author, records: [act(.dna(DnaHash(hashing: [0])), nil, nil)])
        }
        let note = entry("note")
        let diary = entry("diary")
        let app = EntryType.app(AppEntryDef(entryIndex: 0, zomeIndex: 0, visibility: .public))
        let secret = EntryType.app(AppEntryDef(entryIndex: 1, zomeIndex: 0, visibility: .private))
        return SpaceCommit(
            author: author,
            records: [
                act(.create(entryType: app, entryHash: note.hash), note.packed, nil),
                act(
                    .createLink(base: base, target: AnyLinkableHash(note.hash), zomeIndex: 0, linkType: 0, tag: [1]),
                    nil, nil),
                act(.create(entryType: secret, entryHash: diary.hash), nil, [1, 2, 3]),
            ])
    }

    private func entry(_ kind: String) -> Entry {
        var writer = MessagePackWriter()
        writer.writeString("\(kind) \(head?.seq ?? 0) of \(author)")
        return .app(writer.bytes)
    }

    private mutating func act(_ data: ActionData, _ entry: [UInt8]?, _ sealed: [UInt8]?) -> CommittedRecord {
        let seq = head.map { $0.seq + 1 } ?? 0
        let time = Timestamp(microseconds: 1_700_000_000_000_000 + Int64(seq))
        let action = Action(
            header: ActionHeader(author: author, timestamp: time, actionSeq: seq, prevAction: head?.hash), data: data)
        guard let signature = Signature([UInt8](repeating: 1, count: 64)) else { preconditionFailure("64 bytes") }
        let signed = SignedAction(action: action, signature: signature)
        head = ChainHead(hash: signed.hash, seq: seq, timestamp: time)
        return CommittedRecord(signedAction: signed, actionBytes: action.packed, entryBytes: entry, sealedEntry: sealed)
    }
}
