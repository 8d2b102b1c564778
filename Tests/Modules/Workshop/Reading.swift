import HDK

// Details, versions, activity, queries by name, and secrets.

struct AnyAddress: Decodable, Sendable {
    var hash: AnyDhtHash
}

struct NewVersion: Decodable, Sendable {
    var hash: AnyDhtHash
    var text: String
}

struct VersionList: Encodable, Sendable {
    var texts: [String]
    var status: [String]
    var links: Int
}

struct DetailsView: Encodable, Sendable {
    var kind: String
    var status: String
    var actions: Int
    var deletes: Int
    var updates: Int
}

struct NamedQuery: Decodable, Sendable {
    var names: [String]
    var start: Int?
    var limit: Int?
    var headers: Bool?
    var entries: Bool?
}

struct NamedAnswer: Encodable, Sendable {
    var shape: String
    var addresses: [AnyDhtHash]
}

struct Window: Decodable, Sendable {
    var first: ActionHash?
    var last: ActionHash
    var preceding: UInt32?
}

struct ActivityQuestion: Decodable, Sendable {
    var agent: AgentKey
    var top: ActionHash?
    var take: UInt32?
}

struct ActivityView: Encodable, Sendable {
    var status: String
    var seqs: [UInt32]
}

struct SecretText: Decodable, Sendable {
    var peer: AgentKey
    var data: [UInt8]
}

struct OneTime: Encodable, Sendable {
    var key: AgentKey
    var verified: Bool
    var otherTextVerified: Bool
    var otherKeyVerified: Bool
}

@ZomeBuilder
func reading() -> [ZomePart] {
    Function("latest") { (page: AnyAddress, host: Host) in try await host.getLatest(page.hash).map(view) }
    Function("get_initial") { (page: AnyAddress, host: Host) in try await host.getInitial(page.hash).map(view) }
    Function("history") { (page: AnyAddress, host: Host) in
        try await host.getHistory(page.hash).map { history in
            VersionList(
                texts: try history.items.compactMap { try $0.record.value(Page.self)?.text },
                status: history.items.map(\.status.rawValue), links: history.links.count)
        }
    }
    Function("change_latest") { (change: NewVersion, host: Host) in
        try await host.updateLatest(change.hash, with: Page(text: change.text))
    }
    Function("remove_latest") { (page: AnyAddress, host: Host) in try await host.deleteLatest(page.hash) }
    Function("details") { (page: AnyAddress, host: Host) in
        try await host.details(page.hash).map { details in
            switch details {
            case .record(let record):
                DetailsView(
                    kind: "record", status: record.validationStatus.rawValue, actions: 1,
                    deletes: record.deletes.count, updates: record.updates.count)
            case .entry(let entry):
                DetailsView(
                    kind: "entry", status: entry.status.rawValue, actions: entry.actions.count,
                    deletes: entry.deletes.count, updates: entry.updates.count)
            }
        }
    }
    Function("page_address") { (page: Text, _: Host) in try Page(text: page.text).entryHash() }
}

@ZomeBuilder
func chains() -> [ZomePart] {
    Function("query_names") { (question: NamedQuery, host: Host) in
        try await answer(
            host.queryResult(
                names: question.names, start: question.start ?? 0, limit: question.limit,
                headers: question.headers ?? false, entries: question.entries ?? false))
    }
    Function("query_window") { (window: Window, host: Host) in
        var query = ChainQuery()
        if let first = window.first { query.hashRange = HashRange(first: first, last: window.last) }
        if let count = window.preceding { query.until = HashTerminated(last: window.last, preceding: count) }
        return try await host.query(query).map(\.action.actionSeq)
    }
    Function("activity") { (question: ActivityQuestion, host: Host) in
        let activity = try await host.agentActivity(question.agent, ChainQuery(descending: true, limit: question.take))
        let status =
            switch activity.status {
            case .empty: "empty"
            case .valid: "valid"
            case .closed: "closed"
            case .forked, .invalid: "bad"
            }
        return ActivityView(status: status, seqs: activity.valid.map(\.seq))
    }
    Function("must_get_activity") { (question: ActivityQuestion, host: Host) in
        let top = question.top ?? ActionHash(hashing: [])
        let limit = question.take.map { ActivityLimit.take($0) } ?? .toGenesis
        return try await host.mustGetAgentActivity(question.agent, from: top, limit).map(\.action.action.actionSeq)
    }
    Function("close") { (host: Host) in try await host.closeChain() }
    Function("about_me") { (host: Host) in try await host.zomeInfo().functions.contains("about_me") }
}

@ZomeBuilder
func secrets() -> [ZomePart] {
    Function("encrypt") { (text: SecretText, host: Host) in try await host.encrypt(text.data, to: text.peer) }
    Function("decrypt") { (text: SecretText, host: Host) in try await host.decrypt(text.data, from: text.peer) }
    Function("seal_and_unseal") { (text: Text, host: Host) in
        let key = try await host.randomBytes(32)
        let sealed = try await host.seal(Array(text.text.utf8), key: key)
        let opened = try await host.unseal(sealed, key: key)
        do {
            _ = try await host.unseal(sealed, key: try await host.randomBytes(32))
            return "another key opened it"
        } catch let error as ZomeError where error.code == .decryptionFailed {
            return String(decoding: opened, as: UTF8.self)
        }
    }
    Function("sign_one_time") { (text: Text, host: Host) in
        let data = Array(text.text.utf8)
        let made = try await host.signOneTime([data, [1]])
        return OneTime(
            key: made.key, verified: try await host.verify(made.signatures[0], of: data, by: made.key),
            otherTextVerified: try await host.verify(made.signatures[1], of: data, by: made.key),
            otherKeyVerified: try await host.verify(made.signatures[0], of: data, by: try await host.me))
    }
    Function("key_of") { (name: Text, host: Host) in try await host.keystoreGetPublicKey(name.text) }
    Function("cap_secret") { (host: Host) in
        try await host.generateCapSecret().packed.count
            + (try await host.generateCapSecret() == host.generateCapSecret() ? 1 : 0)
    }
}

private func answer(_ result: QueryResult) -> NamedAnswer {
    switch result {
    case .addresses(let all): NamedAnswer(shape: "addresses", addresses: all)
    case .headers(let all): NamedAnswer(shape: "headers", addresses: all.map { .action($0.hash) })
    case .entries(let all): NamedAnswer(shape: "entries", addresses: all.map { .entry($0.address) })
    case .headersWithEntries(let all):
        NamedAnswer(shape: "headersWithEntries", addresses: all.filter { $0.entry.entry != nil }.map(\.address))
    }
}
