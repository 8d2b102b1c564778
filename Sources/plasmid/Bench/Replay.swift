import ArgumentParser
import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import NIOPosix

/// `plasmid bench replay`: a community's events through messenger, a kill, a restart, and a look at everything.
struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Play a community's events through messenger, kill the conductor, check that all is there.",
        discussion: """
            One installed app, token and socket per author, a note per event, a link per answer; an event starts when \
            those it answers are acknowledged. Then SIGKILL, a restart, and every text, link, count and chain is \
            checked. Exit status 0 only if all of it is there.
            """)

    @Argument(
        help: ArgumentHelp(
            "Events, one JSON object {\"t\",\"who\",\"bytes\",\"after\"} a line. Without it they are generated.",
            valueName: "file"), completion: .file(extensions: ["jsonl"]))
    var file: String?

    @Option(name: .long, help: "Play the first so many events only.")
    var events: Int?

    @Option(name: .long, help: ArgumentHelp("Without a file: make so many events.", valueName: "events"))
    var generate: Int?

    @Option(name: .long, help: "What the texts, and events that are generated, are made from.")
    var seed: UInt64 = 1

    @Option(name: .customLong("in-flight"), help: "How many events may be under way at once.")
    var inFlight = 64

    @Option(
        name: .long,
        help: ArgumentHelp("The folder with the sample apps; by default dna/ of this checkout.", valueName: "dir"),
        completion: .directory)
    var apps: String?

    @Flag(name: .long, help: "Print JSON instead of text.")
    var json = false

    @Flag(name: .long, help: "Keep the temporary folder, and say where it is.")
    var keep = false

    func validate() throws {
        if let events, events < 1 { throw ValidationError("--events takes a number from 1 on") }
        if let generate, !(1...10_000_000).contains(generate) {
            throw ValidationError("--generate takes a number from 1 to 10000000")
        }
        if !(1...10_000).contains(inFlight) { throw ValidationError("--in-flight takes a number from 1 to 10000") }
        if file != nil, generate != nil { throw ValidationError("--generate makes events: leave the file out") }
    }

    func workload() throws -> Workload {
        if let file { return try Workload(file: DataFolder.absolute(file), limit: events) }
        return Workload(generate: generate ?? events ?? 2_000, seed: seed)
    }

    func run() throws {
        let workload = try workload()
        guard !workload.arrivals.isEmpty else { throw Failure.usage("there are no events to play") }
        let samples = try DemoOptions.samples(apps)
        let folder = FileManager.default.temporaryDirectory.path + "/plasmid-replay-\(UUID().uuidString)"
        defer { if !keep { try? FileManager.default.removeItem(atPath: folder) } }
        let conductor = try ConductorProcess(folder: folder + "/data", cost: .forTests)
        defer { conductor.stop() }
        let stage = ReplayStage(
            conductor: conductor, happ: samples + "/messenger/happ.yaml", workload: workload,
            texts: NoteTexts(seed: seed), inFlight: inFlight)
        let report: ReplayReport
        do {
            report = try stage.play()
        } catch {
            throw DemoOptions.failure(error)
        }
        try json ? Output.json(report.value) : Output.line(report.text)
        if keep { Output.line("The data is in \(folder).") }
        guard report.faults.isEmpty else {
            let shown = report.faults.prefix(10).joined(separator: "\n")
            throw Failure(
                PlasmidError("replayFailed", "\(report.faults.count) checks did not hold:\n\(shown)"))
        }
    }
}
