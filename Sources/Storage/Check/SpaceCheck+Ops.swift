import Integrity

// What came op by op, what waits, and what was found of whom.

extension SpaceCheck {
    /// The rows of an action of which the hash index says which ops are held.
    mutating func checkParts(
        _ signed: SignedAction, _ number: UInt64, _ entryNumber: UInt64
    ) throws(PlasmidError) {
        let author = signed.action.header.author
        guard let known = try space.place(of: signed.hash), !known.isOwn, known.number == number else {
            return report.add("indexMissing", place, "Row \(number) is not in table 'hashes' as what came op by op")
        }
        let hashKey = SpaceKey.hash(signed.hash.coreBytes, HashByte.action)
        try expect(SpaceTables.hashes, hashKey, known.value, number)
        if known.isIdle { report.add("actionUnused", place, "Nothing keeps the action in row \(number)") }
        if known.integrated & known.rejected != 0 {
            report.add("opWrong", place, "An op of the action in row \(number) is both valid and rejected")
        }
        if entryNumber != 0 {
            let value = known.holds(.createEntry) ? [] : IndexRows.namesOnly
            try expect(SpaceTables.creators, SpaceKey.creator(entryNumber, number), value, number)
        }
        for type in ChainOpType.allCases {
            if known.hasRejected(type) { try expectRejected(number, type) }
            guard known.holds(type) else { continue }
            guard let location = DerivedOp.location(type, of: signed) else {
                report.add("opWrong", place, "The action in row \(number) gives no op \(type.name), one is held")
                continue
            }
            let time = signed.action.header.timestamp
            let derived = DerivedOp(type: type.rawValue, location: location, time: time)
            try expect(SpaceTables.ops, SpaceKey.op(derived, number), [], number)
            let rows = IndexRows.rows(type, of: signed, number: number, entryNumber: entryNumber)
            for row in rows where row.table != SpaceTables.creators {
                try expect(row.table, row.key, try flagged(row, signed), number)
            }
            try checkContent(signed, type, number, entryNumber)
        }
        if known.holds(.agentActivity) { try expectFork(signed, number) }
        try expectOnce(SpaceTables.outsiders, Array(author.coreBytes), number)
    }

    private mutating func checkContent(
        _ signed: SignedAction, _ type: ChainOpType, _ number: UInt64, _ entryNumber: UInt64
    ) throws(PlasmidError) {
        guard type.hasEntrySlot, signed.action.entryType?.visibility == .public, try !space.holdsContent(entryNumber)
        else { return }
        report.add("entryMissing", place, "The entry of the op \(type.name) of the action in row \(number) is not held")
    }

    private mutating func expectRejected(_ number: UInt64, _ type: ChainOpType) throws(PlasmidError) {
        let key = SpaceKey.typed(number, type)
        let value = try space.rows.get(SpaceTables.rejected, key) { value throws(PlasmidError) in
            if let value { _ = try RejectedRow.read(value) }
            return value.map { [UInt8]($0) }
        }
        try expect(SpaceTables.rejected, key, value ?? [], number)
    }

    /// Where a chain has two actions with one number the table `forks` says so, once.
    mutating func expectFork(_ signed: SignedAction, _ number: UInt64) throws(PlasmidError) {
        let header = signed.action.header
        guard try space.isOutsider(header.author) else { return }
        let others = try space.activityNumbers(header.author, header.actionSeq)
        guard others.count > 1, others.first == number else { return }
        try expect(SpaceTables.forks, SpaceKey.chain(header.author.coreBytes, header.actionSeq), [], number)
    }

    mutating func checkWarrant(_ number: UInt64) throws(PlasmidError) {
        let stored = try space.row(number) { value throws(PlasmidError) in
            (try WarrantRow.warrant(value, number), try WarrantRow.hash(value, number))
        }
        let (warrant, hash) = stored
        let charge = warrant.signed.warrant
        if charge.hash != hash {
            report.add("actionHashWrong", place, "The warrant in row \(number) does not have the hash \(hash)")
        }
        if verifiesSignatures, !warrant.signed.hasTrueSignature {
            report.add("signatureWrong", place, "The signature of the warrant \(hash) does not verify")
        }
        let standing = [warrant.standing.rawValue]
        try expect(SpaceTables.hashes, SpaceKey.hash(hash.coreBytes, HashByte.op), SpaceKey.number(number), number)
        try expect(SpaceTables.warrants, SpaceKey.core(charge.warrantee.coreBytes, number), standing, number)
        guard warrant.standing == .integrated else { return }
        try expect(SpaceTables.ops, SpaceKey.op(WarrantRow.derived(charge), number), [], number)
    }

    /// Parked ops, the two tables by which they are found, and their counts; receipts.
    mutating func checkWaiting() throws(PlasmidError) {
        var cores: [[UInt8]] = []
        try space.rows.scan(SpaceTables.parked, RowRange(prefix: [])) { key, _ in
            cores.append([UInt8](key))
            return true
        }
        var counts: [[UInt8]: Int] = [:]
        for core in cores {
            do throws(PlasmidError) {
                guard let op = try space.parkedOp(core) else { continue }
                if op.op.hash != op.hash {
                    report.add("opWrong", place, "A parked op does not have the hash \(op.hash)")
                }
                counts[Array(op.author.coreBytes), default: 0] += 1
                counts[OpDeriver.allParked, default: 0] += 1
                try expect(SpaceTables.parkedTimes, SpaceKey.parkedTime(op.since, op.hash), [], 0)
                for hash in Set(op.missing) { try expect(SpaceTables.waiting, SpaceKey.waiting(hash, op.hash), [], 0) }
            } catch {
                report.add("rowUnreadable", place, error.message)
            }
        }
        for (key, count) in counts { try expect(SpaceTables.parkedCounts, key, ParkedCount.value(count), 0) }
        var receipts: [(key: [UInt8], receipt: SignedReceipt?)] = []
        try space.rows.scan(SpaceTables.receipts, RowRange(prefix: [])) { key, value in
            receipts.append(([UInt8](key), try? SignedReceipt(packed: value)))
            return true
        }
        for (key, receipt) in receipts {
            let named = receipt.map { Array($0.receipt.op.coreBytes) + $0.receipt.validator.coreBytes }
            if named != key {
                report.add("rowUnreadable", place, "A receipt cannot be read, or stands under another name")
            }
            if verifiesSignatures, let receipt, !receipt.hasTrueSignature {
                report.add(
                    "signatureWrong", place, "The signature of a receipt for \(receipt.receipt.op) does not verify")
            }
        }
    }
}
