import Chain
import Integrity
import Sodium
import Storage

/// A grant as it stands on a chain, whether in effect or not.
struct MadeGrant {
    let address: ActionHash
    let grant: ZomeCallCapGrant
    let limits: GrantLimits
}

/// What a cell knows of its capabilities, read from storage at the start and never by walking the chain.
extension Cell {
    /// Fills the books of grants and claims from storage.
    /// - Throws: `storageCorrupt` and the like: a cell that does not know its limits does not run.
    func loadCapabilities() throws(PlasmidError) {
        var grants = GrantBook()
        for made in try grantsMade(includingRevoked: false) {
            grants.add(made.grant, limits: made.limits, at: made.address)
        }
        for use in try space.store.uses(of: id.agent) {
            guard let id = Fingerprint(use.id) else { continue }
            grants.restore(
                id, UseCount(used: use.count, hasEnded: use.hasEnded), root: use.root.flatMap { Fingerprint($0) })
        }
        var claims = ClaimBook()
        for stored in try space.store.claims(of: id.agent) {
            guard case .capClaim(let claim)? = try opened(stored) else { continue }
            var certificates: [Delegation] = []
            if case .delegation(_, let found)? = try note(about: stored) { certificates = found }
            claims.add(claim, certificates: certificates, at: stored.signedAction.hash)
        }
        self.grants = grants
        self.claims = claims
        forgetOrphans()
    }

    /// What was counted of certificates goes with the last grant that they belong to, once it is durably gone.
    func forgetOrphans() {
        let orphans = grants.takeOrphans()
        guard !orphans.isEmpty else { return }
        space.store.spend(
            SpaceSpending(
                nonces: [], uses: [], forgotten: orphans.map { SpaceSpending.UseID(author: id.agent, id: $0.array) },
                forgetBefore: NonceWindow.kept(conductor.options.clock()))
        ) { _ in }
    }

    /// The grants on the cell's chain, oldest first: those that were neither updated nor deleted, or all.
    func grantsMade(includingRevoked: Bool) throws(PlasmidError) -> [MadeGrant] {
        var made: [MadeGrant] = []
        for stored in try space.store.grants(of: id.agent, includingRevoked: includingRevoked) {
            guard case .capGrant(let grant)? = try opened(stored) else { continue }
            var limits = GrantLimits.none
            if case .limits(_, let found)? = try note(about: stored) { limits = found }
            made.append(MadeGrant(address: stored.signedAction.hash, grant: grant, limits: limits))
        }
        return made
    }

    private func opened(_ stored: StoredRecord) throws(PlasmidError) -> Entry? {
        try StoredChain(space: space, reader: id.agent).opened(stored).entry.entry
    }

    /// The note beside a grant or claim: it stands in the next action of the chain, or there is none.
    private func note(about stored: StoredRecord) throws(PlasmidError) -> CapNote? {
        let next = stored.signedAction.action.header.actionSeq + 1
        guard
            let beside = try space.store.chain(of: id.agent, from: next, to: next, descending: false, limit: 1).first,
            beside.signedAction.action.entryType == .capNote
        else { return nil }
        // A note that cannot be read is no reason to forget a limit.
        guard let entry = try opened(beside) else {
            throw PlasmidError(
                .storageCorrupt, "the note beside \(stored.signedAction.hash) is not in storage",
                hint: "restore the data folder from a backup")
        }
        let note = try CapNote(entry)
        guard note.about == stored.signedAction.hash else {
            throw PlasmidError(
                .storageCorrupt, "the note beside \(stored.signedAction.hash) is about \(note.about)",
                hint: "restore the data folder from a backup")
        }
        return note
    }
}

extension Conductor {
    /// Takes the nonces of a space into the window, so that no signed call is taken again after a start.
    func loadNonces(_ store: Space) throws(PlasmidError) {
        let now = options.clock()
        if let floor = try store.nonceFloor() { usedNonces.raiseFloor(to: floor) }
        for nonce in try store.nonces(limit: NonceWindow.capacity) {
            usedNonces.restore(
                NonceWindow.Use(agent: nonce.agent, nonce: nonce.nonce), expiresAt: nonce.expires, now: now)
        }
    }
}
