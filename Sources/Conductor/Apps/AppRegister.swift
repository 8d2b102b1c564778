import Chain
import Integrity
import Keystore
import Logging
import NIOCore
import Storage
import ZomeRuntime

/// The rows of installed apps, and what follows from them: spaces opened, cells started and stopped.
extension Conductor {
    /// Starts everything that is installed. A cell that cannot start is a fault of its own: the others run.
    /// - Throws: `storageFailed` or `storageCorrupt` when the rows themselves cannot be read.
    public func load() throws(PlasmidError) {
        loop.assertInEventLoop()
        for row in try store.apps.scan() {
            let app = try InstalledApp(packed: row.value)
            apps[app.appID] = app
        }
        try loadBridges()
        try loadReadOnly()
        for app in apps.values.sorted(by: { $0.appID < $1.appID }) {
            settle(app)
        }
        try loadRegister()
        try loadTokens()
    }

    /// Writes an app's row; `done` comes when it is durable.
    func keep(_ app: InstalledApp, _ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        store.write([Self.row(of: app)], completion: done)
    }

    static func row(of app: InstalledApp) -> ConductorStore.Change {
        .put(.apps, key: Array(app.appID.utf8), value: app.packed)
    }

    /// The space of a role's DNA, opened once.
    ///
    /// - Parameter isNew: whether a space that is not there may be made; a space that an app had before may not.
    func space(_ role: InstalledRole, isNew: Bool = false) throws(PlasmidError) -> SpaceContext {
        if let space = spaces[role.dna] { return space }
        let store = try storedSpace(role.dna, mustExist: !isNew)
        let space = SpaceContext(dna: role.dna, definition: role.definition, store: store, conductor: self)
        try loadNonces(store)
        spaces[role.dna] = space
        space.startValidators(modules: role.modules)
        return space
    }

    /// A space that should be there and is not is no answer to a call: its chains are missing.
    private func storedSpace(_ dna: DnaHash, mustExist: Bool) throws(PlasmidError) -> Space {
        do throws(PlasmidError) {
            return try database.space(dna, mustExist: mustExist)
        } catch {
            guard error.code == .notFound else { throw error }
            throw PlasmidError(
                .chainMissing, error.message,
                hint: "restore the data folder from a backup; no new chain is begun in its place")
        }
    }

    /// Starts a cell, or notes why it cannot run.
    func startCell(_ app: InstalledApp, _ role: InstalledRole) {
        let instanceID = app.instanceID(role)
        do {
            let space = try space(role)
            guard let head = try space.store.head(of: app.agent), head.seq + 1 >= Genesis.actionCount else {
                throw PlasmidError(
                    .chainMissing, "the chain of \(app.agent) is not in the storage of \(role.dna)",
                    hint: "restore the data folder from a backup; no new chain is begun in its place")
            }
            guard keystore.holds(app.agent) else {
                throw PlasmidError(
                    .keyNotFound, "the keystore holds no key for \(app.agent)",
                    hint: "was the keystore replaced? restore the one that belongs to this data folder")
            }
            let id = CellID(dna: role.dna, agent: app.agent)
            if readOnly[id]?.unfinished != nil {
                throw PlasmidError(
                    .restoreUnfinished, "the chain of \(app.agent) was brought back only in part",
                    hint: "bring the same dump back once more: plasmid admin restore-chain FILE")
            }
            let cell = Cell(
                id: id, appID: app.appID, instanceID: instanceID, space: space, conductor: self,
                zomes: role.definition.coordinator, head: head)
            try cell.loadCapabilities()
            cell.runner = coordinatorRunner(role, for: cell)
            cell.initialisation = try hasInitialised(cell, head: head) ? .done : .needed
            cell.isActive = app.runs(role)
            cells[instanceID] = cell
            cellOfID[id] = cell
            space.cells[app.agent] = cell
            if cell.isActive { try loadSchedules(of: cell) }
            faults[instanceID] = nil
        } catch {
            let error = PlasmidError.from(error)
            faults[instanceID] = error
            logger.error(
                "a cell cannot start",
                metadata: ["cell": "\(instanceID)", "code": "\(error.code.rawValue)", "reason": "\(error.message)"])
        }
    }

    /// `InitZomesComplete` stands in the first commit after genesis, or nowhere.
    private func hasInitialised(_ cell: Cell, head: ChainHead) throws(PlasmidError) -> Bool {
        guard head.seq >= Genesis.actionCount else { return false }
        var from = Genesis.actionCount
        while from <= head.seq {
            let page = try cell.space.store.chain(
                of: cell.id.agent, from: from, to: head.seq, descending: false, limit: 256, entriesOf: { _ in false })
            guard let last = page.last else { return false }
            if page.contains(where: { $0.signedAction.action.data.type == .initZomesComplete }) { return true }
            from = last.signedAction.action.header.actionSeq + 1
        }
        return false
    }

    func coordinatorSpecs(_ role: InstalledRole) -> [ModuleSpec] {
        role.definition.coordinator.map { zome in
            moduleSpec(zome.name, role.modules, functions: zome.functions.map(\.name), callbacks: zome.callbacks)
        }
    }

    func moduleSpec(
        _ zome: String, _ modules: [String: String], functions: [String], callbacks: [Callback]
    ) -> ModuleSpec {
        ModuleSpec(
            zome: zome, path: "\(options.dataFolder)/\(modules[zome] ?? "missing")", functions: functions,
            callbacks: callbacks.map(\.rawValue))
    }

    /// A runner of a role's functions and callbacks, whose requests come to the cell.
    func coordinatorRunner(_ role: InstalledRole, for cell: Cell) -> any ZomeRunner {
        let handler = cell.modules ?? CellModules(cell)
        cell.modules = handler
        return makeRunner(
            role: .coordinator,
            modules: role.definition.coordinator.map { zome in
                moduleSpec(
                    zome.name, role.modules, functions: zome.functions.map(\.name), callbacks: zome.callbacks)
            },
            handler: handler)
    }

    func makeRunner(role: RunnerRole, modules: [ModuleSpec], handler: any ZomeHostHandler) -> any ZomeRunner {
        switch options.isolation {
        case .process:
            ProcessRunner(
                loop: loop, executable: options.zomeHostPath, role: role, modules: modules, limits: options.limits,
                handler: handler)
        case .none:
            InProcessRunner(loop: loop, modules: modules, limits: options.limits, handler: handler)
        }
    }
}
