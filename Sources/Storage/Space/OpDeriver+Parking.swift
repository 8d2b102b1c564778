import Integrity

// Ops that wait, receipts, warrants, and how far publishing has come.

extension OpDeriver {
    /// The key under which all parked ops are counted.
    static let allParked: [UInt8] = [0]

    func park(_ parked: ParkedOp) throws(PlasmidError) {
        if case .chainOp(let op) = parked.op {
            if case .present = op.entry, op.action.entryType?.visibility == .private {
                throw Self.refused(op.action.hash, op.type, "its entry is private, and came with it")
            }
            // What is held waits for nothing.
            if let place = try space.place(of: op.action.hash), place.holds(op.type) || place.hasRejected(op.type) {
                return
            }
        }
        let key = Array(parked.hash.coreBytes)
        var now = parked
        if let old = try space.parkedOp(key) {
            now = ParkedOp(op: old.op, hash: old.hash, missing: parked.missing, since: min(old.since, parked.since))
            takeAwayIndexes(of: old)
        } else {
            try count(parked.author, +1)
        }
        put(SpaceTables.parked, key, ParkedRow.value(now))
        put(SpaceTables.parkedTimes, SpaceKey.parkedTime(now.since, now.hash))
        for hash in now.missing { put(SpaceTables.waiting, SpaceKey.waiting(hash, now.hash)) }
    }

    func settle(_ hash: DhtOpHash) throws(PlasmidError) {
        let key = Array(hash.coreBytes)
        guard let old = try space.parkedOp(key) else { return }
        takeAwayIndexes(of: old)
        put(SpaceTables.parked, key, nil)
        try count(old.author, -1)
    }

    private func takeAwayIndexes(of old: ParkedOp) {
        put(SpaceTables.parkedTimes, SpaceKey.parkedTime(old.since, old.hash), nil)
        for hash in old.missing { put(SpaceTables.waiting, SpaceKey.waiting(hash, old.hash), nil) }
    }

    private func count(_ author: AgentPubKey, _ change: Int) throws(PlasmidError) {
        for key in [Array(author.coreBytes), Self.allParked] {
            let now = try space.parkedCount(key) + change
            put(SpaceTables.parkedCounts, key, now > 0 ? ParkedCount.value(now) : nil)
        }
    }

    func take(_ receipt: SignedReceipt) {
        let key = Array(receipt.receipt.op.coreBytes) + receipt.receipt.validator.coreBytes
        put(SpaceTables.receipts, key, receipt.packed)
    }

    // MARK: Warrants

    mutating func take(_ warrant: StoredWarrant) throws(PlasmidError) {
        let hash = warrant.signed.warrant.hash
        let hashKey = SpaceKey.hash(hash.coreBytes, HashByte.op)
        if let number = try space.number(hash.coreBytes, HashByte.op) {
            guard let known = try space.warrant(number) else { throw StorageFault.damaged("Row \(number) is missing") }
            guard known.standing == warrant.standing else {
                throw PlasmidError(
                    .opRefused, "The warrant \(hash) was judged otherwise before", hint: StorageFault.faultHint)
            }
            // Evidence and signature are no part of the hash: of several the lowest bytes stay, whichever came first.
            let bytes = warrant.signed.packed
            guard bytes.compare(known.signed.packed) < 0 else { return }
            let kept = StoredWarrant(signed: warrant.signed, standing: known.standing, when: known.when)
            put(SpaceTables.rows, SpaceKey.number(number), WarrantRow.value(kept, hash))
            return
        }
        let number = takeNumber()
        put(hashKey, number, warrant, hash)
    }

    private func put(_ hashKey: [UInt8], _ number: UInt64, _ warrant: StoredWarrant, _ hash: DhtOpHash) {
        let charge = warrant.signed.warrant
        put(SpaceTables.hashes, hashKey, SpaceKey.number(number))
        put(SpaceTables.rows, SpaceKey.number(number), WarrantRow.value(warrant, hash))
        put(SpaceTables.warrants, SpaceKey.core(charge.warrantee.coreBytes, number), [warrant.standing.rawValue])
        guard warrant.standing == .integrated else { return }
        put(SpaceTables.ops, SpaceKey.op(WarrantRow.derived(charge), number))
    }

    func dropWarrant(_ hash: DhtOpHash) throws(PlasmidError) {
        guard let number = try space.number(hash.coreBytes, HashByte.op), let known = try space.warrant(number) else {
            return
        }
        let charge = known.signed.warrant
        put(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.op), nil)
        put(SpaceTables.rows, SpaceKey.number(number), nil)
        put(SpaceTables.warrants, SpaceKey.core(charge.warrantee.coreBytes, number), nil)
        if known.standing == .integrated { put(SpaceTables.ops, SpaceKey.op(WarrantRow.derived(charge), number), nil) }
    }

    // MARK: Publishing

    /// A chain's ops are all to be published. Below the number in `published` those that still are stand in `publishing`; from it
    /// on it is all of them, so that a commit has nothing to write here.
    func take(_ mark: PublishMark) throws(PlasmidError) {
        guard let place = try space.place(of: mark.action), place.isOwn else {
            throw Self.refused(
                mark.action, mark.type, "it was not committed here, so that it is not published from here")
        }
        let header = try space.action(place.number).action.header
        let author = header.author
        let from = try space.publishedBefore(author)
        if header.actionSeq >= from {
            for seq in from...header.actionSeq {
                guard let number = try space.chainNumber(author, seq) else { continue }
                for type in ChainOpType.produced(by: try space.action(number).action) {
                    put(SpaceTables.publishing, SpaceKey.publishing(author.coreBytes, seq, type))
                }
            }
            var next: [UInt8] = []
            next.append(bigEndian: UInt64(header.actionSeq) + 1)
            put(SpaceTables.published, Array(author.coreBytes), next)
        }
        let key = SpaceKey.publishing(author.coreBytes, header.actionSeq, mark.type)
        if mark.isComplete { put(SpaceTables.publishing, key, nil) }
    }
}

extension WarrantRow {
    static func derived(_ warrant: Warrant) -> DerivedOp {
        DerivedOp(type: opType, location: warrant.warrantee.location, time: warrant.timestamp)
    }
}

/// How many ops are parked: u32.
enum ParkedCount {
    static func value(_ count: Int) -> [UInt8] {
        var value: [UInt8] = []
        value.append(bigEndian: UInt32(clamping: count))
        return value
    }
}
