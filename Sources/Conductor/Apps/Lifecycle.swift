import Integrity
import Keystore
import Storage
import ZomeRuntime

/// Enabling, disabling, stopping and removing: each changes the app's row first, then the cells.
extension Conductor {
    func install(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var request = InstallRequest(path: try params.text("path"))
        request.appID = params.optionalText("app_id")
        request.networkSeed = params.optionalText("network_seed")
        request.enable = params.flag("enable", default: true)
        request.membraneProofs = try params.membraneProofs()
        if let agent = params.optionalText("agent") {
            if let known = try? keystore.publicKey(agent) {
                request.agent = known
            } else {
                request.agent = try AgentPubKey(agent)
            }
        }
        install(request, reply)
    }

    func app(_ appID: String) throws(PlasmidError) -> InstalledApp {
        guard let app = apps[appID] else {
            throw PlasmidError(
                .unknownApp, "no app named `\(appID)` is installed",
                hint: apps.isEmpty ? nil : "installed: \(apps.keys.sorted().joined(separator: ", "))")
        }
        return app
    }

    func setEnabled(
        _ appID: String, _ enabled: Bool, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var changed = try app(appID)
        changed.isEnabled = enabled
        if enabled {
            guard !changed.awaitsProofs else { throw Self.awaitsProofs(appID) }
            changed.disabledBecause = nil
            failures[appID] = nil
            if changed.roles.contains(where: { !$0.isBegun }) { return try beginLate(changed, reply) }
        }
        try change(changed, reply) { [self] in appInfo(changed) }
    }

    /// Starts and stops the cells of an app, so that they are as its row says.
    func settle(_ app: InstalledApp) {
        for role in app.roles where role.isBegun && !app.awaitsProofs {
            let cell = cells[app.instanceID(role)]
            guard cell?.isActive != app.runs(role) else { continue }
            if let cell, cell.isActive { stop(cell) }
            startCell(app, role)
        }
    }

    /// Stops or starts one instance of an app: `admin/instance/stop` and `start` of 2019.
    func setStopped(
        _ instanceID: String, _ stopped: Bool, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        for var app in apps.values {
            guard let index = app.roles.firstIndex(where: { app.instanceID($0) == instanceID }) else { continue }
            guard app.roles[index].isStopped != stopped else {
                throw PlasmidError(
                    stopped ? .notActive : .alreadyActive,
                    "instance `\(instanceID)` is \(stopped ? "not active yet" : "already active")")
            }
            app.roles[index].isStopped = stopped
            try change(app, reply) { .success }
            return
        }
        throw PlasmidError(
            .unknownInstance, "Instance does not exist: `\(instanceID)`",
            hint: "`admin/instance/list` shows the instances")
    }

    func change(
        _ app: InstalledApp, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void,
        _ answer: @escaping () -> MessagePackValue
    ) throws(PlasmidError) {
        let reply = try exclusively(app.appID, reply)
        keep(app) { [self] result in
            if case .failure(let error) = result {
                reply(.failure(error))
                return
            }
            apps[app.appID] = app
            settle(app)
            reply(.success(answer()))
        }
    }

    /// Ends a cell's running calls and its modules; its chain stays as it is.
    func stop(_ cell: Cell) {
        cell.isActive = false
        dropSchedules(of: cell.instanceID)
        endCalls(of: cell, because: "instance `\(cell.instanceID)` was stopped while the call ran")
        cell.retireRunners()
    }

    func endCalls(of cell: Cell, because words: String) {
        for call in cell.calls.values.sorted(by: { $0.number < $1.number }) {
            cell.end(
                call, .failure(PlasmidError(.cellNotActive, words, hint: "nothing of the call was written")))
        }
    }

    /// Forgets an app. Its chains and its key stay: installing it again for the same agent goes on where it ended.
    func uninstall(
        _ appID: String, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let app = try app(appID)
        guard register.instances[appID] == nil else { return try removeInstance(appID, reply) }
        inTurn(reply) { [self] done in
            let mounted = unmounting(app.roles.map { app.instanceID($0) })
            try forget([app], also: mounted.map(\.put)) { [self] result in
                if case .success = result {
                    for interface in mounted { register.interfaces[interface.id] = interface }
                }
                done(result.map { .success })
            }
        }
    }

    /// Forgets apps, and writes more rows, all in one write.
    func forget(
        _ gone: [InstalledApp], also changes: [ConductorStore.Change],
        _ reply: @escaping (Result<Void, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let instances = gone.flatMap { app in app.roles.map { app.instanceID($0) } }
        let ended = bridges.touching(Set(instances))
        var rows = gone.map { ConductorStore.Change.delete(.apps, key: Array($0.appID.utf8)) }
        for instance in instances { rows += try scheduleRemovals(of: instance) }
        let finished = try exclusively(gone.map(\.appID), reply)
        store.write(rows + ended.map(Self.removal) + changes) { [self] result in
            if case .success = result {
                for bridge in ended { bridges.remove(bridge) }
                for app in gone {
                    apps[app.appID] = nil
                    forgetTokens(of: app.appID)
                    tokenEndListener?(.app(app.appID))
                }
                for instance in instances { letGo(instance) }
                closeIdleSpaces()
            }
            finished(result)
        }
    }

    /// Stops a cell that no app has any more.
    func letGo(_ instanceID: String) {
        faults[instanceID] = nil
        signals.forget(instanceID)
        guard let cell = cells.removeValue(forKey: instanceID) else { return }
        stop(cell)
        cellOfID[cell.id] = nil
        cell.space.cells[cell.id.agent] = nil
    }

    /// Lets go of spaces in which no cell is left, so that the next installation brings validators of its own. What is
    /// stored stays.
    func closeIdleSpaces() {
        for (dna, space) in spaces where space.cells.isEmpty {
            space.endIncoming()
            space.validators?.stop()
            spaces[dna] = nil
        }
    }
}
