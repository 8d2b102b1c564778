import Gossip
import Integrity
import Storage
import Transport

/// Ops on their way: those that are written here go out, those of others come in.
extension SpaceNetwork {
    // MARK: Going out

    /// What an agent here has committed goes to the holders at once.
    func authored(_ commit: SpaceCommit) {
        var ops: [ChainOp] = []
        var held: [NewlyHeld] = []
        for record in commit.records {
            let signed = record.signedAction
            for op in ChainOp.ops(for: Self.record(record)) {
                guard let location = op.type.basis(of: signed.action, hash: signed.hash)?.location else { continue }
                let hash = record.actionBytes.withUnsafeBytes { op.type.hash(actionBytes: $0) }
                ops.append(op)
                held.append(
                    NewlyHeld(location: location, hash: hash, place: .chain(signed.hash.core, op.type)))
            }
        }
        note(held)
        publish(ops, held)
    }

    /// A committed record as others may see it.
    private static func record(_ record: CommittedRecord) -> Record {
        let signed = record.signedAction
        var entry = RecordEntry.notApplicable
        if signed.action.entryType?.visibility == .private {
            entry = .hidden
        } else if let bytes = record.entryBytes, let read = try? Entry(packed: bytes) {
            entry = .present(read)
        }
        return Record(signedAction: signed, entry: entry)
    }

    /// Sends ops to every member that keeps their location.
    func spread(_ ops: [DhtOp], receiptsWanted: Bool) {
        for peer in sortedMembers {
            let claimed = table.arcs(of: PeerKey(peer.connection.peer.bytes))
            push(
                ops.filter { op in op.location.map { claimed.contains($0) } ?? false }, to: peer,
                receiptsWanted: receiptsWanted)
        }
    }

    /// Bytes of ops in one frame: several small ones, or one large.
    static var frameBytes: Int { 1_048_576 }

    func push(_ ops: [DhtOp], to peer: SpacePeer, receiptsWanted: Bool) {
        var packed: [[UInt8]] = []
        var bytes = 0
        func send() {
            guard !packed.isEmpty else { return }
            peer.opsOut += UInt64(packed.count)
            peer.sendSync(Frame(.ops, body: OpsBody(receiptsWanted: receiptsWanted, ops: packed).packed))
            (packed, bytes) = ([], 0)
        }
        for op in ops {
            let one = op.packed
            if packed.count == OpsBody.opsMaximum || (!packed.isEmpty && bytes + one.count > Self.frameBytes) { send() }
            packed.append(one)
            bytes += one.count
        }
        send()
    }

    // MARK: Coming in

    /// Ops that a peer pushes. One that cannot be read costs its sender a fault, and no other op; one that is not kept here is no fault: news
    /// of arcs take their time.
    func takeOps(_ body: [UInt8], from peer: SpacePeer) throws(PlasmidError) {
        let frame = try OpsBody(packed: body)
        var ops: [DhtOp] = []
        ops.reserveCapacity(frame.ops.count)
        for bytes in frame.ops {
            do throws(PlasmidError) {
                let op = try DhtOp(packed: bytes)
                guard let location = op.location, arcs.kept.contains(location) else { continue }
                ops.append(op)
            } catch {
                fault(of: peer, error)
            }
        }
        peer.opsIn += UInt64(frame.ops.count)
        arcs.stir(frame.ops.count, now)
        space.incoming.receive(ops, from: peer.tag, receiptsWanted: frame.receiptsWanted)
        guard space.incoming.isBusy, !peer.isHeldBack else { return }
        peer.isHeldBack = true
        let goOn = { [weak self] in for peer in self?.sortedConnections ?? [] { peer.isHeldBack = false } }
        space.incoming.whenFree = goOn
        // Whatever keeps the works busy, nobody is held back for good.
        conductor.after(microseconds: Self.holdingBack) { goOn() }
    }

    /// The longest time, in microseconds, for which ops of peers are not read because others are still judged.
    private static var holdingBack: Int64 { 5_000_000 }

