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

/// A grant on this agent's chain.
public struct CapabilityGrant: Sendable, Hashable {
    /// By what it is revoked.
    public let address: ActionHash
    /// What it says.
    public let grant: ZomeCallCapGrant
}

extension Host {
    /// Grants functions of this zome to others.
    /// - Parameters:
    ///   - tag: a word of the app's own, to find the grant again.
    ///   - functions: names of functions of this zome.
    /// - Returns: the grant's address, by which it is revoked, and the secret to hand on: 64 random bytes; nil for
    ///   `everybody`.
    /// - Throws: `unknownFunction`; `badInput` when an assigned grant names nobody.
    public func commitCapabilityGrant(
        tag: String, to holders: GrantHolders, functions: [String]
    ) async throws -> GrantReceipt {
        let zome = live.runtime.zome
        return try await commitCapabilityGrant(
            tag: tag, to: holders, functions: .listed(functions.map { ZomeFunction(zome: zome, function: $0) }))
    }

    /// Grants functions of any zome of this cell, or all of them, to others.
    public func commitCapabilityGrant(
        tag: String, to holders: GrantHolders, functions: GrantedFunctions
    ) async throws -> GrantReceipt {
        try await live.ask(
            .commitCapabilityGrant,
            GrantRequest(tag: tag, access: holders.access, assignees: holders.assignees, functions: functions))
    }

    /// Takes a grant back. Its secret opens nothing from the next call on.
    /// - Throws: `notFound` when there is no such grant on this chain.
    @discardableResult
    public func revokeCapability(_ address: ActionHash) async throws -> ActionHash {
        try await live.ask(.revokeCapability, RevokeRequest(address: address))
    }

    /// Keeps a secret that another agent granted, privately. ``capabilityClaims(grantor:tag:)`` finds it again.
    @discardableResult
    public func commitCapabilityClaim(
        tag: String, grantor: AgentKey, secret: CapSecret
    ) async throws -> ActionHash {
        try await live.ask(.commitCapabilityClaim, ClaimRequest(tag: tag, grantor: grantor, secret: secret))
    }

    /// The grants on this agent's chain that are in effect, oldest first.
    public func capabilityGrants(tag: String? = nil) async throws -> [CapabilityGrant] {
        var found: [CapabilityGrant] = []
        for record in try await query(ChainQuery(actionTypes: ["Create", "Update"], includeEntries: true)) {
            guard case .capGrant(let grant) = record.entry.entry, tag == nil || grant.tag == tag else { continue }
            // A grant that was revoked is still on the chain, but is not found any more.
            guard try await get(record.hash) != nil else { continue }
            found.append(CapabilityGrant(address: record.hash, grant: grant))
        }
        return found
    }

    /// What others granted to this agent, oldest first.
    public func capabilityClaims(grantor: AgentKey? = nil, tag: String? = nil) async throws -> [CapClaim] {
        try await query(ChainQuery(actionTypes: ["Create", "Update"], includeEntries: true)).compactMap { record in
            guard case .capClaim(let claim) = record.entry.entry else { return nil }
            return (grantor == nil || claim.grantor == grantor) && (tag == nil || claim.tag == tag) ? claim : nil
        }
    }
}
