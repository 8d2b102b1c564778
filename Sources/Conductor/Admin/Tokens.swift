import Integrity
import Logging
import NIOCore
import Sodium
import Storage

/// An issued app token, as its row keeps it: under the hash of the token, so that reading the disk gives no token away.
struct AppToken: Sendable, Packable {
    /// The app that it opens, or an interface (`interface:ID`, which no app can be named).
    let subject: String
    /// Zero: never.
    let expiresAt: Timestamp
    let isSingleUse: Bool

    init(subject: String, expiresAt: Timestamp, isSingleUse: Bool) {
        self.subject = subject
        self.expiresAt = expiresAt
        self.isSingleUse = isSingleUse
    }

    func pack(into writer: inout MessagePackWriter) {
        writer.writeArrayHeader(3)
        writer.writeString(subject)
        writer.writeInt(expiresAt.microseconds)
        writer.writeBool(isSingleUse)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        try reader.expectArray(3, "AppToken")
        subject = try reader.readString()
        expiresAt = Timestamp(microseconds: try reader.readInt())
        isSingleUse = try reader.readBool()
    }
}

/// A token, or all tokens of an app, that open nothing any more before their time.
public enum TokenEnd: Sendable, Hashable {
    /// Revoked; the token itself.
    case token(String)
    /// The app is not installed any more; its id, which another app may take.
    case app(String)
}

extension Conductor {
    /// Who hears of tokens that open nothing any more, so that what they opened can be closed; nil: nobody.
    public func hearTokenEnds(_ receiver: ((TokenEnd) -> Void)?) {
        loop.assertInEventLoop()
        tokenEndListener = receiver
    }

    func issueToken(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let subject = try tokenSubject(params)
        let seconds = params.count("expiry_seconds") ?? 0
        guard (0...315_360_000).contains(seconds) else {
            throw PlasmidError(
                .badParameter, "`expiry_seconds` of \(seconds) makes no sense", hint: "0 for never, at most ten years")
        }
        let expiry = seconds == 0 ? 0 : options.clock().microseconds + Int64(seconds) * 1_000_000
        let token = AppToken(
            subject: subject, expiresAt: Timestamp(microseconds: expiry),
            isSingleUse: params.flag("single_use", default: false))
        let text = Base64.encode(options.randomBytes(32), alphabet: .url)
        let key = Self.tokenKey(text)
        store.tokens.put(key, token.packed) { [self] result in
            // What was removed meanwhile leaves no token behind for a later one of its name.
            if !exists(subject) {
                deleteToken(key)
            } else if case .success = result {
                tokens[key] = token
            }
            reply(
                result.map {
                    .object([
                        "token": .string(text), "expires_at": seconds == 0 ? .null : .number(expiry),
                    ])
                })
        }
    }

    func revokeToken(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let token = try params.text("token")
        let key = Self.tokenKey(token)
        tokens[key] = nil
        tokenEndListener?(.token(token))
        store.tokens.delete(key) { result in reply(result.map { .success }) }
    }

    /// Whom a new token is for.
    private func tokenSubject(_ params: AdminParams) throws(PlasmidError) -> String {
        guard let id = params.optionalText("interface_id") else { return try app(try params.text("app_id")).appID }
        guard params.optionalText("app_id") == nil else {
            throw PlasmidError(.badParameter, "`app_id` and `interface_id` are given both", hint: "a token opens one")
        }
        guard try !registered(interface: id).setup.isAdmin else {
            throw PlasmidError(
                .notSupported, "interface `\(id)` is the operator's and has no tokens of its own",
                hint: "the token of admin.token opens it")
        }
        return Self.subject(interface: id)
    }

    static func subject(interface id: String) -> String { "interface:\(id)" }

    private func exists(_ subject: String) -> Bool {
        apps[subject] != nil || register.interfaces.keys.contains { Self.subject(interface: $0) == subject }
    }

    /// The app that a token stands for. A single-use token is spent by asking.
    public func app(forToken token: String) -> String? {
        spend(token) { apps[$0] != nil }
    }

    /// Whether a token opens an interface. A single-use token is spent by asking.
    public func tokenOpens(_ token: String, interface id: String) -> Bool {
        spend(token) { $0 == Self.subject(interface: id) } != nil
    }

    /// What a token is for, if that is wanted here: a token that is shown at the wrong place is not spent.
    private func spend(_ token: String, if isWanted: (String) -> Bool) -> String? {
        loop.assertInEventLoop()
        let key = Self.tokenKey(token)
        guard let found = tokens[key], isWanted(found.subject) else { return nil }
        if found.expiresAt.microseconds != 0, found.expiresAt <= options.clock() {
            tokens[key] = nil
            return nil
        }
        if found.isSingleUse {
            tokens[key] = nil
            deleteToken(key)
        }
        return found.subject
    }

    func loadTokens() throws(PlasmidError) {
        for row in try store.tokens.scan() {
            let token = try AppToken(packed: row.value)
            if token.expiresAt.microseconds != 0, token.expiresAt <= options.clock() {
                deleteToken(row.key)
            } else {
                tokens[row.key] = token
            }
        }
    }

    func forgetTokens(of subject: String) {
        for (key, token) in tokens where token.subject == subject {
            tokens[key] = nil
            deleteToken(key)
        }
    }

    /// Takes a token's row away. In memory it is gone at once; a row that stays would open again after a restart, so that the
    /// operator must hear of it.
    private func deleteToken(_ key: [UInt8]) {
        store.tokens.delete(key) { [self] result in
            guard case .failure(let error) = result else { return }
            logger.error(
                "a used or revoked app token could not be deleted: it opens again after a restart",
                metadata: ["code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        }
    }

    /// Looked up by hash, the comparison of two tokens takes no time that depends on where they differ.
    private static func tokenKey(_ token: String) -> [UInt8] {
        EntryHash(hashing: Array(token.utf8)).core.array
    }
}
