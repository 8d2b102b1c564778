import Integrity
import NIOCore

/// The administrative methods of the admin port, by name (docs/api.md lists parameters and results).
extension Conductor {
    /// Runs one administrative method.
    /// - Parameters:
    ///   - method: one of the names in docs/api.md.
    ///   - params: a map with text keys.
    ///   - reply: called once, on the loop.
    public func admin(
        _ method: String, params: MessagePackValue,
        reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        loop.assertInEventLoop()
        let params = AdminParams(params)
        do {
            switch method {
            case "admin/app/install": try install(params, reply)
            case "admin/app/enable": try setEnabled(try params.text("app_id"), true, reply)
            case "admin/app/disable": try setEnabled(try params.text("app_id"), false, reply)
            case "admin/app/uninstall": try uninstall(try params.text("app_id"), reply)
            case "admin/app/update-coordinators": try reload(params, reply)
            case "admin/app/provide-memproofs": try provideProofs(params, reply)
            case "admin/app/clone": try clone(params, reply)
            case "admin/app/clone/enable", "admin/app/clone/disable", "admin/app/clone/delete":
                try changeClone(method, params, reply)
            case "admin/instance/start": try setStopped(try params.text("id"), false, reply)
            case "admin/instance/stop": try setStopped(try params.text("id"), true, reply)
            case "admin/grant": try grant(params, reply)
            case "admin/grant/update": try updateGrant(params, reply)
            case "admin/revoke": try revoke(params, reply)
            case "admin/dump": try dump(params, reply)
            case "admin/held": try held(params, reply)
            case "admin/warrants": try warrants(params, reply)
            case "admin/backup": try backUp(params, reply)
            case "admin/restored/release": try releaseRestored(params, reply)
            case "admin/chain/export": try exportChain(params, reply)
            case "admin/chain/import": try importChain(params, reply)
            case "admin/token/issue": try issueToken(params, reply)
            case "admin/token/revoke": try revokeToken(params, reply)
            default:
                if try !registerMethod(method, params, reply) { reply(.success(try look(method, params))) }
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    /// The methods that answer at once.
    private func look(_ method: String, _ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        switch method {
        case "admin/app/list": .array(apps.values.sorted { $0.installedAt > $1.installedAt }.map(appInfo))
        case "admin/instance/list": .array(instanceLines { _ in true })
        case "admin/instance/running": .array(instanceLines { cells[$0]?.isActive ?? false })
        case "admin/chain": try chainView(params)
        case "admin/grants": try grantsView(params)
        case "admin/stats": statsView()
        case "admin/network/peers": try peersView(params)
        case "admin/network/ops": try opsView(params)
        case "admin/network/sync": try syncView(params)
        case "admin/backup/status": backupStatus()
        case "admin/restored/list": restoredView()
        default:
            throw PlasmidError(
                .unknownMethod, "there is no method `\(method)`", hint: "docs/api.md lists the methods")
        }
    }

    /// One line per instance of every app that passes the filter.
    func instanceLines(_ include: (String) -> Bool) -> [MessagePackValue] {
        apps.values.sorted { $0.appID < $1.appID }.flatMap { app in
            app.roles.filter { include(app.instanceID($0)) }.map { instanceLine(app, $0) }
        }
    }

    func appInfo(_ app: InstalledApp) -> MessagePackValue {
        let roles = app.roles.map { role in
            let instance = app.instanceID(role)
            return MessagePackValue.object([
                "role": .string(role.name), "instance_id": .string(instance),
                "dna_name": .string(role.definition.name), "dna": .string(role.dna.text),
                "active": .bool(cells[instance]?.isActive ?? false),
                "clone_of": role.clone.map { .string($0.role) } ?? .null,
                "name": role.clone.map { .string($0.name) } ?? .null,
                "read_only": .bool(readOnly[CellID(dna: role.dna, agent: app.agent)] != nil),
                "fault": faults[instance].map { .string("\($0.code.rawValue): \($0.message)") }
                    ?? app.disabledBecause.map { .string("disabled: \($0)") } ?? .null,
            ])
        }
        return .object([
            "app_id": .string(app.appID), "agent": .string(app.agent.text),
            "status": .string(app.status), "reason": app.disabledBecause.map { .string($0) } ?? .null,
            "roles": .array(roles),
            "installed_at": .number(app.installedAt.microseconds), "origin": .string(app.origin),
        ])
    }
}
