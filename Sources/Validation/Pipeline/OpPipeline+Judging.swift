import Integrity

/// From a checked op to its verdict, and from the verdict to what is stored.
extension OpPipeline {
    /// Judges an item as far as it can be now.
    mutating func judge(
        _ hash: DhtOpHash, _ held: some PipelineReads, _ now: Timestamp, _ requests: inout [JudgeRequest]
    ) {
        guard let item = items[hash], case .waiting = item.step else { return }
        do throws(PlasmidError) {
            switch item.content {
            case .op(let op): try judge(op, hash, held, now, &requests)
            case .warrant(let signed, let evidence):
                try judge(signed, evidence, hash, held, now, &requests)
            case .charge(let charge): try judge(charge, hash, held, now)
            }
        } catch {
            // No verdict: it is tried again.
            effects.append(.trouble(error))
            setAside(hash, now)
        }
    }

    private mutating func judge(
        _ op: CheckedOp, _ hash: DhtOpHash, _ held: some PipelineReads, _ now: Timestamp,
        _ requests: inout [JudgeRequest]
    ) throws(PlasmidError) {
        let origin = try origins.origin(
            of: op.signedAction.hash, op.action, dna: system.dnaHash, reads: StagedReads(staged, over: held))
        guard origin != .elsewhere else { return letGo(foreign: op, hash) }
        switch try rules(op, held) {
        case .rejected(let violation): settle(hash, op, broken: violation.description, now)
        case .missing(let missing): wait(hash, for: missing, now)
        case .valid:
            guard asksModules else { return try settle(hash, op, held, now) }
            ask(hash, op, &requests)
        }
    }

    /// An op of a chain of another space is none of this one: it is neither valid nor rejected here, and nobody is blamed. Who sent it may
    /// not have seen the chain.
    private mutating func letGo(foreign op: CheckedOp, _ hash: DhtOpHash) {
        counts.foreign += 1
        drop(hash, items[hash]?.source, .foreign)
        effects.append(.refused(hash, location: op.location))
        if items[hash]?.isParked == true { batch.settled.append(hash) }
        remove(hash)
    }

    /// System rules, then declarative ones.
    func rules(_ op: CheckedOp, _ held: some PipelineReads) throws(PlasmidError) -> Verdict {
        let reads = StagedReads(staged, over: held)
        let chainOp = op.chainOp
        let verdict = try system.check(op: chainOp, hash: op.signedAction.hash, reads: reads)
        guard verdict == .valid, !declared.isEmpty else { return verdict }
        return try declared.check(op: chainOp, reads: reads, memory: uniqueMemory)
    }

    mutating func wait(_ hash: DhtOpHash, for missing: [AnyDhtHash], _ now: Timestamp) {
        guard let item = items[hash] else { return }
        // What is missing first may be on its way by itself. What is missing after something came is deeper, and is asked for at once: a chain
        // is as long to walk as its questions take.
        let patience = item.isWaiting ? 0 : limits.patience
        if !item.isWaiting {
            guard load.hasRoom(forWaiting: item.author, limits) else {
                drop(hash, item.source, .noRoom)
                remove(hash)
                return
            }
            load.addWaiting(item.author)
            items[hash]?.isWaiting = true
            let review =
                item.isParked
                ? item.since.advanced(byMicroseconds: limits.abandonAfter)
                : now.advanced(byMicroseconds: limits.parkAfter)
            later.append((review, hash))
        }
        items[hash]?.step = .waiting(missing)
        waits.wait(hash, by: item.author, for: missing, patience: patience, now: now, limits)
    }

    /// To be tried again after a while, for a reason that is not the op's.
    mutating func setAside(_ hash: DhtOpHash, _ now: Timestamp) {
        waits.leave(hash)
        items[hash]?.step = .waiting([])
        later.append((now.advanced(byMicroseconds: limits.firstRetry), hash))
    }

    // MARK: Verdicts

    mutating func settle(
        _ hash: DhtOpHash, _ op: CheckedOp, _ held: some PipelineReads, _ now: Timestamp
    ) throws(PlasmidError) {
        if op.type == .agentActivity { try lookForForks(op, held, now) }
        batch.integrated.append(op)
        counts.integrated += 1
        beginStoring(hash)
        try remember(op, held)
    }

