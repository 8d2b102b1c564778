import Integrity

/// Reads the `bridges` of a hApp manifest: each end names a role, none leads back to where it starts.
struct BridgeReader {
    static let keys = HappShape.bridge.names
    /// Most bridges of one app.
    static let maxBridges = 256

    /// The names of the app's roles.
    let roles: [String]

    /// The bridges in file order; those that are faulty are left out and reported.
    func read(_ happ: Fields, report: inout Report) -> [BridgeDef] {
        var bridges: [BridgeDef] = []
        for node in happ.list("bridges", maxCount: Self.maxBridges, report: &report) {
            guard let bridge = bridge(node, report: &report) else { continue }
            if let other = bridges.first(where: { $0.caller == bridge.caller && $0.handle == bridge.handle }) {
                report.add(
                    .duplicateName, node.position,
                    "the role \"\(bridge.caller)\" has two bridges \"\(bridge.handle)\"",
                    hint: "the first leads to \"\(other.callee)\"; rename or remove one")
            } else if let other = bridges.first(where: { $0.caller == bridge.caller && $0.callee == bridge.callee }) {
                report.add(
                    .duplicateName, node.position,
                    "there are two bridges from \"\(bridge.caller)\" to \"\(bridge.callee)\"",
                    hint: "the first is \"\(other.handle)\"; remove one")
            } else if Self.leads(from: bridge.callee, to: bridge.caller, over: bridges) {
                report.add(
                    .bridgeCycle, node.position,
                    "the bridge \"\(bridge.handle)\" from \"\(bridge.caller)\" to \"\(bridge.callee)\" leads back to "
                        + "where it starts",
                    hint: "bridges go one way; let the callee answer, or emit a signal")
            } else {
                bridges.append(bridge)
            }
        }
        return bridges
    }

    private func bridge(_ node: YamlNode, report: inout Report) -> BridgeDef? {
        let title = Names.title("bridge", node, key: "handle")
        guard let fields = Fields(node, title, keys: Self.keys, report: &report) else { return nil }
        let caller = end("caller", fields, report: &report)
        let callee = end("callee", fields, report: &report)
        let handle = fields.required("handle", report: &report).flatMap {
            Names.check($0, "\"handle\" of \(title)", .label, report: &report)
        }
        guard let caller, let callee, let handle else { return nil }
        return BridgeDef(caller: caller, callee: callee, handle: handle)
    }

    private func end(_ key: String, _ fields: Fields, report: inout Report) -> String? {
        guard let role = fields.requiredText(key, report: &report) else { return nil }
        guard roles.contains(role) else {
            report.add(
                .unknownRole, fields.value(key)?.position ?? fields.position,
                "\"\(key)\" of \(fields.what) names no role: \"\(Spelling.shown(role))\"",
                hint: Spelling.nearest(to: role, among: roles).map { "did you mean \"\($0)\"?" }
                    ?? "the roles are \(roles.map { Spelling.shown($0) }.joined(separator: ", "))")
            return nil
        }
        return role
    }

    private static func leads(from start: String, to goal: String, over bridges: [BridgeDef]) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let next = open.popLast() {
            if next == goal { return true }
            guard seen.insert(next).inserted else { continue }
            open += bridges.filter { $0.caller == next }.map(\.callee)
        }
        return false
    }
}
