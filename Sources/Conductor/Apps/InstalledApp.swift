import Integrity

/// What tells a clone from the cells that the app was installed with.
struct CloneMark: Sendable, Hashable {
    /// The role that it was made of.
    let role: String
    /// A name for people.
    let name: String
}

/// One role of an installed app, or a clone of one: the DNA it runs and where its modules lie.
struct InstalledRole: Sendable {
    /// The role's name; a clone's is `role.n`.
    let name: String
    let dna: DnaHash
    let definition: DnaDefinition
    /// Path of each zome's module, by zome name; relative to the data folder.
    let modules: [String: String]
    /// Stopped by hand (`admin/instance/stop`) though the app is enabled.
    var isStopped: Bool
    /// Whether its chain is begun only when the app is first enabled.
    var isDeferred = false
    /// Whether its chain has been begun.
    var isBegun = true
    /// What it will join with, as long as it has not.
    var membraneProof: [UInt8]?
    /// What it is a clone of; nil for the cells that the app was installed with.
    var clone: CloneMark?
    /// A clone that is out of service.
    var isDisabled = false
}

/// A role as the manifest describes it: what clones are made of.
struct RoleTemplate: Sendable {
    let name: String
    /// With the modifiers of app and installation.
    let definition: DnaDefinition
    let modules: [String: String]
    /// How many clones may be enabled at a time.
    let cloneLimit: UInt32
    /// The number of the next clone; it only rises.
    var nextClone: UInt32 = 0
}

/// One installed app, as its row in the conductor's environment keeps it.
struct InstalledApp: Sendable {
    let appID: String
    let agent: AgentPubKey
    var isEnabled: Bool
    let installedAt: Timestamp
    /// Where the hApp file stood when it was installed; for the operator only.
    let origin: String
    /// The roles that have cells, then their clones.
    var roles: [InstalledRole]
    /// What the installation put in the place of every role's network seed.
    var networkSeed: String?
    /// Every role of the manifest, cloned only or not.
    var templates: [RoleTemplate] = []
    /// Installed without membrane proofs that are to come: no chain is begun yet.
    var awaitsProofs = false
    /// Why the conductor disabled it; nil when it did not.
    var disabledBecause: String?
    /// The bridges that its file declares, by roles: what a reload compares with. Others were made by hand.
    var bridges: [BridgeDef] = []

    /// `app/role`; the plain id for an instance of `admin/instance/add`, whose one role has no name.
    func instanceID(_ role: InstalledRole) -> String {
        role.name.isEmpty ? appID : "\(appID)/\(role.name)"
    }

    /// The bridges of the app's file, between its instances.
    func bridges(_ declared: [BridgeDef]) -> [Bridge] {
        declared.map { Bridge(caller: "\(appID)/\($0.caller)", callee: "\(appID)/\($0.callee)", handle: $0.handle) }
    }

    /// `enabled`, `disabled` or `awaiting_memproofs`.
    var status: String {
        if awaitsProofs { return "awaiting_memproofs" }
        return isEnabled ? "enabled" : "disabled"
    }

    /// Whether a role's cell takes calls.
    func runs(_ role: InstalledRole) -> Bool {
        isEnabled && !awaitsProofs && role.isBegun && !role.isStopped && !role.isDisabled
    }
}

extension InstalledRole: Packable {
    func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(10)
        writer.writeString("name")
        writer.writeString(name)
        writer.writeString("dna")
        dna.pack(into: &writer)
        writer.writeString("definition")
        definition.pack(into: &writer)
        writer.writeString("modules")
        ModulePaths.pack(modules, into: &writer)
        writer.writeString("stopped")
        writer.writeBool(isStopped)
        writer.writeString("deferred")
        writer.writeBool(isDeferred)
        writer.writeString("begun")
        writer.writeBool(isBegun)
        writer.writeString("membrane_proof")
        if let membraneProof { writer.writeBinary(membraneProof) } else { writer.writeNil() }
        writer.writeString("clone")
        if let clone { writer.write([clone.role, clone.name]) } else { writer.writeNil() }
        writer.writeString("disabled")
        writer.writeBool(isDisabled)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var dna: DnaHash?
        var definition: DnaDefinition?
        var modules: [String: String] = [:]
        var flags: [String: Bool] = [:]
        var proof: [UInt8]?
        var clone: [String]?
        for _ in 0..<(try reader.readMapHeader()) {
            let key = try reader.readKey()
            switch key {
            case "name": name = try reader.readString()
            case "dna": dna = try reader.read()
            case "definition": definition = try reader.read()
            case "modules": modules = try ModulePaths.read(&reader)
            case "stopped", "deferred", "begun", "disabled": flags[key.text] = try reader.readBool()
            case "membrane_proof": proof = try reader.readOptionalBytes()
            case "clone": clone = try reader.readOptionalArray()
            default: try reader.skip()
            }
        }
        self.name = try reader.require(name, "name", of: "InstalledRole")
        self.dna = try reader.require(dna, "dna", of: "InstalledRole")
        self.definition = try reader.require(definition, "definition", of: "InstalledRole")
        self.modules = modules
        isStopped = flags["stopped"] ?? false
        isDeferred = flags["deferred"] ?? false
        isBegun = flags["begun"] ?? true
        membraneProof = proof
        self.clone = clone.flatMap { $0.count == 2 ? CloneMark(role: $0[0], name: $0[1]) : nil }
        isDisabled = flags["disabled"] ?? false
    }
}

