import Integrity
import NIOHTTP1

/// What a request head is answered with when it may not pass.
struct HTTPRefusal: Error, Equatable {
    var status: HTTPResponseStatus
    var code: String
    var message: String
    var hint: String
    var headers: [String: String] = [:]
}

/// The checks that every request passes before anything of it is read (DESIGN §11): where it thinks it goes (DNS rebinding),
/// which page it comes from, and whose token it shows.
struct RequestGate {
    /// What a request that passed wants.
    enum Wish: Equatable { case health, metrics, preflight(origin: String), upgrade, post, page(isHead: Bool) }

    var door: Door
    var port: Int
    var origins: [String]

    /// Everything but the token.
    func wish(_ head: HTTPRequestHead) throws(HTTPRefusal) -> Wish {
        try checkHost(head)
        let origin = try allowedOrigin(head)
        let path = head.uri.prefix { $0 != "?" && $0 != "#" }
        if path == "/healthz", door == .admin {
            guard head.method == .GET else { throw Self.method("GET") }
            return .health
        }
        if path == "/metrics", door == .admin {
            guard head.method == .GET else { throw Self.method("GET") }
            return .metrics
        }
        if case .pages = door {
            guard head.method == .GET || head.method == .HEAD else { throw Self.method("GET, HEAD") }
            return .page(isHead: head.method == .HEAD)
        }
        guard path == "/" else {
            throw HTTPRefusal(
                status: .notFound, code: "noSuchPath", message: "nothing is served at this path",
                hint: "JSON-RPC is spoken at /")
        }
        switch head.method {
        case .POST where speaksHTTP:
            try checkContentType(head)
            return .post
        case .GET where speaksWebSocket:
            try checkUpgrade(head)
            return .upgrade
        case .OPTIONS where speaksHTTP:
            guard let origin else { throw Self.method(methods) }
            return .preflight(origin: origin)
        default: throw Self.method(methods)
        }
    }

    private var speaksHTTP: Bool {
        if case .interface(let door) = door { return door.kind == .http }
        return true
    }

    private var speaksWebSocket: Bool {
        if case .interface(let door) = door { return door.kind == .websocket }
        return true
    }

    private var methods: String {
        switch (speaksHTTP, speaksWebSocket) {
        case (true, true): "POST, GET"
        case (true, false): "POST"
        default: "GET"
        }
    }

    private static func method(_ allowed: String) -> HTTPRefusal {
        HTTPRefusal(
            status: .methodNotAllowed, code: "wrongMethod", message: "this method is not spoken here",
            hint: "POST a JSON-RPC request, or open a WebSocket", headers: ["Allow": allowed])
    }

    /// A page on the web can make a name of its own point to 127.0.0.1, but it cannot choose the Host that the browser sends.
    private func checkHost(_ head: HTTPRequestHead) throws(HTTPRefusal) {
        let hosts = head.headers["host"]
        guard hosts.count == 1, let host = hosts.first?.lowercased() else {
            throw HTTPRefusal(
                status: .badRequest, code: "badHost", message: "exactly one Host header is needed",
                hint: "send Host: 127.0.0.1:\(port)")
        }
        let names = ["127.0.0.1", "localhost", "[::1]"]
        let isOurs = names.contains { host == "\($0):\(port)" || (port == 80 && host == $0) }
        guard isOurs else {
            throw HTTPRefusal(
                status: .forbidden, code: "foreignHost", message: "this Host is not the conductor",
                hint: "use 127.0.0.1, localhost or [::1] with port \(port)")
        }
    }

    private func allowedOrigin(_ head: HTTPRequestHead) throws(HTTPRefusal) -> String? {
        let given = head.headers["origin"]
        guard let origin = given.first else { return nil }
        guard given.count == 1, origins.contains(origin) else {
            throw HTTPRefusal(
                status: .forbidden, code: "foreignOrigin", message: "pages of this origin may not call the conductor",
                hint: "list the origin under the interface's `origins` if you trust every page of it")
        }
        return origin
    }

    private func checkContentType(_ head: HTTPRequestHead) throws(HTTPRefusal) {
        let type = head.headers.first(name: "content-type")?.prefix { $0 != ";" } ?? ""
        let name = type.lowercased().filter { $0 != " " && $0 != "\t" }
        guard name == "application/json" else {
            throw HTTPRefusal(
                status: .unsupportedMediaType, code: "wrongContentType", message: "the body has to be JSON",
                hint: "send Content-Type: application/json")
        }
    }

