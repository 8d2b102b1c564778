import Chain
import Integrity
import Keystore
import Sodium

/// The operations on capabilities: looked up in the cell's books, seen with what the call itself and those it builds on have
/// written.
extension Cell {
    // MARK: Looking up

    func grantBook(seenBy call: ActiveCall) -> GrantBook {
        var book = grants
        for layer in call.speculation + (call.scratch.map { [$0] } ?? []) where layer.touchesCapabilities {
            book.follow(layer)
        }
        return book
    }

    private func claimBook(seenBy call: ActiveCall) -> ClaimBook {
        var book = claims
        for layer in call.speculation + (call.scratch.map { [$0] } ?? []) where layer.touchesCapabilities {
            book.follow(layer)
        }
        return book
    }

    func capabilityGrants(_ request: HostRequest) throws(PlasmidError) {
        let query = try request.decode(GrantsQuery.self)
        _ = fixedHead(request.call)
        let book = grantBook(seenBy: request.call)
        let now = conductor.options.clock()
        var found = (query.label.map { book.grants(label: $0) } ?? book.all).map { grant in
            CapabilityGrant(
                address: grant.address, grant: grant.entry, limits: grant.limits,
                used: grant.limits.uses == nil ? 0 : book.used(grant.address.core).used,
                state: book.state(of: grant, now: now))
        }
        if query.includesRevoked {
            let live = Set(found.map(\.address))
            let gone = try grantsMade(includingRevoked: true).filter { made in
                !live.contains(made.address) && query.label.map { $0 == made.grant.tag } ?? true
            }
            found =
                gone.map { made in
                    CapabilityGrant(
                        address: made.address, grant: made.grant, limits: made.limits,
                        used: made.limits.uses == nil ? 0 : book.used(made.address.core).used, state: .revoked)
                } + found
        }
        request.succeed(found.packed)
    }

    func capabilityClaims(_ request: HostRequest) throws(PlasmidError) {
        let query = try request.decode(ClaimsQuery.self)
        _ = fixedHead(request.call)
        let found = claimBook(seenBy: request.call).claims(grantor: query.grantor, label: query.label)
        request.succeed(
            found.map {
                CapabilityClaim(address: $0.address, claim: $0.entry, certificates: $0.certificates)
            }.packed)
    }

    /// The grant by which this call runs, as it stands now.
    func capabilityInfo(_ request: HostRequest) throws(PlasmidError) {
        var writer = MessagePackWriter()
        writer.write(try capabilityInfo(of: request.call.origin(of: request.moduleCall).admission))
        request.succeed(writer.bytes)
    }

    private func capabilityInfo(of admission: Admission?) throws(PlasmidError) -> CapabilityInfo? {
        guard let admission, let address = admission.grant else { return nil }
        var passedOnBy: [AgentPubKey] = []
        if case .delegated(_, let certificates) = admission.verdict { passedOnBy = certificates.map(\.from) }
        let used = grants.used(address.core).used
        if let grant = grants[address] {
            return CapabilityInfo(
                grant: address, label: grant.entry.tag, limits: grant.limits,
                used: grant.limits.uses == nil ? 0 : used, passedOnBy: passedOnBy)
        }
        // Revoked while the call runs: it began before, so it ends.
        let made = try grantsMade(includingRevoked: true).first { $0.address == address }
        return CapabilityInfo(
            grant: address, label: made?.grant.tag ?? "", limits: made?.limits ?? .none,
            used: made?.limits.uses == nil ? 0 : used, passedOnBy: passedOnBy)
    }

    /// Passes a claim on: signed by this agent, derived from the claim's secret, nothing written.
    func delegate(_ request: HostRequest) throws(PlasmidError) {
        let wish = try request.decode(DelegateRequest.self)
        let now = conductor.options.clock()
        try wish.limits.check(now: now)
        guard let claim = claimBook(seenBy: request.call).claim(with: wish.secret) else {
            throw PlasmidError(
                .notFound, "no claim of \(instanceID) has this secret",
                hint: "commit the claim first; capabilityClaims(grantor:label:) finds it again")
        }
        guard claim.certificates.count < Limits.delegationDepth else {
            throw PlasmidError(
                .badCapability, "The capability was passed on \(claim.certificates.count) times already.",
                hint: "ask \(claim.entry.grantor) for one of your own")
        }
        guard wish.functions?.isEmpty != true, wish.functions?.count ?? 0 <= Limits.capFunctions else {
            throw PlasmidError(
                .badCapability, "A capability is passed on for 1 to \(Limits.capFunctions) functions.",
                hint: "leave `functions` out to pass on all that it opens")
        }
        var certificate = Delegation(
            dna: id.dna, grantor: claim.entry.grantor, parent: claim.entry.secret.fingerprint, from: id.agent,
            to: wish.to, functions: wish.functions, limits: wish.limits,
            salt: conductor.options.randomBytes(Delegation.saltBytes), signature: Signature(Bytes64()))
        certificate.signature = try conductor.keystore.sign(certificate.signedBytes, by: id.agent)
        request.succeed(
            DelegatedClaim(
                grantor: claim.entry.grantor, secret: claim.entry.secret.derived(for: certificate),
                certificates: claim.certificates + [certificate]
            ).packed)
    }

    // MARK: Writing

    func commitGrant(_ request: HostRequest) throws(PlasmidError) -> Work {
        let wish = try request.decode(GrantRequest.self)
        let (grant, secret) = try makeGrant(wish)
        return { [self] call in
            guard let address = try call.scratch?.grant(grant, limits: wish.limits, now: conductor.options.clock())
            else { return [] }
            return GrantReceipt(address: address, secret: secret).packed
        }
    }

