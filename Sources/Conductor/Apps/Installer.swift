import Chain
import Integrity
import Keystore
import Manifests
import NIOCore
import NIOPosix
import Storage

/// What an installation was asked for.
public struct InstallRequest: Sendable {
    /// Path of the hApp manifest, or of a hApp bundle.
    public var path: String
    /// Name to install it under; the manifest's own name if nil.
    public var appID: String?
    /// An agent of the keystore; a new one is made if nil.
    public var agent: AgentPubKey?
    /// Replaces the network seed of every role.
    public var networkSeed: String?
    /// What each role joins its network with, by the role's name.
    public var membraneProofs: [String: [UInt8]] = [:]
    /// Whether the app takes calls at once.
    public var enable: Bool

    /// A request with the defaults of `plasmid admin install`.
    public init(
        path: String, appID: String? = nil, agent: AgentPubKey? = nil, networkSeed: String? = nil, enable: Bool = true
    ) {
        self.path = path
        self.appID = appID
        self.agent = agent
        self.networkSeed = networkSeed
        self.enable = enable
    }
}

/// The part of an installation that reads files: done off the loop, on the pool's thread.
struct InstallPlan: Sendable {
    let appID: String
    let origin: String
    /// The roles that get cells.
    let roles: [InstalledRole]
    /// All roles, those that are made by cloning only too.
    let templates: [RoleTemplate]
    let bridges: [BridgeDef]
    /// Whether the app is installed without chains, until its membrane proofs come.
    let awaitsProofs: Bool
    /// Copies of modules that were made for it, and that nobody needs if it fails.
    let added: [String]

    static func prepare(
        _ request: InstallRequest, locator: ModuleLocator, store: ModuleStore
    ) throws(PlasmidError) -> InstallPlan {
        var added: [String] = []
        do throws(PlasmidError) {
            return try prepare(request, locator: locator, store: store, added: &added)
        } catch {
            store.remove(added)
            throw error
        }
    }

    private static func prepare(
        _ request: InstallRequest, locator: ModuleLocator, store: ModuleStore, added: inout [String]
    ) throws(PlasmidError) -> InstallPlan {
        let (happ, bundle) = try BundleReading.happ(request.path, store)
        // Unpacked modules are there until they were copied.
        defer { withExtendedLifetime(bundle) {} }
        for role in request.membraneProofs.keys where !happ.manifest.roles.contains(where: { $0.name == role }) {
            throw PlasmidError(
                .unknownRole, "there is a membrane proof for the role `\(role)`, which the app does not have",
                hint: "it has \(happ.manifest.roles.map(\.name).joined(separator: ", "))")
        }
        let awaits = happ.manifest.allowDeferredMembraneProofs && request.membraneProofs.isEmpty
        var roles: [InstalledRole] = []
        var templates: [RoleTemplate] = []
        for (role, manifest, fromRole) in happ.roles {
            var definition = fromRole
            if let seed = request.networkSeed {
                definition = manifest.definition(
                    DnaModifiers(networkSeed: seed, properties: role.modifiers.properties))
            }
            var modules: [String: String] = [:]
            let locator = BundleReading.locator(manifest, locator)
            let zomes = definition.integrity.zomes.map { ($0.name, $0.module) }
            for (zome, module) in zomes + definition.coordinator.map({ ($0.name, $0.module) }) {
                modules[zome] = try store.add(
                    try locator.locate(module, zome: zome), module: module, added: &added)
            }
            templates.append(
                RoleTemplate(
                    name: role.name, definition: definition, modules: modules, cloneLimit: role.cloneLimit))
            guard case .create(let deferred) = role.provisioning else { continue }
            roles.append(
                InstalledRole(
                    name: role.name, dna: definition.hash(), definition: definition, modules: modules,
                    isStopped: false, isDeferred: deferred, isBegun: false,
                    membraneProof: request.membraneProofs[role.name]))
        }
        return InstallPlan(
            appID: request.appID ?? happ.manifest.name, origin: request.path, roles: roles, templates: templates,
            bridges: happ.manifest.bridges, awaitsProofs: awaits, added: added)
    }
}

extension InstallPlan {
    /// One role for each set of modules, for the look at whether they can be loaded.
    var probed: [InstalledRole] {
        var seen: [[String: String]] = []
        return templates.compactMap { template in
            guard !seen.contains(template.modules) else { return nil }
            seen.append(template.modules)
            return InstalledRole(
                name: template.name, dna: template.definition.hash(), definition: template.definition,
                modules: template.modules, isStopped: false)
        }
    }
}

/// Installing: files read off the loop, key saved, genesis durable, then the app's row; a stop in between leaves either no
/// app or a whole one.
extension Conductor {
    /// Installs an app, and enables it unless told not to. `reply` comes on the loop.
    public func install(_ request: InstallRequest, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void)
    {
        loop.assertInEventLoop()
        installing += 1
        let reply: (Result<MessagePackValue, PlasmidError>) -> Void = { [self] result in
            installing -= 1
            reply(result)
        }
        let locator = ModuleLocator(folders: options.moduleFolders)
        let store = ModuleStore(dataFolder: options.dataFolder)
        let bound = NIOLoopBound(reply, eventLoop: loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            Result { () throws(PlasmidError) in
                try InstallPlan.prepare(request, locator: locator, store: store)
            }
        }.whenComplete { [self] result in
            switch result {
            case .success(.success(let plan)): install(plan, request, bound.value)
            case .success(.failure(let error)): bound.value(.failure(error))
            case .failure(let error): bound.value(.failure(PlasmidError.from(error)))
            }
        }
    }

