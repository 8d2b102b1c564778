import ArgumentParser
import ConductorAPI
import Foundation
import Integrity
import Keystore
import Manifests
import Testing

@testable import plasmid

@Suite("commands")
struct CommandTests {
    private func parse<Command: ParsableCommand>(_ type: Command.Type, _ arguments: String...) throws -> Command {
        let command = try Plasmid.parseAsRoot(arguments)
        return try #require(command as? Command)
    }

    @Test("call sends the cell, the function, the input and the secret")
    func call() throws {
        let call = try parse(Call.self, "call", "messenger/chat", "messenger", "write", #"{"text":"hi"}"#)
        let params = try call.params()
        #expect(
            try JSONLines.text(params, indented: false)
                == #"{"instance_id":"messenger/chat","zome":"messenger","function":"write","args":{"text":"hi"}}"#)
        #expect(try parse(Call.self, "call", "a/b", "z", "f").params()["args"] == nil)
    }

    @Test("input that is no JSON, and a cell that is none, are mistakes of the command line")
    func badCall() throws {
        #expect(throws: Failure.self) { try parse(Call.self, "call", "a/b", "z", "f", "{text:1}").params() }
        for cell in ["messenger", "a/b/c", "/b", "a/", ""] {
            let failure = #expect(throws: Failure.self) { try InstanceID(cell) }
            #expect(failure?.status == .usage)
        }
    }

    @Test("an answer is unpacked, and the app's error becomes ours")
    func outcome() throws {
        #expect(try Call.value(of: .string(#"{"Ok":{"a":1}}"#))["a"]?.number == 1)
        #expect(try Call.value(of: .string(#"{"Ok":null}"#)) == .null)
        let refused = #expect(throws: Failure.self) {
            try Call.value(
                of: .string(#"{"Err":{"ValidationFailed":"a note must have text","code":"validationFailed"}}"#))
        }
        #expect(refused?.status == .wrong)
        #expect(
            refused?.error
                == PlasmidError(.validationFailed, "a note must have text", hint: "nothing was written"))
        let plain = #expect(throws: Failure.self) {
            try Call.value(of: .string(#"{"Err":{"Internal":"no such room","code":"roomMissing"}}"#))
        }
        #expect(plain?.error == PlasmidError("roomMissing", "no such room"))
    }

    @Test("an error that came out of the app gets the hint that its code has")
    func hints() throws {
        let call = try parse(Call.self, "call", "a/b", "z", "f")
        #expect(call.hinted(PlasmidError(.badInput, "x")).hint?.hasPrefix("no input was given") == true)
        #expect(call.hinted(PlasmidError(.readOnlyAfterRestore, "x")).hint?.hasSuffix("restored a/b --alone") == true)
        #expect(call.hinted(PlasmidError(.capabilityWrong, "x")).hint != nil)
        #expect(call.hinted(PlasmidError(.badInput, "x", hint: "its own")).hint == "its own")
        #expect(call.hinted(PlasmidError("roomMissing", "x")) == PlasmidError("roomMissing", "x"))
        let given = try parse(Call.self, "call", "a/b", "z", "f", "{}")
        #expect(given.hinted(PlasmidError(.badInput, "x")).hint == nil)
    }

    @Test("JSON that is cut off is told to be so; what a shell took apart, to be put in quotes")
    func cutInput() throws {
        for (text, words) in [(#"{"text":"#, "too early"), (#"{"a":[1"#, "too early"), ("{a:1}", "single quotes")] {
            let failure = #expect(throws: Failure.self) { try parse(Call.self, "call", "a/b", "z", "f", text).params() }
            #expect(failure?.error?.hint?.contains(words) == true, "\(text): \(String(describing: failure))")
        }
    }

    @Test("who asks for a cell that is none is told which there are")
    func cells() throws {
        let apps = try JSONLines.value(#"[{"roles":[{"instance_id":"ada/main"},{"instance_id":"ben/main"}]}]"#)
        #expect(Call.cellsHint(apps, "ada/man") == "did you mean ada/main?")
        #expect(Call.cellsHint(apps, "zoe/other") == "the cells are ada/main, ben/main")
        #expect(Call.cellsHint(.array([]), "ada/main").contains("no cell yet"))
    }

    @Test("a new value is told with its key, and a value without quotes that it does not need")
    func configuration() throws {
        let answer = try JSONLines.value(#"{"live":["log"],"needs_restart":["zomes.memory"]}"#)
        #expect(
            AdminConfig.lines(answer, done: "in force now", values: ["log": "debug"])
                == ["in force now: log = debug", "at the next start: zomes.memory"])
        #expect(AdminConfig.plain("\"prompt\"") == "prompt" && AdminConfig.plain("\"\"") == "\"\"")
        #expect(AdminConfig.plain(#""a\"b""#) == #""a\"b""# && AdminConfig.plain("info") == "info")
    }

    @Test("sizes of spaces are told as people read them")
    func spaces() throws {
        let rows = try JSONLines.value(#"[{"name":"n","file_bytes":1048576,"rows":7,"waiting_bytes":512}]"#)
        let shown = AdminSpaces.shown(rows)
        #expect(shown.items.first?["file_bytes"]?.text == "1 MiB" && shown.items.first?["rows"]?.number == 7)
        #expect(shown.items.first?["waiting_bytes"]?.text == "512 B")
    }

    @Test("what was mistyped on a terminal may be typed three times; other sources and other errors are told at once")
    func passphrases() {
        func ask(_ source: PassphraseSource, _ error: PlasmidError, rightAt: Int) -> (
            asked: Int, notes: Int, done: Bool
        ) {
            var (asked, notes) = (0, 0)
            let done: Bool? = try? Passphrase.asking(source, note: { _ in notes += 1 }) {
                asked += 1
                guard asked == rightAt else { throw error }
                return true
            }
            return (asked, notes, done == true)
        }
        let wrong = PlasmidError(.wrongPassphrase, "no")
        #expect(ask(.prompt, wrong, rightAt: 3) == (3, 2, true))
        #expect(ask(.prompt, PassphraseSource.differing, rightAt: 2) == (2, 1, true))
        #expect(ask(.prompt, wrong, rightAt: 4) == (3, 2, false))
        #expect(ask(.descriptor(3), wrong, rightAt: 2) == (1, 0, false))
        #expect(ask(.prompt, PlasmidError(.passphraseUnusable, "no passphrase was given"), rightAt: 2) == (1, 0, false))
    }

    @Test("a signal is one line; what was missed is told")
    func signals() throws {
        let frame = try JSONLines.value(
            #"{"type":"InstanceSignal","signal":{"signal_type":"User","name":"seen","arguments":"{\"a\":1}"},"instance_id":"m/c","zome":"z","seq":1}"#
        )
        #expect(Signals.line(frame) == #"m/c  z  seen  {"a":1}"#)
        #expect(
            Signals.line(try JSONLines.value(#"{"type":"SignalsMissed","missed":7}"#)).contains("7 signals were missed")
        )
    }

    @Test("an app with several cells takes a line for each")
    func apps() throws {
        let apps = try JSONLines.value(
            #"[{"app_id":"m","status":"enabled","roles":[{"role":"a","instance_id":"m/a"},{"role":"b","instance_id":"m/b"}]},{"app_id":"n","status":"disabled","roles":[]}]"#
        )
        let lines = AdminApps.listing.text(AdminApps.rows(apps), full: false).split(separator: "\n")
        #expect(lines == ["APP  STATUS    CELL", "m    enabled   m/a", "m    enabled   m/b", "n    disabled  -"])
    }

    @Test("install sends a whole path and only what was given")
    func install() throws {
        let command = try parse(
            AdminInstall.self, "admin", "install", "dna/../x.happ.yaml", "--app-id", "me", "--disabled")
        let params = try command.params()
        let path = try #require(params["path"]?.text)
        #expect(path.hasPrefix("/") && path.hasSuffix("/x.happ.yaml") && !path.contains(".."))
        #expect(params["app_id"]?.text == "me" && params["enable"] == .bool(false) && params["agent"] == nil)
    }

    @Test("a grant names functions and who may use them")
    func grant() throws {
        let assigned = try parse(AdminGrant.self, "admin", "grant", "g/w", "ghost/write", "--for", "uhCAk1").params()
        #expect(assigned["access"]?.text == "assigned")
        #expect(assigned["functions"]?.items == [.string("ghost/write")])
        let transferable = try parse(AdminGrant.self, "admin", "grant", "g/w", "all").params()
        #expect(transferable["access"]?.text == "transferable" && transferable["functions"] == .string("all"))
        #expect(throws: Failure.self) { try parse(AdminGrant.self, "admin", "grant", "g/w", "write").params() }
        #expect(throws: (any Error).self) {
            try parse(AdminGrant.self, "admin", "grant", "g/w", "all", "--public", "--for", "x")
        }
    }

    @Test("a chain shows who did what; long entries are cut unless asked for in full")
    func chain() throws {
        let text = String(repeating: "long ", count: 20)
        let records = try JSONLines.value(
            #"[{"seq":0,"type":"Dna","entry":null},{"seq":4,"type":"Create","entry":{"text":"\#(text)"}}]"#)
        let lines = AdminChain.listing.text(records, full: false).split(separator: "\n")
        #expect(lines[0] == "NO  ACTION  ENTRY" && lines[1] == " 0  Dna     -")
        #expect(lines[2].hasPrefix(" 4  Create  {\"text\":\"long long") && lines[2].hasSuffix("…"))
        #expect(AdminChain.listing.text(records, full: true).contains(text))
    }

    @Test("every command that has a result tells it in JSON too")
    func json() {
        // What these print is JSON or for a shell to read, or they stay on the terminal.
        let without = [
            "schema", "completions", "man", "admin dump", "dev", "demo app", "demo network",
            "bench figures", "bench replay", "bench-floor", "test-conductor",
        ]
        func walk(_ command: any ParsableCommand.Type, _ path: [String]) {
            let configuration = command.configuration
            let below = configuration.ungroupedSubcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
            for subcommand in below { walk(subcommand, path + [subcommand.configuration.commandName ?? "?"]) }
            guard below.isEmpty, !without.contains(path.joined(separator: " ")) else { return }
            #expect(command.helpMessage(columns: 200).contains("--json"), "\(path.joined(separator: " "))")
        }
        walk(Plasmid.self, [])
    }

    @Test(
        "a command that is planned is not told to be mistyped",
        arguments: [
            ("keys export", "keystore"),
            ("keys rotate", "replaced"),
        ])
    func later(words: String, reason: String) throws {
        let found = try #require(UnknownCommand.find(in: words.split(separator: " ").map(String.init)))
        #expect(found.code == .notSupported && found.hint?.contains(reason) == true, "\(found)")
    }

    @Test("every command has a help text")
    func help() {
        func walk(_ command: any ParsableCommand.Type, _ path: String) {
            let configuration = command.configuration
            #expect(!configuration.abstract.isEmpty, "\(path) says nothing about itself")
            #expect(configuration.commandName != nil, "\(path) has no name of its own")
            let below = configuration.ungroupedSubcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
            for subcommand in below { walk(subcommand, path + " " + (subcommand.configuration.commandName ?? "?")) }
        }
        walk(Plasmid.self, "plasmid")
    }
}

@Suite("failures")
struct FailureTests {
    @Test("errors are told with code and hint")
    func lines() {
        let error = PlasmidError(.headMoved, "the chain moved", hint: "call again", cause: "x\u{1B}")
        #expect(Failure.lines(error) == "error[headMoved]: the chain moved (x\u{FFFD})\nhint: call again\n")
    }

    @Test("the status tells a script what kind of failure it was")
    func status() {
        #expect(Failure(PlasmidError(.validationFailed, "no")).status == .wrong)
        #expect(Failure(PlasmidError(.conductorUnreachable, "no")).status == .unreachable)
        #expect(Failure(PlasmidError(.storageInUse, "no")).status == .unreachable)
        #expect(Failure.usage("no").status == .usage)
    }

    @Test("what the parser says has the form of every other error")
    func usage() {
        let text =
            "Error: Unknown option '--x'\nUsage: plasmid call\n  See 'plasmid call --help' for more information.\n\n"
        #expect(
            Failure.usageLines(text)
                == "error[usage]: Unknown option '--x'\nUsage: plasmid call\n  See 'plasmid call --help' for more information.\n"
        )
    }
}

@Suite("settings")
struct SettingsTests {
    @Test("the data folder: option, configuration, XDG, home")
    func dataFolder() throws {
        let environment = ["XDG_DATA_HOME": "/x/data", "HOME": "/h"]
        #expect(try DataFolder(option: "/o", configured: "/c", environment: environment).path == "/o")
        #expect(try DataFolder(option: nil, configured: "/c", environment: environment).path == "/c")
        #expect(try DataFolder(option: nil, environment: environment).path == "/x/data/plasmid")
        #expect(try DataFolder(option: nil, environment: ["HOME": "/h"]).path == "/h/.local/share/plasmid")
        #expect(throws: Failure.self) { try DataFolder(option: nil, environment: [:]) }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plasmid-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("the data folder is made for its owner only")
    func create() throws {
        try withFolder { path in
            try DataFolder(option: path, environment: [:]).create()
            try DataFolder(option: path, environment: [:]).create()
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
    }

    @Test("ports and token are found in the data folder, or it is said that no conductor ran")
    func ports() throws {
        try withFolder { path in
            let folder = try DataFolder(option: path, environment: [:])
            try folder.create()
            let none = #expect(throws: Failure.self) { try folder.readPorts() }
            #expect(none?.status == .unreachable)
            #expect(none?.error?.hint?.contains("plasmid run") == true)
            try Data(#"{"admin":9100,"app":9101}"#.utf8).write(to: URL(fileURLWithPath: folder.ports))
            try Data("secret\n".utf8).write(to: URL(fileURLWithPath: folder.adminToken))
            #expect(try folder.readPorts() == (9100, 9101))
            #expect(try folder.readAdminToken() == "secret")
            try Data(#"{"admin":0}"#.utf8).write(to: URL(fileURLWithPath: folder.ports))
            #expect(throws: Failure.self) { try folder.readPorts() }
        }
    }

    @Test("options of run win over conductor.yaml, which wins over the defaults")
    func settings() throws {
        try withFolder { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let file = path + "/conductor.yaml"
            try Data("data: \(path)/kept\nlog: debug\ninterfaces: { admin: { port: 7000 } }\n".utf8)
                .write(to: URL(fileURLWithPath: file))
            let plain = try #require(try Plasmid.parseAsRoot(["run", "--config", file]) as? Run).settings(
                environment: [:])
            #expect(
                plain.folder.path == path + "/kept" && plain.config.admin.port == 7000 && plain.config.log == .debug)
            #expect(plain.config.app.port == 9101 && !plain.testMode)
            let given = try #require(
                try Plasmid.parseAsRoot([
                    "run", "--config", file, "--port", "8000", "--data", path, "--passphrase", "fd:3",
                ])
                    as? Run
            ).settings(environment: [:])
            #expect(given.folder.path == path && given.config.admin.port == 8000 && given.config.app.port == 8001)
            #expect(given.config.passphrase == .descriptor(3))
        }
    }

    @Test("a faulty configuration is told with its places, and nothing starts")
    func badConfiguration() throws {
        try withFolder { path in
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("log: loud\nextra: 1\n".utf8).write(to: URL(fileURLWithPath: path + "/c.yaml"))
            let failure = #expect(throws: Failure.self) { try Run.read(path + "/c.yaml") }
            #expect(failure?.status == .unreachable)
            #expect(
                failure?.error?.message.contains("c.yaml:2:1: error: the configuration has no key \"extra\"") == true)
        }
    }

    @Test("a passphrase on the command line is refused and not repeated")
    func passphrase() {
        let error = #expect(throws: (any Error).self) {
            try Plasmid.parseAsRoot(["run", "--passphrase", "correct-horse"])
        }
        let text = error.map { Plasmid.fullMessage(for: $0) } ?? "correct-horse"
        #expect(!text.contains("correct-horse"))
    }
}
