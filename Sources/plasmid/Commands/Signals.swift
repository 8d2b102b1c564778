import ArgumentParser
import Integrity
import Synchronization

/// `plasmid signals APP`
struct Signals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signals",
        abstract: "Print the signals of an app as they come, until interrupted.",
        discussion: """
            One line for each: the cell, the zome, the signal's name, and what it carries as JSON. Standard error \
            says once that it listens; no signal is missed from then on. Ctrl-C ends it.
            """)

    @Argument(help: "The app, or one of its cells as app/role.")
    var app: String

    @Option(name: .long, help: "Only signals of this zome.")
    var zome: String?

    @Option(name: .long, help: "Only signals of this name.")
    var name: String?

    @Option(name: .long, help: ArgumentHelp("End after so many signals.", valueName: "number"))
    var count: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes a number from 1 up") }
    }

    func run() async throws {
        let instance = app.contains("/") ? try InstanceID(app).text : nil
        let params = MessagePackValue.object([
            "instance_id": .optional(instance), "zome": .optional(zome), "name": .optional(name),
        ])
        let left = Mutex(count ?? .max)
        let connection = try conductor.connect()
        try await requireApp(connection)
        let words = "listening to \(Words.harmless(app)); Ctrl-C ends it"
        try await connection.signals(params, listening: { Output.note(words) }) { [app, output] frame in
            guard Signals.concerns(app, frame) else { return true }
            return try left.withLock { left in
                guard left > 0 else { return false }
                Output.line(output.json ? try JSONLines.text(frame, indented: false) : Signals.line(frame))
                left -= 1
                return left > 0
            }
        }
    }

    /// A name that nobody has would wait for ever.
    private func requireApp(_ connection: any ConductorConnection) async throws {
        let apps = try await connection.request("admin/app/list", .map([])).items
        let isCell = app.contains("/")
        let known = apps.flatMap { app in
            isCell ? (app["roles"]?.items ?? []).compactMap { $0["instance_id"]?.text } : [app["app_id"]?.text ?? ""]
        }
        guard !known.contains(app) else { return }
        throw Failure(
            PlasmidError(
                isCell ? .unknownInstance : .unknownApp, "no \(isCell ? "cell" : "app") named `\(app)` is installed",
                hint: known.isEmpty
                    ? "'plasmid admin install PATH' installs an app"
                    : "there is \(known.sorted().joined(separator: ", "))"))
    }

    /// The admin port tells the signals of every app: one app's are chosen here. What was missed concerns everyone.
    static func concerns(_ app: String, _ frame: MessagePackValue) -> Bool {
        guard let instance = frame["instance_id"]?.text else { return true }
        return instance == app || instance.hasPrefix(app + "/")
    }

    static func line(_ frame: MessagePackValue) -> String {
        if let missed = frame["missed"]?.number {
            return "(\(missed) signals were missed: they came faster than they were read)"
        }
        let parts = [
            frame["instance_id"]?.text, frame["zome"]?.text, frame["signal"]?["name"]?.text,
            frame["signal"]?["arguments"]?.text,
        ]
        return parts.map { Words.harmless($0 ?? "-") }.joined(separator: "  ")
    }
}
