import Integrity

/// Who may use a grant.
public enum GrantHolders: Sendable, Hashable {
    /// Everybody, without a secret.
    case everybody
    /// Whoever shows the secret.
    case transferable
    /// These agents, when they show the secret. At least one.
    case assigned([AgentKey])

    var access: GrantAccess {
        switch self {
        case .everybody: .public
        case .transferable: .transferable
        case .assigned: .assigned
        }
    }

    var assignees: [AgentKey] {
        if case .assigned(let agents) = self { return agents }
        return []
    }
}

extension Host {
    // MARK: Granting

    /// Grants functions of this zome to others.
    /// - Parameters:
    ///   - label: a word of the app's own, by which the grant is found, updated and revoked.
    ///   - functions: names of functions of this zome. A function whose access is `author` is opened by no grant.
    ///   - expires: from when on it opens nothing; nil: never. Microseconds since 1970, by the conductor's clock.
    ///   - uses: how many calls it opens in all, at least 1; nil: any number. A use is spent when a call is let in, durably
    ///     and whatever becomes of the call.
    /// - Returns: the grant's address, by which it is revoked, and the secret to hand on: 64 random bytes; nil for
    ///   `everybody`.
    /// - Throws: `unknownFunction`; `badCapability` when an assigned grant names nobody, when `expires` has passed or `uses`
    ///   is 0.
    public func commitCapabilityGrant(
        label: String, to holders: GrantHolders, functions: [String], expires: Timestamp? = nil, uses: UInt32? = nil
    ) async throws -> GrantReceipt {
        try await commitCapabilityGrant(
            label: label, to: holders, functions: granted(functions), expires: expires, uses: uses)
    }

    /// Grants functions of any zome of this cell, or all of them, to others.
    public func commitCapabilityGrant(
        label: String, to holders: GrantHolders, functions: GrantedFunctions, expires: Timestamp? = nil,
        uses: UInt32? = nil
    ) async throws -> GrantReceipt {
        try await live.ask(
            .commitCapabilityGrant,
            GrantRequest(
                tag: label, access: holders.access, assignees: holders.assignees, functions: functions,
                limits: GrantLimits(expiresAt: expires, uses: uses)))
    }

    /// Replaces a grant. What is nil stays as it was; of counted uses, those that are left. Has effect from the next call on.
    /// - Parameters:
    ///   - limits: both limits anew, `.none` for no limit.
    ///   - keepingSecret: whether those who have the secret may go on with it. Otherwise the answer has a new one, and the
    ///     old one opens nothing.
    /// - Throws: `notFound`, `badCapability`.
    public func updateCapabilityGrant(
        _ address: ActionHash, label: String? = nil, to holders: GrantHolders? = nil,
        functions: GrantedFunctions? = nil, limits: GrantLimits? = nil, keepingSecret: Bool = false
    ) async throws -> GrantReceipt {
        try await update(
            .address(address), label: label, to: holders, functions: functions, limits: limits,
            keepingSecret: keepingSecret)
    }

    /// Replaces the one grant in effect with this label. See ``updateCapabilityGrant(_:label:to:functions:limits:keepingSecret:)``.
    /// - Throws: `notFound`; `capabilityAmbiguous` where several have it; `badCapability`.
    public func updateCapabilityGrant(
        label: String, to holders: GrantHolders? = nil, functions: GrantedFunctions? = nil,
        limits: GrantLimits? = nil, keepingSecret: Bool = false
    ) async throws -> GrantReceipt {
        try await update(
            .label(label), label: nil, to: holders, functions: functions, limits: limits, keepingSecret: keepingSecret)
    }

    private func update(
        _ original: GrantName, label: String?, to holders: GrantHolders?, functions: GrantedFunctions?,
        limits: GrantLimits?, keepingSecret: Bool
    ) async throws -> GrantReceipt {
        try await live.ask(
            .updateCapabilityGrant,
            GrantUpdate(
                original: original, label: label, access: holders?.access, assignees: holders?.assignees,
                functions: functions, limits: limits, keepsSecret: keepingSecret))
    }

    /// Takes a grant back. Its secret opens nothing from the next call on, nor does what was passed on of it.
    /// - Throws: `notFound` when there is no such grant in effect on this chain.
    @discardableResult
    public func revokeCapability(_ address: ActionHash) async throws -> ActionHash {
        try await live.ask(.revokeCapability, RevokeRequest(address: address))
    }

