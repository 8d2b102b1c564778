import ArgumentParser
import Foundation
import Integrity
import NIOCore
import NIOPosix

/// `plasmid admin stats`
struct AdminStats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Tell how much a conductor has to do, and what it takes.",
        discussion: """
            Counters begin at zero when the conductor starts. With --watch the table is drawn again every two seconds, \
            or as often as SECONDS says, with what happened in between; where the output is no terminal each look is a \
            line, and with --json a line of JSON.
            """)

    @Flag(name: .long, help: "Look again and again, until Ctrl-C.")
    var watch = false

    @Argument(help: ArgumentHelp("With --watch: how long to wait between two looks. Default: 2.", valueName: "seconds"))
    var seconds: Double?

    @Option(name: .long, help: ArgumentHelp("With --watch: end after so many looks.", valueName: "number"))
    var count: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if !watch, seconds != nil || count != nil { throw ValidationError("seconds and --count belong to --watch") }
        if let seconds, !(0.1...86_400).contains(seconds) {
            throw ValidationError("--watch takes a number of seconds from 0.1 to 86400")
        }
        if let count, count < 1 { throw ValidationError("--count takes a number from 1 up") }
    }

    func run() async throws {
        let connection = try conductor.connect()
        guard watch else {
            let stats = try await connection.request("admin/stats", .map([]))
            if output.json { return try Output.json(stats) }
            return Output.line(StatsText(stats).page)
        }
        let pause = TimeAmount.milliseconds(Int64((seconds ?? 2) * 1_000))
        var before: StatsText?
        var looks = 0
        while true {
            let value = try await connection.request("admin/stats", .map([]))
            let stats = StatsText(value)
            if output.json {
                try Output.json(value)
            } else if Output.isTerminal {
                let (columns, rows) = Output.terminalSize
                let text = Output.fitting(stats.live(since: before), columns: columns, rows: rows)
                Output.line("\u{1B}[H\u{1B}[J" + text)
            } else {
                if before == nil { Output.line(StatsText.lineHeading) }
                Output.line(stats.line(since: before))
            }
            before = stats
            looks += 1
            if looks == count { return }
            try await MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: pause) {}.futureResult.get()
        }
    }
}

/// The answer of `admin/stats` in words and tables.
struct StatsText {
    private let stats: MessagePackValue

    init(_ stats: MessagePackValue) {
        self.stats = stats
    }

    private func number(_ path: String..., of value: MessagePackValue? = nil) -> Int64 {
        path.reduce(value ?? stats) { $0?[$1] }?.number ?? 0
    }

    private static func grouped(_ number: Int64) -> String { ProgressBar.grouped(Int(clamping: number)) }

    /// Everything, once.
    var page: String {
        [summary.text, Table(headings: Self.headings, rows: cells, alignments: Self.alignments).text, spaces.text]
            .joined(separator: "\n\n")
    }

    /// The same with rates, for a terminal that is drawn over and over.
    func live(since before: StatsText?) -> String {
        guard let before else { return "calls -/s, commits -/s\n\n" + page }
        let calls = Self.rate(self, before) { $0.ended }
        let commits = Self.rate(self, before) { $0.number("calls", "commits") }
        return "calls \(calls)/s, commits \(commits)/s\n\n" + page
    }

    private var ended: Int64 {
        number("calls", "succeeded") + number("calls", "app_errors") + number("calls", "failed")
    }

    private var refused: Int64 {
        guard case .map(let pairs)? = stats["refusals"] else { return 0 }
        return pairs.reduce(0) { $0 + ($1.value.number ?? 0) }
    }

    private var summary: Table {
        let latency = stats["calls"]?["latency"]
        let apps = number("apps")
        let off = apps - number("apps_enabled")
        let rows: [[String]] = [
            ["uptime", Words.duration(microseconds: number("uptime_us"))],
            ["apps", off == 0 ? Self.grouped(apps) : "\(Self.grouped(apps)), \(Self.grouped(off)) of them disabled"],
            ["cells", "\(Self.grouped(number("cells"))), faults \(Self.grouped(number("faults")))"],
            [
                "calls",
                "\(Self.grouped(number("calls", "succeeded"))) ok, \(Self.grouped(number("calls", "app_errors"))) app "
                    + "errors, \(Self.grouped(number("calls", "failed"))) failed, \(Self.grouped(refused)) refused, "
                    + "\(Self.grouped(number("calls_open"))) open",
            ],
            [
                "latency",
                "p50 \(time(latency, "p50_us")), p99 \(time(latency, "p99_us")), longest \(time(latency, "max_us"))",
            ],
            [
                "written",
                "\(Self.grouped(number("calls", "actions"))) actions in "
                    + "\(Self.grouped(number("calls", "commits"))) commits",
            ],
            ["signals", Self.grouped(number("calls", "signals"))],
            [
                "memory",
                "\(Words.size(number("resident_bytes"))), modules \(Words.size(number("children_resident_bytes")))",
            ],
            [
                "journal",
                "\(Self.grouped(number("journal", "files"))) files of \(Words.size(number("journal", "bytes"))), "
                    + "\(Self.grouped(number("journal", "waiting"))) commits not in the databases yet",
            ],
        ]
        return Table(headings: ["WHAT", "NOW"], rows: rows)
    }

