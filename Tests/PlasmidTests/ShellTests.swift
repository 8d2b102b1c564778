import Foundation
import Testing

@testable import plasmid

@Suite("completions and the manual page")
struct ShellTests {
    /// Runs a program with some input; nil where this machine does not have it.
    private static func run(_ program: String, _ arguments: [String], input: String) throws -> (String, String, Int32)?
    {
        let places = ["/usr/bin", "/bin", "/usr/local/bin"].map { "\($0)/\(program)" }
        guard let path = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let file = FileManager.default.temporaryDirectory.path + "/plasmid-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(input.utf8).write(to: URL(fileURLWithPath: file))
        process.standardInput = FileHandle(forReadingAtPath: file)
        let (output, error) = (Pipe(), file + ".err")
        defer { try? FileManager.default.removeItem(atPath: error) }
        _ = FileManager.default.createFile(atPath: error, contents: nil)
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: error)
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"]
        try process.run()
        let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (told, (try? String(contentsOfFile: error, encoding: .utf8)) ?? "", process.terminationStatus)
    }

    /// What bash offers for words of which the last is not finished.
    /// - Parameter marks: tell instead what bash is asked to take the offers for.
    private static func offers(_ words: [String], marks: Bool = false) throws -> [String]? {
        let line = words.joined(separator: " ")
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let shown =
            marks
            ? #"complete -p plasmid | grep -o filenames; echo "$marked""# : #"printf '%s\n' "${COMPREPLY[@]}""#
        let script =
            Completions.Shell.bash.script + """

                COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); COMP_LINE='\(line)'; COMP_POINT=\(line.utf8.count)
                COMP_TYPE=9; COMP_KEY=9
                complete -p plasmid >/dev/null || exit 3
                marked=''; compopt() { marked="$*"; }
                function_name=$(complete -p plasmid | sed -E 's/.*-F ([^ ]+).*/\\1/')
                "$function_name" plasmid '\(words.last ?? "")' '\(words.dropLast().last ?? "")'
                \(shown)
                """
        guard let (output, error, status) = try run("bash", [], input: script) else { return nil }
        #expect(status == 0, "\(error)")
        return output.split(separator: "\n").map { String($0).trimmingCharacters(in: .whitespaces) }
    }

    @Test("the scripts are valid where their shell is here", arguments: Completions.Shell.allCases)
    func valid(shell: Completions.Shell) throws {
        let script = shell.script
        #expect(script.contains("restore-chain") && script.contains("edit-check"))
        guard let (_, error, status) = try Self.run(shell.rawValue, ["-n"], input: script) else { return }
        #expect(status == 0 && error.isEmpty, "\(error)")
    }

    @Test("bash completes commands, the commands below them, and options")
    func bash() throws {
        guard let first = try Self.offers(["plasmid", "adm"]) else { return }
        #expect(first == ["admin"])
        #expect(try Self.offers(["plasmid", "admin", "restore"]) == ["restore-chain", "restored"])
        #expect(try Self.offers(["plasmid", "dna", "p"]) == ["pack"])
        #expect(try Self.offers(["plasmid", "happ", "unpack", "--fo"]) == ["--force"])
        #expect(try Self.offers(["plasmid", "db", ""])?.contains("backup") == true)
        #expect(try Self.offers(["plasmid", "admin", "stats", "--wa"]) == ["--watch"])
        #expect(try Self.offers(["plasmid", "completions", "z"])?.contains("zsh") == true)
    }

    @Test("only what is offered as a file is completed as one: a command is not taken for a folder of its name")
    func plainWords() throws {
        guard let commands = try Self.offers(["plasmid", "dn"], marks: true) else { return }
        #expect(commands.isEmpty)
        #expect(try Self.offers(["plasmid", "schema", "dn"], marks: true) == [])
        #expect(try Self.offers(["plasmid", "schema", "dn"]) == ["dna"])
        #expect(try Self.offers(["plasmid", "dna", "hash", "d"], marks: true) == ["-o filenames"])
        #expect(try Self.offers(["plasmid", "run", "--data", "d"], marks: true) == ["-o filenames"])
    }

    @Test("the manual page has every command, and groff takes it without a warning")
    func manual() throws {
        let page = try Man.page()
        for command in [
            "plasmid run", "plasmid dna pack", "plasmid happ unpack", "plasmid db backup",
            "plasmid admin restore\\-chain", "plasmid admin config set",
        ] {
            #expect(page.contains(".SS \"\(command)\""), "\(command)")
        }
        #expect(!page.split(separator: "\n").contains { $0.hasPrefix(".") && !$0.contains(/^\.(TH|SH|SS|TP|PP|B)\b/) })
        guard let (text, warnings, status) = try Self.run("groff", ["-man", "-Tutf8", "-ww", "-z"], input: page) else {
            return
        }
        #expect(status == 0 && warnings.isEmpty && text.isEmpty, "\(warnings)")
    }
}
