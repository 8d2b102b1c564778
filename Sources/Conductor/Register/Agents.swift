import Integrity
import Keystore
import Storage

/// Agents by the ids of `admin/agent/add`. A key whose app was installed from a hApp file has its tag as id and name.
extension Conductor {
    /// An agent as `admin/agent/list` shows it.
    struct AgentLine {
        let id: String
        let name: String
        let agent: Keystore.Agent
    }

    func agentLines() -> [AgentLine] {
        var byTag: [String: [RegisteredAgent]] = [:]
        for row in register.agents.values.sorted(by: { $0.id < $1.id }) { byTag[row.tag, default: []].append(row) }
        return keystore.agents.filter { !register.removedKeys.contains($0.key.text) }.flatMap { agent in
            let rows = byTag[agent.tag] ?? [RegisteredAgent(id: agent.tag, name: agent.tag, tag: agent.tag)]
            return rows.map { AgentLine(id: $0.id, name: $0.name, agent: agent) }
        }
    }

    func agentList() -> MessagePackValue {
        .array(
            agentLines().map { line in
                .object([
                    "id": .string(line.id), "name": .string(line.name),
                    "public_address": .string(line.agent.key.text),
                    "keystore_file": line.agent.isThrowaway ? .null : .string(keystore.path),
                    "holo_remote_key": .null, "test_agent": .bool(line.agent.isThrowaway),
                    "created_at": .number(line.agent.createdAt.microseconds),
                ])
            })
    }

    func agentLine(_ id: String) throws(PlasmidError) -> AgentLine {
        let lines = agentLines()
        guard let line = lines.first(where: { $0.id == id }) else {
            throw Self.unknown("Agent", id, known: lines.map(\.id))
        }
        return line
    }

    /// The row first: without the key it names it says nothing, so that a stop between the two leaves no half of an agent.
    func addAgent(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        guard params.optionalText("holo_remote_key") == nil else {
            throw PlasmidError(
                .notSupported, "an agent whose key lies elsewhere (`holo_remote_key`) cannot be added",
                hint: "the keystore of this conductor signs; leave the parameter out")
        }
        let (id, name) = (try params.text("id"), try params.text("name"))
        inTurn(reply) { [self] done in
            guard !agentLines().contains(where: { $0.id == id }) else {
                throw PlasmidError(
                    .duplicateID, "Agent with ID `\(id)` already exists", hint: "choose another id")
            }
            let taken = Set(keystore.agents.map(\.tag))
            var tag = id
            var number = 1
            while taken.contains(tag) {
                number += 1
                tag = "\(id)~\(number)"
            }
            let isPrintable = tag.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            guard isPrintable, (1...Keystore.maxTagBytes).contains(tag.utf8.count)
            else {
                throw PlasmidError(
                    .badName, "this cannot be an agent's id",
                    hint: "1 to \(Keystore.maxTagBytes) printable ASCII characters")
            }
            let row = RegisteredAgent(id: id, name: name, tag: tag)
            store.write([row.put]) { [self] result in
                do {
                    try result.get()
                    let key = try keystore.newAgent(tag: tag, createdAt: options.clock())
                    register.agents[id] = row
                    done(.success(.object(["success": .bool(true), "agent_address": .string(key.text)])))
                } catch {
                    done(.failure(PlasmidError.from(error)))
                }
            }
        }
    }

    /// Takes an agent and its instances away. The key stays in the keystore: it is all that could ever go on with its chains.
    func removeAgent(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            let line = try agentLine(id)
            let others = agentLines().filter { $0.agent.key == line.agent.key && $0.id != id }
            let ofApps = apps.values.filter { register.instances[$0.appID] == nil && $0.agent == line.agent.key }
            guard !others.isEmpty || ofApps.isEmpty else {
                throw PlasmidError(
                    .notSupported, "agent `\(id)` is the agent of the app `\(ofApps.first?.appID ?? "")`",
                    hint: "uninstall the app first: `admin/app/uninstall`")
            }
            let gone = register.instances.values.filter { $0.agent == id }.map(\.id)
            let removed = RemovedKey(id: line.agent.key.text)
            // A throwaway agent is gone with the process, and may be asked for again.
            let isLast = others.isEmpty && !line.agent.isThrowaway
            let changes = [RegisteredAgent.delete(id)] + (isLast ? [removed.put] : [])
            try forgetInstances(gone, also: changes, done) { [self] in
                register.agents[id] = nil
                if others.isEmpty { register.removedKeys.insert(removed.id) }
            }
        }
    }

    func addTestAgent(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        guard options.testMode else {
            throw PlasmidError(
                .testModeOnly, "throwaway agents may be added in test mode only",
                hint: "start the conductor with --test-mode")
        }
        let (id, name) = (try params.text("id"), try params.text("name"))
        if let known = agentLines().first(where: { $0.id == id }), !known.agent.isThrowaway || known.name != name {
            throw PlasmidError(.duplicateID, "Agent with ID `\(id)` already exists", hint: "choose another id")
        }
        let key = try keystore.addTestAgent(name: name)
        register.agents[id] = RegisteredAgent(id: id, name: name, tag: name)
        register.removedKeys.remove(key.text)
        return .object(["agent_address": .string(key.text)])
    }
}
