import Foundation

/// Programs of the system that a test runs and waits for.
enum Shell {
    /// What a program said that did not succeed.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// Where programs are; those for networks lie where only root looks.
    private static let folders =
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]

    /// The whole path of a program, if it is there.
    static func path(of program: String) -> String? {
        folders.lazy.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// What a program wrote.
    /// - Throws: `Failed` with its words where it is not there or does not end with 0.
    @discardableResult
    static func run(_ words: [String]) throws -> String {
        guard let program = words.first.flatMap({ path(of: $0) }) else {
            throw Failed(description: "\(words.first ?? "nothing") is not there")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = Array(words.dropFirst())
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failed(description: "\(words.joined(separator: " ")): \(said)")
        }
        return said
    }

    /// The same with the words of one text.
    @discardableResult
    static func run(_ words: String) throws -> String { try run(words.split(separator: " ").map(String.init)) }
}

/// A line of the test's report: what was measured and is asserted nowhere.
func report(_ line: String) { FileHandle.standardError.write(Data("network: \(line)\n".utf8)) }
