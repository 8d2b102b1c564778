import Foundation
import Testing

/// Pages of instructions, followed word by word in a shell: what stands in `sh` blocks is typed, what stands in a `text` block
/// behind is what has to be shown. `…` stands for anything, a line of `…` alone for any lines. A `console` block is the second
/// terminal: a conductor that is there until the end.
@Suite("pages of instructions")
struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The programs lie beside the test bundle.
    private static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    private struct Block {
        let kind: String
        let lines: [String]
        let number: Int
    }

    private static func blocks(_ page: String) -> [Block] {
        var blocks: [Block] = []
        var open: (kind: String, lines: [String])?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("```") {
                if let (kind, lines) = open {
                    blocks.append(Block(kind: kind, lines: lines, number: blocks.count))
                    open = nil
                } else {
                    open = (String(line.dropFirst(3)), [])
                }
            } else {
                open?.lines.append(line)
            }
        }
        return blocks
    }

    /// The page as one script: a reader's terminal keeps its folder and variables, so one shell does everything.
    private static func script(_ blocks: [Block]) -> String {
        var text = "set -u\nconductor=\ntrap '[ -z \"$conductor\" ] || kill \"$conductor\"' EXIT\n"
        for block in blocks {
            switch block.kind {
            case "sh":
                text += "printf '\\n::: %d\\n' \(block.number)\n{\n\(block.lines.joined(separator: "\n"))\n} 2>&1\n"
                text += "printf '\\n::: status %d\\n' $?\n"
            case "console":
                // Nobody types a passphrase here, and free ports keep out of the way of others.
                let command = block.lines.joined(separator: " ") + " --port 0 --passphrase credential:right"
                text += """
                    plasmid keys init --cost moderate --passphrase credential:right >/dev/null
                    exec 7< <(exec \(command) 2>"$TMPDIR/conductor.log")
                    conductor=$!
                    while read -r -u 7 line; do case "$line" in ready:*) break ;; esac; done

                    """
            default: continue
            }
        }
        return text
    }

    /// Runs the script on a thread of its own and gives what it printed.
    private static func run(_ script: String, in folder: String) async throws -> String {
        try FileManager.default.createDirectory(atPath: folder + "/credentials", withIntermediateDirectories: true)
        try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: folder + "/credentials/right"))
        let file = folder + "/page.sh"
        try Data(script.utf8).write(to: URL(fileURLWithPath: file))
        return try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread {
                done.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = URL(fileURLWithPath: "/bin/bash")
                        process.arguments = [file]
                        process.currentDirectoryURL = URL(fileURLWithPath: root)
                        process.environment = [
                            "PATH": "/usr/bin:/bin:\(products)", "HOME": folder, "TMPDIR": folder, "LC_ALL": "C.UTF-8",
                            "CREDENTIALS_DIRECTORY": folder + "/credentials",
                        ]
                        let output = Pipe()
                        process.standardOutput = output
                        process.standardInput = FileHandle.nullDevice
                        try process.run()
                        let seen = try output.fileHandleForReading.readToEnd() ?? Data()
                        process.waitUntilExit()
                        return String(decoding: seen, as: UTF8.self)
                    })
            }
        }
    }

    /// What each block printed, and how its last command ended.
    private static func outcomes(_ seen: String) -> [Int: (lines: [String], status: Int)] {
        var outcomes: [Int: (lines: [String], status: Int)] = [:]
        var current: Int?
        var lines: [String] = []
        for line in seen.split(separator: "\n").map(String.init) {
            if line.hasPrefix("::: status "), let number = current {
                outcomes[number] = (lines, Int(line.dropFirst(11)) ?? -1)
                (current, lines) = (nil, [])
            } else if line.hasPrefix("::: ") {
                current = Int(line.dropFirst(4))
            } else {
                lines.append(line)
            }
        }
        return outcomes
    }

    private static func fits(_ shown: ArraySlice<String>, _ written: ArraySlice<String>) -> Bool {
        guard let first = written.first else { return shown.isEmpty }
        if first == "…" {
            return (shown.startIndex...shown.endIndex).contains { fits(shown[$0...], written.dropFirst()) }
        }
        guard let line = shown.first, fits(line, first) else { return false }
        return fits(shown.dropFirst(), written.dropFirst())
    }

    /// Whether a line is the written one, with anything in the place of each `…`.
    private static func fits(_ line: String, _ written: String) -> Bool {
        let parts = written.components(separatedBy: "…")
        guard line.hasPrefix(parts[0]), line.hasSuffix(parts[parts.count - 1]) else { return false }
        guard parts.count > 1 else { return line == written }
        var rest = line.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() {
            guard let place = rest.range(of: part) else { return false }
            rest = rest[place.upperBound...]
        }
        return rest.count >= parts[parts.count - 1].count
    }

    @Test("the page leads where it says, word by word", arguments: ["dna/notes/README.md", "dna/agreement/README.md"])
    func follow(_ page: String) async throws {
        let text = try String(contentsOfFile: Self.root + "/" + page, encoding: .utf8)
        let blocks = Self.blocks(text)
        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
        let folder = "\(temporary)/plasmid-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outcomes = Self.outcomes(try await Self.run(Self.script(blocks), in: folder))
        var compared = 0
        for block in blocks where block.kind == "sh" {
            let (lines, status) = try #require(outcomes[block.number], "the shell ended before \(block.lines)")
            let next = blocks.indices.contains(block.number + 1) ? blocks[block.number + 1] : nil
            let written = next?.kind == "text" ? next?.lines : nil
            let isRefused = written?.contains { $0.hasPrefix("error[") } == true
            #expect((status != 0) == isRefused, "\(block.lines) ended with \(status): \(lines)")
            guard let written else { continue }
            compared += 1
            #expect(Self.fits(lines[...], written[...]), "\(block.lines) showed\n\(lines.joined(separator: "\n"))")
        }
        #expect(compared >= 4)
    }
}
