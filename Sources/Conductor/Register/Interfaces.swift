import Integrity
import Logging
import NIOCore
import Storage

/// An instance on an interface: called by its alias where there is one, by its id where there is none.
struct MountedInstance: Hashable, Sendable {
    let id: String
    let alias: String?

    var name: String { alias ?? id }
}

/// An interface of `admin/interface/add`.
struct RegisteredInterface: RegisterRow {
    static let kind = "interface"
    var setup: InterfaceSetup
    /// Whether the system picks the port at each start.
    var choosesFreePort: Bool
    /// Web origins that may use it, beside those of pages that belong to it.
    var origins: [String]
    var instances: [MountedInstance]

    var id: String { setup.id }

    init(setup: InterfaceSetup, choosesFreePort: Bool, origins: [String], instances: [MountedInstance]) {
        self.setup = setup
        self.choosesFreePort = choosesFreePort
        self.origins = origins
        self.instances = instances
    }

    var value: MessagePackValue {
        .object([
            "id": .string(setup.id), "admin": .bool(setup.isAdmin), "type": .string(setup.kind.rawValue),
            "port": .number(setup.port), "choose_free_port": .bool(choosesFreePort),
            "origins": .array(origins.map { .string($0) }),
            "instances": .array(instances.map { .array([.string($0.id), $0.alias.map { .string($0) } ?? .null]) }),
        ])
    }

    init(_ row: AdminParams) throws(PlasmidError) {
        guard let kind = InterfaceSetup.Kind(rawValue: try row.text("type")) else {
            throw PlasmidError(.storageCorrupt, "an interface of the register cannot be read", hint: "restore a backup")
        }
        var mounted: [MountedInstance] = []
        if case .array(let lines)? = row.value("instances") {
            for case .array(let parts) in lines {
                guard case .string(let id)? = parts.first else { continue }
                let alias: String? = if case .string(let text)? = parts.last, parts.count == 2 { text } else { nil }
                mounted.append(MountedInstance(id: id, alias: alias))
            }
        }
        self.init(
            setup: InterfaceSetup(
                id: try row.text("id"), isAdmin: row.flag("admin", default: false), kind: kind,
                port: row.count("port") ?? 0),
            choosesFreePort: row.flag("choose_free_port", default: false), origins: row.texts("origins"),
            instances: mounted)
    }
}

extension Conductor {
    /// Gives the conductor someone to listen for it, and opens what is registered. What cannot be opened, because its port
    /// is taken for example, is a fault of its own: the others listen.
    public func listen(with host: any InterfaceHost) {
        loop.assertInEventLoop()
        interfaceHost = host
        for interface in register.interfaces.values.sorted(by: { $0.id < $1.id }) {
            open(interface) { [self] result in note(result, "interface \(interface.id)") }
        }
        for pages in register.pages.values.sorted(by: { $0.id < $1.id }) {
            open(pages) { [self] result in note(result, "pages \(pages.id)") }
        }
    }

    private func note(_ result: Result<Int, PlasmidError>, _ name: String) {
        guard case .failure(let error) = result else { return }
        register.faults[name] = error
        logger.error(
            "an interface cannot be opened", metadata: ["interface": "\(name)", "reason": "\(error.message)"])
    }

    private func open(
        _ interface: RegisteredInterface, _ done: @escaping (Result<Int, PlasmidError>) -> Void
    ) {
        guard let interfaceHost else { return done(.failure(Self.nobodyListens)) }
        interfaceHost.open(interface.setup) { [self] result in
            if case .success(let port) = result {
                register.openPorts["interface \(interface.id)"] = port
                register.faults["interface \(interface.id)"] = nil
            }
            done(result)
        }
    }

    static var nobodyListens: PlasmidError {
        PlasmidError(.startFailed, "nothing listens for this conductor", hint: "start it with `plasmid run`")
    }

