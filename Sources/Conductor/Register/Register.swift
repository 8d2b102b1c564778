import Integrity
import Keystore
import Storage

/// What the methods of 2019 made, by id: DNAs, instances, agents, interfaces and pages.
///
/// Every row is one value in the conductor's own tables, written before memory is changed and before the method is answered;
/// a change that touches several is one write. Confined to the conductor loop.
struct Register {
    var dnas: [String: RegisteredDna] = [:]
    var instances: [String: RegisteredInstance] = [:]
    var agents: [String: RegisteredAgent] = [:]
    /// Addresses of keys that `admin/agent/remove` took out of sight; the keystore keeps them, for their chains' sake.
    var removedKeys: Set<String> = []
    var interfaces: [String: RegisteredInterface] = [:]
    var bundles: [String: RegisteredBundle] = [:]
    var pages: [String: RegisteredPages] = [:]
    /// Actual ports of what listens now.
    var openPorts: [String: Int] = [:]
    /// Why an interface or pages of an earlier run do not listen.
    var faults: [String: PlasmidError] = [:]
    /// Changes wait for each other, so that each is checked against what the one before left.
    var isChanging = false
    var waiting: [() -> Void] = []
}

typealias AdminReply = (Result<MessagePackValue, PlasmidError>) -> Void

extension Conductor {
    /// Runs a change when every earlier one has been answered.
    func inTurn(_ reply: @escaping AdminReply, _ work: @escaping (@escaping AdminReply) throws -> Void) {
        let run: () -> Void = { [self] in
            let done: AdminReply = { [self] result in
                reply(result)
                register.isChanging = false
                guard !register.waiting.isEmpty else { return }
                let next = register.waiting.removeFirst()
                register.isChanging = true
                // In a turn of its own: many changes in a row must not stack up.
                after(microseconds: 0, next)
            }
            do {
                try work(done)
            } catch {
                done(.failure(PlasmidError.from(error)))
            }
        }
        guard !register.isChanging else {
            guard register.waiting.count < 1_000 else {
                reply(.failure(PlasmidError(.overloaded, "too many changes wait for each other")))
                return
            }
            register.waiting.append(run)
            return
        }
        register.isChanging = true
        run()
    }

    /// Writes rows, all or none, then changes memory, then answers.
    func commit(
        _ changes: [ConductorStore.Change], _ done: @escaping AdminReply,
        then apply: @escaping () -> MessagePackValue
    ) {
        store.write(changes) { result in
            done(result.map { apply() })
        }
    }

    /// An id may be what an app's name may be: it becomes part of names, cookies and keys.
    func checkNewID(_ id: String, kind: String, isTaken: Bool) throws(PlasmidError) {
        try checkName(id)
        guard !isTaken else {
            throw PlasmidError(
                .duplicateID, "Duplicate \(kind) IDs detected: `\(id)` already exists", hint: "choose another id")
        }
    }

    static func unknown(_ kind: String, _ id: String, known: [String]) -> PlasmidError {
        PlasmidError(
            .unknownID, "\(kind) `\(id)` does not exist",
            hint: known.isEmpty ? nil : "there is \(known.sorted().prefix(20).joined(separator: ", "))")
    }

    /// Reads the rows; the apps and the keystore are there already.
    func loadRegister() throws(PlasmidError) {
        register.dnas = try rows(RegisteredDna.self)
        register.instances = try rows(RegisteredInstance.self).filter { apps[$0.key] != nil }
        register.agents = try rows(RegisteredAgent.self).filter { (try? keystore.publicKey($0.value.tag)) != nil }
        register.removedKeys = Set(try rows(RemovedKey.self).keys)
        register.interfaces = try rows(RegisteredInterface.self)
        register.bundles = try rows(RegisteredBundle.self)
        register.pages = try rows(RegisteredPages.self)
    }

    private func rows<Row: RegisterRow>(_: Row.Type) throws(PlasmidError) -> [String: Row] {
        var found: [String: Row] = [:]
        for row in try store.settings.scan(prefix: Row.prefix) {
            let value = try Row(AdminParams(MessagePackValue(packed: row.value)))
            found[value.id] = value
        }
        return found
    }

    /// The methods of 2019; false if `method` is none of them.
    func registerMethod(
        _ method: String, _ params: AdminParams, _ reply: @escaping AdminReply
    ) throws(PlasmidError) -> Bool {
        switch method {
        case "admin/dna/install_from_file": try installDna(params, reply)
        case "admin/dna/uninstall": try uninstallDna(try params.text("id"), reply)
        case "admin/instance/add": try addInstance(params, reply)
        case "admin/instance/remove": try removeInstance(try params.text("id"), reply)
        case "admin/agent/add": try addAgent(params, reply)
        case "admin/agent/remove": try removeAgent(try params.text("id"), reply)
        case "admin/interface/add": try addInterface(params, reply)
        case "admin/interface/remove": try removeInterface(try params.text("id"), reply)
        case "admin/interface/add_instance": try mount(params, reply)
        case "admin/interface/remove_instance": try unmount(params, reply)
        case "admin/bridge/add": try addBridge(params, reply)
        case "admin/bridge/remove": try removeBridge(params, reply)
        case "admin/ui/install": try installBundle(params, reply)
        case "admin/ui/uninstall": try uninstallBundle(try params.text("id"), reply)
        case "admin/ui_interface/add": try addPages(params, reply)
        case "admin/ui_interface/remove": try removePages(try params.text("id"), reply)
        case "admin/ui_interface/start": try startPages(try params.text("id"), reply)
        case "admin/ui_interface/stop": try stopPages(try params.text("id"), reply)
        default:
            guard let answer = try registerView(method, params) else { return false }
            reply(.success(answer))
        }
        return true
    }

    private func registerView(_ method: String, _ params: AdminParams) throws(PlasmidError) -> MessagePackValue? {
        switch method {
        case "admin/dna/list": dnaList()
        case "admin/agent/list": agentList()
        case "test/agent/add": try addTestAgent(params)
        case "admin/interface/list": interfaceList()
        case "admin/bridge/list": bridgeList()
        case "admin/ui/list": bundleList()
        case "admin/ui_interface/list": pagesList()
        case "admin/instance/get_meta": try metaView(params)
        case "debug/running_instances": runningInstances()
        case "debug/state_dump": try stateDump(params)
        case "debug/fetch_cas": try fetchContent(params)
        default: nil
        }
    }
}
