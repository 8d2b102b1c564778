import Gossip
import Integrity
import Logging
import NIOCore
import Storage
import Transport

/// Own ops on their way to their holders, until enough of them have signed for it (docs/spec/gossip.md).
extension SpaceNetwork {
    /// Own ops that are on their way at a time; what is beyond waits in storage.
    private static var publishingMaximum: Int { 20_000 }
    /// Own ops that are read from storage at once.
    private static var publishingPage: Int { 2_000 }

    /// Sends new ops of an agent here.
    func publish(_ ops: [ChainOp], _ held: [NewlyHeld]) {
        // Alone: storage knows what is unpublished, and is asked when there is somebody.
        guard !members.isEmpty else {
            hasUnpublished = true
            return
        }
        space.incoming.published(ops)
        // With too much under way, as where there are fewer holders than receipts are wanted: sent once at least.
        guard publishing.count < Self.publishingMaximum else {
            hasUnpublished = true
            for key in held.map({ OpKey(location: $0.location, hash: $0.hash) }) {
                for agent in holders(key.location) { send([key], to: agent) }
            }
            return
        }
        let adding = zip(ops, held).map { op, held in
            (
                key: OpKey(location: held.location, hash: held.hash), wanted: space.incoming.required(op.action),
                signers: [AgentPubKey]()
            )
        }
        perform(publishing.add(adding, now: now, holders: holders, using: &random))
    }

    /// Sends what was written while nobody was there, or before the start.
    func publishOld() {
        guard hasUnpublished, publishing.count < Self.publishingMaximum / 2 else { return }
        do throws(PlasmidError) {
            let page = try space.store.unpublished(limit: publishing.count + Self.publishingPage)
            var adding: [(key: OpKey, wanted: Int, signers: [AgentPubKey])] = []
            var ops: [ChainOp] = []
            for place in page where adding.count < Self.publishingPage {
                guard let op = try space.store.op(place.action, place.type),
                    let location = op.type.basis(of: op.action, hash: place.action)?.location
                else { continue }
                let hash = op.hash
                let key = OpKey(location: location, hash: hash)
                // What is read may not be durable yet, and what a power cut takes back shall not have been anywhere.
                guard publishing.receipts(of: key) == nil, places[key.core.bytes] != nil else { continue }
                let signers = try space.store.receipts(of: hash).filter { $0.receipt.status == .valid }
                    .map(\.receipt.validator)
                adding.append((key, space.incoming.required(op.action), signers))
                ops.append(op)
            }
            hasUnpublished = page.count == publishing.count + Self.publishingPage
            space.incoming.published(ops)
            perform(publishing.add(adding, now: now, holders: holders, using: &random))
        } catch {
            desk.logger.error("what is to be published cannot be read", metadata: ["reason": "\(error.message)"])
        }
    }

    /// The agents of other conductors that keep a location.
    private func holders(_ location: UInt32) -> [AgentPubKey] { table.holders(of: location, now: now) }

    /// Carries out what the book decides.
    func perform(_ effects: [PublishEffect]) {
        keepMarks(effects)
        for case .send(let keys, let agent) in effects { send(keys, to: agent) }
        schedulePublishing()
    }

    private func send(_ keys: [OpKey], to agent: AgentPubKey) {
        guard let record = table.record(of: agent), let id = PeerID(bytes: record.info.peer) else { return }
        guard let peer = members[id], !peer.isOver else {
            // Gone to, and sent again when it is there.
            publishing.went(agent, arc: record.info.arc)
            return reach(id)
        }
        owe(keys, to: peer, receiptsWanted: true)
        pump(peer)
    }

    /// Writes down what is complete without a receipt that would say so, lest it be sent again. What receipts complete is written with them.
    private func keepMarks(_ effects: [PublishEffect]) {
        var batch = OpBatch()
        for case .mark(let key, _, isComplete: true) in effects {
            guard case .chainOp(let op)? = heldOp(key) else { continue }
            batch.publishing.append(PublishMark(action: op.action.hash, type: op.type))
        }
        guard !batch.publishing.isEmpty else { return }
        space.store.take(batch) { [weak self] result in
            guard case .failure(let error) = result else { return }
            self?.desk.logger.error("what was published cannot be noted", metadata: ["reason": "\(error.message)"])
        }
    }

    private func schedulePublishing() {
        publishTimer?.cancel()
        guard let next = publishing.nextWake, !isOver else { return }
        let wait = min(60_000_000, max(100_000, next.microseconds - now.microseconds))
        publishTimer = conductor.after(microseconds: wait) { [weak self] in
            guard let self, !isOver else { return }
            perform(publishing.tick(now: now, holders: holders, using: &random))
            publishOld()
        }
    }

    /// Receipts that were verified.
    func acknowledged(_ receipts: [(op: DhtOpHash, location: UInt32, by: AgentPubKey)]) {
        for receipt in receipts {
            _ = publishing.receipt(for: OpKey(location: receipt.location, hash: receipt.op), by: receipt.by)
        }
    }
}
