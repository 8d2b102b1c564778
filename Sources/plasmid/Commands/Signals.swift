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

            Signals of each cell are numbered (`seq` with --json). The conductor keeps the last ones for a while: \
            --since gives those after a number again, and says how many are gone.
            """)

    @Argument(help: "The app, or one of its cells as app/role.")
    var app: String

    @Option(name: .long, help: "Only signals of this zome.")
    var zome: String?

    @Option(name: .long, help: "Only signals of this name.")
    var name: String?

    @Option(name: .long, help: ArgumentHelp("Give again what came after this number.", valueName: "number"))
    var since: UInt64?

    @Option(
        name: .long,
        help: ArgumentHelp("The run of the conductor that --since comes from (`boot` with --json).", valueName: "id"))
    var boot: String?

    @Option(name: .long, help: ArgumentHelp("End after so many signals.", valueName: "number"))
    var count: Int?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes a number from 1 up") }
        if boot != nil, since == nil { throw ValidationError("--boot goes with --since") }
    }

    func run() async throws {
        var instance = app.contains("/") ? try InstanceID(app).text : nil
        let left = Mutex(count ?? .max)
        let connection = try conductor.connect()
        let cells = try await requireApp(connection)
        if since != nil, instance == nil {
            guard cells.count == 1 else {
                throw Failure.usage(
                    "--since needs one cell: the signals of each have numbers of their own",
                    hint: "name one of \(cells.sorted().joined(separator: ", "))")
            }
            instance = cells.first
        }
        let params = MessagePackValue.object([
            "instance_id": .optional(instance), "zome": .optional(zome), "name": .optional(name),
            "since": since.map { .uint($0) } ?? .null, "boot": .optional(boot),
        ])
        let words = "listening to \(Words.harmless(app)); Ctrl-C ends it"
        let heard: @Sendable (MessagePackValue) -> Void = { answer in
            Output.note(words)
            if let missed = Signals.missed(answer) { Output.note(missed) }
        }
        try await connection.signals(params, listening: heard) { [app, output] frame in
            guard Signals.concerns(app, frame) else { return true }
            return try left.withLock { left in
                guard left > 0 else { return false }
                Output.line(output.json ? try JSONLines.text(frame, indented: false) : Signals.line(frame))
                left -= 1
                return left > 0
            }
        }
    }

    /// What the conductor's answer says of signals that it cannot give again; nil if there is nothing to say.
    static func missed(_ answer: MessagePackValue) -> String? {
        guard answer["replayed"] != nil else { return nil }
        guard let missed = answer["missed"]?.number else {
            return "the conductor was started anew since: what came in between is not known"
        }
        return missed > 0 ? "\(missed) earlier signals are not kept any more" : nil
    }

    /// A name that nobody has would wait for ever.
    /// - Returns: the app's cells.
    private func requireApp(_ connection: any ConductorConnection) async throws -> [String] {
        let apps = try await connection.request("admin/app/list", .map([])).items
        let isCell = app.contains("/")
        func cells(_ app: MessagePackValue) -> [String] {
            (app["roles"]?.items ?? []).compactMap { $0["instance_id"]?.text }
        }
        let known = apps.flatMap { app in
            isCell ? cells(app) : [app["app_id"]?.text ?? ""]
        }
        guard !known.contains(app) else {
            return isCell ? [app] : apps.filter { $0["app_id"]?.text == app }.flatMap(cells)
        }
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
