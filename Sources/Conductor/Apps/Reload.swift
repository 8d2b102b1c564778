import Integrity
import Manifests
import NIOCore
import NIOPosix
import ZomeRuntime

/// What taking an app's files up again was asked for.
public struct ReloadRequest: Sendable {
    /// The installed app.
    public var appID: String
    /// Path of the hApp manifest; where it was installed from if nil.
    public var path: String?
    /// Whether a role may get another DNA, and with it a new cell and an empty chain.
    public var allowsNewNetwork: Bool

    /// A request that changes coordinators only.
    public init(appID: String, path: String? = nil, allowsNewNetwork: Bool = false) {
        self.appID = appID
        self.path = path
        self.allowsNewNetwork = allowsNewNetwork
    }
}

/// What a reload does with a role.
enum RoleChange: String, Sendable {
    /// As it was.
    case none
    /// The same DNA, other modules or functions: swapped between calls, chain and grants stay.
    case coordinator
    /// Another DNA: a new cell on a new chain. The old chain stays in storage under its own hash.
    case network
    /// A role that the app did not have.
    case added
    /// A role that the app has no longer. Its chain stays in storage.
    case removed
}

/// The part of a reload that reads files: done off the loop.
struct ReloadPlan: Sendable {
    struct Role: Sendable {
        let role: InstalledRole
        let change: RoleChange
    }

    let origin: String
    /// The roles in the order of the file, then those that are gone.
    let roles: [Role]
    /// What further clones are made of; their numbers go on.
    let templates: [RoleTemplate]
    /// What the file declares.
    let bridges: [BridgeDef]

    static func prepare(
        _ request: InstallRequest, installed app: InstalledApp, locator: ModuleLocator, store: ModuleStore
    ) throws(PlasmidError) -> ReloadPlan {
        let installed = app.roles.filter { $0.clone == nil }
        let fresh = try InstallPlan.prepare(request, locator: locator, store: store)
        var roles: [Role] = []
        for var role in fresh.roles {
            guard let old = installed.first(where: { $0.name == role.name }) else {
                roles.append(Role(role: role, change: .added))
                continue
            }
            role.isStopped = old.isStopped
            role.isBegun = old.isBegun
            role.membraneProof = old.membraneProof
            roles.append(Role(role: role, change: change(from: old, to: role)))
        }
        let names = Set(fresh.roles.map(\.name))
        roles += installed.filter { !names.contains($0.name) }.map { Role(role: $0, change: .removed) }
        let templates = fresh.templates.map { template in
            var template = template
            template.nextClone = app.templates.first { $0.name == template.name }?.nextClone ?? 0
            return template
        }
        roles += app.roles.filter { $0.clone != nil }.map { clone in
            let role = renewed(clone, templates)
            return Role(role: role, change: change(from: clone, to: role))
        }
        return ReloadPlan(origin: request.path, roles: roles, templates: templates, bridges: fresh.bridges)
    }

    /// A clone gets its role's new coordinators, as long as the validators are still those of its network.
    private static func renewed(_ clone: InstalledRole, _ templates: [RoleTemplate]) -> InstalledRole {
        guard let template = templates.first(where: { $0.name == clone.clone?.role }) else { return clone }
        let integrity = clone.definition.integrity
        let definition = template.definition.modified(
            by: DnaModifiers(networkSeed: integrity.networkSeed, properties: integrity.properties))
        guard definition.integrity == integrity else { return clone }
        return InstalledRole(
            name: clone.name, dna: clone.dna, definition: definition, modules: template.modules,
            isStopped: clone.isStopped, isDeferred: clone.isDeferred, isBegun: clone.isBegun,
            membraneProof: clone.membraneProof, clone: clone.clone, isDisabled: clone.isDisabled)
    }

    private static func change(from old: InstalledRole, to new: InstalledRole) -> RoleChange {
        if old.dna != new.dna { return .network }
        let isSame = old.modules == new.modules && old.definition.coordinator == new.definition.coordinator
        return isSame ? .none : .coordinator
    }
}

/// Taking an app's files up again while it runs: `admin/app/update-coordinators`.
///
/// New modules are started and asked to describe themselves before anything changes: what cannot be loaded replaces
/// nothing. Then the app's row is written, and last the cells change, between two calls: a call under way ends in the
/// modules in which it began.
extension Conductor {
    func reload(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let request = ReloadRequest(
            appID: try params.text("app_id"), path: params.optionalText("path"),
            allowsNewNetwork: params.flag("allow_new_network", default: false))
        reload(request, reply)
    }

