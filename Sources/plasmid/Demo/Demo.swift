import ArgumentParser
import Foundation
import Integrity

/// `plasmid demo`: what this is for, shown on conductors of its own.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the main job, on conductors of its own in an empty folder.",
        subcommands: [AppDemo.self, NetworkDemo.self], defaultSubcommand: AppDemo.self)
}

/// What every demonstration is told.
struct DemoOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The folder with the sample apps; by default dna/ of this checkout.", valueName: "dir"),
        completion: .directory)
    var apps: String?

    @Flag(name: .long, help: "Keep the temporary folder, and say where it is.")
    var keep = false

    /// Runs `body` with the samples and an empty folder, which is taken away again unless it shall be kept.
    func run(_ body: (_ samples: String, _ folder: String) async throws -> Transcript) async throws {
        let samples = try Self.samples(apps)
        let folder = FileManager.default.temporaryDirectory.path + "/plasmid-demo-\(UUID().uuidString)"
        defer { if !keep { try? FileManager.default.removeItem(atPath: folder) } }
        let transcript: Transcript
        do {
            transcript = try await body(samples, folder)
        } catch {
            throw Self.failure(error)
        }
        Output.line("\nAll \(transcript.steps) steps held, in \(transcript.seconds) s.")
        if keep { Output.line("The data is in \(folder).") }
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case let error as AppError: Failure(PlasmidError("demoFailed", "the step did not hold: \(error.words)"))
        case let error as PlasmidError: Failure(error)
        default: error
        }
    }

    /// The folder with messenger/ and ghostwriter/: named, or `dna` in the working folder or above the program.
    static func samples(_ named: String?) throws -> String {
        var candidates = named.map { [DataFolder.absolute($0)] } ?? []
        if named == nil {
            candidates.append(DataFolder.absolute("dna"))
            var folder = URL(fileURLWithPath: RunSettings.programFolder())
            for _ in 0..<4 {
                folder.deleteLastPathComponent()
                candidates.append(folder.appendingPathComponent("dna").path)
            }
        }
        for candidate in candidates where FileManager.default.fileExists(atPath: candidate + "/messenger/happ.yaml") {
            return candidate
        }
        throw Failure.usage("the sample apps are not in \(candidates[0])", hint: "name their folder with --apps DIR")
    }
}

/// `plasmid demo`: the main job, from an empty folder to a killed and restarted conductor.
struct AppDemo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app",
        abstract: "Two people, one app, a module that traps, a kill during writes. This is what 'plasmid demo' shows.",
        discussion: """
            Runs a conductor of its own over an empty temporary folder, says what it does and what it saw, and takes \
            the folder away again. Exit status 0 only if every step held.
            """)

    @OptionGroup var options: DemoOptions

    func run() async throws {
        try await options.run { samples, folder in
            let conductor = try ConductorProcess(folder: folder + "/data")
            defer { conductor.stop() }
            let script = DemoScript(conductor: conductor, samples: samples, folder: folder)
            try await script.run()
            return script.transcript
        }
    }
}

/// `plasmid demo network`: three conductors that know of each other.
struct NetworkDemo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Three conductors: publish, sync, kill one, write meanwhile, converge; messages; a patched node.",
        discussion: """
            Runs conductors of its own over empty temporary folders, connected over loopback, says what it does and \
            what it saw, and takes the folders away again. Exit status 0 only if every step held.
            """)

    @OptionGroup var options: DemoOptions

    func run() async throws {
        try await options.run { samples, folder in
            let script = NetworkScript(samples: samples, folder: folder)
            defer { script.stop() }
            try await script.run()
            return script.transcript
        }
    }
}
