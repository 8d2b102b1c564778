import Integrity

/// One role of an installed app: the DNA it runs and where its modules lie.
struct InstalledRole: Sendable {
    let name: String
    let dna: DnaHash
    let definition: DnaDefinition
    /// Path of each zome's module, by zome name; relative to the data folder.
    let modules: [String: String]
    /// Stopped by hand (`admin/instance/stop`) though the app is enabled.
    var isStopped: Bool
}

/// One installed app, as its row in the conductor's environment keeps it.
struct InstalledApp: Sendable {
    let appID: String
    let agent: AgentPubKey
    var isEnabled: Bool
    let installedAt: Timestamp
    /// Where the hApp file stood when it was installed; for the operator only.
    let origin: String
    var roles: [InstalledRole]
    /// What the installation put in the place of every role's network seed.
    var networkSeed: String?

    func instanceID(_ role: InstalledRole) -> String {
        "\(appID)/\(role.name)"
    }
}

extension InstalledRole: Packable {
    func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(5)
        writer.writeString("name")
        writer.writeString(name)
        writer.writeString("dna")
        dna.pack(into: &writer)
        writer.writeString("definition")
        definition.pack(into: &writer)
        writer.writeString("modules")
        writer.writeMapHeader(modules.count)
        for (zome, path) in modules.sorted(by: { $0.key < $1.key }) {
            writer.writeString(zome)
            writer.writeString(path)
        }
        writer.writeString("stopped")
        writer.writeBool(isStopped)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var dna: DnaHash?
        var definition: DnaDefinition?
        var modules: [String: String] = [:]
        var isStopped = false
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "name": name = try reader.readString()
            case "dna": dna = try reader.read()
            case "definition": definition = try reader.read()
            case "modules":
                for _ in 0..<(try reader.readMapHeader()) {
                    let zome = try reader.readString()
                    modules[zome] = try reader.readString()
                }
            case "stopped": isStopped = try reader.readBool()
            default: try reader.skip()
            }
        }
        self.name = try reader.require(name, "name", of: "InstalledRole")
        self.dna = try reader.require(dna, "dna", of: "InstalledRole")
        self.definition = try reader.require(definition, "definition", of: "InstalledRole")
        self.modules = modules
        self.isStopped = isStopped
    }
}

extension InstalledApp: Packable {
    func pack(into writer: inout MessagePackWriter) {
        writer.writeMapHeader(networkSeed == nil ? 6 : 7)
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
        writer.writeArrayHeader(roles.count)
        for role in roles { role.pack(into: &writer) }
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
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "app_id": appID = try reader.readString()
            case "agent": agent = try reader.read()
            case "enabled": isEnabled = try reader.readBool()
            case "installed_at": installedAt = try reader.read()
            case "origin": origin = try reader.readString()
            case "roles": roles = try reader.readArray()
            case "network_seed": networkSeed = try reader.readString()
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
    }
}
