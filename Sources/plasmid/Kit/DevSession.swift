import ConductorAPI
import Foundation
import Integrity
import Logging
import Manifests
import NIOCore
import NIOPosix
import Synchronization

/// One run of `plasmid dev`: the conductor, and a thread that builds and reloads.
final class DevSession: Sendable {
    private let package: DevPackage
    private let people: [String]
    private let folder: DataFolder
    private let ports: APIPorts
    private let group: MultiThreadedEventLoopGroup
    private let running: RunningConductor
    private let socket: RPCSocket
    /// The build that runs now.
    private let building = Mutex<Int32?>(nil)

    /// Starts the conductor, with no app in it yet or with those of the last time.
    init(_ package: DevPackage, folder: DataFolder, port: Int, people: [String]) throws {
        self.package = package
        self.folder = folder
        self.people = people
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        running = RunningConductor(loop: group.next())
        var logger = Logger(label: "plasmid") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let settings = KitSettings.settings(folder: folder, modules: [package.products], port: port)
        let keystore = try KitSettings.keystore(folder)
        ports = try running.start(settings, keystore: keystore, logger: logger).wait()
        let address = RPCAddress(port: ports.admin, token: try folder.readAdminToken())
        socket = try MultiThreadedEventLoopGroup.singleton.next().makeFutureWithTask {
            try await RPCSocket.open(address, on: MultiThreadedEventLoopGroup.singleton)
        }.wait()
    }

    /// Builds, installs, says that it is ready, and goes on watching, on a thread of its own.
    func begin() {
        Thread.detachNewThread { [self] in
            do {
                let watcher = try Watcher(package.folder)
                Output.line("building \(package.folder)")
                var isReady = false
                var changed: Set<String> = [package.folder + "/Package.swift"]
                while true {
                    let saved = ProcessInfo.processInfo.systemUptime
                    let isUp = takeUp(changed, savedAt: isReady ? saved : nil)
                    if isUp, !isReady {
                        isReady = true
                        tellReady()
                    }
                    let fresh = watcher.wait()
                    tellChange(fresh)
                    // What was not taken up is tried again with the next change, whichever file that is in.
                    changed = isUp ? fresh : changed.union(fresh)
                }
            } catch {
                _ = Failure.tell(error)
            }
        }
    }

    func stop() throws {
        // Blocked like ours, its signals would not end it.
        building.withLock { if let process = $0 { kill(process, SIGKILL) } }
        try running.stop().wait()
        try group.syncShutdownGracefully()
    }

    // MARK: A change

    /// Builds where sources changed, then brings every person's app up to date.
    /// - Returns: whether it is.
    private func takeUp(_ changed: Set<String>, savedAt: Double?) -> Bool {
        do {
            var built: Double?
            if changed.contains(where: { !$0.hasSuffix(".yaml") && !$0.hasSuffix(".yml") }) {
                let build = try package.build { process in
                    building.withLock { $0 = process?.processIdentifier }
                }
                guard build.succeeded else {
                    Output.line(build.words.trimmingCharacters(in: .newlines))
                    Output.line("✗ the build failed; what was built before goes on")
                    return false
                }
                built = build.seconds
            }
            for name in try names() { try bringUp(name) }
            if let savedAt { tellTime(since: savedAt, built: built) }
            return true
        } catch let failure as Failure {
            _ = Failure.tell(failure)
        } catch {
            _ = Failure.tell(Failure(error as? PlasmidError ?? PlasmidError(.internal, "\(error)")))
        }
        Output.line("✗ not taken up; what ran before goes on")
        return false
    }

    private func names() throws -> [String] {
        guard people.isEmpty else { return people }
        let reading = ManifestReader.happ(at: package.happ)
        guard let happ = reading.happ else {
            throw Failure(
                PlasmidError(
                    .manifestInvalid, "\(package.happ) has faults:\n\(reading.diagnostics.text)",
                    hint: "docs/manifests.md has every key"))
        }
        return [happ.manifest.name]
    }

    private func bringUp(_ name: String) throws {
        let apps = try request("admin/app/list", .emptyMap).items
        guard apps.contains(where: { $0["app_id"]?.text == name }) else {
            let info = try request(
                "admin/app/install", .object(["path": .string(package.happ), "app_id": .string(name)]))
            for role in info["roles"]?.items ?? [] {
                Output.line("✓ \(role["instance_id"]?.text ?? name) runs, \(role["dna"]?.text ?? "")")
            }
            return
        }
        let report = try request(
            "admin/app/update-coordinators",
            .object(["app_id": .string(name), "path": .string(package.happ), "allow_new_network": .bool(true)]))
        for role in report["roles"]?.items ?? [] { tell(role) }
        for bridge in report["bridges"]?.items ?? [] {
            let (caller, callee) = (bridge["caller"]?.text ?? "", bridge["callee"]?.text ?? "")
            let isNew = bridge["change"]?.text == "added"
            Output.line(
                "\(isNew ? "✓" : "!") the bridge \(bridge["handle"]?.text ?? "") from \(caller) to \(callee) is "
                    + (isNew ? "there" : "gone"))
        }
    }

    private func tell(_ role: MessagePackValue) {
        let (instance, dna) = (role["instance_id"]?.text ?? "", role["dna"]?.text ?? "")
        if let fault = role["fault"]?.text { Output.line("✗ \(instance) does not run: \(fault)") }
        switch role["change"]?.text {
        case "coordinator": Output.line("✓ \(instance) has the new modules; its chain goes on")
        case "network":
            Output.line("! \(instance) is another network now: \(dna)")
            Output.line("  it begins a new chain; the old one stays on disk, and is back when the old rules are")
        case "added": Output.line("✓ \(instance) is new, \(dna)")
        case "removed": Output.line("! \(instance) is gone from the app; its chain stays on disk")
        default: Output.line("· \(instance) is as it was")
        }
    }

    private func request(_ method: String, _ params: MessagePackValue) throws -> MessagePackValue {
        let body = try JSONText.json(fromMessagePack: params.packed)
        return try JSONLines.value(try socket.request(method, params: body).wait())
    }

    // MARK: Words

    private func tellReady() {
        let functions = ManifestReader.happ(at: package.happ).happ?.roles.map { role, _, dna in
            (role.name, dna.coordinator.map { ($0.name, $0.functions.map(\.name)) })
        }
        guard let functions, let name = try? names().first else { return }
        Output.line("ready: admin port \(ports.admin), app port \(ports.app), data in \(folder.path)")
        for (role, zomes) in functions {
            for (zome, functions) in zomes {
                Output.line("  \(name)/\(role) \(zome): \(functions.joined(separator: ", "))")
            }
        }
        Output.line("call:  plasmid call \(name)/ROLE ZOME FUNCTION '{…}' --data \(folder.path)")
        Output.line("hear:  plasmid signals \(name) --data \(folder.path)")
        Output.line("watching \(package.folder); save a file, and it is taken up. Ctrl-C ends.")
    }

    private func tellChange(_ changed: Set<String>) {
        let names = changed.map { String($0.dropFirst(package.folder.count + 1)) }.sorted()
        let shown = names.prefix(3).joined(separator: ", ")
        Output.line("\nchanged: \(shown)\(names.count > 3 ? " and \(names.count - 3) more" : "")")
    }

    private func tellTime(since saved: Double, built: Double?) {
        let all = ProcessInfo.processInfo.systemUptime - saved
        let build = built.map { String(format: ", %.3f s of them the build", $0) } ?? ""
        Output.line(String(format: "  %.3f s after the save", all) + build)
    }
}
