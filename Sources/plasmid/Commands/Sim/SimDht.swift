import ArgumentParser
import Integrity
import Simulator

/// `plasmid sim dht`
struct SimDht: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dht", abstract: "Simulate writing, validating, publishing and reconciling among many nodes.",
        discussion: """
            Everything that happens follows from the seed: the same command does exactly the same. Watched all the time: \
            nothing that was acknowledged is lost, nothing invalid is taken in, nodes agree on every verdict, no private \
            entry leaves its node, no honest node is refused; and once the faults stop, every holder holds everything. \
            Exit status: 0 when all of that held, 1 when not, with the command that does it again.
            """)

    @Option(name: .long, help: "How many nodes, one agent each.")
    var nodes = 50

    @Option(name: .long, help: "What all chance comes from.")
    var seed: UInt64 = 1

    @Option(name: .long, help: ArgumentHelp("Several seeds, one after the other.", valueName: "from-to"))
    var seeds: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            What goes wrong: none, all, or of loss, duplicate, reorder, partition, churn, skew, malicious, with commas \
            between; 'churn=0.33' sets a share.
            """, valueName: "list"))
    var faults = "none"

    @Option(name: .long, help: "Seconds of virtual time with writes and faults.")
    var seconds = 120

    @Option(name: .long, help: "Writes a second, of all people together.")
    var writes = 2.0

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let seeds, SimDht.range(seeds) == nil {
            throw ValidationError("'--seeds \(seeds)' is no range such as 1-20.")
        }
    }

    static func range(_ text: String) -> ClosedRange<UInt64>? {
        let ends = text.split(separator: "-").map { UInt64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else { return nil }
        return first...last
    }

    func run() throws {
        let chosen = try SimFaults(faults)
        let all = seeds.flatMap { SimDht.range($0) } ?? seed...seed
        var failed = 0
        var objects: [MessagePackValue] = []
        for seed in all {
            let settings = SimSettings(nodes: nodes, seed: seed, faults: chosen, seconds: seconds, writes: writes)
            let bar = ProgressBar("seed \(seed)", total: seconds)
            let report = try SimWorld(settings).run { done, _ in bar.update(min(done, seconds)) }
            bar.finish()
            if !report.isGood { failed += 1 }
            if output.json { objects.append(SimDht.object(report)) } else { Output.line(SimDht.text(report)) }
        }
        if output.json { try Output.json(.array(objects)) }
        if failed > 0 { throw Failure.told }
    }

    /// What came of one seed.
    static func text(_ report: SimReport) -> String {
        func number(_ value: Int) -> String { ProgressBar.grouped(value) }
        let settings = report.settings
        var text = "seed \(settings.seed): "
        text += report.convergedAfter.map { "converged \($0) s after the faults" } ?? "did not converge"
        text += "; \(number(report.acknowledged)) ops written, \(number(report.integrated)) taken in, "
        text += "\(number(report.rejected)) rejected; \(report.crashes) crashes, \(report.partitions) partitions, "
        text += "\(report.blocked) agents refused; \(number(report.messages)) messages"
        if let worst = worst(report) {
            text += "\nholders of an op while it ran: \(worst.leastHolders) to \(worst.mostHolders); "
            text += "most load: \(tenths(worst.mostLoad)) × the mean"
        }
        for violation in report.violations { text += "\nbroken: \(violation)" }
        if !report.isGood { text += "\nreplay: \(settings.replay)" }
        return text
    }

    /// The extremes of all measures taken while people wrote.
    static func worst(_ report: SimReport) -> SimMeasure? {
        let running = report.measures.filter { $0.second <= report.settings.seconds }
        guard var worst = running.first else { return nil }
        for measure in running.dropFirst() {
            worst.leastHolders = min(worst.leastHolders, measure.leastHolders)
            worst.mostHolders = max(worst.mostHolders, measure.mostHolders)
            worst.mostLoad = max(worst.mostLoad, measure.mostLoad)
        }
        return worst
    }

    private static func tenths(_ value: Double) -> String {
        let number = Int((value * 10).rounded())
        return "\(number / 10).\(number % 10)"
    }

    static func object(_ report: SimReport) -> MessagePackValue {
        func count(_ number: Int) -> MessagePackValue { .int(Int64(number)) }
        var fields: [(String, MessagePackValue)] = [
            ("seed", .string("\(report.settings.seed)")), ("good", .bool(report.isGood)),
            ("nodes", count(report.settings.nodes)), ("faults", .string("\(report.settings.faults)")),
            ("converged_after", report.convergedAfter.map { count($0) } ?? .null),
            ("acknowledged", count(report.acknowledged)), ("integrated", count(report.integrated)),
            ("rejected", count(report.rejected)), ("messages", count(report.messages)),
            ("rounds", count(report.rounds)), ("round_bytes", count(report.roundBytes)),
            ("crashes", count(report.crashes)), ("partitions", count(report.partitions)),
            ("refused_agents", count(report.blocked)), ("fingerprint", .string("\(report.fingerprint)")),
            ("violations", .array(report.violations.map { .string($0) })), ("replay", .string(report.settings.replay)),
        ]
        if let worst = worst(report) {
            fields += [
                ("least_holders", count(worst.leastHolders)), ("most_holders", count(worst.mostHolders)),
                ("most_load", .double(worst.mostLoad)),
            ]
        }
        return .map(fields.map { MessagePackValue.Pair($0.0, $0.1) })
    }
}
