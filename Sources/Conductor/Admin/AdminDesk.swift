import Integrity
import Keystore
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
            case "admin/revoke": try revoke(params, reply)
            case "admin/dump": try dump(params, reply)
            case "admin/backup": try backUp(params, reply)
            case "admin/restored/release": try releaseRestored(params, reply)
            case "admin/chain/export": try exportChain(params, reply)
            case "admin/chain/import": try importChain(params, reply)
            case "admin/token/issue": try issueToken(params, reply)
            case "admin/token/revoke": try revokeToken(params, reply)
            default: reply(.success(try look(method, params)))
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
        case "admin/dna/list": dnaList()
        case "admin/agent/list": agentList()
        case "admin/agent/add": try addAgent(params)
        case "test/agent/add": try addTestAgent(params)
        case "admin/chain": try chainView(params)
        case "admin/grants": try grantsView(params)
        case "admin/stats": statsView()
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
            app.roles.filter { include(app.instanceID($0)) }.map { role in
                .object([
                    "id": .string(app.instanceID(role)), "dna": .string(role.dna.text),
                    "agent": .string(app.agent.text),
                ])
            }
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

    private func dnaList() -> MessagePackValue {
        var names: [DnaHash: String] = [:]
        for app in apps.values { for role in app.roles { names[role.dna] = role.definition.name } }
        return .array(
            names.sorted { $0.value < $1.value }.map {
                .object(["id": .string($0.value), "hash": .string($0.key.text)])
            })
    }

    private func agentList() -> MessagePackValue {
        .array(
            keystore.agents.map {
                .object([
                    "id": .string($0.tag), "name": .string($0.tag), "public_address": .string($0.key.text),
                    "test_agent": .bool($0.isThrowaway), "created_at": .number($0.createdAt.microseconds),
                ])
            })
    }

    private func addAgent(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let key = try keystore.newAgent(tag: try params.text("id"), createdAt: options.clock())
        return .object(["success": .bool(true), "agent_address": .string(key.text)])
    }

    private func addTestAgent(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        guard options.testMode else {
            throw PlasmidError(
                .testModeOnly, "throwaway agents may be added in test mode only",
                hint: "start the conductor with --test-mode")
        }
        let key = try keystore.addTestAgent(name: try params.text("name"))
        return .object(["agent_address": .string(key.text)])
    }
}
