import Integrity
import Storage

/// One row of the register: a map with text keys, under `register/<kind>/<id>` in the table of settings.
protocol RegisterRow {
    static var kind: String { get }
    var id: String { get }
    var value: MessagePackValue { get }
    init(_ row: AdminParams) throws(PlasmidError)
}

extension RegisterRow {
    static var prefix: [UInt8] { Array("register/\(kind)/".utf8) }
    private static func key(_ id: String) -> [UInt8] { prefix + Array(id.utf8) }

    var put: ConductorStore.Change { .put(.settings, key: Self.key(id), value: value.packed) }

    static func delete(_ id: String) -> ConductorStore.Change { .delete(.settings, key: key(id)) }
}

/// A DNA of `admin/dna/install_from_file`, with its modules' copies in the data folder.
struct RegisteredDna: RegisterRow {
    static let kind = "dna"
    let id: String
    let hash: DnaHash
    let definition: DnaDefinition
    /// Path of each zome's module, by zome name; relative to the data folder.
    let modules: [String: String]
    /// Where the manifest stood; for the operator only.
    let origin: String

    init(id: String, definition: DnaDefinition, modules: [String: String], origin: String) {
        self.id = id
        hash = definition.hash()
        self.definition = definition
        self.modules = modules
        self.origin = origin
    }

    var value: MessagePackValue {
        let paths = modules.sorted { $0.key < $1.key }
        return .object([
            "id": .string(id), "definition": .binary(definition.packed), "origin": .string(origin),
            "modules": .map(paths.map { .init(key: .string($0.key), value: .string($0.value)) }),
        ])
    }

    init(_ row: AdminParams) throws(PlasmidError) {
        guard case .binary(let packed)? = row.value("definition"), case .map(let paths)? = row.value("modules") else {
            throw PlasmidError(.storageCorrupt, "a DNA of the register cannot be read", hint: "restore a backup")
        }
        var modules: [String: String] = [:]
        for pair in paths {
            if case .string(let zome) = pair.key, case .string(let path) = pair.value { modules[zome] = path }
        }
        self.init(
            id: try row.text("id"), definition: try DnaDefinition(packed: packed), modules: modules,
            origin: try row.text("origin"))
    }
}

/// An instance of `admin/instance/add`: an app of that name with one role, whose name is empty.
struct RegisteredInstance: RegisterRow {
    static let kind = "instance"
    let id: String
    let dna: String
    let agent: String

    init(id: String, dna: String, agent: String) {
        self.id = id
        self.dna = dna
        self.agent = agent
    }

    var value: MessagePackValue {
        .object(["id": .string(id), "dna": .string(dna), "agent": .string(agent)])
    }

    init(_ row: AdminParams) throws(PlasmidError) {
        self.init(id: try row.text("id"), dna: try row.text("dna"), agent: try row.text("agent"))
    }
}

/// An agent's id and name. The key's tag in the keystore is the id, unless a removed agent had that before.
struct RegisteredAgent: RegisterRow {
    static let kind = "agent"
    let id: String
    let name: String
    let tag: String

    init(id: String, name: String, tag: String) {
        self.id = id
        self.name = name
        self.tag = tag
    }

    var value: MessagePackValue {
        .object(["id": .string(id), "name": .string(name), "tag": .string(tag)])
    }

    init(_ row: AdminParams) throws(PlasmidError) {
        self.init(id: try row.text("id"), name: try row.text("name"), tag: try row.text("tag"))
    }
}

/// A key that is no agent any more; its id is the address.
struct RemovedKey: RegisterRow {
    static let kind = "removed"
    let id: String

    init(id: String) { self.id = id }

    var value: MessagePackValue { .object(["id": .string(id)]) }

    init(_ row: AdminParams) throws(PlasmidError) { self.init(id: try row.text("id")) }
}

/// A folder of pages.
struct RegisteredBundle: RegisterRow {
    static let kind = "ui"
    let id: String
    let folder: String

    init(id: String, folder: String) {
        self.id = id
        self.folder = folder
    }

    var value: MessagePackValue { .object(["id": .string(id), "root_dir": .string(folder)]) }

    init(_ row: AdminParams) throws(PlasmidError) {
        self.init(id: try row.text("id"), folder: try row.text("root_dir"))
    }
}

/// A port that serves a bundle.
struct RegisteredPages: RegisterRow {
    static let kind = "ui_interface"
    let id: String
    let bundle: String
    let port: Int
    let interface: String?

    init(id: String, bundle: String, port: Int, interface: String?) {
        self.id = id
        self.bundle = bundle
        self.port = port
        self.interface = interface
    }

    var value: MessagePackValue {
        .object([
            "id": .string(id), "bundle": .string(bundle), "port": .number(port),
            "dna_interface": interface.map { .string($0) } ?? .null,
        ])
    }

    init(_ row: AdminParams) throws(PlasmidError) {
        self.init(
            id: try row.text("id"), bundle: try row.text("bundle"), port: row.count("port") ?? 0,
            interface: row.optionalText("dna_interface"))
    }
}