    func updateGrant(_ request: HostRequest) throws(PlasmidError) -> Work {
        let update = try request.decode(GrantUpdate.self)
        return { [self] call in
            let book = grantBook(seenBy: call)
            let original = try grant(update.original, in: book)
            guard var scratch = call.scratch else { return [] }
            call.scratch = nil
            defer { call.scratch = scratch }
            return try replace(original, by: update, in: book, call, &scratch).packed
        }
    }

    /// Writes a grant in the place of another one.
    func replace(
        _ original: GrantBook.Grant, by update: GrantUpdate, in book: GrantBook, _ call: ActiveCall,
        _ scratch: inout Scratch
    ) throws(PlasmidError) -> GrantReceipt {
        let used = book.used(original.address.core).used
        let (grant, limits) = try updated(original, by: update, used: used)
        let address = try scratch.updateGrant(original, with: grant, limits: limits, now: conductor.options.clock())
        if update.limits == nil, limits.uses != nil {
            call.replacements.append(GrantReplacement(old: original.address, new: address, used: used))
        }
        return GrantReceipt(address: address, secret: grant.access.secret)
    }

    func commitClaim(_ request: HostRequest) throws(PlasmidError) -> Work {
        let wish = try request.decode(ClaimRequest.self)
        let claim = CapClaim(tag: wish.tag, grantor: wish.grantor, secret: wish.secret)
        return { [self] call in
            try call.scratch?.claim(claim, certificates: wish.certificates, now: conductor.options.clock()).packed ?? []
        }
    }

    func revokeGrant(_ request: HostRequest) throws(PlasmidError) -> Work {
        let revoke = try request.decode(RevokeRequest.self)
        return { [self] call in
            let grant = try grant(.address(revoke.address), in: grantBook(seenBy: call))
            return try call.scratch?.revokeGrant(grant, now: conductor.options.clock()).packed ?? []
        }
    }

    func revokeGrants(_ request: HostRequest) throws(PlasmidError) -> Work {
        let label = try request.decode(RevokeLabelRequest.self).label
        return { [self] call in
            let found = grantBook(seenBy: call).grants(label: label)
            let before = call.scratch?.actions.count ?? 0
            do {
                for grant in found { _ = try call.scratch?.revokeGrant(grant, now: conductor.options.clock()) }
            } catch {
                // All of them or none: who hears an error must not have revoked some.
                call.scratch?.truncate(to: before)
                throw error
            }
            return found.map(\.address).packed
        }
    }

    /// The grant that is meant.
    /// - Throws: `notFound`; `capabilityAmbiguous` where several in effect bear the label.
    func grant(_ name: GrantName, in book: GrantBook) throws(PlasmidError) -> GrantBook.Grant {
        switch name {
        case .address(let address):
            if let grant = book[address] { return grant }
            throw PlasmidError(
                .notFound, "\(address) is no grant in effect of \(instanceID)",
                hint: "`plasmid admin grants \(instanceID)` lists them")
        case .label(let label):
            let found = book.grants(label: label)
            if let only = found.first, found.count == 1 { return only }
            guard found.isEmpty else {
                throw PlasmidError(
                    .capabilityAmbiguous, "\(found.count) grants in effect of \(instanceID) have the label `\(label)`",
                    hint: "name the one by its address")
            }
            throw PlasmidError(
                .notFound, "no grant in effect of \(instanceID) has the label `\(label)`",
                hint: "`plasmid admin grants \(instanceID)` lists them")
        }
    }

    private func updated(
        _ original: GrantBook.Grant, by update: GrantUpdate, used: UInt32
    ) throws(PlasmidError) -> (ZomeCallCapGrant, GrantLimits) {
        let access = update.access ?? GrantAccess(original.entry.access)
        let assignees = update.assignees ?? (access == .assigned ? original.assignees.map { $0.sorted() } ?? [] : [])
        let limits: GrantLimits
        if let given = update.limits { limits = given } else { limits = try original.limits.left(after: used) }
        let wish = GrantRequest(
            tag: update.label ?? original.entry.tag, access: access, assignees: assignees,
            functions: update.functions ?? original.entry.functions, limits: limits)
        let kept = update.keepsSecret ? original.entry.access.secret : nil
        return (try makeGrant(wish, secret: kept).0, limits)
    }
}

extension GrantLimits {
    /// What is left of these after some uses.
    /// - Throws: `badCapability` where that is nothing.
    fileprivate func left(after used: UInt32) throws(PlasmidError) -> GrantLimits {
        guard let uses else { return self }
        guard used < uses else {
            throw PlasmidError(
                .badCapability, "All \(uses) uses of the grant were made, so none is left for the new one.",
                hint: "say the limits of the new one")
        }
        return GrantLimits(expiresAt: expiresAt, uses: uses - used)
    }
}

extension GrantAccess {
    fileprivate init(_ access: CapAccess) {
        switch access {
        case .unrestricted: self = .public
        case .transferable: self = .transferable
        case .assigned: self = .assigned
        }
    }
}

extension GrantBook {
    /// Whether a grant in the book opens anything.
    func state(of grant: Grant, now: Timestamp) -> GrantState {
        switch refusal(of: grant, now: now) {
        case .expired?: .expired
        case .spent?: .spent
        default: .inEffect
        }
    }
}
