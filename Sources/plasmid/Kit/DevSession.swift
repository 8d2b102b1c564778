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
    /// What was told last, so that the same is not told at every save.
    private let told = Mutex<(functions: [String], warnings: [Diagnostic])>(([], []))

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
                    } else if !isUp, !isReady {
                        Output.line("watching \(package.folder); save a file, and it is tried again. Ctrl-C ends.")
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
        // Before the build: a fault of the manifests is told at once.
        guard let happ = readManifests() else { return false }
        do {
            var built: Double?
            if changed.contains(where: { !$0.hasSuffix(".yaml") && !$0.hasSuffix(".yml") }) {
                let build = try package.build { process in
                    building.withLock { $0 = process?.processIdentifier }
                }
                guard build.succeeded else {
                    Output.line(build.words.trimmingCharacters(in: .newlines))
                    Output.line("✗ the build failed; \(served("what was built before goes on"))")
                    return false
                }
                built = build.seconds
            }
            for name in people.isEmpty ? [happ.manifest.name] : people { try bringUp(name, isBuilt: built != nil) }
            if let savedAt {
                tellTime(since: savedAt, built: built)
                tellFunctions(happ)
            }
            tellWarnings()
            return true
        } catch let failure as Failure {
            _ = Failure.tell(failure)
        } catch {
            _ = Failure.tell(Failure(error as? PlasmidError ?? PlasmidError(.internal, "\(error)")))
        }
        Output.line("✗ not taken up; \(served("what ran before goes on"))")
        return false
    }

    /// The words, if an app runs; else that none does, as at a first start that fails.
    private func served(_ words: String) -> String {
        let apps = (try? request("admin/app/list", .emptyMap).items) ?? []
        return apps.isEmpty ? "nothing runs yet" : words
    }

    /// The app's files; nil where they have faults, which are told as `plasmid happ check` tells them.
    private func readManifests() -> LoadedHapp? {
        let (happ, diagnostics) = ManifestReader.happ(at: package.happ)
        guard happ == nil else { return happ }
        let faults = Diagnosis(path: package.happ, diagnostics: diagnostics, facts: [], lines: [])
        Output.line(TextReport(isColored: TextReport.isColored, isQuiet: true).text(faults))
        Output.line("✗ not taken up; \(served("what ran before goes on"))")
        return nil
    }

    private func bringUp(_ name: String, isBuilt: Bool) throws {
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
        for role in report["roles"]?.items ?? [] { tell(role, isBuilt: isBuilt) }
        for bridge in report["bridges"]?.items ?? [] {
            let (caller, callee) = (bridge["caller"]?.text ?? "", bridge["callee"]?.text ?? "")
            let isNew = bridge["change"]?.text == "added"
            Output.line(
                "\(isNew ? "✓" : "!") the bridge \(bridge["handle"]?.text ?? "") from \(caller) to \(callee) is "
                    + (isNew ? "there" : "gone"))
        }
    }

    private func tell(_ role: MessagePackValue, isBuilt: Bool) {
        let (instance, dna) = (role["instance_id"]?.text ?? "", role["dna"]?.text ?? "")
        if let fault = role["fault"]?.text { Output.line("✗ \(instance) does not run: \(fault)") }
        switch role["change"]?.text {
        case "coordinator":
            Output.line("✓ \(instance) has the new \(isBuilt ? "modules" : "manifest"); its chain goes on")
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
        guard let happ = ManifestReader.happ(at: package.happ).happ else { return }
        let name = people.first ?? happ.manifest.name
        Output.line("ready: admin port \(ports.admin), app port \(ports.app), data in \(folder.path)")
        tellFunctions(happ)
        let calls = happ.roles.flatMap { role, _, dna in
            dna.coordinator.flatMap { zome in zome.functions.map { "\(name)/\(role.name) \(zome.name) \($0.name)" } }
        }
        if let call = calls.first {
            Output.line("call:  plasmid call \(call) '{…}' --data \(folder.path)")
        }
        Output.line("hear:  plasmid signals \(name) --data \(folder.path)")
        Output.line("watching \(package.folder); save a file, and it is taken up. Ctrl-C ends.")
    }

    /// What there is to call, unless it is what was told last.
    private func tellFunctions(_ happ: LoadedHapp) {
        let name = people.first ?? happ.manifest.name
        let lines = happ.roles.flatMap { role, _, dna in
            dna.coordinator.map { zome in
                "  \(name)/\(role.name) \(zome.name): \(zome.functions.map(\.name).joined(separator: ", "))"
            }
        }
        let isNew = told.withLock { told in
            defer { told.functions = lines }
            return told.functions != lines
        }
        guard isNew else { return }
        for line in lines { Output.line(line) }
    }

    /// What `plasmid happ check` has to say of what was taken up, unless it is what was told last.
    private func tellWarnings() {
        var found = Checker.diagnose(ManifestSearch.Input(path: package.happ), .happ, ModuleDescriber(given: []))
        // Who is at work on the package wants to know of every type that will be refused.
        found.diagnostics = found.diagnostics.map {
            $0.code == .undeclaredType ? $0.with(severity: .warning) : $0
        }.filter { $0.severity != .note }
        let diagnostics = found.diagnostics
        let isNew = told.withLock { told in
            defer { told.warnings = diagnostics }
            return told.warnings != diagnostics
        }
        guard !diagnostics.isEmpty else { return }
        guard isNew else {
            Output.line("! \(Words.count(diagnostics.count, "warning")) as before: plasmid happ check \(package.happ)")
            return
        }
        Output.line(TextReport(isColored: TextReport.isColored, isQuiet: true).text(found))
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
