import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("tables, hashes, times")
struct OutputTests {
    @Test("what is drawn over and over stays within the screen")
    func fitting() {
        #expect(Output.fitting("one\ntwo", columns: 10, rows: 5) == "one\ntwo")
        #expect(Output.fitting("abcdefgh\nx", columns: 5, rows: 5) == "abcd…\nx")
        let long = (1...30).map(String.init).joined(separator: "\n")
        let lines = Output.fitting(long, columns: 80, rows: 10).split(separator: "\n")
        #expect(lines.count == 9 && lines[7] == "8" && lines[8].hasPrefix("… 22 more lines"))
        #expect(Output.fitting(long, columns: 0, rows: 0).split(separator: "\n").count == 2)
    }

    @Test("a conductor raises the bound of open files as far as it may")
    func openFiles() {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var before = rlimit()
        #expect(getrlimit(files, &before) == 0)
        var low = before
        low.rlim_cur = min(before.rlim_cur, 900)
        #expect(setrlimit(files, &low) == 0)
        OpenFiles.raise()
        var after = rlimit()
        #expect(getrlimit(files, &after) == 0)
        #expect(after.rlim_cur == min(after.rlim_max, OpenFiles.wanted))
        #expect(after.rlim_max == before.rlim_max)
        #expect(OpenFiles.connections(bound: 20_000, most: 1_024) == 1_024)
        #expect(OpenFiles.connections(bound: 1_024, most: 1_024) == 416)
        #expect(OpenFiles.connections(bound: 0, most: 1_024) == 16)
    }

    @Test("columns are as wide as their widest cell, and no line ends in spaces")
    func table() {
        let table = Table(
            headings: ["NO", "NAME", "NOTE"], rows: [["7", "ada", ""], ["12", "grace hopper", "x"]],
            alignments: [.right])
        #expect(table.text == "NO  NAME          NOTE\n 7  ada\n12  grace hopper  x")
    }

    @Test("hashes are shortened, other texts are not")
    func hashes() {
        let hash = "uhCAkWCNoRbGr2iVMeGXSQ0KzPXLzHuWVJbDqkB0VqkFxxgz4ukxe"
        #expect(Words.isHash(hash))
        #expect(Words.short(hash: hash) == "uhCAkWCNoRb…ukxe")
        #expect(!Words.isHash("uh" + String(repeating: "ä", count: 51)))
        #expect(!Words.isHash("uhCAk"))
    }

    @Test(
        "times are UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_258_573_250_999, "2026-11-21T10:56:13.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ])
    func times(microseconds: Int64, text: String) {
        #expect(Words.time(microseconds: microseconds) == text)
    }

    @Test("what came from elsewhere cannot steer the terminal")
    func harmless() {
        #expect(Words.harmless("a\u{1B}[2Jb\nc\u{202E}d") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d")
        #expect(Words.harmless("a\nb\u{7}", keepingLines: true) == "a\nb\u{FFFD}")
        #expect(Words.oneLine("a\nb\tc\r\u{7}") == #"a\nb c\#u{FFFD}\#u{FFFD}"#)
    }

    @Test("a listing shows the columns that some row has")
    func listing() throws {
        let listing = Listing(">NO:seq", "HASH:hash", "MISSING:missing", "WHEN:timestamp", empty: "nothing")
        let rows = try JSONLines.value(
            #"[{"seq":3,"hash":"uhCAkWCNoRbGr2iVMeGXSQ0KzPXLzHuWVJbDqkB0VqkFxxgz4ukxe","timestamp":0},{"seq":12}]"#)
        #expect(
            listing.text(rows, full: false)
                == "NO  HASH              WHEN\n 3  uhCAkWCNoRb…ukxe  1970-01-01T00:00:00.000Z\n12  -                 -"
        )
        #expect(listing.text(rows, full: true).contains("uhCAkWCNoRbGr2iVMeGXSQ0KzPXLzHuWVJbDqkB0VqkFxxgz4ukxe"))
        #expect(listing.text(.array([]), full: false) == "nothing")
    }

    @Test("lists and maps inside a cell stay on one line")
    func cells() throws {
        let functions = try JSONLines.value(#"[{"zome":"a","function":"b"},"all\nof"]"#)
        #expect(
            Listing.cell(functions, key: "functions", full: false)
                == "{\"zome\":\"a\",\"function\":\"b\"}, all\u{FFFD}of")
        #expect(Listing.cell(.bool(true), key: "test_agent", full: false) == "yes")
        #expect(Listing.cell(.array([]), key: "assignees", full: false) == "-")
    }

    @Test("JSON keeps its order, and is indented for people")
    func json() throws {
        let value = try JSONLines.value(#"{"b":[1,{"c":"x, y: {z}\""}],"a":{},"d":[]}"#)
        #expect(try JSONLines.text(value, indented: false) == #"{"b":[1,{"c":"x, y: {z}\""}],"a":{},"d":[]}"#)
        #expect(
            try JSONLines.text(value, indented: true) == """
                {
                  "b": [
                    1,
                    {
                      "c": "x, y: {z}\\""
                    }
                  ],
                  "a": {},
                  "d": []
                }
                """)
    }

    @Test("maps leave out what is null")
    func object() {
        let map = MessagePackValue.object(["a": .int(1), "b": .null, "c": .optional(nil), "d": .optional("x")])
        #expect(map["a"]?.number == 1 && map["b"] == nil && map["c"] == nil && map["d"]?.text == "x")
    }
}

@Suite("progress bars")
struct ProgressBarTests {
    /// What a bar writes, on a clock that the test turns.
    private final class Screen {
        var time = 0.0
        var written: [String] = []

        func bar(isTerminal: Bool = true) -> ProgressBar {
            ProgressBar(
                "replay", total: 200, isTerminal: isTerminal, columns: 80, now: { self.time },
                write: { self.written.append($0) })
        }
    }

    @Test("a line has bar, share, counts, rate and what is left")
    func line() {
        let line = ProgressBar.line("replay", 10_000, of: 20_000, seconds: 4, columns: 100)
        #expect(line == "replay [####################--------------------] 50 %  10,000/20,000  2,500/s  4 s left")
        #expect(ProgressBar.line("checking", 9_000, of: 0, seconds: 2, columns: 80) == "checking  9,000  4,500/s")
        #expect(ProgressBar.line("replay", 1, of: 20_000, seconds: 4, columns: 30).count <= 30)
    }

    @Test("nothing is drawn in the first second, ten times a second after it, and nothing stays")
    func pace() {
        let screen = Screen()
        let bar = screen.bar()
        // Sixteenths of a second, which a Double holds exactly.
        for step in 1...32 {
            screen.time = Double(step) / 16
            bar.update(step)
        }
        #expect(screen.written.count == 9)
        bar.finish()
        #expect(screen.written.last == "\r\u{1B}[K")
    }

    @Test("what is quick leaves no trace, and a log file none at all")
    func quiet() {
        let screen = Screen()
        screen.bar().finish()
        let bar = screen.bar(isTerminal: false)
        screen.time = 5
        bar.update(10)
        bar.finish()
        #expect(screen.written.isEmpty)
    }

    @Test("numbers are grouped by thousands")
    func grouped() {
        #expect(
            [0, 999, 1_000, 1_234_567, -1_000].map(ProgressBar.grouped) == ["0", "999", "1,000", "1,234,567", "-1,000"])
    }
}
