import Integrity
import Logging
import Synchronization
import Testing

@testable import plasmid

@Suite("Log lines as JSON")
struct JSONLogTests {
    @Test("a line is one JSON object with time, level, message and metadata; nothing in it breaks the line")
    func line() throws {
        let text = JSONLog.line(
            .warning, "a \"module\"\nended\u{1}",
            [
                "cell": "ada/notes", "time": "mine", "list": .array(["1", "2"]),
                "map": .dictionary(["b": "2", "a": "1"]),
            ],
            seconds: 1_700_000_000, nanoseconds: 5_000)
        #expect(!text.contains("\n"))
        let value = try JSONLines.value(text)
        #expect(value["time"]?.text == "2023-11-14T22:13:20.000005Z" && value["level"]?.text == "warning")
        #expect(value["message"]?.text == "a \"module\"\nended\u{1}")
        #expect(value["cell"]?.text == "ada/notes" && value["_time"]?.text == "mine")
        #expect(value["list"] == .array(["1", "2"]) && value["map"]?["a"]?.text == "1")
        #expect(text.hasPrefix(#"{"time":"#))
    }

    @Test("the handler keeps to its level, and joins its own metadata with the line's")
    func handler() throws {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in JSONLog { line in lines.withLock { $0.append(line) } } }
        logger.logLevel = .notice
        logger[metadataKey: "cell"] = "a/b"
        logger.info("not this")
        logger.error("this", metadata: ["code": "diskFull"])
        let written = lines.withLock { $0 }
        #expect(written.count == 1)
        let value = try JSONLines.value(try #require(written.first))
        #expect(value["cell"]?.text == "a/b" && value["code"]?.text == "diskFull" && value["level"]?.text == "error")
    }

    @Test("a line of text stays one line, whatever a module printed")
    func textLines() {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in TextLog(JSONLog { line in lines.withLock { $0.append(line) } }) }
        logger[metadataKey: "cell"] = "a\u{1B}[2J"
        logger.error("one\ntwo", metadata: ["cause": "x\n2026 error plasmid: all is lost", "list": .array(["\r"])])
        let written = lines.withLock { $0.joined() }
        #expect(!written.contains("\n") && !written.contains("\\u") && !written.contains("\\r"), "\(written)")
        // JSON writes the stroke twice: the line break is the two characters of its escape, and no line break.
        #expect(
            written.contains(#"one\\ntwo"#) && written.contains(#"x\\n2026 error plasmid: all is lost"#), "\(written)")
    }
}
