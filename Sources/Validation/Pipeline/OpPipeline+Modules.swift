import Integrity

/// What is known of an op's judgement by modules.
struct JudgeState: Hashable, Sendable {
    /// Runs that gave no verdict.
    var failures = 0
    /// What a validator said against it, and how many fresh processes agree.
    var reason: String?
    var agreeing = 0
}

/// The modules' part. Their code is native and may decide by what it should not look at, therefore: what traps or takes too long is no
/// verdict, and what one process rejects must be rejected by two that were started for it.
extension OpPipeline {
    mutating func ask(_ ticket: DhtOpHash, _ op: CheckedOp, _ requests: inout [JudgeRequest]) {
        waits.leave(ticket)
        items[ticket]?.step = .judging
        items[ticket]?.judging = JudgeState()
        requests.append(JudgeRequest(ticket: ticket, op: op, run: .shared))
    }

    /// The modules have spoken.
    public mutating func judged(
        _ answers: [(ticket: DhtOpHash, outcome: JudgeOutcome)], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            var again: [JudgeRequest] = []
            for (ticket, outcome) in answers {
                guard let item = pipeline.items[ticket], item.step == .judging, let op = item.judged else { continue }
                do throws(PlasmidError) {
                    try pipeline.take(outcome, ticket, op, held, now, &again)
                } catch {
                    pipeline.effects.append(.trouble(error))
                    pipeline.setAside(ticket, now)
                }
            }
            if !again.isEmpty { pipeline.effects.append(.judge(again)) }
        }
    }

    private mutating func take(
        _ outcome: JudgeOutcome, _ ticket: DhtOpHash, _ op: CheckedOp, _ held: some PipelineReads, _ now: Timestamp,
        _ again: inout [JudgeRequest]
    ) throws(PlasmidError) {
        guard var state = items[ticket]?.judging else { return }
        switch outcome {
        case .failed(let words):
            state.failures += 1
            if state.failures >= 2 { return quarantine(ticket, .unvalidatable, words) }
        case .valid:
            if state.reason != nil { return disagree(ticket, state) }
            return try moduleVerdict(ticket, op, reason: nil, held, now)
        case .unresolved(let missing):
            if state.reason != nil { return disagree(ticket, state) }
            return try lacks(missing, ticket, held, now)
        case .invalid(let reason):
            if state.reason == nil {
                state.reason = reason
            } else {
                state.agreeing += 1
            }
            if state.agreeing >= 2 {
                return try moduleVerdict(ticket, op, reason: state.reason, held, now)
            }
        }
        items[ticket]?.judging = state
        again.append(JudgeRequest(ticket: ticket, op: op, run: .fresh))
    }

    /// A validator lacks something. What has come meanwhile is a reason to ask it again, once; after that it can only be the entry of the record
    /// that it names.
    private mutating func lacks(
        _ missing: [AnyDhtHash], _ ticket: DhtOpHash, _ held: some PipelineReads, _ now: Timestamp
    ) throws(PlasmidError) {
        let reads = StagedReads(staged, over: held)
        var absent: [AnyDhtHash] = []
        var entries: [AnyDhtHash] = []
        for hash in missing {
            if let address = hash.action {
                let action = try reads.action(address)
                if action == nil { absent.append(hash) }
                if action?.entryType?.visibility == .public, let entry = action?.entryHash,
                    try reads.kind(of: entry) == nil
                {
                    entries.append(.entry(entry))
                }
            } else if let address = hash.entry, try reads.kind(of: address) == nil {
                absent.append(hash)
            }
        }
        let isNew = items[ticket]?.lacked != missing
        items[ticket]?.lacked = missing
        items[ticket]?.step = .waiting(missing)
        if absent.isEmpty, !isNew { absent = entries }
        if !absent.isEmpty { return wait(ticket, for: absent, now) }
        if isNew, !missing.isEmpty { return work.append(ticket) }
        setAside(ticket, now)
    }

    private mutating func moduleVerdict(
        _ ticket: DhtOpHash, _ op: CheckedOp, reason: String?, _ held: some PipelineReads, _ now: Timestamp
    ) throws(PlasmidError) {
        switch items[ticket]?.content {
        case .op:
            if let reason {
                settle(ticket, op, broken: reason, now)
            } else {
                try settle(ticket, op, held, now)
            }
        case .warrant(let signed, _): settle(ticket, signed, holds: reason != nil, now)
        case .charge, nil: break
        }
    }

    private mutating func disagree(_ ticket: DhtOpHash, _ state: JudgeState) {
        let words = "two runs of the validator disagree; one said: \(state.reason ?? "")"
        quarantine(ticket, .validatorNotDeterministic, words)
    }

    /// No verdict and no warrant. It stays parked, to be tried again after a restart or with other modules.
    private mutating func quarantine(_ ticket: DhtOpHash, _ code: PlasmidError.Code, _ words: String) {
        counts.unvalidatable += 1
        guard let item = items[ticket] else { return }
        if !item.isParked, let op = item.dhtOp {
            batch.parked.append((op, ticket, [], item.since))
            items[ticket]?.isParked = true
        }
        if !item.isWaiting {
            // Nothing is done for it until something else comes: it keeps nobody busy.
            load.addWaiting(item.author)
            items[ticket]?.isWaiting = true
        }
        items[ticket]?.step = .unvalidatable(code, words)
    }

    /// Other modules are there: what had no verdict is judged anew.
    public mutating func modulesChanged(held: some PipelineReads, now: Timestamp) -> [PipelineEffect] {
        event(held, now) { pipeline in
            for (hash, item) in pipeline.items.sorted(by: { $0.key < $1.key }) {
                guard case .unvalidatable = item.step else { continue }
                pipeline.items[hash]?.step = .waiting([])
                pipeline.work.append(hash)
            }
        }
    }
}

extension OpPipeline.Item {
    /// The op that modules judge for this item.
    var judged: CheckedOp? {
        switch content {
        case .op(let op): op
        case .warrant(_, let evidence): evidence
        case .charge: nil
        }
    }
}
