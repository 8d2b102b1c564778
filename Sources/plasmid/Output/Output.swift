import ArgumentParser
import Foundation
import Integrity

/// How a command tells its result: tables and sentences for people, JSON for programs.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text.")
    var json = false
}

/// Like ``OutputOptions``, for commands that list hashes.
struct ListingOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text; hashes are whole.")
    var json = false

    @Flag(name: .long, help: "Print hashes whole instead of shortened.")
    var full = false
}

/// The one place that writes to standard output.
enum Output {
    static func line(_ text: String) {
        // Whoever closed the pipe (`| head`) has read enough.
        let bytes = Array((text + "\n").utf8)
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress! + done, $0.count - done) }
            if put < 0, errno == EINTR { continue }
            if put < 0, errno == EPIPE { exit(0) }
            guard put > 0 else {
                let (words, why) = ("the result cannot be written", String(cString: strerror(errno)))
                let fault = PlasmidError("outputFailed", words, hint: "is the disk full?", cause: why)
                exit(Failure.tell(Failure(fault)))
            }
            done += put
        }
    }

    /// A line for people on standard error, so that standard output holds results only.
    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// What the terminal has room for, in characters; 80 by 24 where it does not say.
    static var terminalSize: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// As much of a text as a screen shows without moving it: what is drawn over and over has to stay in its place.
    static func fitting(_ text: String, columns: Int, rows: Int) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.count > columns ? line.prefix(max(0, columns - 1)) + "…" : String(line)
        }
        // The last row stays free, for the line break behind the text.
        let room = max(2, rows - 1)
        if lines.count > room {
            let rest = lines.count - room + 1
            lines = lines.prefix(room - 1) + ["… \(rest) more lines; --json has everything"]
        }
        return lines.joined(separator: "\n")
    }

    /// A value as JSON: on one line for programs, indented for people.
    static func json(_ value: MessagePackValue, indented: Bool = false) throws {
        line(try JSONLines.text(value, indented: indented))
    }
}

/// Values as JSON text, in the order they came.
enum JSONLines {
    static func text(_ value: MessagePackValue, indented: Bool) throws -> String {
        let compact = String(decoding: try JSONText.json(fromMessagePack: value.packed), as: UTF8.self)
        return indented ? indent(compact) : compact
    }

    static func value(_ text: String) throws -> MessagePackValue { try value(Array(text.utf8)) }

    static func value(_ bytes: [UInt8]) throws -> MessagePackValue {
        try MessagePackValue(packed: try JSONText.messagePack(fromJSON: bytes))
    }

    /// Compact JSON with line breaks and two spaces for each level; empty maps and lists stay on their line.
    static func indent(_ compact: String) -> String {
        var result = ""
        var depth = 0
        var inText = false
        var escaped = false
        var opened = false
        func newLine() -> String { "\n" + String(repeating: "  ", count: depth) }
        for character in compact.unicodeScalars {
            if inText {
                result.unicodeScalars.append(character)
                if escaped {
                    escaped = false
                } else if character == "\\" {
                    escaped = true
                } else if character == "\"" {
                    inText = false
                }
                continue
            }
            if character == "}" || character == "]" {
                depth -= 1
                if !opened { result += newLine() }
                opened = false
                result.unicodeScalars.append(character)
                continue
            }
            if opened {
                result += newLine()
                opened = false
            }
            switch character {
            case "{", "[":
                result.unicodeScalars.append(character)
                depth += 1
                opened = true
            case ",": result += "," + newLine()
            case ":": result += ": "
            case "\"":
                inText = true
                result += "\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