    /// Takes the hApp file and the built modules of an app up again. `reply` comes on the loop, with what became of each
    /// role.
    public func reload(
        _ request: ReloadRequest, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        loop.assertInEventLoop()
        do {
            let app = try app(request.appID)
            let done = NIOLoopBound(try exclusively(request.appID, reply), eventLoop: loop)
            let locator = ModuleLocator(folders: options.moduleFolders)
            let store = ModuleStore(dataFolder: options.dataFolder)
            let files = InstallRequest(
                path: request.path ?? app.origin, appID: app.appID, networkSeed: app.networkSeed)
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
                Result { () throws(PlasmidError) in
                    try ReloadPlan.prepare(files, installed: app, locator: locator, store: store)
                }
            }.whenComplete { [self] result in
                switch result {
                case .success(.success(let plan)): take(plan, request, done.value)
                case .success(.failure(let error)): done.value(.failure(error))
                case .failure(let error): done.value(.failure(PlasmidError.from(error)))
                }
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    private func take(
        _ plan: ReloadPlan, _ request: ReloadRequest,
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        do {
            var app = try app(request.appID)
            try check(plan, request, app)
            _ = try bridgeChanges(plan, app).applied(to: bridges)
            app.roles = plan.roles.filter { $0.change != .removed }.map(\.role)
            app.templates = plan.templates
            app.bridges = plan.bridges
            if !app.awaitsProofs {
                for entry in plan.roles where entry.change == .network || entry.change == .added {
                    guard let index = app.roles.firstIndex(where: { $0.name == entry.role.name }) else { continue }
                    app.roles[index].isBegun = app.isEnabled || !app.roles[index].isDeferred
                }
            }
            let changed = app
            let starting = plan.roles.filter { $0.change == .coordinator && cells[app.instanceID($0.role)] != nil }
            probe(starting[...], of: app, started: [:]) { [self] result in
                switch result {
                case .failure(let error): reply(.failure(error))
                case .success(let runners): begin(plan, changed, runners, reply)
                }
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    private func check(
        _ plan: ReloadPlan, _ request: ReloadRequest, _ app: InstalledApp
    ) throws(PlasmidError) {
        for entry in plan.roles where [.network, .added, .removed].contains(entry.change) {
            let instance = app.instanceID(entry.role)
            guard request.allowsNewNetwork else {
                let what =
                    switch entry.change {
                    case .added: "`\(instance)` is a role that the app does not have"
                    case .removed: "the app's role `\(entry.role.name)` is gone from the file"
                    default: "`\(instance)` has another DNA now: \(entry.role.dna)"
                    }
                throw PlasmidError(
                    .dnaMismatch, what,
                    hint:
                        "coordinators alone may change; allow_new_network begins new chains, or install it as another app"
                )
            }
            guard entry.change == .removed || cellOfID[CellID(dna: entry.role.dna, agent: app.agent)] == nil else {
                throw PlasmidError(
                    .cellExists, "agent \(app.agent) runs the DNA of role `\(entry.role.name)` already")
            }
        }
    }

    /// Starts the new modules of each role in turn. All or none: those that were started are ended when one fails.
    private func probe(
        _ roles: ArraySlice<ReloadPlan.Role>, of app: InstalledApp, started: [String: any ZomeRunner],
        _ done: @escaping (Result<[String: any ZomeRunner], PlasmidError>) -> Void
    ) {
        guard let role = roles.first?.role else {
            done(.success(started))
            return
        }
        guard let cell = cells[app.instanceID(role)], !role.definition.coordinator.isEmpty else {
            probe(roles.dropFirst(), of: app, started: started, done)
            return
        }
        let runner = coordinatorRunner(role, for: cell)
        // No function has this name: the answer says so, once the modules are loaded and have described themselves.
        runner.invoke(
            call: nextModuleCall(), zome: 0, kind: .function, name: "",
            invocation: Invocation(caller: nil, payload: [0xc0]),
            timeout: nil
        ) { [self] result in
            guard runner.descriptions == nil else {
                probe(
                    roles.dropFirst(), of: app, started: started.merging([role.name: runner]) { $1 }, done)
                return
            }
            for other in started.values { retire(other) }
            retire(runner)
            var error = PlasmidError(.moduleRefused, "the modules of `\(cell.instanceID)` do not describe themselves")
            if case .failure(let reason) = result { error = reason }
            done(.failure(error))
        }
    }

    /// Genesis of new chains, then the row, then the cells.
    private func begin(
        _ plan: ReloadPlan, _ app: InstalledApp, _ runners: [String: any ZomeRunner],
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        let failed: (PlasmidError) -> Void = { [self] error in
            for runner in runners.values { retire(runner) }
            closeIdleSpaces()
            reply(.failure(error))
        }
        let changed = plan.roles.filter { $0.change == .network || $0.change == .added }.map(\.role.name)
        let new = app.roles.filter { changed.contains($0.name) && $0.isBegun && !app.awaitsProofs }
        writeGenesis(of: app, roles: new[...]) { [self] result in
            if case .failure(let error) = result { return failed(error) }
            do {
                let changes = bridgeChanges(plan, apps[app.appID] ?? app)
                try keep(app, changes) { [self] result in
                    if case .failure(let error) = result { return failed(error) }
                    apps[app.appID] = app
                    for entry in plan.roles { carryOut(entry, of: app, runners[entry.role.name]) }
                    closeIdleSpaces()
                    reply(.success(report(plan, app, changes)))
                }
            } catch {
                failed(PlasmidError.from(error))
            }
        }
    }

    private func carryOut(_ entry: ReloadPlan.Role, of app: InstalledApp, _ runner: (any ZomeRunner)?) {
        let instance = app.instanceID(entry.role)
        switch entry.change {
        case .none: break
        case .coordinator:
            guard let cell = cells[instance], let runner, cell.isActive else {
                runner.map { retire($0) }
                startAnew(entry.role, of: app)
                return
            }
            cell.space.take(entry.role)
            let (old, new) = (cell.zomes.map(\.name), entry.role.definition.coordinator.map(\.name))
            if !new.starts(with: old) {
                // Running calls know zomes by their index, which is another one now.
                endCalls(of: cell, because: "the zomes of `\(instance)` were replaced while the call ran")
            }
            cell.replaceZomes(entry.role.definition.coordinator, runner: runner)
        case .network, .added, .removed:
            leave(instance)
            if entry.change != .removed { begin(instance, of: app) }
        }
    }

    /// A cell that did not run takes its files up by starting.
    private func startAnew(_ role: InstalledRole, of app: InstalledApp) {
        leave(app.instanceID(role))
        begin(app.instanceID(role), of: app)
    }

    /// Starts a cell whose chain has been begun.
    private func begin(_ instance: String, of app: InstalledApp) {
        guard let role = app.roles.first(where: { app.instanceID($0) == instance }), role.isBegun, !app.awaitsProofs
        else { return }
        startCell(app, role)
    }

    private func leave(_ instance: String) {
        faults[instance] = nil
        guard let cell = cells.removeValue(forKey: instance) else { return }
        if cell.isActive { stop(cell) }
        cellOfID[cell.id] = nil
        cell.space.cells[cell.id.agent] = nil
    }

    private func report(
        _ plan: ReloadPlan, _ app: InstalledApp, _ changes: BridgeChanges
    ) -> MessagePackValue {
        .object([
            "app_id": .string(app.appID), "bridges": changes.report,
            "roles": .array(
                plan.roles.map { entry in
                    .object([
                        "role": .string(entry.role.name), "instance_id": .string(app.instanceID(entry.role)),
                        "dna": .string(entry.role.dna.text), "change": .string(entry.change.rawValue),
                        "fault": faults[app.instanceID(entry.role)].map {
                            .string("\($0.code.rawValue): \($0.message)")
                        }
                            ?? .null,
                    ])
                }),
        ])
    }
}

extension SpaceContext {
    /// Takes rebuilt modules of the same DNA up: validators whose files are others start anew at the next commit. Those
    /// that judge just now are asked once more, by the rule for a process that ended.
    func take(_ role: InstalledRole) {
        definition.coordinator = role.definition.coordinator
        let files = definition.integrity.zomes.map { role.modules[$0.name] }
        guard files != validatorFiles else { return }
        let old = validators
        startValidators(modules: role.modules)
        conductor.retire(old)
        validatorsChanged()
    }
}