    func install(
        _ plan: InstallPlan, _ request: InstallRequest,
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        do {
            try checkName(plan.appID)
            guard apps[plan.appID] == nil else {
                throw PlasmidError(
                    .appExists, "an app named `\(plan.appID)` is installed already",
                    hint: "install it under another name with --app-id, or uninstall the first")
            }
            let done = try exclusively(plan.appID) { [self] (result: Result<MessagePackValue, PlasmidError>) in
                if case .failure = result { forgetCopies(of: plan) }
                reply(result)
            }
            // Before a key is made, a space opened or a row written: what cannot run is not installed.
            ModuleProbe.run(plan.probed[...], self) { [self] result in
                switch result {
                case .success: begin(plan, request, done)
                case .failure(let error): done(.failure(error))
                }
            }
        } catch {
            forgetCopies(of: plan)
            reply(.failure(PlasmidError.from(error)))
        }
    }

    /// Takes away the copies of modules that no app has come to use. While another installation is under way they stay: it
    /// may have found them there.
    private func forgetCopies(of plan: InstallPlan) { forgetCopies(plan.added) }

    /// Removes copies of modules that a failed installation made, unless another may have come to need them.
    func forgetCopies(_ added: [String]) {
        guard installing == 1 else { return }
        let used = apps.values.flatMap { app in
            app.roles.flatMap(\.modules.values) + app.templates.flatMap(\.modules.values)
        }
        let registered = register.dnas.values.flatMap(\.modules.values)
        ModuleStore(dataFolder: options.dataFolder).remove(
            added.filter { !used.contains($0) && !registered.contains($0) })
    }

    private func begin(
        _ plan: InstallPlan, _ request: InstallRequest,
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        do {
            let agent = try agent(for: request, appID: plan.appID)
            try checkCells(plan, agent)
            let app = InstalledApp(
                appID: plan.appID, agent: agent, isEnabled: request.enable, installedAt: options.clock(),
                origin: plan.origin, roles: plan.roles, networkSeed: request.networkSeed, templates: plan.templates,
                awaitsProofs: plan.awaitsProofs, bridges: plan.bridges)
            let done = try exclusively(agent.text, reply)
            beginChains(of: app) { [self] result in
                switch result {
                case .failure(let error):
                    closeIdleSpaces()
                    done(.failure(error))
                case .success(let app): save(app, done)
                }
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    /// One cell for each DNA and agent: two would each believe to be the only writer of the chain.
    private func checkCells(_ plan: InstallPlan, _ agent: AgentPubKey) throws(PlasmidError) {
        var seen: Set<DnaHash> = []
        for role in plan.roles {
            guard seen.insert(role.dna).inserted else {
                throw PlasmidError(
                    .cellExists, "role `\(role.name)` has the same DNA as another role of the app",
                    hint: "give the two roles different network seeds")
            }
            guard cellOfID[CellID(dna: role.dna, agent: agent)] == nil else {
                throw PlasmidError(
                    .cellExists, "agent \(agent) runs the DNA of role `\(role.name)` already",
                    hint: "use another agent")
            }
        }
    }

    /// Whether a text can be the id of an app or an interface: 1 to 64 letters, digits, `-`, `_` and `.`, the first no point.
    public static func canBeID(_ name: String) -> Bool {
        let allowed = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x2d || byte == 0x5f || byte == 0x2e
        }
        return allowed && name.utf8.first != 0x2e && (1...64).contains(name.utf8.count)
    }

    func checkName(_ name: String) throws(PlasmidError) {
        guard Self.canBeID(name) else {
            throw PlasmidError(
                .badName, "`\(name)` cannot be an id",
                hint: "1 to 64 letters, digits, `-`, `_` and `.`, the first no point; where the app's file has another "
                    + "name, install it under one of your own: --app-id NAME")
        }
    }

    private func agent(for request: InstallRequest, appID: String) throws(PlasmidError) -> AgentPubKey {
        guard let agent = request.agent else {
            if let left = try? keystore.publicKey("app:\(appID)") { return left }
            return try keystore.newAgent(tag: "app:\(appID)", createdAt: options.clock())
        }
        guard keystore.holds(agent) else {
            throw PlasmidError(
                .keyNotFound, "the keystore holds no key for \(agent)",
                hint: "`plasmid admin agents` lists the agents")
        }
        return agent
    }

    /// The app's row and those of its bridges are one write.
    private func save(
        _ app: InstalledApp, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        let made = app.bridges(app.bridges)
        store.write([Self.row(of: app)] + made.map(Self.row)) { [self] result in
            if case .failure(let error) = result {
                reply(.failure(error))
                return
            }
            // The manifest was checked, and no bridge of an app of this name is left: none of these is refused.
            for bridge in made { try? bridges.add(bridge) }
            apps[app.appID] = app
            settle(app)
            reply(.success(appInfo(app)))
        }
    }
}
