import Gossip
import Integrity
import Transport
import Validation

/// What the pipeline of others' ops needs of the network.
extension SpaceNetwork: ValidationPeers {
    /// Members that are asked for one thing at a time.
    private static var askedAtOnce: Int { 3 }

    /// Asks several members for records; what comes is handed to the pipeline, which believes none of it unseen.
    func fetch(_ missing: [AnyDhtHash]) {
        let peers = sortedMembers
        guard !peers.isEmpty else { return }
        var rest = missing[...]
        while !rest.isEmpty {
            let hashes = Array(rest.prefix(GetBody.hashesMaximum))
            rest = rest.dropFirst(GetBody.hashesMaximum)
            let body = GetBody(hashes: hashes).packed
            // Another first each time, so that one that is silent costs one try and not all.
            let first = Int(randomBytes(1)[0]) % peers.count
            for offset in 0..<min(Self.askedAtOnce, peers.count) {
                let peer = peers[(first + offset) % peers.count]
                peer.request(.get, body) { [weak self, weak peer] result in
                    guard let self, let peer, case .success(let body) = result else { return }
                    do throws(PlasmidError) {
                        let records = try [Record](packed: body)
                        if !records.isEmpty { space.incoming.arrived(records: records, from: peer.tag) }
                    } catch {
                        fault(of: peer, error)
                    }
                }
            }
        }
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
