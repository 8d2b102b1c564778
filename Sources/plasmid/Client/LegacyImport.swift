import Foundation
import Integrity
import Manifests

/// A configuration of 2019 as the methods that make it.
struct LegacyImport {
    /// One method to call.
    struct Step {
        let method: String
        let params: MessagePackValue
        let words: String
    }

    let config: LegacyConfig
    /// Paths in the file start here.
    let folder: String

    /// Reads a file; warnings go to stderr, faults are thrown.
    static func read(_ path: String) throws -> LegacyConfig {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Self.wrong("there is no file \(path)", hint: "check the path")
        }
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= 1 << 20,
            let text = String(bytes: bytes, encoding: .utf8)
        else {
            throw Self.wrong("\(path) is no text of at most 1 MiB", hint: "check the path")
        }
        let (config, faults) = LegacyConfigFile.read(text: text, file: path)
        guard let config else {
            let errors = faults.filter { !$0.isWarning }
            throw Self.wrong(
                "\(path) has \(Words.count(errors.count, "fault")):\n" + faults.map(\.text).joined(separator: "\n"),
                hint: "docs/compatibility.md says what of 2019 is read")
        }
        for fault in faults { Output.note(fault.text) }
        return config
    }

    /// The file is what was asked about; no conductor fails to start for it.
    private static func wrong(_ message: String, hint: String? = nil) -> Failure {
        Failure(status: .wrong, error: PlasmidError(.configInvalid, message, hint: hint))
    }

    /// Compares with what the conductor has: an agent that it has must have the address that the file says.
    func check(_ connection: any ConductorConnection) async throws {
        let held = try await connection.request("admin/agent/list", .map([])).items
        for agent in config.agents {
            // An address of 2019 names a key in a file of 2019, which is not opened: there is nothing to compare.
            guard agent.publicAddress.hasPrefix("uh") else { continue }
            let known = held.first { $0["id"]?.text == agent.id }?["public_address"]?.text
            guard known == agent.publicAddress else {
                throw Failure(
                    PlasmidError(
                        .keyNotFound,
                        "agent `\(agent.id)` has the address \(agent.publicAddress) in the file, and "
                            + (known.map { "\($0) in the keystore" } ?? "no key in the keystore"),
                        hint: "nothing was made; restore the keystore that belongs to the file, or take the agent out"))
            }
        }
        for dna in config.dnas where dna.hash?.hasPrefix("Qm") == false && dna.hash?.hasPrefix("uhC0k") == false {
            throw Self.wrong("the hash of DNA `\(dna.id)` is no address: `\(dna.hash ?? "")`")
        }
    }

    /// What is still to be made.
    func steps(_ connection: any ConductorConnection) async throws -> [Step] {
        func ids(_ method: String) async throws -> Set<String> {
            Set(try await connection.request(method, .map([])).items.compactMap { $0["id"]?.text })
        }
        let agents = try await ids("admin/agent/list")
        let dnas = try await ids("admin/dna/list")
        let instances = try await ids("admin/instance/list")
        let interfaces = try await connection.request("admin/interface/list", .map([])).items
        let bundles = try await ids("admin/ui/list")
        let pages = try await ids("admin/ui_interface/list")
        let bridges = try await connection.request("admin/bridge/list", .map([])).items
        var steps = config.agents.filter { !agents.contains($0.id) }.map(agentStep)
        steps += config.dnas.filter { !dnas.contains($0.id) }.map(dnaStep)
        for instance in config.instances where !instances.contains(instance.id) { steps += instanceSteps(instance) }
        for interface in config.interfaces {
            let known = interfaces.first { $0["id"]?.text == interface.id }
            if known == nil { steps.append(interfaceStep(interface)) }
            let mounted = Set(known?["instances"]?.items.compactMap { $0["id"]?.text } ?? [])
            steps += interface.instances.filter { !mounted.contains($0.id) }.map { mountStep($0, interface) }
        }
        for bridge in config.bridges {
            let isThere = bridges.contains {
                $0["caller_id"]?.text == bridge.caller && $0["callee_id"]?.text == bridge.callee
            }
            if !isThere { steps.append(bridgeStep(bridge)) }
        }
        steps += config.bundles.filter { !bundles.contains($0.id) }.map(bundleStep)
        steps += config.pages.filter { !pages.contains($0.id) }.map(pagesStep)
        return steps
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : folder + "/" + path }

    private func agentStep(_ agent: LegacyConfig.Agent) -> Step {
        let isNew = agent.publicAddress.hasPrefix("uh") ? "" : ", with a new key"
        return Step(
            method: agent.isTest ? "test/agent/add" : "admin/agent/add",
            params: .object(["id": .string(agent.id), "name": .string(agent.name)]),
            words: "agent \(Words.harmless(agent.id))\(isNew)")
    }

    private func dnaStep(_ dna: LegacyConfig.Dna) -> Step {
        // As then, a uuid turns the check of the hash off; an address of 2019 is of another kind of file.
        let expected = dna.uuid == nil && dna.hash?.hasPrefix("uh") == true ? dna.hash : nil
        return Step(
            method: "admin/dna/install_from_file",
            params: .object([
                "id": .string(dna.id), "path": .string(absolute(dna.file)), "uuid": .optional(dna.uuid),
                "expected_hash": .optional(expected),
            ]), words: "DNA \(Words.harmless(dna.id))")
    }

    private func instanceSteps(_ instance: LegacyConfig.Instance) -> [Step] {
        [
            Step(
                method: "admin/instance/add",
                params: .object([
                    "id": .string(instance.id), "dna_id": .string(instance.dna), "agent_id": .string(instance.agent),
                    "storage": .string(instance.storage),
                ]), words: "instance \(Words.harmless(instance.id))"),
            Step(
                method: "admin/instance/start", params: .object(["id": .string(instance.id)]),
                words: "instance \(Words.harmless(instance.id)) is started"),
        ]
    }

    private func interfaceStep(_ interface: LegacyConfig.Interface) -> Step {
        Step(
            method: "admin/interface/add",
            params: .object([
                "id": .string(interface.id), "admin": .bool(interface.isAdmin), "type": .string(interface.type),
                "port": .int(Int64(interface.port)), "choose_free_port": .bool(interface.choosesFreePort),
            ]), words: "interface \(Words.harmless(interface.id))")
    }

    private func mountStep(_ mounted: LegacyConfig.Mounted, _ interface: LegacyConfig.Interface) -> Step {
        Step(
            method: "admin/interface/add_instance",
            params: .object([
                "interface_id": .string(interface.id), "instance_id": .string(mounted.id),
                "alias": .optional(mounted.alias),
            ]), words: "instance \(Words.harmless(mounted.id)) on interface \(Words.harmless(interface.id))")
    }

    private func bridgeStep(_ bridge: LegacyConfig.Bridge) -> Step {
        Step(
            method: "admin/bridge/add",
            params: .object([
                "caller_id": .string(bridge.caller), "callee_id": .string(bridge.callee),
                "handle": .string(bridge.handle),
            ]), words: "bridge \(Words.harmless(bridge.handle))")
    }

    private func bundleStep(_ bundle: LegacyConfig.Bundle) -> Step {
        Step(
            method: "admin/ui/install",
            params: .object(["id": .string(bundle.id), "root_dir": .string(absolute(bundle.folder))]),
            words: "pages \(Words.harmless(bundle.id))")
    }

    private func pagesStep(_ pages: LegacyConfig.Pages) -> Step {
        Step(
            method: "admin/ui_interface/add",
            params: .object([
                "id": .string(pages.id), "port": .int(Int64(pages.port)), "bundle": .string(pages.bundle),
                "dna_interface": .optional(pages.interface),
            ]), words: "pages \(Words.harmless(pages.bundle)) on port \(pages.port)")
    }
}
