import Gossip
import Integrity
import Validation

// What malicious nodes do when it is their turn to write.
extension SimWorld {
    /// Does what is wrong with a node; false when it writes like everybody else this time.
    func misbehave(_ node: SimNode, _ out: inout SimOut) -> Bool {
        switch node.malice {
        case .invalid: writeInvalid(node, &out)
        case .forker: fork(node, &out)
        case .forger: forge(node, &out)
        case .dropper, .liar, nil: return false
        }
        return true
    }

    private func holders(_ node: SimNode, _ location: UInt32) -> [Int] {
        let now = node.clock(time)
        return node.table.peers(of: node.table.holders(of: location, now: now)).map { Self.number($0.bytes) }
    }

    private func push(_ records: [Record], _ node: SimNode, _ out: inout SimOut) {
        out.made(records, isAcknowledged: false)
        for record in records {
            for op in ChainOp.ops(for: record) {
                guard let location = op.basis?.location else { continue }
                for holder in holders(node, location) {
                    out.send(.ops([.chainOp(op)], receiptsWanted: true), to: holder)
                }
            }
        }
    }

    /// A note that is too long, at the end of the chain; its own node takes it for valid.
    private func writeInvalid(_ node: SimNode, _ out: inout SimOut) {
        var draft = SimScratch(node.agent.scratch, dna, now: node.clock(time), node.store)
        draft.note(node.random.bytes(SimDna.noteBytes + 100))
        let records = node.agent.signed(&draft.scratch)
        node.agent.adopt(draft.scratch, records)
        _ = node.store.commit(records)
        push(records, node, &out)
    }

    /// Two notes behind the same action.
    private func fork(_ node: SimNode, _ out: inout SimOut) {
        for isKept in [false, true] {
            var draft = SimScratch(node.agent.scratch, dna, now: node.clock(time), node.store)
            draft.note(node.random.bytes(20))
            let records = node.agent.signed(&draft.scratch)
            if isKept { node.agent.adopt(draft.scratch, records) }
            _ = node.store.commit(records)
            push(records, node, &out)
        }
    }

    /// Ops with other people's names and no good signature, receipts that others did not sign, warrants without a deed.
    private func forge(_ node: SimNode, _ out: inout SimOut) {
        guard
            let victim = nodes.filter({ $0.malice == nil && $0.agent.records.count > 3 }).randomElement(using: &random),
            let record = victim.agent.records.last, let first = victim.agent.records.first
        else { return }
        let now = node.clock(time)
        var action = record.action
        action.header.timestamp = action.header.timestamp.advanced(byMicroseconds: 5)
        let forged = ChainOp(
            type: .agentActivity, action: action, signature: node.agent.sign(action.packed), entry: .actionOnly)
        let signed = record.signedAction
        let twice = WarrantedAction(signed)
        let fork = Warrant(
            proof: .chainFork(author: victim.agent.key, first: twice, second: twice, seq: signed.action.actionSeq),
            author: node.agent.key, timestamp: now, warrantee: victim.agent.key)
        let valid = ChainOp(
            type: .agentActivity, action: first.action, signature: first.signedAction.signature, entry: .actionOnly)
        let groundless = Warrant(
            proof: .invalidChainOp(
                author: victim.agent.key, action: WarrantedAction(first.signedAction), type: .agentActivity,
                reason: "no"),
            author: node.agent.key, timestamp: now, warrantee: victim.agent.key)
        let warrants = [
            SignedWarrant(
                warrant: fork, signature: node.agent.sign(fork.signedBytes), evidence: .actions(signed, signed)),
            SignedWarrant(
                warrant: groundless, signature: node.agent.sign(groundless.signedBytes), evidence: .op(valid)),
        ]
        for holder in holders(node, victim.agent.key.location) {
            out.send(.ops([.chainOp(forged)] + warrants.map { .warrant($0) }, receiptsWanted: false), to: holder)
        }
        let others = nodes.filter { $0.number != victim.number && $0.number != node.number }
        if let op = ChainOp.ops(for: record).first, let other = others.randomElement(using: &random) {
            let receipt = ValidationReceipt(
                op: op.hash, status: .valid, validator: other.agent.key, whenIntegrated: now)
            let untrue = SignedReceipt(receipt: receipt, signature: node.agent.sign(receipt.signedBytes))
            out.send(.receipts([untrue]), to: victim.number)
        }
    }
}
