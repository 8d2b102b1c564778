import Foundation
import Testing

/// A program that runs, its standard output read line by line. Blocks the thread that asks: tests give it one of its own.
final class Spoken {
    private let process = Process()
    private let output = Pipe()
    private var rest = ""
    private(set) var lines: [String] = []

    /// The program lies beside the test bundle.
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .path
    static let plasmid = products + "/plasmid"

    /// The root of the package. Symbolic links are followed, since a digest of sources refuses them.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Starts it. One that never ends is killed, so that it costs its own test and not the whole run.
    init(_ words: [String], in folder: String, environment: [String: String] = [:], seconds: Double = 120) throws {
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        (process.standardOutput, process.standardError) = (output, output)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let process = process
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }

    /// Reads until a line holds the words; nil where the output ends before.
    func hear(_ words: String) -> String? {
        while let line = next() {
            if line.contains(words) { return line }
        }
        return nil
    }

    /// Reads to the end and gives the exit status.
    func end() -> Int32 {
        while next() != nil {}
        process.waitUntilExit()
        return process.terminationStatus
    }

    func stop(_ signal: Int32 = SIGINT) -> Int32 {
        kill(process.processIdentifier, signal)
        return end()
    }

    private func next() -> String? {
        while !rest.contains("\n") {
            let bytes = output.fileHandleForReading.availableData
            if bytes.isEmpty {
                guard !rest.isEmpty else { return nil }
                rest += "\n"
                break
            }
            rest += String(decoding: bytes, as: UTF8.self)
        }
        guard let end = rest.firstIndex(of: "\n") else { return nil }
        let line = String(rest[..<end])
        rest = String(rest[rest.index(after: end)...])
        lines.append(line)
        return line
    }

    var words: String { lines.joined(separator: "\n") }

    /// Runs work that blocks on a thread of its own, with a folder of its own.
    static func alone<Value: Sendable>(_ body: @escaping @Sendable (_ folder: String) throws -> Value) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread {
                done.resume(
                    with: Result {
                        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
                        let folder = "\(temporary)/plasmid-\(UUID().uuidString)"
                        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                        defer { try? FileManager.default.removeItem(atPath: folder) }
                        return try body(folder)
                    })
            }
        }
    }
}

func writeFile(_ text: String, to path: String) throws {
    try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
}