extension RoleTemplate: Packable {
    func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(5)
        writer.writeString("name")
        writer.writeString(name)
        writer.writeString("definition")
        definition.pack(into: &writer)
        writer.writeString("modules")
        ModulePaths.pack(modules, into: &writer)
        writer.writeString("clone_limit")
        writer.writeUInt(cloneLimit)
        writer.writeString("next_clone")
        writer.writeUInt(nextClone)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var definition: DnaDefinition?
        var modules: [String: String] = [:]
        var limit: UInt32 = 0
        var next: UInt32 = 0
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "name": name = try reader.readString()
            case "definition": definition = try reader.read()
            case "modules": modules = try ModulePaths.read(&reader)
            case "clone_limit": limit = try reader.readUInt32()
            case "next_clone": next = try reader.readUInt32()
            default: try reader.skip()
            }
        }
        self.name = try reader.require(name, "name", of: "RoleTemplate")
        self.definition = try reader.require(definition, "definition", of: "RoleTemplate")
        self.modules = modules
        cloneLimit = limit
        nextClone = next
    }
}

/// The map of module paths in a row.
private enum ModulePaths {
    static func pack(_ modules: [String: String], into writer: inout MessagePackWriter) {
        writer.writeMapHeader(modules.count)
        for (zome, path) in modules.sorted(by: { $0.key < $1.key }) {
            writer.writeString(zome)
            writer.writeString(path)
        }
    }

    static func read(_ reader: inout MessagePackReader) throws(PlasmidError) -> [String: String] {
        var modules: [String: String] = [:]
        for _ in 0..<(try reader.readMapHeader()) {
            let zome = try reader.readString()
            modules[zome] = try reader.readString()
        }
        return modules
    }
}

extension InstalledApp: Packable {
    func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(networkSeed == nil ? 10 : 11)
        writer.writeString("app_id")
        writer.writeString(appID)
        writer.writeString("agent")
        agent.pack(into: &writer)
        writer.writeString("enabled")
        writer.writeBool(isEnabled)
        writer.writeString("installed_at")
        writer.writeInt(installedAt.microseconds)
        writer.writeString("origin")
        writer.writeString(origin)
        writer.writeString("roles")
        writer.write(roles)
        writer.writeString("templates")
        writer.write(templates)
        writer.writeString("awaits_proofs")
        writer.writeBool(awaitsProofs)
        writer.writeString("disabled_because")
        writer.write(disabledBecause)
        writer.writeString("bridges")
        writer.writeArrayHeader(bridges.count)
        for bridge in bridges { writer.write([bridge.caller, bridge.callee, bridge.handle]) }
        if let networkSeed {
            writer.writeString("network_seed")
            writer.writeString(networkSeed)
        }
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        var appID: String?
        var agent: AgentPubKey?
        var isEnabled: Bool?
        var installedAt: Timestamp?
        var origin = ""
        var roles: [InstalledRole]?
        var networkSeed: String?
        var templates: [RoleTemplate]?
        var awaitsProofs = false
        var reason: String?
        var bridges: [BridgeDef] = []
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "app_id": appID = try reader.readString()
            case "agent": agent = try reader.read()
            case "enabled": isEnabled = try reader.readBool()
            case "installed_at": installedAt = try reader.read()
            case "origin": origin = try reader.readString()
            case "roles": roles = try reader.readArray()
            case "network_seed": networkSeed = try reader.readString()
            case "templates": templates = try reader.readArray()
            case "awaits_proofs": awaitsProofs = try reader.readBool()
            case "disabled_because": reason = try reader.readOptional()
            case "bridges":
                for _ in 0..<(try reader.readArrayHeader()) {
                    let texts: [String] = try reader.readArray()
                    guard texts.count == 3 else { continue }
                    bridges.append(BridgeDef(caller: texts[0], callee: texts[1], handle: texts[2]))
                }
            default: try reader.skip()
            }
        }
        self.networkSeed = networkSeed
        self.appID = try reader.require(appID, "app_id", of: "InstalledApp")
        self.agent = try reader.require(agent, "agent", of: "InstalledApp")
        self.isEnabled = try reader.require(isEnabled, "enabled", of: "InstalledApp")
        self.installedAt = try reader.require(installedAt, "installed_at", of: "InstalledApp")
        self.origin = origin
        self.roles = try reader.require(roles, "roles", of: "InstalledApp")
        // Rows of earlier versions have none: their roles allowed no clones.
        self.templates = templates ?? []
        self.awaitsProofs = awaitsProofs
        disabledBecause = reason
        self.bridges = bridges
    }
}
