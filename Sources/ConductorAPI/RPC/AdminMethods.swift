import Integrity

/// The methods of the admin port and the shape of their parameters, checked here once so that the conductor need not.
public enum AdminMethod {
    /// What a parameter must be.
    enum Kind { case string, integer, boolean, strings, object, port, words([String]), anything }

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
        "admin/instance/add": [need("id"), need("dna_id"), need("agent_id"), may("storage")],
        "admin/instance/remove": [need("id")],
        "admin/instance/get_meta": [need("id"), need("hash")],
        "admin/instance/list": [],
        "admin/instance/running": [],
        "admin/instance/start": [need("id")],
        "admin/instance/stop": [need("id")],
        "admin/dna/install_from_file": [
            need("id"), need("path"), may("copy", .boolean), may("expected_hash"), may("properties", .object),
            may("uuid"),
        ],
        "admin/dna/uninstall": [need("id")],
        "admin/dna/list": [],
        "admin/interface/add": [
            need("id"), need("admin", .boolean), need("type", .words(["websocket", "http"])), may("port", .port),
            may("choose_free_port", .boolean), may("origins", .strings),
        ],
        "admin/interface/remove": [need("id")],
        "admin/interface/add_instance": [need("interface_id"), need("instance_id"), may("alias")],
        "admin/interface/remove_instance": [need("interface_id"), need("instance_id")],
        "admin/interface/list": [],
        "admin/bridge/add": [need("caller_id"), need("callee_id"), need("handle")],
        "admin/bridge/remove": [need("caller_id"), need("callee_id")],
        "admin/bridge/list": [],
        "admin/ui/install": [need("id"), need("root_dir")],
        "admin/ui/uninstall": [need("id")],
        "admin/ui/list": [],
        "admin/ui_interface/add": [need("id"), need("port", .port), need("bundle"), may("dna_interface")],
        "admin/ui_interface/remove": [need("id")],
        "admin/ui_interface/start": [need("id")],
        "admin/ui_interface/stop": [need("id")],
        "admin/ui_interface/list": [],
        "debug/running_instances": [],
        "debug/state_dump": [
            need("instance_id"), may("source_chain", .boolean), may("held_aspects", .boolean),
            may("queued_holding_workflows", .boolean),
        ],
        "debug/fetch_cas": [need("instance_id"), need("address")],
        "admin/agent/list": [],
        "admin/agent/add": [need("id"), need("name"), may("holo_remote_key")],
        "admin/agent/remove": [need("id")],
        "admin/chain": [
            need("instance_id"), may("from", .integer), may("limit", .integer), may("descending", .boolean),
        ],
        "admin/grants": [need("instance_id"), may("include_revoked", .boolean), may("label")],
        "admin/grant": [
            need("instance_id"), may("label"), may("tag"), need("access"), may("assignees", .strings),
            need("functions", .anything), may("uses", .integer), may("expires_at", .integer),
            may("expiry_seconds", .integer),
        ],
        "admin/grant/update": [
            need("instance_id"), may("address"), may("label"), may("tag"), may("new_label"), may("access"),
            may("assignees", .strings), may("functions", .anything), may("uses", .integer),
            may("expires_at", .integer), may("expiry_seconds", .integer), may("unlimited", .boolean),
            may("keep_secret", .boolean),
        ],
        "admin/revoke": [need("instance_id"), may("address"), may("label"), may("tag")],
        "admin/dump": [need("instance_id")],
        "admin/warrants": [need("instance_id"), may("agent"), may("timeout_ms", .integer)],
        "admin/held": [need("instance_id"), need("hash"), may("timeout_ms", .integer)],
        "admin/token/issue": [
            may("app_id"), may("interface_id"), may("expiry_seconds", .integer),
            may("single_use", .boolean),
        ],
        "admin/token/revoke": [need("token")],
        "admin/stats": [],
        "admin/network/peers": [may("instance_id")],
        "admin/network/ops": [need("instance_id"), need("state"), may("limit", .integer)],
        "admin/network/sync": [may("instance_id")],
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
        case (.string, .string), (.boolean, .bool), (.integer, .int), (.integer, .uint), (.object, .map): return
        case (.anything, _): return
        case (.port, .int(let number)) where (0...65_535).contains(number): return
        case (.port, .uint(let number)) where number <= 65_535: return
        case (.words(let words), .string(let word)) where words.contains(word): return
        case (.strings, .array(let elements)):
            for element in elements {
                guard case .string = element else { throw .bad(param.key, "has to be an array of strings") }
            }
        case (.string, _): throw .notString(param.key)
        case (.boolean, _): throw .bad(param.key, "has to be a boolean")
        case (.integer, _): throw .bad(param.key, "has to be an integer")
        case (.strings, _): throw .bad(param.key, "has to be an array of strings")
        case (.object, _): throw .bad(param.key, "has to be an object")
        case (.port, _): throw .bad(param.key, "has to be a 16bit integer: a port from 0 to 65535")
        case (.words(let words), _):
            throw .bad(param.key, "has to be one of \(words.map { "`\($0)`" }.joined(separator: ", "))")
        }
    }
}
