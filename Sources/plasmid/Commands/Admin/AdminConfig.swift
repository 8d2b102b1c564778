import ArgumentParser
import Conductor
import Integrity
import Manifests

/// `plasmid admin config …`
struct AdminConfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the configuration of a running conductor, and change it.",
        subcommands: [
            AdminConfigGet.self, AdminConfigSet.self, AdminConfigCheck.self, AdminConfigReload.self,
        ], defaultSubcommand: AdminConfigGet.self)

    /// Asks, and tells a faulty configuration as the thing asked about, for the conductor goes on.
    static func ask(
        _ conductor: ConductorOptionsForClients, _ method: String, _ params: MessagePackValue = .map([])
    ) async throws -> MessagePackValue {
        do {
            return try await conductor.connect().request(method, params)
        } catch let error as PlasmidError where error.code == .configInvalid {
            throw Failure(status: .wrong, error: error)
        }
    }

    /// What changed now and what waits, in sentences.
    static func tell(_ answer: MessagePackValue, done: String, values: [String: String] = [:]) {
        for line in lines(answer, done: done, values: values) { Output.line(line) }
    }

    /// - Parameter values: new values that are known, by their keys.
    static func lines(_ answer: MessagePackValue, done: String, values: [String: String]) -> [String] {
        func named(_ list: String) -> String {
            (answer[list]?.items.compactMap(\.text) ?? []).map { key in
                values[key].map { "\(key) = \(Words.harmless($0))" } ?? key
            }.joined(separator: ", ")
        }
        let (live, later) = (named("live"), named("needs_restart"))
        if live.isEmpty, later.isEmpty { return ["nothing differs from what is in force"] }
        return (live.isEmpty ? [] : ["\(done): \(live)"]) + (later.isEmpty ? [] : ["at the next start: \(later)"])
    }

    /// A value as YAML has it, without the quotes where they hold nothing that needs them.
    static func plain(_ value: String) -> String {
        let inner = value.dropFirst().dropLast()
        let isQuoted = value.count > 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
        return isQuoted && !inner.contains("\\") ? String(inner) : value
    }

    /// The settings with plain values.
    static func shown(_ settings: MessagePackValue) -> MessagePackValue {
        .array(
            settings.items.map { setting in
                guard case .map(let pairs) = setting else { return setting }
                return .map(
                    pairs.map { pair in
                        guard pair.key != .string("key"), let text = pair.value.text else { return pair }
                        return .init(key: pair.key, value: .string(plain(text)))
                    })
            })
    }
}

/// `plasmid admin config get [KEY]`
struct AdminConfigGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "List every key with its value, or tell one value.")

    @Argument(help: "The key, as zomes.call_timeout.")
    var key: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "KEY:key", "VALUE:value", "AT NEXT START:at_next_start", "DEFAULT:default", "WHILE RUNNING:live",
        empty: "there are no keys")

    func run() async throws {
        let answer = try await conductor.connect().request("admin/config/get", .map([]))
        guard let key else {
            if output.json { return try Output.json(answer) }
            Output.line(AdminConfigGet.listing.text(AdminConfig.shown(answer["settings"] ?? .null), full: true))
            return Output.line("file: \(answer["file"]?.text ?? "-")")
        }
        guard let setting = answer["settings"]?.items.first(where: { $0["key"]?.text == key }) else {
            let keys = answer["settings"]?.items.compactMap { $0["key"]?.text } ?? []
            throw Failure(
                PlasmidError(
                    .badName, "there is no key `\(Words.harmless(key))`",
                    hint: Spelling.nearest(to: key, among: keys).map { "did you mean `\($0)`?" }
                        ?? "plasmid admin config get lists them"))
        }
        if output.json { return try Output.json(setting) }
        Output.line(AdminConfig.plain(setting["value"]?.text ?? "-"))
        guard let later = setting["at_next_start"]?.text else { return }
        Output.note("at the next start: \(AdminConfig.plain(later))")
    }
}

/// `plasmid admin config set KEY VALUE`
struct AdminConfigSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change one key: in the file, and at once where a running conductor can.",
        discussion: """
            The value is held against the same rules as the file at a start, and the file is replaced whole: comments \
            in it are lost, but a file written by hand is kept beside it, with .old behind its name. A list is written with commas: 'set interfaces.app.origins http://localhost:3000'.
            """)

    @Argument(help: "The key, as 'plasmid admin config get' lists it.")
    var key: String

    @Argument(help: "The value.")
    var value: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let answer = try await AdminConfig.ask(
            conductor, "admin/config/set", .object(["key": .string(key), "value": .string(value)]))
        if output.json { return try Output.json(answer) }
        AdminConfig.tell(answer, done: "in force now", values: [key: value])
        if let kept = answer["kept"]?.text {
            Output.note("the file was written anew, without comments; as it was it is kept as \(Words.harmless(kept))")
        }
    }
}

/// `plasmid admin config edit-check [FILE]`
struct AdminConfigCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit-check", abstract: "Check a file that was edited by hand, and tell what it would change.",
        discussion: "Changes nothing. Without FILE it is the file that the conductor reads.")

    @Argument(help: "The file.", completion: .file(extensions: ["yaml"]))
    var file: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let answer = try await AdminConfig.ask(
            conductor, "admin/config/check", .object(["path": .optional(file.map(DataFolder.absolute))]))
        if output.json { return try Output.json(answer) }
        Output.line("\(answer["file"]?.text ?? "-"): valid")
        AdminConfig.tell(answer, done: "would change with 'plasmid admin config reload'")
    }
}

/// `plasmid admin config reload`
struct AdminConfigReload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Read the file again and take up what can change while running.",
        discussion: "The same as SIGHUP. A file with faults changes nothing: they are told with their places.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let answer = try await AdminConfig.ask(conductor, "admin/config/reload")
        if output.json { return try Output.json(answer) }
        AdminConfig.tell(answer, done: "in force now")
    }
}
