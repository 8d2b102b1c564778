import HDK

/// A post on the owner's chain, and who wrote it. `Plugins/GhostwriterIntegrity` judges it.
struct Post: EntryValue {
    static let type: EntryTypeName = "post"
    var text: String
    var writer: AgentKey
}

/// Whom the owner lets post in her name, for her eyes only.
struct Invitation: EntryValue {
    static let type: EntryTypeName = "invitation"
    var writer: AgentKey
}

struct Writer: Decodable, Sendable {
    var writer: AgentKey
}

struct Owner: Decodable, Sendable {
    var owner: AgentKey
}

struct Text: Codable, Sendable {
    var text: String
}

struct Commission: Decodable, Sendable {
    var owner: AgentKey
    var text: String
}

/// What a writer sends to ask, and what an owner replies.
enum Message {
    static let ask = "may I post for you?"

    struct Reply: Codable, Sendable {
        var secret: CapSecret?
        var refusal: String?
    }
}

struct PostView: Encodable, Sendable {
    var hash: ActionHash
    var author: AgentKey
    var writer: AgentKey
    var text: String
}

struct ClaimView: Encodable, Sendable {
    var tag: String
    var grantor: AgentKey
}

/// What grants and claims of this zome are called.
let tag = "can_post"

let ghostwriter = Zome("ghostwriter") {
    // MARK: The owner's side

    Function("invite") { (invited: Writer, host: Host) in
        try await host.create(Invitation(writer: invited.writer))
    }
    // Takes back every grant and every invitation of a writer; answers how many grants there were.
    Function("revoke") { (dismissed: Writer, host: Host) in
        for record in try await host.query(.entries(of: Invitation.self)) {
            guard try record.value(Invitation.self)?.writer == dismissed.writer else { continue }
            guard try await host.get(record.hash) != nil else { continue }
            try await host.delete(record.hash)
        }
        let grants = try await host.capabilityGrants(tag: tag).filter { grant in
            guard case .assigned(_, let assignees) = grant.grant.access else { return false }
            return assignees.contains(dismissed.writer)
        }
        for grant in grants { try await host.revokeCapability(grant.address) }
        return grants.count
    }
    Receive { (from: AgentKey, message: String, host: Host) -> Message.Reply in
        guard message == Message.ask else { return Message.Reply(refusal: "error: I do not understand") }
        guard try await isInvited(from, host) else { return Message.Reply(refusal: "error: you are not invited") }
        let grant = try await host.commitCapabilityGrant(
            tag: tag, to: .assigned([from]), functions: ["post"])
        return Message.Reply(secret: grant.secret)
    }
    // Posts on this agent's chain, in the name of whoever calls.
    Function("post") { (post: Text, host: Host) in
        let writer = try await { if let caller = host.caller { caller } else { try await host.me } }()
        return try await host.create(Post(text: post.text, writer: writer))
    }
    Function("posts") { (host: Host) in
        try await host.query(.entries(of: Post.self)).compactMap { record -> PostView? in
            guard let post = try record.value(Post.self) else { return nil }
            return PostView(
                hash: record.hash, author: record.action.header.author,
                writer: post.writer, text: post.text)
        }
    }

    // MARK: The writer's side

    Function("ask") { (asked: Owner, host: Host) in
        let reply = try await host.send(
            to: asked.owner, Message.ask, timeout: .seconds(10), as: Message.Reply.self)
        guard let secret = reply.secret else { throw ZomeError("refused", reply.refusal ?? "no reason was given") }
        return try await host.commitCapabilityClaim(tag: tag, grantor: asked.owner, secret: secret)
    }
    Function("claims") { (host: Host) in
        try await host.capabilityClaims().map { ClaimView(tag: $0.tag, grantor: $0.grantor) }
    }
    Function("post_for") { (commission: Commission, host: Host) in
        guard let claim = try await host.capabilityClaims(grantor: commission.owner, tag: tag).last else {
            throw ZomeError("noClaim", "\(commission.owner) has not allowed this agent to post; ask first")
        }
        return try await host.call(
            to: commission.owner, "post", Text(text: commission.text), with: claim, as: ActionHash.self)
    }
}

private func isInvited(_ writer: AgentKey, _ host: Host) async throws -> Bool {
    for record in try await host.query(.entries(of: Invitation.self)) {
        guard try record.value(Invitation.self)?.writer == writer else { continue }
        // A deleted invitation is still on the chain, but is not found any more.
        if try await host.get(record.hash) != nil { return true }
    }
    return false
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(ghostwriter).export(to: host)
}
