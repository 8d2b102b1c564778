import ArgumentParser
import Foundation
import Integrity

/// `plasmid demo`: the main job, from an empty folder to a killed and restarted conductor.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Show the main job: two people, one app, a module that traps, a kill during writes.",
        discussion: """
            Runs a conductor of its own over an empty temporary folder, says what it does and what it saw, and takes \
            the folder away again. Exit status 0 only if every step held.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("The folder with the sample apps; by default dna/ of this checkout.", valueName: "dir"),
        completion: .directory)
    var apps: String?

    @Flag(name: .long, help: "Keep the temporary folder, and say where it is.")
    var keep = false

    func run() async throws {
        let samples = try Self.samples(apps)
        let folder = FileManager.default.temporaryDirectory.path + "/plasmid-demo-\(UUID().uuidString)"
        defer { if !keep { try? FileManager.default.removeItem(atPath: folder) } }
        let conductor = try ConductorProcess(folder: folder + "/data")
        defer { conductor.stop() }
        let script = DemoScript(conductor: conductor, samples: samples, folder: folder)
        do {
            try await script.run()
        } catch {
            conductor.stop()
            throw Self.failure(error)
        }
        Output.line("\nAll \(script.transcript.steps) steps held, in \(script.transcript.seconds) s.")
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
