import Integrity
import Storage

/// What a clone is made from.
struct CloneOrder {
    var role: String
    var name: String?
    var modifiers: DnaModifiers
    var membraneProof: [UInt8]?
}

/// Clones: cells with a role's zomes in networks of their own. Their ids count up for each role and are never used again.
extension Conductor {
    /// Most clones that are ever made of a role of an app: each leaves a space on the disk.
    private static var clonesEverMaximum: UInt32 { 10_000 }

    /// Makes a clone and, if the app is enabled, starts it.
    func clone(
        _ appID: String, _ order: CloneOrder, _ reply: @escaping (Result<ClonedCell, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var app = try app(appID)
        guard !app.awaitsProofs else { throw Self.awaitsProofs(appID) }
        let index = try templateIndex(order.role, in: app)
        let template = app.templates[index]
        try checkLimit(template, in: app)
        guard template.nextClone < Self.clonesEverMaximum else {
            throw PlasmidError(
                .cloneLimitReached,
                "\(template.nextClone) clones of `\(appID)/\(template.name)` were made; that is the most there can be",
                hint: "install the app once more under another name")
        }
        if let name = order.name, name.isEmpty || name.utf8.count > Limits.nameBytes {
            throw PlasmidError(
                .badName, "a clone's name has 1 to \(Limits.nameBytes) bytes", hint: "leave it out to use the id")
        }
        let definition = template.definition.modified(by: order.modifiers)
        try checkProperties(definition)
        let dna = definition.hash()
        guard cellOfID[CellID(dna: dna, agent: app.agent)] == nil, !app.roles.contains(where: { $0.dna == dna }) else {
            throw PlasmidError(
                .cellExists, "agent \(app.agent) is in the network of this clone already",
                hint: "give the clone a network seed that no other cell has")
        }
        let id = "\(template.name).\(template.nextClone)"
        app.templates[index].nextClone += 1
        app.roles.append(
            InstalledRole(
                name: id, dna: dna, definition: definition, modules: template.modules, isStopped: false,
                membraneProof: order.membraneProof, clone: CloneMark(role: template.name, name: order.name ?? id)))
        let alone = try exclusively(appID, reply)
        do {
            begin(id, in: app, try exclusively(app.agent.text, alone))
        } catch {
            alone(.failure(PlasmidError.from(error)))
        }
    }

    private func begin(
        _ id: String, in app: InstalledApp, _ reply: @escaping (Result<ClonedCell, PlasmidError>) -> Void
    ) {
        var app = app
        writeGenesis(of: app, roles: app.roles.suffix(1)) { [self] result in
            if case .failure(let error) = result {
                closeIdleSpaces()
                return reply(.failure(error))
            }
            app.roles[app.roles.count - 1].membraneProof = nil
            keepClones(of: app, id, reply)
        }
    }

    func setCloneEnabled(
        _ appID: String, _ id: String, _ enabled: Bool,
        _ reply: @escaping (Result<ClonedCell, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var app = try app(appID)
        let index = try cloneIndex(id, in: app)
        if enabled, app.roles[index].isDisabled, let role = app.roles[index].clone?.role {
            try checkLimit(app.templates[try templateIndex(role, in: app)], in: app)
        }
        app.roles[index].isDisabled = !enabled
        keepClones(of: app, id, try exclusively(appID, reply))
    }

    /// Takes a disabled clone out of the app, and off every bridge and interface. Its chain stays in storage, as an
    /// uninstalled app's does.
    func deleteClone(_ appID: String, _ id: String, _ reply: @escaping (Result<Void, PlasmidError>) -> Void) {
        inTurn({ reply($0.map { _ in }) }) { [self] done in
            try removeClone(appID, id) { done($0.map { .success }) }
        }
    }

    private func removeClone(
        _ appID: String, _ id: String, _ reply: @escaping (Result<Void, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        var app = try app(appID)
        let index = try cloneIndex(id, in: app)
        guard app.roles[index].isDisabled else {
            throw PlasmidError(
                .cloneEnabled, "the clone `\(id)` of `\(appID)` is enabled and cannot be deleted",
                hint: "disable it first (`plasmid admin clone disable \(appID) \(id)`)")
        }
        let instanceID = app.instanceID(app.roles.remove(at: index))
        let gone = bridges.touching([instanceID])
        let mounted = unmounting([instanceID])
        let rows =
            [Self.row(of: app)] + gone.map(Self.removal) + mounted.map(\.put) + (try scheduleRemovals(of: instanceID))
        let reply = try exclusively(appID, reply)
        store.write(rows) { [self] result in
            if case .success = result {
                apps[app.appID] = app
                for bridge in gone { bridges.remove(bridge) }
                for interface in mounted { register.interfaces[interface.id] = interface }
                letGo(instanceID)
                closeIdleSpaces()
            }
            reply(result)
        }
    }

    private func keepClones(
        of app: InstalledApp, _ id: String, _ reply: @escaping (Result<ClonedCell, PlasmidError>) -> Void
    ) {
        keep(app) { [self] result in
            guard case .success = result, let role = app.roles.first(where: { $0.name == id }) else {
                return reply(result.flatMap { .failure(PlasmidError(.unknownRole, "the clone `\(id)` is gone")) })
            }
            apps[app.appID] = app
            settle(app)
            reply(.success(clonedCell(role, in: app)))
        }
    }

    func clonedCell(_ role: InstalledRole, in app: InstalledApp) -> ClonedCell {
        ClonedCell(
            clone: role.name, role: role.clone?.role ?? role.name, name: role.clone?.name ?? role.name,
            cell: CellAddress(dna: role.dna, agent: app.agent), networkSeed: role.definition.integrity.networkSeed,
            isEnabled: !role.isDisabled)
    }

    // MARK: Checks

    private func templateIndex(_ role: String, in app: InstalledApp) throws(PlasmidError) -> Int {
        guard let index = app.templates.firstIndex(where: { $0.name == role }) else {
            throw PlasmidError(
                .unknownRole, "the app `\(app.appID)` has no role `\(role)`",
                hint: "it has \(app.templates.map(\.name).joined(separator: ", "))")
        }
        return index
    }

    private func cloneIndex(_ id: String, in app: InstalledApp) throws(PlasmidError) -> Int {
        guard let index = app.roles.firstIndex(where: { $0.name == id && $0.clone != nil }) else {
            let known = app.roles.filter { $0.clone != nil }.map(\.name)
            throw PlasmidError(
                .unknownRole, "the app `\(app.appID)` has no clone `\(id)`",
                hint: known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))")
        }
        return index
    }

    private func checkLimit(_ template: RoleTemplate, in app: InstalledApp) throws(PlasmidError) {
        let enabled = app.roles.filter { $0.clone?.role == template.name && !$0.isDisabled }.count
        guard enabled < template.cloneLimit else {
            throw PlasmidError(
                .cloneLimitReached,
                "the role `\(app.appID)/\(template.name)` may have \(template.cloneLimit) enabled clones and has \(enabled)",
                hint: template.cloneLimit == 0
                    ? "`clone_limit` of the role in the hApp file allows them" : "disable one first")
        }
    }

    private func checkProperties(_ definition: DnaDefinition) throws(PlasmidError) {
        guard case .map = definition.integrity.properties else {
            throw PlasmidError(.badInput, "the properties of a clone have to be a map")
        }
        guard definition.integrity.properties.packed.count <= Limits.propertiesBytes,
            definition.integrity.networkSeed.utf8.count <= 1_000
        else {
            throw PlasmidError(
                .tooLarge, "the properties or the network seed of a clone are too large",
                hint: "properties have at most \(Limits.propertiesBytes) bytes, a seed 1,000")
        }
    }

    static func awaitsProofs(_ appID: String) -> PlasmidError {
        PlasmidError(
            .awaitingMembraneProofs, "the app `\(appID)` waits for its membrane proofs",
            hint: "`plasmid admin provide-memproofs \(appID)` gives them, or says that there are none")
    }
}
