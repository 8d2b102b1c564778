import HDK

struct Who: Encodable, Sendable {
    var me: AgentKey
    var caller: AgentKey?
    var secretUsed: Bool
    var dna: DnaHash
    var zome: String
    var function: String
    var head: UInt32

    enum CodingKeys: String, CodingKey {
        case me, caller, dna, zome, function, head
        case secretUsed = "secret_used"
    }
}

struct Signed: Decodable, Sendable {
    var signature: Signature
    var text: String
    var agent: AgentKey
}

struct Grant: Decodable, Sendable {
    var tag: String
    var access: String
    var assignees: [AgentKey]?
    /// Texts of the form zome/function; nil grants all.
    var functions: [String]?
    var expires: Timestamp?
    var uses: UInt32?
}

struct Granted: Encodable, Sendable {
    var address: ActionHash
    var secret: CapSecret?
}

struct NewClaim: Decodable, Sendable {
    var tag: String
    var grantor: AgentKey
    var secret: CapSecret
}

struct Remote: Decodable, Sendable {
    var to: AgentKey
    var zome: String
    var function: String
    var text: String
    var secret: CapSecret?
}

@ZomeBuilder
func facts() -> [ZomePart] {
    Function("who") { (host: Host) in try await who(host) }
    Function("who_granted") { (host: Host) in try await who(host) }
    Function("sign") { (text: Text, host: Host) in try await host.sign(Array(text.text.utf8)) }
    Function("verify") { (signed: Signed, host: Host) in
        try await host.verify(signed.signature, of: Array(signed.text.utf8), by: signed.agent)
    }
}

private func who(_ host: Host) async throws -> Who {
    let info = try await host.callInfo()
    return Who(
        me: try await host.me, caller: info.caller, secretUsed: info.secretUsed, dna: try await host.dnaInfo().hash,
        zome: info.zome, function: info.function, head: try await host.agentInfo().chainHead.seq)
}

@ZomeBuilder
func capabilities() -> [ZomePart] {
    Function("grant") { (grant: Grant, host: Host) in
        let holders: GrantHolders =
            switch grant.access {
            case "public": .everybody
            case "transferable": .transferable
            default: .assigned(grant.assignees ?? [])
            }
        let functions = grant.functions?.map { text in
            let parts = text.split(separator: "/")
            return ZomeFunction(zome: String(parts[0]), function: String(parts[1]))
        }
        let receipt = try await host.commitCapabilityGrant(
            label: grant.tag, to: holders, functions: functions.map { .listed($0) } ?? .all, expires: grant.expires,
            uses: grant.uses)
        return Granted(address: receipt.address, secret: receipt.secret)
    }
    Function("revoke") { (grant: Address, host: Host) in try await host.revokeCapability(grant.hash) }
    Function("claim") { (claim: NewClaim, host: Host) in
        try await host.commitCapabilityClaim(label: claim.tag, grantor: claim.grantor, secret: claim.secret)
    }
    // Calls a function of another agent with a text, and answers whatever it answers.
    Function("call_remote") { (remote: Remote, host: Host) in
        try await host.call(
            to: remote.to, zome: remote.zome, remote.function, Text(text: remote.text), secret: remote.secret,
            as: MessagePackValue.self)
    }
    // The same with the newest claim on that agent.
    Function("call_with_claim") { (remote: Remote, host: Host) in
        guard let claim = try await host.capabilityClaims(grantor: remote.to).last else {
            throw ZomeError("noClaim", "no claim on \(remote.to)")
        }
        return try await host.call(
            to: remote.to, zome: remote.zome, remote.function, Text(text: remote.text), with: claim,
            as: MessagePackValue.self)
    }
}
