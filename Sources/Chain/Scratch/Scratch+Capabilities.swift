import Integrity

// Capabilities are written with what Holochain's entries have no field for in the next action: both or neither.

extension Scratch {
    /// Writes a grant, and its limits where it has any.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func grant(
        _ grant: ZomeCallCapGrant, limits: GrantLimits, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try whole { scratch throws(PlasmidError) in
            let address = try scratch.create(.capGrant, .capGrant(grant), now: now)
            return try scratch.limited(address, limits, now)
        }
    }

    /// Writes a grant in the place of another one, which is none from then on.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func updateGrant(
        _ original: GrantBook.Grant, with grant: ZomeCallCapGrant, limits: GrantLimits, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try whole { scratch throws(PlasmidError) in
            let address = try scratch.update(
                original.address, originalEntry: Entry.capGrant(original.entry).hash, .capGrant, .capGrant(grant),
                now: now)
            return try scratch.limited(address, limits, now)
        }
    }

    /// Takes a grant back.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func revokeGrant(_ grant: GrantBook.Grant, now: Timestamp) throws(PlasmidError) -> ActionHash {
        try delete(grant.address, entry: Entry.capGrant(grant.entry).hash, now: now)
    }

    /// Writes a claim, and how it was passed on where it was.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func claim(
        _ claim: CapClaim, certificates: [Delegation], now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try whole { scratch throws(PlasmidError) in
            let address = try scratch.create(.capClaim, .capClaim(claim), now: now)
            guard !certificates.isEmpty else { return address }
            try scratch.create(.capNote, CapNote.delegation(claim: address, certificates).entry, now: now)
            return address
        }
    }

    /// Takes the first action back where the second does not fit into the call any more: a grant without its limits would
    /// have none.
    private mutating func whole(
        _ write: (inout Scratch) throws(PlasmidError) -> ActionHash
    ) throws(PlasmidError) -> ActionHash {
        let before = actions.count
        do {
            return try write(&self)
        } catch {
            truncate(to: before)
            throw error
        }
    }

    private mutating func limited(
        _ address: ActionHash, _ limits: GrantLimits, _ now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        guard !limits.isNone else { return address }
        try create(.capNote, CapNote.limits(grant: address, limits).entry, now: now)
        return address
    }

    /// Whether anything here may change what a ``GrantBook`` or ``ClaimBook`` says.
    public var touchesCapabilities: Bool {
        actions.contains { pending in
            switch pending.action.data {
            case .create(let type, _), .update(_, _, let type, _): type == .capGrant || type == .capClaim
            case .delete: true
            default: false
            }
        }
    }
}
