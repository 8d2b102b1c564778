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
    var label: String
    var grantor: AgentKey
}

/// What a writer's claim is called, and the beginning of what the grant behind it is.
let label = "can_post"

/// The label of the one grant that a writer has at a time.
func grantLabel(_ writer: AgentKey) -> String { "\(label) \(writer)" }

let ghostwriter = Zome("ghostwriter") {
    // MARK: The owner's side

    Function("invite") { (invited: Writer, host: Host) in
        try await host.create(Invitation(writer: invited.writer))
    }
    // Takes back a writer's grant and every invitation; answers how many grants there were.
    Function("revoke") { (dismissed: Writer, host: Host) in
        for record in try await host.query(.entries(of: Invitation.self)) {
            guard try record.value(Invitation.self)?.writer == dismissed.writer else { continue }
            guard try await host.get(record.hash) != nil else { continue }
            try await host.delete(record.hash)
        }
        return try await host.revokeCapabilities(label: grantLabel(dismissed.writer)).count
    }
    Receive { (from: AgentKey, message: String, host: Host) -> Message.Reply in
        guard message == Message.ask else { return Message.Reply(refusal: "error: I do not understand") }
        guard try await isInvited(from, host) else { return Message.Reply(refusal: "error: you are not invited") }
        return Message.Reply(secret: try await granted(to: from, host).secret)
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
        // A secret that was given before opens nothing any more.
        for old in try await host.capabilityClaims(grantor: asked.owner, label: label) {
            try await host.delete(old.address)
        }
        return try await host.commitCapabilityClaim(label: label, grantor: asked.owner, secret: secret)
    }
    Function("claims") { (host: Host) in
        try await host.capabilityClaims().map { ClaimView(label: $0.label, grantor: $0.grantor) }
    }
    Function("post_for") { (commission: Commission, host: Host) in
        try await host.call(
            to: commission.owner, "post", Text(text: commission.text), claimed: label, as: ActionHash.self)
    }
}

/// A writer who asks again gets a new secret, and the old one ends with it.
private func granted(to writer: AgentKey, _ host: Host) async throws -> GrantReceipt {
    let label = grantLabel(writer)
    if try await host.capabilityGrants(label: label).isEmpty {
        return try await host.commitCapabilityGrant(label: label, to: .assigned([writer]), functions: ["post"])
    }
    return try await host.updateCapabilityGrant(label: label)
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
