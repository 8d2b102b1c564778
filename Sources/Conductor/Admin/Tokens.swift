import Integrity
import Logging
import NIOCore
import Sodium
import Storage

/// An issued app token, as its row keeps it: under the hash of the token, so that reading the disk gives no token away.
struct AppToken: Sendable, Packable {
    let appID: String
    /// Zero: never.
    let expiresAt: Timestamp
    let isSingleUse: Bool

    init(appID: String, expiresAt: Timestamp, isSingleUse: Bool) {
        self.appID = appID
        self.expiresAt = expiresAt
        self.isSingleUse = isSingleUse
    }

    func pack(into writer: inout MessagePackWriter) {
        writer.writeArrayHeader(3)
        writer.writeString(appID)
        writer.writeInt(expiresAt.microseconds)
        writer.writeBool(isSingleUse)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        try reader.expectArray(3, "AppToken")
        appID = try reader.readString()
        expiresAt = Timestamp(microseconds: try reader.readInt())
        isSingleUse = try reader.readBool()
    }
}

extension Conductor {
    func issueToken(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let app = try app(try params.text("app_id"))
        let seconds = params.count("expiry_seconds") ?? 0
        guard (0...315_360_000).contains(seconds) else {
            throw PlasmidError(
                .badParameter, "`expiry_seconds` of \(seconds) makes no sense", hint: "0 for never, at most ten years")
        }
        let expiry = seconds == 0 ? 0 : options.clock().microseconds + Int64(seconds) * 1_000_000
        let token = AppToken(
            appID: app.appID, expiresAt: Timestamp(microseconds: expiry),
            isSingleUse: params.flag("single_use", default: false))
        let text = Base64.encode(options.randomBytes(32), alphabet: .url)
        let key = Self.tokenKey(text)
        store.tokens.put(key, token.packed) { [self] result in
            // An app that was uninstalled meanwhile leaves no token behind for a later one of its name.
            if apps[token.appID] == nil {
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
        let key = Self.tokenKey(try params.text("token"))
        tokens[key] = nil
        store.tokens.delete(key) { result in reply(result.map { .success }) }
    }

    /// The app that a token stands for. A single-use token is spent by asking.
    public func app(forToken token: String) -> String? {
        loop.assertInEventLoop()
        let key = Self.tokenKey(token)
        guard let found = tokens[key], apps[found.appID] != nil else { return nil }
        if found.expiresAt.microseconds != 0, found.expiresAt <= options.clock() {
            tokens[key] = nil
            return nil
        }
        if found.isSingleUse {
            tokens[key] = nil
            deleteToken(key)
        }
        return found.appID
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

    func forgetTokens(of appID: String) {
        for (key, token) in tokens where token.appID == appID {
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
