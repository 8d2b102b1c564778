import Integrity

/// One JSON-RPC error on its way out.
struct RPCFault: Error, Equatable {
    /// The numbers of JSON-RPC 2.0 §5.1.
    enum Number: Int {
        case parse = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case invalidParams = -32602
        case internalFault = -32603
    }

    var number: Number
    var message: String
    /// `data.code`: stable, the same as in the command line and the HDK.
    var code: String
    var hint: String?
    /// What lies behind it, where that is known: a module's last words, for example.
    var cause: String?

    init(_ number: Number, _ code: String, _ message: String, hint: String? = nil, cause: String? = nil) {
        self.number = number
        self.message = message
        self.code = code
        self.hint = hint
        self.cause = cause
    }

    /// What the conductor says, under the number that its method calls for.
    init(_ number: Number, _ error: PlasmidError) {
        self.init(number, error.code.rawValue, error.message, hint: error.hint, cause: error.cause)
    }

    static func parse(_ fault: JSONFault) -> RPCFault {
        RPCFault(
            .parse, "malformedJSON", "Parse error: \(fault.reason), at byte \(fault.offset)",
            hint: "send one JSON-RPC 2.0 request, or an array of them, as UTF-8 text")
    }

    static func invalidRequest(_ reason: String) -> RPCFault {
        RPCFault(
            .invalidRequest, "invalidRequest", "Invalid request: \(reason)",
            hint: #"a request is {"jsonrpc":"2.0","id":1,"method":"call","params":{…}}"#)
    }

    static func unknownMethod(_ method: String) -> RPCFault {
        RPCFault(
            .methodNotFound, "unknownMethod", "Method not found: \(method)", hint: "docs/api.md lists the methods")
    }

    static func adminOnly(_ method: String) -> RPCFault {
        RPCFault(
            .methodNotFound, "adminOnly", "Method not found: \(method) is spoken on the admin port only",
            hint: "connect to the admin port with the token of admin.token")
    }

    static let expectedMap = RPCFault(
        .invalidParams, "badParameter", "expected params map", hint: "give params as a JSON object")

    static func missing(_ key: String) -> RPCFault {
        RPCFault(.invalidParams, "badParameter", "`\(key)` param not provided")
    }

    static func notString(_ key: String) -> RPCFault {
        RPCFault(.invalidParams, "badParameter", "`\(key)` is not a valid json string")
    }

    static func bad(_ key: String, _ reason: String, hint: String? = nil) -> RPCFault {
        RPCFault(.invalidParams, "badParameter", "`\(key)` \(reason)", hint: hint)
    }
}