    /// Takes back every grant with this label.
    /// - Returns: what was revoked; empty where nothing had the label.
    @discardableResult
    public func revokeCapabilities(label: String) async throws -> [ActionHash] {
        try await live.ask(.revokeCapabilities, RevokeLabelRequest(label: label))
    }

    /// The grants on this agent's chain that were neither revoked nor replaced, oldest first; each says whether it has
    /// expired or is spent. With `includingRevoked` the others too, before them.
    public func capabilityGrants(
        label: String? = nil, includingRevoked: Bool = false
    ) async throws -> [CapabilityGrant] {
        try await live.ask(.capabilityGrants, GrantsQuery(label: label, includesRevoked: includingRevoked))
    }

    /// The grant by which this call runs, and who passed it on; nil for the author, and for functions that are open to
    /// everyone.
    public func capabilityInfo() async throws -> CapabilityInfo? {
        try await live.ask(.capabilityInfo, NoInput())
    }

    private func granted(_ functions: [String]) -> GrantedFunctions {
        let zome = live.runtime.zome
        return .listed(functions.map { ZomeFunction(zome: zome, function: $0) })
    }

    // MARK: Claiming

    /// Keeps a secret that another agent granted, privately. ``capabilityClaims(grantor:label:)`` finds it again.
    @discardableResult
    public func commitCapabilityClaim(
        label: String, grantor: AgentKey, secret: CapSecret
    ) async throws -> ActionHash {
        try await live.ask(.commitCapabilityClaim, ClaimRequest(tag: label, grantor: grantor, secret: secret))
    }

    /// Keeps a capability that somebody passed on to this agent. It is used as any other claim.
    /// - Throws: `validationFailed` at the commit where it was passed on to another agent, or is of another app.
    @discardableResult
    public func commitCapabilityClaim(label: String, _ passedOn: DelegatedClaim) async throws -> ActionHash {
        try await live.ask(
            .commitCapabilityClaim,
            ClaimRequest(
                tag: label, grantor: passedOn.grantor, secret: passedOn.secret, certificates: passedOn.certificates))
    }

    /// What was granted to this agent, oldest first: by one grantor or by anyone, with one label or any.
    public func capabilityClaims(grantor: AgentKey? = nil, label: String? = nil) async throws -> [CapabilityClaim] {
        try await live.ask(.capabilityClaims, ClaimsQuery(grantor: grantor, label: label))
    }

    /// Passes a claim of a transferable grant on to one agent, no wider than it is. Nothing is written; the grantor learns of
    /// it with the first call, and who passed it on.
    /// - Parameters:
    ///   - functions: only these; nil: all that the claim opens.
    ///   - expires: an end before the claim's own.
    ///   - uses: how many calls it opens, each of which counts as one of the claim's own too.
    /// - Returns: what the other agent keeps with ``commitCapabilityClaim(label:_:)``. It is secret: `send` it.
    /// - Throws: `notFound` for a claim that is not on this chain; `badCapability` for impossible limits, and for what was
    ///   passed on too often.
    public func delegate(
        _ claim: CapabilityClaim, to agent: AgentKey, functions: [ZomeFunction]? = nil, expires: Timestamp? = nil,
        uses: UInt32? = nil
    ) async throws -> DelegatedClaim {
        try await live.ask(
            .delegate,
            DelegateRequest(
                secret: claim.claim.secret, to: agent, functions: functions,
                limits: GrantLimits(expiresAt: expires, uses: uses)))
    }

    // MARK: Calling with a claim

    /// Calls a function of another agent with a claim. See ``call(to:zome:_:_:secret:timeout:as:)``.
    public func call<Input: Encodable, Output: Decodable>(
        to agent: AgentKey, zome: String? = nil, _ function: String, _ input: Input, with claim: CapabilityClaim,
        timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        try await call(
            to: agent, zome: zome, function, input, secret: claim.claim.secret, timeout: timeout, as: type)
    }

    /// Calls a function of another agent with the newest claim that this agent was granted by them under a label.
    /// - Throws: `noClaim` where there is none, and what the call throws.
    public func call<Input: Encodable, Output: Decodable>(
        to agent: AgentKey, zome: String? = nil, _ function: String, _ input: Input, claimed label: String,
        timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        guard let claim = try await capabilityClaims(grantor: agent, label: label).last else {
            throw ZomeError("noClaim", "there is no claim `\(label)` that \(agent) granted")
        }
        return try await call(to: agent, zome: zome, function, input, with: claim, timeout: timeout, as: type)
    }
}
