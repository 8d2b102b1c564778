import ArgumentParser
import Foundation
import Integrity

/// `plasmid bench`: every figure that has a budget, with its floor.
struct Figures: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figures",
        abstract: "Measure calls, commits, reads, start and memory (the default).",
        discussion: """
            Each figure stands beside a floor that was measured in the same run: what the work could cost at least on \
            this machine, as busy as it is. Exit status 0 whether budgets are met or not.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Measure this group only: \(Figures.groups.map(\.name).joined(separator: ", ")).", valueName: "name"))
    var only: String?

    @Flag(name: .long, help: "Fewer repetitions: under two minutes, and figures that vary more.")
    var quick = false

    @Option(
        name: .long, help: ArgumentHelp("Write the figures here too, as JSON.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var out = ".build/bench/results.json"

    @Option(
        name: .long,
        help: ArgumentHelp("The folder with the apps; by default dna/ of this checkout.", valueName: "dir"),
        completion: .directory)
    var apps: String?

    @Flag(name: .long, help: "Print JSON instead of a table.")
    var json = false

    struct Group: Sendable {
        let name: String
        let measure: @Sendable (BenchPlace) throws -> [Figure]
    }

    static let groups = [
        Group(name: "calls", measure: CallFigures.measure), Group(name: "websocket", measure: SocketFigures.measure),
        Group(name: "creates", measure: CreateFigures.measure), Group(name: "start", measure: StartFigures.measure),
        Group(name: "dev", measure: DevFigures.measure),
        Group(name: "rules", measure: RuleFigures.measure),
        Group(name: "signals", measure: SignalFigures.measure), Group(name: "check", measure: CheckFigures.measure),
        Group(name: "grants", measure: GrantFigures.measure), Group(name: "gossip", measure: GossipFigures.measure),
        Group(name: "transport", measure: TransportFigures.measure),
        Group(name: "incoming", measure: IncomingFigures.measure), Group(name: "join", measure: JoinFigures.measure),
        Group(name: "messages", measure: MessageFigures.measure),
        Group(name: "network", measure: NetworkFigures.measure),
    ]

    func validate() throws {
        if let only, !Figures.groups.contains(where: { $0.name == only }) {
            throw ValidationError("--only takes one of \(Figures.groups.map(\.name).joined(separator: ", "))")
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        var figures: [Figure] = []
        let groups = Figures.groups.filter { only == nil || $0.name == only }
        let bar = ProgressBar("bench", total: groups.count)
        for (index, group) in groups.enumerated() {
            bar.update(index)
            let folder = FileManager.default.temporaryDirectory.path + "/plasmid-bench-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let place = BenchPlace(folder: folder, samples: try DemoOptions.samples(apps), isQuick: quick)
            do {
                figures += try group.measure(place)
            } catch {
                bar.finish()
                throw DemoOptions.failure(error)
            }
        }
        bar.finish()
        try write(figures)
        try json ? Output.json(.array(figures.map(\.object))) : Output.line(Figure.table(figures))
    }

    private func write(_ figures: [Figure]) throws {
        let path = DataFolder.absolute(out)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let text = "[\n" + (try figures.map { try JSONLines.text($0.object, indented: false) }).joined(separator: ",\n")
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data((text + "\n]\n").utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw Failure(
                PlasmidError(
                    .startFailed, "\(path) cannot be written", hint: "name another file with --out",
                    cause: "\(error.localizedDescription)"))
        }
    }
}

/// Where a group of figures is measured, and how long it may take.
struct BenchPlace: Sendable {
    /// An empty folder, gone afterwards.
    let folder: String
    /// The folder of the sample apps.
    let samples: String
    let isQuick: Bool

    /// Messenger without its `post_commit`: a commit is then a call, its validation and its sync.
    var happ: String { samples + "/bench/happ.yaml" }

    var rounds: Int { isQuick ? 3 : 7 }

    /// `full` repetitions, or fewer in a quick run.
    func count(_ full: Int, quick: Int) -> Int { isQuick ? quick : full }
}
