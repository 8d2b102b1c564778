import ArgumentParser
import Foundation
import Integrity
import Manifests

/// `plasmid call APP/CELL ZOME FUNCTION [JSON]`
struct Call: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call a function of an app and print what it answers.",
        discussion: """
            The call is made as the cell's own agent. Example:
              plasmid call messenger/messenger messenger write '{"text":"hello"}'

            With --as it is made as the agent of another app of this conductor, who may call what is public, and \
            what a capability opens. To try one:
              plasmid admin grant ada/blog blog/post --for BEN'S-AGENT
              plasmid call ada/blog blog post '{"text":"hi"}' --as ben --capability SECRET

            An error of the app or a refused write ends with status 1 and the app's own words.
            """)

    @Argument(help: ArgumentHelp("The cell to call.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The zome that has the function.")
    var zome: String

    @Argument(help: "The function.")
    var function: String

    @Argument(help: ArgumentHelp("The function's input as JSON; '-' reads it from standard input.", valueName: "json"))
    var arguments: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Call as the agent of this app, on the app port.", valueName: "app"))
    var caller: String?

    @Option(
        name: .long,
        help: ArgumentHelp("What 'plasmid admin grant' printed as the secret. Needs --as.", valueName: "secret"))
    var capability: String?

    @Flag(name: .long, help: "Print the answer on one line, on a terminal too.")
    var json = false

    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        guard let capability else { return }
        guard caller != nil else {
            throw ValidationError("--capability needs --as: a cell's own agent may call everything without one")
        }
        guard Base64.decode(capability)?.count == 64 else {
            // Not repeated: it may be nearly right.
            throw ValidationError(
                "--capability takes the secret as 'plasmid admin grant' prints it: base64 of 64 bytes")
        }
    }

    func run() async throws {
        let params = try params()
        let connection = try await connection()
        let value: MessagePackValue
        do {
            value = try Call.value(of: try await connection.request("call", params))
        } catch let error as PlasmidError {
            guard error.code == .unknownInstance, caller == nil else { throw hinted(error) }
            throw await helped(error, connection)
        } catch let failure as Failure {
            throw failure.error.map { Failure(status: failure.status, error: hinted($0)) } ?? failure
        }
        try Output.json(value, indented: !json && Output.isTerminal)
    }

    /// An error that came out of the app has lost its hint on the way: what is known of it is told here.
    func hinted(_ error: PlasmidError) -> PlasmidError {
        guard error.hint == nil else { return error }
        let hint: String? =
            switch error.code {
            case .badInput where arguments == nil:
                "no input was given; where the function takes some, write it behind its name: '{\"text\":\"hello\"}'"
            case .readOnlyAfterRestore:
                "if no other copy of its keys is in use: plasmid admin restored \(Words.harmless(instance)) --alone"
            case .capabilityWrong: "it may have been revoked; ask the author for a new one"
            default: nil
            }
        return PlasmidError(error.code, error.message, hint: hint, cause: error.cause)
    }

    /// Says which cells there are where one is asked for that is none.
    private func helped(_ error: PlasmidError, _ connection: any ConductorConnection) async -> PlasmidError {
        guard let apps = try? await connection.request("admin/app/list", .map([])) else { return error }
        return PlasmidError(error.code, error.message, hint: Call.cellsHint(apps, instance), cause: error.cause)
    }

    /// Most cells that a hint lists.
    private static let mostCells = 10

    static func cellsHint(_ apps: MessagePackValue, _ wanted: String) -> String {
        let cells = apps.items.flatMap { $0["roles"]?.items ?? [] }.compactMap { $0["instance_id"]?.text }.sorted()
        if cells.isEmpty { return "there is no cell yet; 'plasmid admin install PATH' installs an app" }
        if let near = Spelling.nearest(to: wanted, among: cells) { return "did you mean \(Words.harmless(near))?" }
        let shown = cells.prefix(mostCells).map { Words.harmless($0) }.joined(separator: ", ")
        return "the cells are \(shown)\(cells.count > mostCells ? " …; 'plasmid admin apps' lists all" : "")"
    }

    private func connection() async throws -> any ConductorConnection {
        guard let caller else { return try conductor.connect() }
        return try await conductor.connect(as: caller)
    }

    func params() throws -> MessagePackValue {
        .object([
            "instance_id": .string(try InstanceID(instance).text), "zome": .string(zome), "function": .string(function),
            "args": try input(), "token": .optional(capability),
        ])
    }

    private func input() throws -> MessagePackValue {
        guard let arguments else { return .null }
        let text: String
        if arguments == "-" {
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        } else {
            text = arguments
        }
        do {
            return try JSONLines.value(text)
        } catch let error as PlasmidError {
            // Deep nesting and the like is JSON: quotes would not help.
            guard error.code == .malformedJSON else { throw Failure.usage("the input: \(error.message)") }
            let endsEarly = error.message.hasPrefix("Not JSON at byte \(text.utf8.count):") && !text.isEmpty
            var hint = arguments == "-" ? nil : "put it in single quotes: '{\"text\":\"hello\"}'"
            if endsEarly { hint = "the JSON ends too early: a bracket, a brace or a quote is not closed" }
            throw Failure.usage("the input is not JSON: \(error.message)", hint: hint)
        }
    }

    /// The value inside the answer, which is a JSON text holding `{"Ok":…}` or `{"Err":…}` (the form of 2019).
    /// - Throws: the app's error.
    static func value(of answer: MessagePackValue) throws -> MessagePackValue {
        guard let text = answer.text else { return answer }
        let outcome = try JSONLines.value(text)
        if let value = outcome["Ok"] { return value }
        guard let error = outcome["Err"] else { return outcome }
        throw Failure(status: .wrong, error: appError(error))
    }

    private static func appError(_ error: MessagePackValue) -> PlasmidError {
        let code = error["code"]?.text ?? "internal"
        for kind in ["Internal", "ValidationFailed", "Timeout"] {
            guard let words = error[kind]?.text else { continue }
            let hint = kind == "ValidationFailed" ? "nothing was written" : nil
            return PlasmidError(PlasmidError.Code(rawValue: code), words, hint: hint)
        }
        let words = error.text ?? (try? JSONLines.text(error, indented: false)) ?? "the app answered an error"
        return PlasmidError(PlasmidError.Code(rawValue: code), words)
    }
}
