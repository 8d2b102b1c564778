import Chain
import Integrity
import Keystore
import Manifests
import NIOCore
import NIOPosix
import Storage

/// What an installation was asked for.
public struct InstallRequest: Sendable {
    /// Path of the hApp manifest.
    public var path: String
    /// Name to install it under; the manifest's own name if nil.
    public var appID: String?
    /// An agent of the keystore; a new one is made if nil.
    public var agent: AgentPubKey?
    /// Replaces the network seed of every role.
    public var networkSeed: String?
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
    let roles: [InstalledRole]
    let bridges: [BridgeDef]

    static func prepare(
        _ request: InstallRequest, locator: ModuleLocator, store: ModuleStore
    ) throws(PlasmidError) -> InstallPlan {
        let reading = ManifestReader.happ(at: request.path)
        guard let happ = reading.happ else {
            throw ManifestReader.error(request.path, reading.diagnostics, kind: "happ")
        }
        var roles: [InstalledRole] = []
        for (role, manifest, fromRole) in happ.roles {
            guard case .create = role.provisioning else { continue }
            var definition = fromRole
            if let seed = request.networkSeed {
                definition = manifest.definition(
                    DnaModifiers(networkSeed: seed, properties: role.modifiers.properties))
            }
            var modules: [String: String] = [:]
            let zomes = definition.integrity.zomes.map { ($0.name, $0.module) }
            for (zome, module) in zomes + definition.coordinator.map({ ($0.name, $0.module) }) {
                modules[zome] = try store.add(try locator.locate(module, zome: zome), module: module)
            }
            roles.append(
                InstalledRole(
                    name: role.name, dna: definition.hash(), definition: definition, modules: modules,
                    isStopped: false))
        }
        return InstallPlan(
            appID: request.appID ?? happ.manifest.name, origin: request.path, roles: roles,
            bridges: happ.manifest.bridges)
    }
}

/// Installing: files read off the loop, key saved, genesis durable, then the app's row; a stop in between leaves either no
/// app or a whole one.
extension Conductor {
    /// Installs an app, and enables it unless told not to. `reply` comes on the loop.
    public func install(_ request: InstallRequest, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void)
    {
        loop.assertInEventLoop()
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

    private func install(
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
            begin(plan, request, try exclusively(plan.appID, reply))
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
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
                origin: plan.origin, roles: plan.roles, networkSeed: request.networkSeed)
            let done = try exclusively(agent.text, reply)
            writeGenesis(of: app, roles: ArraySlice(plan.roles)) { [self] result in
                switch result {
                case .failure(let error):
                    closeIdleSpaces()
                    done(.failure(error))
                case .success: save(app, bridges: plan.bridges, done)
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

    private func checkName(_ name: String) throws(PlasmidError) {
        let allowed = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x2d || byte == 0x5f || byte == 0x2e
        }
        guard allowed, name.utf8.first != 0x2e, (1...64).contains(name.utf8.count) else {
            throw PlasmidError(
                .badName, "`\(name)` cannot be an app id",
                hint: "1 to 64 letters, digits, `-`, `_` and `.`, the first no point")
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

    /// Writes the genesis of each role in turn, unless the agent's chain is there already (an app that was uninstalled, or
    /// an installation that was cut off): a chain is begun once.
    func writeGenesis(
        of app: InstalledApp, roles: ArraySlice<InstalledRole>,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        guard let role = roles.first else {
            done(.success(()))
            return
        }
        let next: (Result<Void, PlasmidError>) -> Void = { [self] result in
            if case .failure = result {
                done(result)
            } else {
                writeGenesis(of: app, roles: roles.dropFirst(), done)
            }
        }
        do {
            let space = try space(role, isNew: true)
            if try space.store.head(of: app.agent) != nil {
                next(.success(()))
                return
            }
            var scratch = try Genesis.scratch(
                dna: role.dna, agent: app.agent, membraneProof: nil, now: options.clock())
            let keystore = keystore
            try scratch.sign { bytes throws(PlasmidError) in try keystore.sign(bytes, by: app.agent) }
            space.store.commit(try spaceCommit(of: scratch, agent: app.agent), completion: next)
        } catch {
            done(.failure(PlasmidError.from(error)))
        }
    }

    /// The app's row and those of its bridges are one write.
    private func save(
        _ app: InstalledApp, bridges declared: [BridgeDef],
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        let made = declared.map {
            Bridge(caller: "\(app.appID)/\($0.caller)", callee: "\(app.appID)/\($0.callee)", handle: $0.handle)
        }
        store.write([Self.row(of: app)] + made.map(Self.row)) { [self] result in
            if case .failure(let error) = result {
                reply(.failure(error))
                return
            }
            // The manifest was checked, and no bridge of an app of this name is left: none of these is refused.
            for bridge in made { try? bridges.add(bridge) }
            apps[app.appID] = app
            for role in app.roles { startCell(app, role) }
            reply(.success(appInfo(app)))
        }
    }
}
