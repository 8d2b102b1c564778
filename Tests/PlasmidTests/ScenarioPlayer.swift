import Foundation
import Keystore
import Sodium

/// Plays a scenario against the built program, with data, credentials and files in a temporary folder of its own.
///
/// Acts: `> keystore` makes a cheap one · `> start [option…]` a conductor, until it says that it is ready · `> stop` ends it
/// with SIGTERM, `> kill` with SIGKILL · `> file NAME [text]`, `> repeat NAME N TEXT` write one · `> remove NAME` ·
/// `> damage NAME OFFSET` turns a byte · `> listen` runs the next command in the background once it says that it listens, and
/// `> heard` waits for its end · `> keep NAME KEY` and `> keep NAME` (the whole output).
///
/// Blocks the thread that plays: tests give it one of its own.
final class ScenarioPlayer {
    /// What a command showed and how it ended.
    private struct Outcome {
        var output = ""
        var error = ""
        var status: Int32 = 0
    }

    private let scenario: Scenario
    private let folder: String
    private let mask: ScenarioMask
    private let program: String
    private var values: [String: String]
    private var conductor: (process: Process, output: Pipe)?
    private var listener: Running?
    private var listens = false
    /// The scenario as it was seen, in its own form.
    private(set) var seen: [String] = []
    /// Every place where what was seen is not what is written.
    private(set) var faults: [String] = []

    init(_ scenario: Scenario, folder: String, root: String, program: String) {
        self.scenario = scenario
        self.folder = folder
        self.program = program
        mask = ScenarioMask(folders: [(folder, "HERE"), (root, "ROOT")])
        values = ["ROOT": root, "HERE": folder]
    }

