import Chain
import Integrity
import Sodium
import Storage

/// A call as it arrives: who wants to run what, and what is shown for it. The caller was authenticated before.
struct CallWish {
    var zome: String
    var function: String
    var caller: AgentPubKey
    var secret: CapSecret?
    /// How the capability was passed on to the caller, as the claim tells it.
    var certificates: [Delegation] = []
    /// What a signed call uses up by being made.
    var nonce: SpaceSpending.Nonce?
}

/// A call that may run, and what lets it.
struct Admission {
    /// The zome's place in the cell.
    let zome: Int
    let verdict: CapabilityVerdict
    /// What has to be durable before the function runs; nil where the call uses nothing up.
    let spending: SpaceSpending?
    /// What was asked and shown, should it have to be decided anew.
    let request: CapabilityRequest

    /// The grant that lets it; nil for the author and for what the DNA opens to everyone.
    var grant: ActionHash? { verdict.grant }
}

/// Who may call what: the one place where the conductor asks `CapabilityCheck`.
extension Cell {
    /// Decides on a call. A counted use is spent by this, so that of several calls on the last one exactly one is admitted;
    /// it is not given back. It and the nonce of a signed call have to be durable before the function runs:
    /// `startWhenInitialised` sees to that.
    /// - Throws: `unknownZome`, `unknownFunction`, or one of the capability codes. A nonce is used up all the same: what was
    ///   signed shall not come true later.
    func authorise(_ wish: CallWish) throws(PlasmidError) -> Admission {
        let nonces = wish.nonce.map { [$0] } ?? []
        do {
            let (zome, verdict, request) = try decide(wish)
            return Admission(
                zome: zome, verdict: verdict, spending: spending(nonces, grants.spend(verdict)), request: request)
        } catch {
            if let spending = spending(nonces, []) { space.store.spend(spending) { _ in } }
            throw error
        }
    }

    /// Why a call that was let in must not begin any more: the grant that let it in was revoked while the call waited. One
    /// that replaced it serves as well, and for the use that was paid already.
    func withdrawal(of admission: Admission?) -> PlasmidError? {
        guard let admission, let grant = admission.grant, grants[grant] == nil else { return nil }
        let verdict = CapabilityCheck.decide(
            admission.request, author: id.agent, dna: id.dna, access: .granted, grants: grants,
            now: conductor.options.clock())
        // Its own use may have been the last.
        guard case .refused(let refusal) = verdict, refusal != .spent else { return nil }
        return refusal.error(admission.request.function, caller: admission.request.provenance)
    }

    private func decide(
        _ wish: CallWish
    ) throws(PlasmidError) -> (zome: Int, verdict: CapabilityVerdict, request: CapabilityRequest) {
        guard let index = zomeIndex(wish.zome) else {
            throw PlasmidError(
                .unknownZome, "Zome '\(wish.zome)' not found",
                hint: "\(instanceID) has \(zomes.map(\.name).joined(separator: ", "))")
        }
        guard let declared = zomes[index].functions.first(where: { $0.name == wish.function }) else {
            throw PlasmidError(
                .unknownFunction, "Zome function '\(wish.function)' not found in Zome '\(wish.zome)'",
                hint: "it has \(zomes[index].functions.map(\.name).joined(separator: ", "))")
        }
        let wanted = ZomeFunction(zome: wish.zome, function: wish.function)
        let request = CapabilityRequest(
            provenance: wish.caller, secret: wish.secret, function: wanted, certificates: wish.certificates)
        let now = conductor.options.clock()
        if wish.secret == nil { note(grants.settle(wanted, now: now)) }
        let verdict = CapabilityCheck.decide(
            request, author: id.agent, dna: id.dna, access: declared.access, grants: grants, now: now)
        if case .refused(let refusal) = verdict {
            // An end that was met once is an end for good; nobody waits for its being stored.
            if refusal == .expired { note(grants.noteEnds(request, now: now)) }
            throw refusal.error(wanted, caller: wish.caller)
        }
        return (index, verdict, request)
    }

    /// Stores ends that were met.
    private func note(_ ends: [CountedUse]) {
        if let ends = spending([], ends) { space.store.spend(ends) { _ in } }
    }

    func spending(_ nonces: [SpaceSpending.Nonce], _ uses: [CountedUse]) -> SpaceSpending? {
        guard !nonces.isEmpty || !uses.isEmpty else { return nil }
        let counts = uses.map {
            SpaceSpending.Use(
                author: id.agent, id: $0.id.array, count: $0.count.used, hasEnded: $0.count.hasEnded,
                root: $0.root?.array)
        }
        return SpaceSpending(
            nonces: nonces, uses: counts, forgetBefore: NonceWindow.kept(conductor.options.clock()))
    }

    /// Stores what a call uses up; many that wait share one sync. `done` comes after it, a failure also if the cell was
    /// stopped meanwhile.
    func spend(_ spending: SpaceSpending, _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        space.store.spend(spending) { [self] result in
            guard case .success = result, !isActive else {
                done(result)
                return
            }
            done(
                .failure(
                    PlasmidError(
                        .cellNotActive, "instance `\(instanceID)` was stopped while the call came in",
                        hint: "nothing of the call was written")))
        }
    }
}
