import Integrity
import Keystore
import Logging
import Storage
import Validation

/// Receipts both ways, and warrants of agents here.
extension IncomingOps {
    /// Who speaks for this node: any one agent of the space does.
    private var speaker: AgentPubKey? { space.cells.keys.min() }

    // MARK: For others

    /// Of ops that are durable: signed by an agent here, each to the peer that asked for it.
    func sendReceipts(_ orders: [ReceiptOrder]) {
        guard let speaker, let network else { return }
        var lists: [(author: AgentPubKey, peer: PeerTag, receipts: [SignedReceipt])] = []
        for order in orders where space.cells[order.author] == nil {
            let validator = space.network?.keeper(of: order.location) ?? speaker
            let receipt = ValidationReceipt(
                op: order.op, status: order.status, validator: validator, whenIntegrated: now)
            do throws(PlasmidError) {
                let signature = try conductor.keystore.sign(receipt.signedBytes, by: validator)
                let signed = SignedReceipt(receipt: receipt, signature: signature)
                if let index = lists.firstIndex(where: { $0.author == order.author && $0.peer == order.peer }) {
                    lists[index].receipts.append(signed)
                } else {
                    lists.append((order.author, order.peer, [signed]))
                }
            } catch {
                trouble(error)
            }
        }
        for list in lists { network.send(list.receipts, to: list.author, over: list.peer) }
    }

    /// Signs a charge, keeps it and lets others have it.
    func make(_ charge: Charge) {
        guard let author = speaker, charge.warrantee != author else { return }
        let (warrant, evidence) = charge.warrant(by: author, now: now)
        do throws(PlasmidError) {
            let signature = try conductor.keystore.sign(warrant.signedBytes, by: author)
            let signed = SignedWarrant(warrant: warrant, signature: signature, evidence: evidence)
            perform(pipeline.charged(signed, held: held, now: now))
        } catch {
            trouble(error)
        }
    }

    // MARK: For the agents here

    /// Ops that an agent here has committed are on their way to their holders: receipts for them are waited for.
    func published(_ ops: [ChainOp]) {
        for op in ops {
            let bytes = op.action.packed
            let action = ActionHash(hashing: bytes)
            guard let location = op.type.basis(of: op.action, hash: action)?.location else { continue }
            let hash = bytes.withUnsafeBytes { op.type.hash(actionBytes: $0) }
            receiptBook.expect(
                hash, action: action, type: op.type, author: op.action.author, location: location,
                required: required(op.action), known: (try? space.store.receipts(of: hash)) ?? [])
        }
    }

    /// How many validators the app wants for an action's ops: what its entry type says, else five.
    func required(_ action: Action) -> Int {
        guard case .app(let app)? = action.entryType, let type = space.definition.entryType(app) else { return 5 }
        return Int(type.requiredValidations)
    }

    /// Receipts came. Each is verified before it counts: that its validator signed it, that the op is one that was published here, and that the
    /// validator can be a holder of it, as far as `isAuthority` can tell.
    func take(
        receipts: [SignedReceipt], from peer: PeerTag,
        isAuthority: @escaping (AgentPubKey, UInt32) -> Bool = { _, _ in true }
    ) {
        // One that comes when there are enough is no fault: holders do not know of each other. Nor is one of somebody who holds the op's
        // location no more, or of whose arc nothing was heard: it only does not count.
        let wanted = receipts.filter { signed in
            guard receiptBook.isWanted(signed.receipt), let tally = receiptBook.tally(of: signed.receipt.op) else {
                return false
            }
            return isAuthority(signed.receipt.validator, tally.location)
        }
        if wanted.isEmpty { return }
        elsewhere({ wanted.map(\.hasTrueSignature) }) { incoming, isTrue in
            var good: [SignedReceipt] = []
            for (signed, isTrue) in zip(wanted, isTrue) {
                if isTrue { good.append(signed) } else { incoming.network?.fault(peer, .badReceipt) }
            }
            let answer = incoming.receiptBook.count(good) { _, _ in true }
            incoming.keep(answer)
        }
    }

    private func keep(_ answer: ReceiptBook.Answer) {
        if answer.new.isEmpty { return }
        let counted = answer.new.compactMap { signed -> (op: DhtOpHash, location: UInt32, by: AgentPubKey)? in
            // Who rejects it does not hold it for others: publishing goes on.
            guard signed.receipt.status == .valid else { return nil }
            let op = signed.receipt.op
            let tally = receiptBook.tally(of: op) ?? answer.complete.first { $0.op == op }?.tally
            return tally.map { (op, $0.location, signed.receipt.validator) }
        }
        if !counted.isEmpty { network?.acknowledged(counted) }
        var batch = OpBatch()
        batch.receipts = answer.new
        batch.publishing = answer.complete.map { PublishMark(action: $0.tally.action, type: $0.tally.type) }
        space.store.take(batch) { [self] result in
            if case .failure(let error) = result { trouble(error) }
        }
    }
}