    func play() throws {
        try FileManager.default.createDirectory(atPath: folder + "/credentials", withIntermediateDirectories: true)
        try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: folder + "/credentials/right"))
        try Data("battery staple\n".utf8).write(to: URL(fileURLWithPath: folder + "/credentials/wrong"))
        defer { end() }
        var rest = scenario.lines[...]
        var last = Outcome()
        while let line = rest.popFirst() {
            switch line {
            case .comment(let text): seen.append(text)
            case .act(let words):
                seen.append("> " + words.joined(separator: " "))
                if let outcome = try act(words, last) {
                    last = outcome
                    compare(words.joined(separator: " "), outcome, expected(&rest))
                }
            case .command(let text):
                seen.append("$ " + text)
                if let outcome = try command(text, input(&rest)) {
                    last = outcome
                    compare(text, outcome, expected(&rest))
                }
            default: throw ScenarioFault(words: "\(scenario.name): \(line) follows no command")
            }
        }
    }

    // MARK: Commands

    private func input(_ rest: inout ArraySlice<Scenario.Line>) -> String? {
        var input: String?
        while case .input(let text)? = rest.first {
            rest.removeFirst()
            seen.append("< " + text)
            input = (input ?? "") + text + "\n"
        }
        return input
    }

    private func command(_ text: String, _ input: String?) throws -> Outcome? {
        var words = try Scenario.words(text, values)
        guard words.first == "plasmid" else { throw ScenarioFault(words: "only plasmid is played: \(text)") }
        words.removeFirst()
        let running = try Running(program, words, environment: environment, input: input, in: folder)
        if listens {
            listens = false
            guard running.errorLine() != nil else { return outcome(running) }
            listener = running
            return nil
        }
        return outcome(running)
    }

    private func outcome(_ running: Running) -> Outcome {
        let (output, error, status) = running.wait()
        return Outcome(output: output, error: error, status: status)
    }

    private var environment: [String: String] {
        [
            "PATH": "/usr/bin:/bin", "HOME": folder, "XDG_DATA_HOME": folder + "/data", "LC_ALL": "C.UTF-8",
            "CREDENTIALS_DIRECTORY": folder + "/credentials", "COLUMNS": "100",
        ]
    }

    // MARK: What was written against what was seen

    private func expected(_ rest: inout ArraySlice<Scenario.Line>) -> (
        output: [String?], error: [String?], status: Int32
    ) {
        var output: [String?] = []
        var error: [String?] = []
        var status: Int32 = 0
        var isError = false
        while let line = rest.first {
            switch line {
            case .output(let text): (output, isError) = (output + [text], false)
            case .error(let text): (error, isError) = (error + [text], true)
            case .gap: if isError { error.append(nil) } else { output.append(nil) }
            case .status(let number): status = number
            default: return (output, error, status)
            }
            rest.removeFirst()
        }
        return (output, error, status)
    }

    private func compare(
        _ what: String, _ outcome: Outcome, _ expected: (output: [String?], error: [String?], status: Int32)
    ) {
        let output = mask.lines(outcome.output)
        let error = mask.lines(outcome.error)
        let fits =
            Scenario.fits(output[...], expected.output[...]) && Scenario.fits(error[...], expected.error[...])
            && outcome.status == expected.status
        let shown =
            output.map { "| " + $0 } + error.map { "! " + $0 } + (outcome.status == 0 ? [] : ["= \(outcome.status)"])
        if fits {
            // As it is written: gaps stay gaps.
            seen += expected.output.map { $0.map { "| " + $0 } ?? "..." }
            seen += expected.error.map { $0.map { "! " + $0 } ?? "..." }
            seen += expected.status == 0 ? [] : ["= \(expected.status)"]
        } else {
            seen += shown
            faults.append("$ \(what)\n" + shown.joined(separator: "\n"))
        }
    }

    // MARK: Acts

    /// - Returns: what is to be compared; nil where there is nothing.
    private func act(_ words: [String], _ last: Outcome) throws -> Outcome? {
        let arguments = Array(words.dropFirst())
        switch (words.first ?? "", arguments.count) {
        case ("keystore", 0): try makeKeystore()
        case ("start", _): try start(arguments.joined(separator: " "))
        case ("stop", 0): return try stop(SIGTERM)
        case ("kill", 0): _ = try stop(SIGKILL)
        case ("listen", 0): listens = true
        case ("heard", 0):
            guard let running = listener else { throw ScenarioFault(words: "nobody listens") }
            listener = nil
            return outcome(running)
        case ("keep", 1), ("keep", 2): try keep(arguments, last)
        case ("file", 1...):
            try write(Data(arguments.dropFirst().joined(separator: " ").utf8), to: arguments[0])
        case ("repeat", 3):
            guard let count = Int(arguments[1]) else { throw ScenarioFault(words: "repeat takes a number") }
            try write(Data(String(repeating: arguments[2], count: count).utf8), to: arguments[0])
        case ("remove", 1): try FileManager.default.removeItem(atPath: folder + "/" + arguments[0])
        case ("damage", 2): try damage(arguments[0], at: Int(arguments[1]) ?? 0)
        default: throw ScenarioFault(words: "there is no act \(words)")
        }
        return nil
    }

    private func write(_ data: Data, to name: String) throws {
        try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    private func damage(_ name: String, at offset: Int) throws {
        let url = URL(fileURLWithPath: folder + "/" + name)
        var data = try Data(contentsOf: url)
        guard data.indices.contains(offset) else { throw ScenarioFault(words: "\(name) has \(data.count) bytes") }
        data[offset] ^= 0x55
        try data.write(to: url)
    }

    private func makeKeystore() throws {
        try Self.makeKeystore(in: folder + "/data/plasmid", passphrase: "correct horse")
    }

    /// A cheap keystore in a data folder, which is made.
    static func makeKeystore(in data: String, passphrase: String) throws {
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var bytes = Array(passphrase.utf8)
        _ = try Keystore.create(at: data + "/keystore", passphrase: SecretBytes(moving: &bytes), cost: .forTests)
    }

    private func keep(_ arguments: [String], _ last: Outcome) throws {
        guard arguments.count == 2 else {
            values[arguments[0]] = last.output.trimmingCharacters(in: .whitespacesAndNewlines)
            return
        }
        let opening = "\"\(arguments[1])\":\""
        guard let range = last.output.range(of: opening) else {
            throw ScenarioFault(words: "no \(arguments[1]) in \(last.output)")
        }
        values[arguments[0]] = String(last.output[range.upperBound...].prefix { $0 != "\"" })
    }

    // MARK: The conductor

    private func start(_ options: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments =
            ["run", "--port", "0", "--passphrase", "credential:right"] + (try Scenario.words(options, values))
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let output = Pipe()
        process.standardOutput = output
        let log = folder + "/conductor.log"
        guard FileManager.default.createFile(atPath: log, contents: nil) else {
            throw ScenarioFault(words: "\(log) cannot be made")
        }
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        conductor = (process, output)
        var heard = ""
        while !heard.contains("ready: ") || !heard.hasSuffix("\n") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else {
                let words = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                throw ScenarioFault(words: "the conductor did not start: \(words)")
            }
            heard += String(decoding: bytes, as: UTF8.self)
        }
    }

    private func stop(_ signal: Int32) throws -> Outcome {
        guard let (process, output) = conductor else { throw ScenarioFault(words: "no conductor runs") }
        conductor = nil
        kill(process.processIdentifier, signal)
        let words = (try? output.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        return Outcome(output: String(decoding: words, as: UTF8.self), error: "", status: process.terminationStatus)
    }

    /// Ends whatever still runs.
    private func end() {
        listener?.kill()
        if conductor != nil { _ = try? stop(SIGKILL) }
    }
}

/// A command that runs.
private final class Running {
    private let process = Process()
    private let error = Pipe()
    private let outputPath: String
    private var errorSeen = ""

    init(
        _ program: String, _ words: [String], environment: [String: String], input: String?, in folder: String
    ) throws {
        outputPath = "\(folder)/output-\(UUID().uuidString)"
        guard FileManager.default.createFile(atPath: outputPath, contents: nil) else {
            throw ScenarioFault(words: "\(outputPath) cannot be made")
        }
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        process.environment = environment
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = error
        if let input {
            let path = "\(folder)/input"
            try Data(input.utf8).write(to: URL(fileURLWithPath: path))
            process.standardInput = FileHandle(forReadingAtPath: path)
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        // A command that never ends is a fault of the scenario, not of the whole test run.
        let process = process
        DispatchQueue.global().asyncAfter(deadline: .now() + 60) {
            if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        }
    }

    /// Waits for a line on standard error; nil where it ended without one.
    func errorLine() -> String? {
        while !errorSeen.contains("\n") {
            let bytes = error.fileHandleForReading.availableData
            guard !bytes.isEmpty else { return nil }
            errorSeen += String(decoding: bytes, as: UTF8.self)
        }
        return errorSeen
    }

    func wait() -> (output: String, error: String, status: Int32) {
        let rest = (try? error.fileHandleForReading.readToEnd()) ?? Data()
        process.waitUntilExit()
        let output = FileManager.default.contents(atPath: outputPath) ?? Data()
        return (
            String(decoding: output, as: UTF8.self), errorSeen + String(decoding: rest, as: UTF8.self),
            process.terminationStatus
        )
    }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
