import Gossip
import Integrity
import Transport
import Validation

/// What the pipeline of others' ops needs of the network.
extension SpaceNetwork: ValidationPeers {
    /// Members that are asked for one thing at a time.
    private static var askedAtOnce: Int { 3 }

    /// Asks several members for records, holders of what is missing first; what comes is handed to the pipeline, which believes none of it
    /// unseen.
    func fetch(_ missing: [AnyDhtHash]) {
        let everybody = sortedMembers
        guard !everybody.isEmpty else { return }
        var questions: [(peer: SpacePeer, hashes: [AnyDhtHash])] = []
        for hash in missing {
            var peers = connectedHolders(of: hash.location)
            if peers.isEmpty { peers = everybody }
            // Others each time, so that one that is silent costs one try and not all.
            for peer in peers.shuffled(using: &random).prefix(Self.askedAtOnce) {
                if let index = questions.firstIndex(where: { $0.peer === peer }) {
                    questions[index].hashes.append(hash)
                } else {
                    questions.append((peer, [hash]))
                }
            }
        }
        for (peer, hashes) in questions {
            for first in stride(from: 0, to: hashes.count, by: GetBody.hashesMaximum) {
                ask(peer, for: Array(hashes[first..<min(first + GetBody.hashesMaximum, hashes.count)]))
            }
        }
    }

    private func ask(_ peer: SpacePeer, for hashes: [AnyDhtHash]) {
        peer.request(.get, GetBody(hashes: hashes).packed) { [weak self, weak peer] result in
            guard let self, let peer, case .success(let body) = result else { return }
            do throws(PlasmidError) {
                let records = try [Record](packed: body)
                if !records.isEmpty { space.incoming.arrived(records: records, from: peer.tag, asked: hashes) }
            } catch {
                fault(of: peer, error)
            }
        }
    }

    /// The members that hold a location, as far as they are connected.
    func connectedHolders(of location: UInt32) -> [SpacePeer] {
        table.peers(of: table.holders(of: location, now: now))
            .compactMap { key in PeerID(bytes: key.bytes).flatMap { members[$0] } }.filter { !$0.isOver }
    }

    func send(_ receipts: [SignedReceipt], to author: AgentPubKey, over tag: UInt64) {
        let known = table.record(of: author).flatMap { PeerID(bytes: $0.info.peer) }
        let peer = connected(tag) ?? known.flatMap { members[$0] }
        var rest = receipts[...]
        while !rest.isEmpty {
            peer?.tell(.receipts, Array(rest.prefix(OpsBody.opsMaximum)).packed)
            rest = rest.dropFirst(OpsBody.opsMaximum)
        }
    }

    func spread(_ ops: [DhtOp]) { spread(ops, receiptsWanted: false) }

    func fault(_ tag: UInt64, _ fault: PeerFault) {
        // Whoever has not heard of the warrant yet holds what its agent wrote before in good faith.
        guard fault != .refusedAuthor, let peer = connected(tag) else { return }
        self.fault(of: peer, PlasmidError(.badFrame, "a peer sent what it should not: \(fault)"), fault.offence)
    }

    func settled(_ batch: SettledOps) {
        arcs.stir(batch.integrated.count, now)
        var ops = batch.integrated.map {
            NewlyHeld(location: $0.location, hash: $0.hash, place: .chain($0.signedAction.hash.core, $0.type))
        }
        for (signed, status) in batch.warrants where status == .valid {
            let op = DhtOp.warrant(signed)
            guard let location = op.location else { continue }
            ops.append(NewlyHeld(location: location, hash: op.hash, place: .location))
        }
        note(ops)
        for (op, _) in batch.rejected { aside.insert(OpKey(location: op.location, hash: op.hash)) }
        for waiting in batch.parked {
            guard let location = waiting.op.location else { continue }
            aside.insert(OpKey(location: location, hash: waiting.hash))
        }
        settleGatherings()
    }

    func refused(_ op: DhtOpHash, location: UInt32) {
        aside.insert(OpKey(location: location, hash: op))
        settleGatherings()
    }

    func integrated(_ ops: [(location: UInt32, hash: DhtOpHash)]) { desk.whenChanged() }

    func block(_ agent: AgentPubKey) {
        blocked.insert(agent)
        desk.whenChanged()
    }
}

extension PeerFault {
    /// What it weighs.
    var offence: PeerOffence {
        switch self {
        case .malformed, .privateEntry, .foreign: .malformed
        case .badSignature, .badReceipt: .forged
        case .unsolicited, .tooMuch, .refusedAuthor: .unsolicited
        case .badWarrant: .lied
        }
    }
}
