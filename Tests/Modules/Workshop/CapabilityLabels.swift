import HDK

// Grants by label, claims by grantor and label, capabilities that are passed on.

struct Labelled: Decodable, Sendable {
    var label: String?
    var revoked: Bool?
    var grantor: AgentKey?
}

struct Regrant: Decodable, Sendable {
    var label: String
    var assignees: [AgentKey]?
    var uses: UInt32?
    var expires: Timestamp?
    var keep: Bool?
}

struct PassOn: Decodable, Sendable {
    var grantor: AgentKey
    var label: String
    var to: AgentKey
    var functions: [String]?
    var expires: Timestamp?
    var uses: UInt32?
}

struct PassedOn: Decodable, Sendable {
    var label: String
    var claim: DelegatedClaim
}

struct ClaimedCall: Decodable, Sendable {
    var to: AgentKey
    var label: String
    var function: String
    var text: String
}

struct GrantLine: Encodable, Sendable {
    var address: ActionHash
    var label: String
    var used: UInt32
    var state: String
}

struct ClaimLine: Encodable, Sendable {
    var label: String
    var grantor: AgentKey
    var steps: Int
}

struct GrantUsed: Encodable, Sendable {
    var label: String
    var used: UInt32
    var by: [AgentKey]
}

@ZomeBuilder
func labels() -> [ZomePart] {
    Function("grants_by_label") { (wanted: Labelled, host: Host) in
        try await host.capabilityGrants(label: wanted.label, includingRevoked: wanted.revoked ?? false).map {
            GrantLine(address: $0.address, label: $0.label, used: $0.used, state: $0.state.rawValue)
        }
    }
    Function("claims_by_label") { (wanted: Labelled, host: Host) in
        try await host.capabilityClaims(grantor: wanted.grantor, label: wanted.label).map {
            ClaimLine(label: $0.label, grantor: $0.grantor, steps: $0.certificates.count)
        }
    }
    Function("regrant") { (change: Regrant, host: Host) in
        let limits =
            change.uses == nil && change.expires == nil
            ? nil : GrantLimits(expiresAt: change.expires, uses: change.uses)
        let receipt = try await host.updateCapabilityGrant(
            label: change.label, to: change.assignees.map { .assigned($0) }, limits: limits,
            keepingSecret: change.keep ?? false)
        return Granted(address: receipt.address, secret: receipt.secret)
    }
    Function("revoke_label") { (wanted: Labelled, host: Host) in
        try await host.revokeCapabilities(label: wanted.label ?? "").count
    }
    Function("pass_on") { (wanted: PassOn, host: Host) in
        guard let claim = try await host.capabilityClaims(grantor: wanted.grantor, label: wanted.label).last else {
            throw ZomeError("noClaim", "no claim `\(wanted.label)` on \(wanted.grantor)")
        }
        let functions = wanted.functions?.map { ZomeFunction(zome: "workshop", function: $0) }
        return try await host.delegate(
            claim, to: wanted.to, functions: functions, expires: wanted.expires, uses: wanted.uses
        ).codableText
    }
    Function("keep_passed_on") { (passed: PassedOn, host: Host) in
        try await host.commitCapabilityClaim(label: passed.label, passed.claim)
    }
    Function("call_claimed") { (call: ClaimedCall, host: Host) in
        try await host.call(
            to: call.to, call.function, Text(text: call.text), claimed: call.label, as: MessagePackValue.self)
    }
    // By which grant its caller came.
    Function("by_what_right") { (host: Host) in
        try await host.capabilityInfo().map { GrantUsed(label: $0.label, used: $0.used, by: $0.passedOnBy) }
    }
    // What a call sees of the grants that it makes itself.
    Function("grant_and_look") { (host: Host) in
        let before = try await host.capabilityGrants(label: "own").count
        let made = try await host.commitCapabilityGrant(label: "own", to: .transferable, functions: ["write"], uses: 2)
        let during = try await host.capabilityGrants(label: "own").count
        try await host.revokeCapability(made.address)
        let after = try await host.capabilityGrants(label: "own").count
        return [before, during, after]
    }
}
