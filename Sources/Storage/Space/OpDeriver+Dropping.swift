import Integrity

// What leaves a space: ops out of the arc, dependencies that nothing needs. An own chain's rows never go.

extension OpDeriver {
    mutating func drop(_ action: ActionHash, _ type: ChainOpType) throws(PlasmidError) {
        guard var place = try space.place(of: action), !place.isOwn else { return }
        if place.hasRejected(type) {
            place.rejected &= ~ActionPlace.bit(type)
            put(SpaceTables.rejected, SpaceKey.typed(place.number, type), nil)
        } else if place.holds(type) {
            place.integrated &= ~ActionPlace.bit(type)
            try takeAwayRows(of: try space.action(place.number), type, place)
        } else {
            return
        }
        try leave(action, place)
    }

    mutating func forget(_ action: ActionHash) throws(PlasmidError) {
        guard var place = try space.place(of: action), place.isCached else { return }
        place.isCached = false
        try leave(action, place)
    }

    private mutating func takeAwayRows(
        of signed: SignedAction, _ type: ChainOpType, _ place: ActionPlace
    ) throws(PlasmidError) {
        let header = signed.action.header
        guard let location = DerivedOp.location(type, of: signed) else { return }
        let derived = DerivedOp(type: type.rawValue, location: location, time: header.timestamp)
        put(SpaceTables.ops, SpaceKey.op(derived, place.number), nil)
        let entryNumber = signed.action.entryHash == nil ? 0 : try entryNumberOf(place.number)
        for row in IndexRows.rows(type, of: signed, number: place.number, entryNumber: entryNumber) {
            put(row.table, row.key, row.table == SpaceTables.creators ? IndexRows.namesOnly : nil)
        }
        switch type {
        case .agentActivity:
            noteTear()
            try noteFork(header.author, header.actionSeq)
        case .deleteLink:
            if case .deleteLink(_, let create) = signed.action.data { try flagLinks(of: create) }
        default: break
        }
    }

    /// Writes what is left of an action: its mask, or nothing at all; then what is left of its entry.
    private func leave(_ action: ActionHash, _ place: ActionPlace) throws(PlasmidError) {
        let hashKey = SpaceKey.hash(action.coreBytes, HashByte.action)
        let signed = try space.action(place.number)
        let entryNumber = signed.action.entryHash == nil ? 0 : try entryNumberOf(place.number)
        if place.isIdle {
            put(SpaceTables.hashes, hashKey, nil)
            put(SpaceTables.rows, SpaceKey.number(place.number), nil)
            if entryNumber != 0 { put(SpaceTables.creators, SpaceKey.creator(entryNumber, place.number), nil) }
        } else {
            put(SpaceTables.hashes, hashKey, place.value)
        }
        if let hash = signed.action.entryHash { try leave(hash, entryNumber) }
    }

    /// An entry stays as long as an action names it; its content as long as an op brought it, or a dependency may have.
    private func leave(_ hash: EntryHash, _ number: UInt64) throws(PlasmidError) {
        guard var place = try space.entryPlace(of: hash) else { return }
        var isNamed = false
        var isNeeded = place.isCached
        var isVisible = false
        try space.rows.scan(SpaceTables.creators, RowRange(prefix: SpaceKey.number(number))) {
            key, value throws(PlasmidError) in
            guard key.count == 16 else { throw StorageFault.damaged("A key of table 'creators' is misshapen") }
            isNamed = true
            let (entryType, holder) = try holder(key.bigEndian(8))
            if entryType == .public {
                if value.isEmpty { isVisible = true }
                if holder.holdsEntry || holder.isCached { isNeeded = true }
            }
            return !(isNeeded && isVisible)
        }
        let hashKey = SpaceKey.hash(hash.coreBytes, HashByte.entry)
        guard isNamed || place.isCached else {
            put(SpaceTables.hashes, hashKey, nil)
            put(SpaceTables.rows, SpaceKey.number(number), nil)
            return
        }
        if isNeeded {
            guard try space.holdsContent(number) else { return }
            place.isVisible = isVisible
        } else {
            place.isVisible = true
            put(SpaceTables.rows, SpaceKey.number(number), EntryRow.value(EntryHash(core: hash.core), nil))
        }
        put(SpaceTables.hashes, hashKey, place.value)
    }

    private func holder(_ number: UInt64) throws(PlasmidError) -> (Visibility?, ActionPlace) {
        let signed = try space.action(number)
        guard let place = try space.place(of: signed.hash) else {
            throw StorageFault.damaged("The action in row \(number) is not in the hash index")
        }
        return (signed.action.entryType?.visibility, place)
    }
}
