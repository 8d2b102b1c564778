import HDK

// A private note is shared by a grant that bears its title as label: it opens `shared_note`, to one person, until it is taken
// back. The secret travels in a message; whoever gets it keeps it as a claim.

struct Share: Decodable, Sendable {
    var title: String
    var with: AgentKey
}

struct Shared: Decodable, Sendable {
    var title: String
    var from: AgentKey
}

/// What is sent to the person that a note is shared with.
struct Invitation: Codable, Sendable {
    var title: String
    var secret: CapSecret
}

struct ShareView: Encodable, Sendable {
    var title: String
    var with: [AgentKey]
}

struct InvitationView: Encodable, Sendable {
    var title: String
    var from: AgentKey
}

@ZomeBuilder
func sharing() -> [ZomePart] {
    // MARK: Whose note it is

    Function("share") { (share: Share, host: Host) -> String in
        _ = try await find(share.title, host)
        let grant = try await host.commitCapabilityGrant(
            label: share.title, to: .assigned([share.with]), functions: ["shared_note"])
        guard let secret = grant.secret else { throw ZomeError(.internal, "an assigned grant has a secret") }
        return try await host.send(
            to: share.with, Invitation(title: share.title, secret: secret), timeout: .seconds(10), as: String.self)
    }
    // From the next call on, nobody it was shared with can open it. What they have read they have read.
    Function("unshare") { (titled: Titled, host: Host) -> Int in
        try await unshare(titled.title, host)
    }
    Function("shares") { (host: Host) -> [ShareView] in
        try await host.capabilityGrants().map { ShareView(title: $0.label, with: $0.grant.access.assignees) }
    }
    // The note that the caller's grant is about, and no other.
    Function("shared_note") { (host: Host) -> NoteView in
        guard let used = try await host.capabilityInfo() else {
            throw ZomeError("notShared", "this is for whom a note was shared with; your own you can `read`")
        }
        return try await find(used.label, host).view(host)
    }

    // MARK: Whom it is shared with

    Receive { (from: AgentKey, invitation: Invitation, host: Host) -> String in
        try await host.commitCapabilityClaim(label: invitation.title, grantor: from, secret: invitation.secret)
        try await host.emitSignal("shared", InvitationView(title: invitation.title, from: from))
        return "\(invitation.title) can be opened now"
    }
    Function("shared") { (host: Host) -> [InvitationView] in
        try await host.capabilityClaims().map { InvitationView(title: $0.label, from: $0.grantor) }
    }
    Function("open") { (shared: Shared, host: Host) -> NoteView in
        guard let claim = try await host.capabilityClaims(grantor: shared.from, label: shared.title).last else {
            throw ZomeError("noClaim", "\(shared.from) has not shared a note named `\(shared.title)`")
        }
        return try await host.call(to: shared.from, "shared_note", None(), with: claim, as: NoteView.self)
    }
}

/// Takes back every grant of a note; answers how many there were.
func unshare(_ title: String, _ host: Host) async throws -> Int {
    try await host.revokeCapabilities(label: title).count
}

extension CapAccess {
    /// Whom a grant names; nobody where it is for all.
    fileprivate var assignees: [AgentKey] {
        if case .assigned(_, let assignees) = self { assignees } else { [] }
    }
}

/// No input.
struct None: Encodable, Sendable {}
