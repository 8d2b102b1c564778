import Integrity

// Capabilities are written with what Holochain's entries have no field for in the next action: both or neither.

extension Scratch {
    /// Writes a grant, and its limits where it has any.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func grant(
        _ grant: ZomeCallCapGrant, limits: GrantLimits, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let address = try create(.capGrant, .capGrant(grant), now: now)
        return try limited(address, limits, now)
    }

    /// Writes a grant in the place of another one, which is none from then on.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    public mutating func updateGrant(
        _ original: GrantBook.Grant, with grant: ZomeCallCapGrant, limits: GrantLimits, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let address = try update(
            original.address, originalEntry: Entry.capGrant(original.entry).hash, .capGrant, .capGrant(grant), now: now)
        return try limited(address, limits, now)
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
        let address = try create(.capClaim, .capClaim(claim), now: now)
        guard !certificates.isEmpty else { return address }
        try create(.capNote, CapNote.delegation(claim: address, certificates).entry, now: now)
        return address
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