    private func checkUpgrade(_ head: HTTPRequestHead) throws(HTTPRefusal) {
        let upgrade = head.headers[canonicalForm: "upgrade"].map { $0.lowercased() }
        let connection = head.headers[canonicalForm: "connection"].map { $0.lowercased() }
        guard upgrade.contains("websocket"), connection.contains("upgrade") else { throw Self.method("POST") }
        guard head.headers["sec-websocket-version"] == ["13"] else {
            throw HTTPRefusal(
                status: .upgradeRequired, code: "wrongWebSocketVersion", message: "WebSocket version 13 is spoken here",
                hint: "send Sec-WebSocket-Version: 13", headers: ["Sec-WebSocket-Version": "13"])
        }
        let keys = head.headers["sec-websocket-key"]
        guard keys.count == 1, let key = keys.first, key.utf8.count == 24, Base64.decode(key)?.count == 16,
            !head.headers.contains(name: "transfer-encoding"),
            (head.headers.first(name: "content-length") ?? "0") == "0", head.version == .http1_1
        else {
            throw HTTPRefusal(
                status: .badRequest, code: "badUpgrade", message: "this is no WebSocket upgrade of RFC 6455",
                hint: "an HTTP/1.1 GET without a body and with one Sec-WebSocket-Key of 16 bytes")
        }
    }

    // MARK: The token

    /// The token that a request shows: `Authorization: Bearer`, else `?token=`; empty if none.
    static func token(_ head: HTTPRequestHead) -> String {
        if let header = head.headers.first(name: "authorization") {
            let scheme = header.prefix(7)
            return scheme.lowercased() == "bearer " ? String(header.dropFirst(7)) : ""
        }
        guard let query = head.uri.firstIndex(of: "?") else { return "" }
        let pairs = head.uri[head.uri.index(after: query)...].split(separator: "&")
        guard let pair = pairs.first(where: { $0.hasPrefix("token=") }) else { return "" }
        return percentDecoded(pair.dropFirst(6))
    }

    static func percentDecoded(_ text: Substring) -> String {
        let given = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < given.count {
            if given[at] == UInt8(ascii: "%"), at + 2 < given.count, let high = hexValue(given[at + 1]),
                let low = hexValue(given[at + 2])
            {
                out.append(high << 4 | low)
                at += 3
            } else {
                out.append(given[at])
                at += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Whose connection this is.
    /// - Throws: 401 if the token is missing or wrong; the two are told apart in the hint only by what the client sent.
    func scope(_ head: HTTPRequestHead, _ handler: any ConductorHandling) throws(HTTPRefusal) -> APIScope {
        let token = token(of: head)
        switch door {
        case .admin where handler.adminTokenMatches(token): return .admin
        case .app: if !token.isEmpty, let scope = handler.appToken(token) { return scope }
        case .interface(let door) where door.isAdmin:
            if handler.adminTokenMatches(token) { return .interface(id: door.id, isAdmin: true) }
        case .interface(let door):
            if !token.isEmpty, handler.tokenOpens(token, interface: door.id) {
                return .interface(id: door.id, isAdmin: false)
            }
        default: break
        }
        let headers = ["WWW-Authenticate": "Bearer"]
        guard !token.isEmpty else {
            throw HTTPRefusal(
                status: .unauthorized, code: "tokenMissing", message: "a token is needed", hint: tokenHint,
                headers: headers)
        }
        throw HTTPRefusal(
            status: .unauthorized, code: "tokenWrong", message: "this token opens nothing here", hint: tokenHint,
            headers: headers)
    }

    private var tokenHint: String {
        switch door {
        case .interface(let door) where !door.isAdmin:
            "send Authorization: Bearer with a token from admin/token/issue for the interface `\(door.id)`"
        case .app: "send Authorization: Bearer with an app token from admin/token/issue"
        default: "send Authorization: Bearer with the content of admin.token in the data folder"
        }
    }

    /// The token of a request; on an interface that pages use also the one in the cookie that they were opened with, but
    /// only from an origin that was let through: any page of this machine's makes the browser send its cookies.
    func token(of head: HTTPRequestHead) -> String {
        let shown = Self.token(head)
        guard shown.isEmpty, case .interface(let door) = door, !door.isAdmin, head.headers.contains(name: "origin")
        else { return shown }
        let name = PageCookie.name(interface: door.id) + "="
        let cookies = head.headers["cookie"].flatMap { $0.split(separator: ";") }
        let found = cookies.map { $0.drop { $0 == " " } }.first { $0.hasPrefix(name) }
        return found.map { String($0.dropFirst(name.count)) } ?? ""
    }
}
