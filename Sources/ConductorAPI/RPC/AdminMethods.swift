import Integrity

/// The methods of the admin port and the shape of their parameters, checked here once so that the conductor need not.
public enum AdminMethod {
    /// What a parameter must be.
    enum Kind { case string, integer, boolean, strings, anything }

    struct Param {
        var key: String
        var kind: Kind
        var isRequired: Bool
    }

    /// Every method by its name.
    public static var all: [String] { params.keys.sorted() }

    static func isKnown(_ method: String) -> Bool { params[method] != nil }

    /// The methods that exist on the admin port only, known or not, by how they begin (2019: `admin/*`, `test/*`, `debug/*`).
    static func isAdminOnly(_ method: String) -> Bool {
        method.hasPrefix("admin/") || method.hasPrefix("test/") || method.hasPrefix("debug/")
    }

    private static func need(_ key: String, _ kind: Kind = .string) -> Param {
        Param(key: key, kind: kind, isRequired: true)
    }

    private static func may(_ key: String, _ kind: Kind = .string) -> Param {
        Param(key: key, kind: kind, isRequired: false)
    }

    private static let params: [String: [Param]] = [
        "admin/app/install": [
            need("path"), may("app_id"), may("agent"), may("network_seed"), may("enable", .boolean),
            may("membrane_proofs", .anything),
        ],
        "admin/app/provide-memproofs": [need("app_id"), need("membrane_proofs", .anything)],
        "admin/app/clone": [
            need("app_id"), need("role"), may("name"), may("network_seed"), may("properties", .anything),
            may("membrane_proof"),
        ],
        "admin/app/clone/enable": [need("app_id"), need("clone")],
        "admin/app/clone/disable": [need("app_id"), need("clone")],
        "admin/app/clone/delete": [need("app_id"), need("clone")],
        "admin/app/list": [],
        "admin/app/enable": [need("app_id")],
        "admin/app/disable": [need("app_id")],
        "admin/app/uninstall": [need("app_id")],
        "admin/app/update-coordinators": [need("app_id"), may("path"), may("allow_new_network", .boolean)],
        "admin/instance/list": [],
        "admin/instance/running": [],
        "admin/instance/start": [need("id")],
        "admin/instance/stop": [need("id")],
        "admin/dna/list": [],
        "admin/agent/list": [],
        "admin/agent/add": [need("id"), need("name")],
        "admin/chain": [
            need("instance_id"), may("from", .integer), may("limit", .integer), may("descending", .boolean),
        ],
        "admin/grants": [need("instance_id"), may("include_revoked", .boolean)],
        "admin/grant": [
            need("instance_id"), need("tag"), need("access"), may("assignees", .strings), need("functions", .anything),
        ],
        "admin/revoke": [need("instance_id"), need("address")],
        "admin/dump": [need("instance_id")],
        "admin/token/issue": [need("app_id"), may("expiry_seconds", .integer), may("single_use", .boolean)],
        "admin/token/revoke": [need("token")],
        "admin/stats": [],
        "admin/backup": [need("path")],
        "admin/backup/status": [],
        "admin/restored/list": [],
        "admin/restored/release": [need("alone", .boolean), may("instance_id")],
        "admin/chain/export": [
            need("instance_id"), may("from", .integer), may("through", .integer), may("private", .boolean),
        ],
        "admin/chain/import": [need("path"), may("happ")],
        "admin/config/get": [],
        "admin/config/set": [need("key"), need("value")],
        "admin/config/check": [may("path")],
        "admin/config/reload": [],
        "test/agent/add": [need("id"), need("name")],
    ]

    /// The parameters as the handler gets them: required ones present, kinds right, optional nulls left out.
    static func checked(_ method: String, _ given: MessagePackValue?) throws(RPCFault) -> MessagePackValue {
        let wanted = params[method] ?? []
        guard !wanted.isEmpty else { return .map([]) }
        guard case .map(let pairs)? = given else {
            if given == nil, !wanted.contains(where: \.isRequired) { return .map([]) }
            throw .expectedMap
        }
        var seen: [String: MessagePackValue] = [:]
        for pair in pairs {
            guard case .string(let key) = pair.key else { continue }
            guard seen.updateValue(pair.value, forKey: key) == nil else { throw .bad(key, "is given twice") }
        }
        for param in wanted {
            try check(param, seen[param.key] ?? .null)
        }
        return .map(pairs.filter { $0.value != .null })
    }

    private static func check(_ param: Param, _ value: MessagePackValue) throws(RPCFault) {
        if case .null = value {
            if param.isRequired { throw .missing(param.key) }
            return
        }
        switch (param.kind, value) {
        case (.string, .string), (.boolean, .bool), (.integer, .int), (.integer, .uint), (.anything, _): return
        case (.strings, .array(let elements)):
            for element in elements {
                guard case .string = element else { throw .bad(param.key, "has to be an array of strings") }
            }
        case (.string, _): throw .notString(param.key)
        case (.boolean, _): throw .bad(param.key, "has to be a boolean")
        case (.integer, _): throw .bad(param.key, "has to be an integer")
        case (.strings, _): throw .bad(param.key, "has to be an array of strings")
        }
    }
}
