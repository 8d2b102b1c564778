import Integrity
import Keystore
import Storage

/// Instances of 2019: one DNA, one agent, one plain id. Each is an app with a single role whose name is empty.
extension Conductor {
    /// The words of 2019 for kinds of storage; there is one kind here, and it lies in the data folder.
    private static let storageWords: Set<String> = ["memory", "file", "pickle", "lmdb"]

    func addInstance(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let row = RegisteredInstance(
            id: try params.text("id"), dna: try params.text("dna_id"), agent: try params.text("agent_id"))
        let storage = params.optionalText("storage") ?? "lmdb"
        inTurn(reply) { [self] done in
            guard Self.storageWords.contains(storage) else {
                throw PlasmidError(
                    .badStorage, "Invalid storage option `\(storage)`", hint: "memory, file, pickle or lmdb")
            }
            try checkNewID(row.id, kind: "instance", isTaken: apps[row.id] != nil)
            guard let dna = register.dnas[row.dna] else {
                throw Self.unknown("DNA", row.dna, known: Array(register.dnas.keys))
            }
            let agent = try agentLine(row.agent).agent.key
            let role = InstalledRole(
                name: "", dna: dna.hash, definition: dna.definition, modules: dna.modules, isStopped: true,
                isBegun: false)
            let plan = InstallPlan(
                appID: row.id, origin: dna.origin, roles: [role], templates: [], bridges: [], awaitsProofs: false,
                added: [])
            // The row first: without its app it says nothing.
            store.write([row.put]) { [self] result in
                if case .failure(let error) = result { return done(.failure(error)) }
                register.instances[row.id] = row
                install(plan, InstallRequest(path: dna.origin, appID: row.id, agent: agent)) { [self] result in
                    switch result {
                    case .success: initialiseNew(row.id, done)
                    case .failure(let error): undo(row, error, done)
                    }
                }
            }
        }
    }

    /// 2019 runs `init` when an instance is added; it then waits to be started.
    private func initialiseNew(_ id: String, _ done: @escaping AdminReply) {
        guard let cell = cells[id] else {
            return forgetFailed(id, faults[id] ?? Self.unknown("Instance", id, known: []), done)
        }
        cell.isActive = true
        cell.initialise { [self] result in
            // Somebody may have started it meanwhile, which `init` had no part in.
            if apps[id]?.roles.first?.isStopped == true { stop(cell) }
            switch result {
            case .success: done(.success(.success))
            case .failure(let error): forgetFailed(id, error, done)
            }
        }
    }

    private func forgetFailed(_ id: String, _ error: PlasmidError, _ done: @escaping AdminReply) {
        do {
            try forgetInstances([id], also: [], { _ in done(.failure(error)) }, then: {})
        } catch {
            done(.failure(PlasmidError.from(error)))
        }
    }

    private func undo(_ row: RegisteredInstance, _ error: PlasmidError, _ done: @escaping AdminReply) {
        register.instances[row.id] = nil
        store.write([RegisteredInstance.delete(row.id)]) { _ in done(.failure(error)) }
    }

    func removeInstance(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            guard register.instances[id] != nil else {
                if let app = apps.values.first(where: { app in app.roles.contains { app.instanceID($0) == id } }) {
                    throw PlasmidError(
                        .notSupported, "instance `\(id)` belongs to the app `\(app.appID)`",
                        hint: "`admin/app/uninstall` removes the app with all of its instances")
                }
                throw Self.unknown("Instance", id, known: Array(register.instances.keys))
            }
            try forgetInstances([id], also: [], done, then: {})
        }
    }

    /// Removes instances, and every mention of them, in one write. Their chains stay on disk, as an uninstalled app's do.
    func forgetInstances(
        _ ids: [String], also more: [ConductorStore.Change], _ done: @escaping AdminReply,
        then apply: @escaping () -> Void
    ) throws(PlasmidError) {
        let changed = unmounting(ids)
        let changes = ids.map { RegisteredInstance.delete($0) } + changed.map(\.put) + more
        let installed = ids.compactMap { apps[$0] }
        try forget(installed, also: changes) { [self] result in
            if case .success = result {
                for id in ids { register.instances[id] = nil }
                for interface in changed { register.interfaces[interface.id] = interface }
                apply()
            }
            done(result.map { .success })
        }
    }

    /// The interfaces that show any of these instances, without them.
    func unmounting(_ ids: [String]) -> [RegisteredInterface] {
        let gone = Set(ids)
        return register.interfaces.values.filter { interface in
            interface.instances.contains { gone.contains($0.id) }
        }.map { interface in
            var interface = interface
            interface.instances.removeAll { gone.contains($0.id) }
            return interface
        }
    }

    /// One line of `info/instances` and `admin/instance/list`: with the ids of the register where there are such.
    func instanceLine(_ app: InstalledApp, _ role: InstalledRole) -> MessagePackValue {
        let id = app.instanceID(role)
        guard let row = register.instances[app.appID] else {
            return .object([
                "id": .string(id), "dna": .string(role.dna.text), "agent": .string(app.agent.text),
            ])
        }
        return .object([
            "id": .string(id), "dna": .string(row.dna), "agent": .string(row.agent),
            "dna_hash": .string(role.dna.text), "agent_address": .string(app.agent.text),
        ])
    }
}
