import Gossip
import Integrity
import Validation

/// What is true in a simulation, whatever nodes believe.
struct SimTruth {
    /// Every op that an agent really made, and whether the rules allow it, judged with everything at hand.
    var ops: [DhtOpHash: Bool] = [:]
    /// Ops whose author was told that they are written, with when.
    var acknowledged: [(key: OpKey, author: Int, at: Int64)] = []
    /// The first verdict of each op, and whose it was.
    var verdicts: [DhtOpHash: (isValid: Bool, node: Int)] = [:]
    /// Who was refused by somebody.
    var blocked: Set<AgentPubKey> = []
    /// Everything that was ever written, to judge by.
    let held = SimStore()
    /// Some notes of late, to link to.
    var recent: [ActionHash] = []
}

// The invariants.
extension SimWorld {
    /// Notes what a node did, and holds it against what must never be.
    func note(_ out: SimOut) {
        for (records, isAcknowledged) in out.records { made(records, isAcknowledged) }
        for (batch, node) in out.batches { check(batch, by: node) }
        for (agent, by) in out.blocked {
            guard nodes[by].malice == nil else { continue }
            truth.blocked.insert(agent)
            if let accused = nodes.first(where: { $0.agent.key == agent }), accused.malice == nil {
                report.violated("node \(by) refuses honest node \(accused.number)")
            }
        }
        for trouble in out.troubles { report.violated("a core failed: \(trouble)") }
        if out.refusedWrites > 0 { report.violated("an honest write was refused") }
        report.rounds += out.rounds
        report.roundBytes += out.roundBytes
    }

    /// Notes records that were made; each op gets the verdict that all nodes must come to.
    func made(_ records: [Record], _ isAcknowledged: Bool) {
        let ops = truth.held.commit(records)
        let author = nodes.firstIndex { $0.agent.key == records.first?.action.author } ?? 0
        for (key, op) in ops {
            let verdict = try? dna.system.check(op: op, reads: truth.held)
            truth.ops[key.hash] = verdict == .valid
            if isAcknowledged {
                if verdict != .valid { report.violated("an acknowledged write breaks a rule") }
                truth.acknowledged.append((key, author, time))
            }
        }
        if let last = records.last(where: { $0.action.entryType == dna.note }) {
            truth.recent.append(last.hash)
            if truth.recent.count > 50 { truth.recent.removeFirst() }
        }
    }

    private func check(_ batch: SettledOps, by number: Int) {
        report.integrated += batch.integrated.count
        report.rejected += batch.rejected.count
        guard nodes[number].malice == nil else { return }
        for op in batch.integrated { verdict(op.hash, isValid: true, number) }
        for (op, _) in batch.rejected { verdict(op.hash, isValid: false, number) }
        for (signed, status) in batch.warrants where status == .valid {
            let accused = nodes.first { $0.agent.key == signed.warrant.warrantee }
            if accused?.malice == nil { report.violated("node \(number) believes a false warrant") }
        }
    }

    private func verdict(_ hash: DhtOpHash, isValid: Bool, _ number: Int) {
        guard let truth = truth.ops[hash] else {
            return report.violated("node \(number) took in op \(hash), which nobody made")
        }
        if truth != isValid {
            report.violated("node \(number) found op \(hash) \(isValid ? "valid" : "invalid"), which it is not")
        }
        if let first = self.truth.verdicts[hash], first.isValid != isValid {
            report.violated("nodes \(first.node) and \(number) disagree on op \(hash)")
        }
        self.truth.verdicts[hash] = (isValid, number)
    }

    /// No private entry leaves an honest node.
    func checkSent(_ message: SimMessage, by number: Int) {
        guard nodes[number].malice == nil else { return }
        let leaks: Bool
        switch message {
        case .ops(let ops, _): leaks = ops.contains { $0.hasPrivateEntry }
        case .records(let records):
            leaks = records.contains { $0.action.entryType?.visibility == .private && $0.entry.entry != nil }
        default: leaks = false
        }
        if leaks { report.violated("node \(number) sent a private entry") }
    }

    /// Receipts that authors count were really signed by whom they name.
    func checkReceipts() {
        let agents = Dictionary(nodes.map { ($0.agent.key, $0.agent) }, uniquingKeysWith: { first, _ in first })
        for node in nodes where node.malice == nil {
            for (key, state) in node.store.publishing.sorted(by: { $0.key < $1.key }) {
                let hash = key.hash
                for signer in state.signers where agents[signer]?.receiptsSigned.contains(hash) != true {
                    report.violated("node \(node.number) counts a receipt that was never signed")
                }
            }
        }
    }

    // MARK: Holders

    func measure() {
        var measure = SimMeasure()
        measure.second = Int(time / 1_000_000)
        let up = nodes.filter { $0.isUp && $0.malice == nil }
        measure.up = up.count
        let kept = up.map { ($0, $0.plan.kept) }
        var sum = 0
        measure.leastHolders = .max
        for (key, _, at) in truth.acknowledged where at < time - 60_000_000 {
            let holders = kept.count { $0.1.contains(key.location) && $0.0.store.holds(key) }
            measure.ops += 1
            sum += holders
            measure.leastHolders = min(measure.leastHolders, holders)
            measure.mostHolders = max(measure.mostHolders, holders)
        }
        if measure.ops > 0 {
            measure.meanHolders = Double(sum) / Double(measure.ops)
            let loads = up.map { Double($0.store.index.count) }
            let mean = loads.reduce(0, +) / Double(max(1, loads.count))
            measure.mostLoad = mean > 0 ? (loads.max() ?? 0) / mean : 0
            report.measures.append(measure)
        }
        if time > Int64(settings.seconds) * 1_000_000 { checkConvergence(isLast: false) }
    }

    /// Every acknowledged op is held by every honest node that announced its location, and by enough of them.
    func checkConvergence(isLast: Bool) {
        let honest = nodes.filter { $0.malice == nil }
        guard honest.allSatisfy(\.isUp) else {
            if isLast { report.violated("a node never came back") }
            return
        }
        let wanted = min(honest.count, 15)
        for (key, author, _) in truth.acknowledged where !truth.blocked.contains(nodes[author].agent.key) {
            let holders = honest.filter { $0.plan.announced.contains(key.location) }
            let lacking = holders.filter { !$0.store.holds(key) }
            guard !lacking.isEmpty || holders.count < wanted else { continue }
            if isLast {
                let step =
                    lacking.first.map { "\($0.pipeline.step(of: key.hash).map { "\($0)" } ?? "not seen")" } ?? "-"
                report.violated(
                    "op \(key.hash) of node \(author) is held by \(holders.count - lacking.count) of \(holders.count) nodes; node "
                        + "\(lacking.first?.number ?? -1): \(step)")
            }
            return
        }
        report.convergedAfter = Int((time - Int64(settings.seconds) * 1_000_000) / 1_000_000)
    }
}