    private func time(_ latency: MessagePackValue?, _ key: String) -> String {
        Words.duration(microseconds: latency?[key]?.number ?? 0)
    }

    private static let headings = [
        "CELL", "ACTIVE", "CHAIN", "CALLS", "ERRORS", "FAILED", "OPEN", "P50", "P99", "SIGNALS", "RESTARTS", "MEMORY",
    ]
    private static let alignments: [Table.Alignment] = [.left, .left] + Array(repeating: .right, count: 10)

    private var cells: [[String]] {
        (stats["instances"]?.items ?? []).map { cell in
            let calls = cell["calls"]
            func count(_ value: MessagePackValue?, _ key: String) -> String { Self.grouped(value?[key]?.number ?? 0) }
            return [
                Words.harmless(cell["instance_id"]?.text ?? "-"),
                cell["fault"]?.text ?? (cell["active"] == .bool(true) ? "yes" : "no"), count(cell, "chain_length"),
                count(calls, "succeeded"), count(calls, "app_errors"), count(calls, "failed"),
                count(cell, "calls_open"), time(calls?["latency"], "p50_us"), time(calls?["latency"], "p99_us"),
                count(calls, "signals"), count(cell["modules"], "restarts"),
                Words.size(cell["modules"]?["resident_bytes"]?.number ?? 0),
            ]
        }
    }

    private var spaces: Table {
        let rows = (stats["spaces"]?.items ?? []).map { space in
            [
                Words.harmless(space["name"]?.text ?? "-"), Words.short(hash: space["dna"]?.text ?? "-"),
                Words.size(space["storage"]?["file_bytes"]?.number ?? 0),
                Self.grouped(space["storage"]?["rows"]?.number ?? 0),
                Words.size(space["storage"]?["waiting_bytes"]?.number ?? 0),
            ]
        }
        return Table(
            headings: ["SPACE", "DNA", "FILE", "ROWS", "WAITING"], rows: rows,
            alignments: [.left, .left, .right, .right, .right])
    }

    // MARK: One line for each look

    private static let lineColumns: [(heading: String, width: Int)] = [
        ("CALLS/S", 11), ("COMMITS/S", 11), ("SIGNALS/S", 11), ("OPEN", 7), ("P50", 9), ("P99", 9), ("FAILED", 8),
        ("REFUSED", 9), ("MEMORY", 11), ("MODULES", 11),
    ]

    static let lineHeading = inColumns(lineColumns.map(\.heading))

    private static func inColumns(_ cells: [String]) -> String {
        zip(cells, lineColumns).map { cell, column in
            String(repeating: " ", count: max(2, column.width - cell.count)) + cell
        }.joined()
    }

    /// What happened since the look before, in a line under ``lineHeading``; since the start where there was none.
    func line(since before: StatsText?) -> String {
        let latency = stats["calls"]?["latency"]
        return Self.inColumns([
            Self.rate(self, before) { $0.ended }, Self.rate(self, before) { $0.number("calls", "commits") },
            Self.rate(self, before) { $0.number("calls", "signals") }, Self.grouped(number("calls_open")),
            time(latency, "p50_us"), time(latency, "p99_us"), Self.grouped(number("calls", "failed")),
            Self.grouped(refused), Words.size(number("resident_bytes")),
            Words.size(number("children_resident_bytes")),
        ])
    }

    private static func rate(_ now: StatsText, _ before: StatsText?, _ counter: (StatsText) -> Int64) -> String {
        var micro = now.number("uptime_us")
        var count = counter(now)
        // A conductor that was started anew counts from zero again.
        if let before, before.number("uptime_us") < micro {
            micro -= before.number("uptime_us")
            count -= counter(before)
        }
        return grouped(micro > 0 ? max(0, count) * 1_000_000 / micro : 0)
    }
}
