import HDK

// Two agents sign the same terms before either of them commits anything:
//
//   propose   A asks B, whose `receive` signs if B has said beforehand that these terms will do, and keeps what it signed
//             A verifies B's signature, adds its own and commits the agreement with both
//   confirm   A's post-commit sends the agreement to B, whose `receive` commits the same one
//
// Either chain then holds the whole proof, and every node has verified it: `Plugins/AgreementIntegrity`.

/// What two agents agreed, with the signatures of both. `Plugins/AgreementIntegrity` judges it.
struct Agreement: EntryValue {
    static let type: EntryTypeName = "agreement"
    var id: String
    var terms: String
    var proposer: AgentKey
    var accepter: AgentKey
    var proposerSignature: Signature
    var accepterSignature: Signature
}

/// What this agent would agree to, with whom: private, and used up by the first proposal that fits.
struct Willing: EntryValue {
    static let type: EntryTypeName = "willing"
    var terms: String
    var with: AgentKey
}

/// What this agent has signed as accepter and not yet seen confirmed: private.
struct Signed: EntryValue {
    static let type: EntryTypeName = "signed"
    var id: String
    var terms: String
    var proposer: AgentKey
}

struct Proposal: Decodable, Sendable {
    var to: AgentKey
    var terms: String
    var timeoutMs: Int?

    enum CodingKeys: String, CodingKey {
        case to, terms
        case timeoutMs = "timeout_ms"
    }
}

struct AgreementID: Decodable, Sendable {
    var hash: ActionHash
}

/// An agreement, as it is shown; `record` takes it back in the same form.
struct AgreementView: Encodable, Sendable {
    var hash: ActionHash
    var author: AgentKey
    var agreement: Agreement
}

/// What one agent's zome sends to the other's: one of the two.
struct Message: Codable, Sendable {
    struct Offer: Codable, Sendable {
        var id: String
        var terms: String
    }

    var offer: Offer?
    var confirmed: Agreement?
}

/// The reply: a signature to an offer that will do, the address of what a confirmation made, or nothing.
struct Reply: Codable, Sendable {
    var signature: Signature?
    var recorded: ActionHash?
}

/// What a client hears when somebody proposed something.
struct Proposed: Encodable, Sendable {
    var from: AgentKey
    var terms: String
    var signed: Bool
}

let agreement = Zome("agreement") {
    Function("agree_to") { (willing: Willing, host: Host) in try await host.create(willing) }
    Function("think_again") { (willing: AgreementID, host: Host) in try await host.delete(willing.hash) }

    Function("propose") { (proposal: Proposal, host: Host) in try await propose(proposal, host) }
    // Once more, for an accepter who was not there.
    Function("confirm") { (agreement: AgreementID, host: Host) -> ActionHash in
        try await confirm(try await find(agreement.hash, host).agreement, host)
    }
    // What both have signed, however it came here: an accepter who missed the confirmation reads it on the other's chain.
    Function("record") { (agreement: Agreement, host: Host) in try await enter(agreement, host) }

    Function("read") { (agreement: AgreementID, host: Host) in try await find(agreement.hash, host) }
    Function("agreements") { (host: Host) in
        try await host.query(.entries(of: Agreement.self)).compactMap(show)
    }

    Receive { (from: AgentKey, message: Message, host: Host) -> Reply in
        if let offer = message.offer { return Reply(signature: try await answer(offer, from, host)) }
        guard let confirmed = message.confirmed else {
            throw ZomeError(.badInput, "neither an offer nor a confirmation")
        }
        return Reply(recorded: try await take(confirmed, from, host))
    }
    PostCommit { actions, host in
        for action in actions {
            guard let record = try await host.get(action.hash), let made = (try? show(record))??.agreement,
                made.proposer == (try await host.me)
            else { continue }
            do {
                _ = try await confirm(made, host)
            } catch {
                try await host.log(.info, "the accepter was not told, `confirm` does it again: \(error)")
            }
        }
    }
}

// MARK: The proposer