    mutating func settle(_ hash: DhtOpHash, _ op: CheckedOp, broken reason: String, _ now: Timestamp) {
        batch.rejected.append((op, reason))
        counts.rejected += 1
        beginStoring(hash)
        charge(.invalid(op, reason: reason), op.signedAction.hash, now)
    }

    mutating func beginStoring(_ hash: DhtOpHash) {
        waits.leave(hash)
        if items[hash]?.isParked == true { batch.settled.append(hash) }
        items[hash]?.step = .storing
    }

    /// Keeps what an author's unique fields take, so that the next op of the chain need not read it from its beginning.
    private mutating func remember(_ op: CheckedOp, _ held: some PipelineReads) throws(PlasmidError) {
        guard declared.needsChain, op.type == .createRecord || op.type == .createEntry else { return }
        if uniqueAuthors.count >= 256, !uniqueAuthors.contains(op.action.author) {
            uniqueMemory = UniqueMemory()
            uniqueAuthors = []
        }
        uniqueAuthors.insert(op.action.author)
        try declared.settle(
            uniqueMemory, author: op.action.author, head: op.signedAction.hash,
            reads: StagedReads(staged, over: held))
    }

    /// A batch is durable: only now anybody else hears of it.
    /// - Parameter refused: what of it the storage will not hold, and why: it has no verdict, and is shown as such.
    public mutating func stored(
        _ id: UInt64, refused: [DhtOpHash: PlasmidError] = [:], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            guard let whole = pipeline.storing.removeValue(forKey: id) else { return }
            for op in whole.integrated where refused[op.hash] != nil { pipeline.forgetStep(op) }
            for (hash, error) in refused.sorted(by: { $0.key < $1.key }) {
                pipeline.items[hash]?.step = .unvalidatable(error.code, error.message)
                pipeline.counts.unvalidatable += 1
            }
            let done = whole.without(refused)
            var orders: [ReceiptOrder] = []
            for op in done.integrated {
                pipeline.forgetStep(op)
                pipeline.order(op, .valid, &orders)
            }
            for (op, _) in done.rejected { pipeline.order(op, .rejected, &orders) }
            var held = done.integrated.map { (location: $0.location, hash: $0.hash) }
            for (signed, status) in done.warrants {
                let hash = signed.warrant.hash
                if status == .valid { held.append((signed.warrant.warrantee.location, hash)) }
                pipeline.remove(hash)
            }
            for record in done.cached { pipeline.staged.release(record.signedAction, record.entry.entry) }
            if !held.isEmpty { pipeline.effects.append(.integrated(held)) }
            if !orders.isEmpty { pipeline.effects.append(.receipts(orders)) }
        }
    }

    private mutating func forgetStep(_ op: CheckedOp) {
        guard op.type == .agentActivity else { return }
        let place = ChainPlace(author: op.action.author, seq: op.action.actionSeq)
        unstored[place]?.removeAll { $0.hash == op.signedAction.hash }
        if unstored[place]?.isEmpty == true { unstored[place] = nil }
    }

    private mutating func order(_ op: CheckedOp, _ status: ValidationStatus, _ orders: inout [ReceiptOrder]) {
        for peer in (items[op.hash]?.wishes ?? []).sorted() {
            orders.append(
                ReceiptOrder(
                    op: op.hash, location: op.location, status: status, author: op.action.author, peer: peer))
        }
        remove(op.hash)
    }

    /// A batch could not be stored: its ops are judged again after a while.
    public mutating func storeFailed(
        _ id: UInt64, held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            guard let failed = pipeline.storing.removeValue(forKey: id) else { return }
            for op in failed.integrated { pipeline.forgetStep(op) }
            let hashes =
                failed.integrated.map(\.hash) + failed.rejected.map(\.op.hash)
                + failed.warrants.map(\.signed.warrant.hash)
            for hash in hashes { pipeline.setAside(hash, now) }
            for (_, hash, _, _) in failed.parked { pipeline.items[hash]?.isParked = false }
            for record in failed.cached { pipeline.staged.release(record.signedAction, record.entry.entry) }
        }
    }
}
