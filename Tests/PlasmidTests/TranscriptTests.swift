import Foundation
import Testing

/// Sessions at the command line, word by word: Transcripts/*.txt against the built program and a real conductor.
///
/// `PLASMID_TRANSCRIPTS=record` writes the files anew as they were seen; read the difference before it is kept.
@Suite("transcripts")
struct TranscriptTests {
    private static let folder =
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().path + "/Transcripts"

    /// The root of the package. Symbolic links are followed, since a digest of sources refuses them.
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The program lies beside the test bundle.
    private static let program =
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path + "/plasmid"

    private static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()
    }()

    @Test("there are transcripts")
    func some() {
        #expect(Self.names.count >= 8)
    }

    @Test("a session shows what its transcript says", arguments: names)
    func play(_ name: String) async throws {
        let file = "\(Self.folder)/\(name).txt"
        let scenario = try Scenario(name: name, text: try String(contentsOfFile: file, encoding: .utf8))
        let result = await Self.played(scenario)
        let (seen, faults) = try result.get()
        if ProcessInfo.processInfo.environment["PLASMID_TRANSCRIPTS"] == "record" {
            try Data(seen.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: file))
        }
        #expect(faults.isEmpty, "\(name) was seen otherwise:\n\(faults.joined(separator: "\n\n"))")
    }

    /// On a thread of its own: a player waits for processes.
    private static func played(_ scenario: Scenario) async -> Result<(seen: [String], faults: [String]), any Error> {
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                done.resume(
                    returning: Result {
                        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
                        let folder = "\(temporary)/plasmid-\(UUID().uuidString)"
                        defer { try? FileManager.default.removeItem(atPath: folder) }
                        let player = ScenarioPlayer(scenario, folder: folder, root: root, program: program)
                        try player.play()
                        return (player.seen, player.faults)
                    })
            }
        }
    }

    @Test("words of a command line are told apart as a shell does")
    func words() throws {
        let words = try Scenario.words(#"plasmid call a/b z f '{"a": "$X"}' --capability $X "" "c d""#, ["X": "1"])
        #expect(words == ["plasmid", "call", "a/b", "z", "f", #"{"a": "$X"}"#, "--capability", "1", "", "c d"])
        #expect(throws: ScenarioFault.self) { try Scenario.words("plasmid $Y", [:]) }
    }

    @Test("a gap stands for any number of lines, and nothing else is left out")
    func gaps() {
        #expect(Scenario.fits(["a", "b", "c"], ["a", nil]) && Scenario.fits(["a"], ["a", nil]))
        #expect(Scenario.fits(["a", "b", "c"], [nil, "c"]) && Scenario.fits([], []))
        #expect(!Scenario.fits(["a", "b"], ["a"]) && !Scenario.fits(["a"], ["a", "b"]))
        #expect(!Scenario.fits(["a", "b", "c"], ["a", nil, "b"]))
    }

    @Test("a mask hides what differs from run to run, and nothing else")
    func masks() {
        let mask = ScenarioMask(folders: [("/somewhere/x", "HERE")])
        #expect(
            mask.lines("ready: admin port 4711, app port 4712, data in /somewhere/x/data\n")
                == ["ready: admin port <port>, app port <port>, data in HERE/data"])
        #expect(mask.lines("uhCAk53guJm…eHpk  a") == ["<agent>  a"])
        #expect(mask.lines("at 2026-11-21T12:14:42.878Z 1795263283230291 12\n\nb") == ["at <time> <µs> 12", "", "b"])
    }
}