private func propose(_ proposal: Proposal, _ host: Host) async throws -> ActionHash {
    let me = try await host.me
    guard proposal.to != me else { throw ZomeError(.badInput, "nobody agrees with themselves") }
    let id = hexadecimal(try await host.randomBytes(16))
    let bytes = signedBytes(id: id, terms: proposal.terms, proposer: me, accepter: proposal.to)
    let offer = Message(offer: Message.Offer(id: id, terms: proposal.terms))
    let reply = try await host.send(
        to: proposal.to, offer, timeout: .milliseconds(proposal.timeoutMs ?? 5_000), as: Reply.self)
    guard let theirs = reply.signature else {
        throw ZomeError("notAgreed", "\(proposal.to) has not said that these terms will do")
    }
    // Not left to the validator alone: nothing is signed here for an agent who signs something else.
    guard try await host.verify(theirs, of: bytes, by: proposal.to) else {
        throw ZomeError("badSignature", "\(proposal.to) has signed something else")
    }
    return try await host.create(
        Agreement(
            id: id, terms: proposal.terms, proposer: me, accepter: proposal.to,
            proposerSignature: try await host.sign(bytes), accepterSignature: theirs))
}

private func confirm(_ agreement: Agreement, _ host: Host) async throws -> ActionHash {
    let reply = try await host.send(
        to: agreement.accepter, Message(confirmed: agreement), timeout: .seconds(5), as: Reply.self)
    guard let recorded = reply.recorded else {
        throw ZomeError("notRecorded", "\(agreement.accepter) has not entered the agreement")
    }
    return recorded
}

// MARK: The accepter

/// Signs what this agent said would do, once; nil, and a signal to whoever decides, where it is something else.
private func answer(_ offer: Message.Offer, _ from: AgentKey, _ host: Host) async throws -> Signature? {
    var willing: ActionHash?
    for record in try await host.query(.entries(of: Willing.self)) {
        guard let wish = try record.value(Willing.self), wish.with == from, same(wish.terms, offer.terms),
            try await host.get(record.hash) != nil
        else { continue }
        willing = record.hash
        break
    }
    try await host.emitSignal("proposed", Proposed(from: from, terms: offer.terms, signed: willing != nil))
    guard let willing else { return nil }
    try await host.delete(willing)
    try await host.create(Signed(id: offer.id, terms: offer.terms, proposer: from))
    return try await host.sign(
        signedBytes(id: offer.id, terms: offer.terms, proposer: from, accepter: try await host.me))
}

/// Enters what the proposer confirms. What this agent did not sign the validator refuses.
private func take(_ confirmed: Agreement, _ from: AgentKey, _ host: Host) async throws -> ActionHash {
    guard confirmed.proposer == from, confirmed.accepter == (try await host.me) else {
        throw ZomeError("notYours", "an agreement is confirmed by its proposer, to its accepter")
    }
    let hash = try await enter(confirmed, host)
    try await host.emitSignal("agreed", hash)
    return hash
}

private func enter(_ agreement: Agreement, _ host: Host) async throws -> ActionHash {
    // A confirmation may come twice.
    for record in try await host.query(.entries(of: Agreement.self)) {
        if try record.value(Agreement.self).map({ same($0.id, agreement.id) }) == true { return record.hash }
    }
    for record in try await host.query(.entries(of: Signed.self)) {
        guard let signed = try record.value(Signed.self), same(signed.id, agreement.id),
            signed.proposer == agreement.proposer, same(signed.terms, agreement.terms),
            try await host.get(record.hash) != nil
        else { continue }
        try await host.delete(record.hash)
    }
    return try await host.create(agreement)
}

// MARK: Both

/// What both sign, byte for byte as `Plugins/AgreementIntegrity` verifies it.
private func signedBytes(id: String, terms: String, proposer: AgentKey, accepter: AgentKey) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in [Array("agreement".utf8), Array(id.utf8), Array(terms.utf8), proposer.bytes, accepter.bytes] {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
        bytes += part
    }
    return bytes
}

/// Byte by byte: texts that merely look alike are not the same terms.
private func same(_ one: String, _ other: String) -> Bool { Array(one.utf8) == Array(other.utf8) }

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func find(_ hash: ActionHash, _ host: Host) async throws -> AgreementView {
    guard let record = try await host.get(hash), let view = try show(record) else {
        throw ZomeError(.notFound, "there is no agreement \(hash)")
    }
    return view
}

/// A record as an agreement; nil when it holds no entry.
private func show(_ record: Record) throws -> AgreementView? {
    guard let agreement = try record.value(Agreement.self) else { return nil }
    return AgreementView(hash: record.hash, author: record.action.header.author, agreement: agreement)
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(agreement).export(to: host)
}