    /// A new member: both compare what they hold, on the dialer's word.
    func met(_ peer: SpacePeer) {
        let key = PeerKey(peer.connection.peer.bytes)
        table.connected(key, isDialer: peer.connection.isDialer, now: now, using: &random)
        for claim in table.claims(of: key) { perform(publishing.came(claim.agent, arc: claim.arc, now: now)) }
        arcs.isStale = true
        scheduleRounds()
        publishOld()
        armArcs()
        desk.whenChanged()
    }

    /// No connection to a member is left.
    func parted(from peer: SpacePeer) {
        let key = PeerKey(peer.connection.peer.bytes)
        table.disconnected(key, isGone: false, now: now)
        for record in table.records where record.info.peer == key.bytes {
            publishing.went(record.info.agent, arc: record.info.arc)
        }
        arcs.isStale = true
    }

    /// A peer cannot be reached: its agents are no holders until they are heard of again.
    func isGone(_ id: PeerID, until: Timestamp) {
        // One of two attempts may fail and the other not.
        if let peer = members[id], !peer.isOver { return }
        gone[id] = until
        table.disconnected(PeerKey(id.bytes), isGone: true, now: now)
        arcs.isStale = true
    }

    /// A member is gone.
    func lost(_ peer: SpacePeer) { desk.whenChanged() }

    func takeReceipts(_ body: [UInt8], from peer: SpacePeer) throws(PlasmidError) {
        let receipts = try [SignedReceipt](packed: body)
        guard receipts.count <= OpsBody.opsMaximum else {
            throw PlasmidError(.badFrame, "a frame holds \(receipts.count) receipts")
        }
        space.incoming.take(receipts: receipts, from: peer.tag) { [weak self] validator, location in
            self?.table.holds(validator, location) ?? false
        }
    }

    // MARK: Answering

    /// Records by the hashes of actions or entries, as far as they are held here. Private entries are not among them.
    func answerGet(
        _ body: [UInt8], _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let hashes = try GetBody(packed: body).hashes
        var records: [Record] = []
        var given: Set<ActionHash> = []
        var bytes = 0
        func give(_ record: Record) -> Bool {
            guard given.insert(record.hash).inserted else { return true }
            bytes += record.packed.count
            guard bytes < Frame.bodyBytesMaximum - 1_024, records.count < Self.recordsMaximum else { return false }
            records.append(record)
            return true
        }
        var asked: Set<AnyDhtHash> = []
        asked: for hash in hashes where asked.insert(hash).inserted {
            guard let record = try heldRecord(hash) else { continue }
            guard give(record) else { break }
            // Who wants an action often wants the chain behind it, and would ask for it one by one.
            var previous = hash.action == nil ? nil : record.action.prevAction
            for _ in 0..<Self.chainBehind {
                guard let back = previous, let record = try heldRecord(.action(back)) else { break }
                guard give(record) else { break asked }
                previous = record.action.prevAction
            }
        }
        reply(.success(records.packed))
    }

    /// Records in one answer.
    private static var recordsMaximum: Int { 1_024 }
    /// Actions behind one that was asked for that are given with it.
    private static var chainBehind: Int { 32 }

    private func heldRecord(_ hash: AnyDhtHash) throws(PlasmidError) -> Record? {
        if let action = hash.action { return try space.store.record(action)?.record }
        guard let entry = hash.entry else { return nil }
        return try space.store.recordsOfEntry(entry).first { stored in
            if case .present = stored.entry { return true }
            return false
        }?.record
    }

    /// Ops by their addresses, as far as they are held; they come behind what the peer is sent already.
    func answerWanted(
        _ body: [UInt8], from peer: SpacePeer, _ reply: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let wanted = try WantedBody(packed: body).hashes
        var seen: Set<DhtOpHash> = []
        owe(
            wanted.filter { seen.insert($0).inserted }.map { OpKey(location: 0, hash: $0) }, to: peer,
            receiptsWanted: false)
        pump(peer)
        reply(.success([0xc0]))
    }
}