    func addInterface(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let chooses = params.flag("choose_free_port", default: false)
        guard let kind = InterfaceSetup.Kind(rawValue: try params.text("type")) else {
            throw PlasmidError(.badParameter, "`type` has to be `websocket` or `http`")
        }
        let given = params.count("port")
        guard let port = chooses ? 0 : given else {
            throw PlasmidError(
                .badParameter, "`port` param not provided", hint: "or `choose_free_port`: true takes any free one")
        }
        let setup = InterfaceSetup(
            id: try params.text("id"), isAdmin: params.flag("admin", default: false), kind: kind, port: port)
        let interface = RegisteredInterface(
            setup: setup, choosesFreePort: chooses || port == 0, origins: params.texts("origins"), instances: [])
        inTurn(reply) { [self] done in
            try checkNewID(setup.id, kind: "interface", isTaken: register.interfaces[setup.id] != nil)
            open(interface) { [self] result in
                switch result {
                case .failure(let error): done(.failure(error))
                case .success(let actual): save(interface, port: actual, done)
                }
            }
        }
    }

    /// The port is ours already; if the row cannot be kept it is given back.
    private func save(_ interface: RegisteredInterface, port: Int, _ done: @escaping AdminReply) {
        store.write([interface.put]) { [self] result in
            switch result {
            case .failure(let error):
                closeInterface(interface.id)
                done(.failure(error))
            case .success:
                register.interfaces[interface.id] = interface
                done(.success(.object(["success": .bool(true), "port": .number(port)])))
            }
        }
    }

    private func closeInterface(_ id: String) {
        register.openPorts["interface \(id)"] = nil
        register.faults["interface \(id)"] = nil
        interfaceHost?.close(interface: id)
    }

    func registered(interface id: String) throws(PlasmidError) -> RegisteredInterface {
        guard let interface = register.interfaces[id] else {
            let known = register.interfaces.keys.sorted().joined(separator: ", ")
            throw PlasmidError(
                .unknownID, "No such interface: `\(id)` does not exist, it was not found",
                hint: known.isEmpty ? "`admin/interface/add` makes one" : "there is \(known)")
        }
        return interface
    }

    func removeInterface(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            _ = try registered(interface: id)
            let users = register.pages.values.filter { $0.interface == id }.map {
                RegisteredPages(id: $0.id, bundle: $0.bundle, port: $0.port, interface: nil)
            }
            store.write([RegisteredInterface.delete(id)] + users.map(\.put)) { [self] result in
                guard case .success = result else { return done(result.map { .success }) }
                register.interfaces[id] = nil
                for pages in users { register.pages[pages.id] = pages }
                forgetTokens(of: Self.subject(interface: id))
                // The answer first: it may go out over this very interface.
                done(.success(.success))
                after(microseconds: 0) { [self] in closeInterface(id) }
            }
        }
    }

    /// Shows an instance on an interface, at once and without closing anything.
    func mount(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let mounted = MountedInstance(id: try params.text("instance_id"), alias: params.optionalText("alias"))
        let id = try params.text("interface_id")
        inTurn(reply) { [self] done in
            var interface = try registered(interface: id)
            guard instances(of: nil).contains(where: { $0.id == mounted.id }) else {
                throw PlasmidError(
                    .unknownID, "Instance `\(mounted.id)` not found", hint: "`admin/instance/list` shows the instances")
            }
            guard !interface.instances.contains(where: { $0.id == mounted.id || $0.name == mounted.name }) else {
                throw PlasmidError(
                    .duplicateID, "Instance `\(mounted.name)` already in interface `\(id)`",
                    hint: "an instance is mounted once, and no two under one name")
            }
            guard (1...255).contains(mounted.name.utf8.count) else {
                throw PlasmidError(.badName, "an alias has 1 to 255 bytes")
            }
            interface.instances.append(mounted)
            keep(interface, done)
        }
    }

    func unmount(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let (id, instance) = (try params.text("interface_id"), try params.text("instance_id"))
        inTurn(reply) { [self] done in
            var interface = try registered(interface: id)
            guard interface.instances.contains(where: { $0.id == instance }) else {
                throw PlasmidError(
                    .unknownID, "No Instance `\(instance)` in interface `\(id)`",
                    hint: "`admin/interface/list` shows what is mounted, by its id")
            }
            interface.instances.removeAll { $0.id == instance }
            keep(interface, done)
        }
    }

    private func keep(_ interface: RegisteredInterface, _ done: @escaping AdminReply) {
        commit([interface.put], done) { [self] in
            register.interfaces[interface.id] = interface
            return .success
        }
    }

    func interfaceList() -> MessagePackValue {
        .array(register.interfaces.values.sorted { $0.id < $1.id }.map(interfaceInfo))
    }

    /// An interface as 2019 configured it, with the actual port, and why it does not listen if it does not.
    func interfaceInfo(_ interface: RegisteredInterface) -> MessagePackValue {
        let name = "interface \(interface.id)"
        var pairs: [MessagePackValue.Pair] = [
            .init(key: .string("id"), value: .string(interface.id)),
            .init(
                key: .string("driver"),
                value: .object([
                    "type": .string(interface.setup.kind.rawValue),
                    "port": .number(register.openPorts[name] ?? interface.setup.port),
                ])),
            .init(key: .string("admin"), value: .bool(interface.setup.isAdmin)),
            .init(
                key: .string("instances"),
                value: .array(
                    interface.instances.map {
                        .object(["id": .string($0.id), "alias": $0.alias.map { .string($0) } ?? .null])
                    })),
            .init(key: .string("choose_free_port"), value: .bool(interface.choosesFreePort)),
        ]
        if let fault = register.faults[name] {
            pairs.append(.init(key: .string("fault"), value: .string("\(fault.code.rawValue): \(fault.message)")))
        }
        return .map(pairs)
    }

    // MARK: What connections ask

    /// The instances mounted on an interface, each with the name it is called by.
    public func instances(
        onInterface id: String
    ) -> [(id: String, alias: String?, cell: CellID)] {
        loop.assertInEventLoop()
        let all = Dictionary(instances(of: nil).map { ($0.id, $0.cell) }, uniquingKeysWith: { first, _ in first })
        return (register.interfaces[id]?.instances ?? []).compactMap { mounted in
            all[mounted.id].map { (mounted.id, mounted.alias, $0) }
        }
    }

    /// The instance that a call over an interface names: by its alias if it has one, else by its id.
    /// - Throws: `unknownInstance`.
    public func instance(named name: String, onInterface id: String) throws(PlasmidError) -> String {
        loop.assertInEventLoop()
        let mounted = register.interfaces[id]?.instances ?? []
        guard let found = mounted.first(where: { $0.name == name }) else {
            throw PlasmidError(
                .unknownInstance, "unknown instance `\(name)` on this interface",
                hint: mounted.isEmpty
                    ? "`admin/interface/add_instance` mounts one"
                    : "it has \(mounted.map(\.name).joined(separator: ", "))")
        }
        return found.id
    }

    /// Whether an instance is mounted on an interface.
    public func isMounted(_ instanceID: String, onInterface id: String) -> Bool {
        register.interfaces[id]?.instances.contains { $0.id == instanceID } ?? false
    }

    /// The ids that an instance was registered with; nil for one of a hApp.
    public func registeredIDs(_ instanceID: String) -> (dna: String, agent: String)? {
        register.instances[instanceID].map { ($0.dna, $0.agent) }
    }

    /// The web origins that may use an interface: those it was given, and the pages that are served for it.
    public func origins(ofInterface id: String) -> [String] {
        let own = register.interfaces[id]?.origins ?? []
        let ports = register.pages.values.filter { $0.interface == id }.compactMap {
            register.openPorts["pages \($0.id)"]
        }
        return own
            + ports.sorted().flatMap { port in
                ["127.0.0.1", "localhost", "[::1]"].map { "http://\($0):\(port)" }
            }
    }
}
