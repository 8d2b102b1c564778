import Foundation
import Integrity
import Manifests

/// A package of zome modules: where its files are, and how it is built.
struct DevPackage {
    /// The folder of its Package.swift.
    let folder: String
    /// Its hApp file.
    let happ: String
    var products: String { folder + "/.build/debug" }

    init(_ path: String) throws {
        folder = URL(fileURLWithPath: DataFolder.absolute(path)).resolvingSymlinksInPath().path
        let files = FileManager.default
        let names = ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        let happs = names.filter { $0 == "happ.yaml" || $0.hasSuffix(".happ.yaml") }
        guard names.contains("Package.swift"), let first = happs.first else {
            throw Failure(
                PlasmidError(
                    .notAPackage, "\(folder) holds no Package.swift with a happ.yaml beside it",
                    hint: "begin one with: plasmid new dna NAME"))
        }
        happ = folder + "/" + first
    }

    /// What became of a build.
    struct Build {
        let succeeded: Bool
        /// What the compiler and the package manager said, without their counting.
        let words: String
        let seconds: Double
    }

    /// Runs `swift build` and waits for it.
    /// - Parameter running: gets the process while it runs, so that it can be ended.
    func build(running: (Process?) -> Void = { _ in }) throws -> Build {
        let started = ProcessInfo.processInfo.systemUptime
        let swift = try command(["build"])
        let output = Pipe()
        (swift.standardOutput, swift.standardError) = (output, output)
        try swift.run()
        running(swift)
        let said = (try? output.fileHandleForReading.readToEnd()) ?? Data()
        swift.waitUntilExit()
        running(nil)
        return Build(
            succeeded: swift.terminationStatus == 0, words: Self.shown(String(decoding: said, as: UTF8.self)),
            seconds: ProcessInfo.processInfo.systemUptime - started)
    }

    /// Runs the package's tests with this program, to its own standard output.
    /// - Returns: the exit status of `swift test`.
    func test() throws -> Int32 {
        let swift = try command(["test"])
        swift.environment = ProcessInfo.processInfo.environment
            .merging(["PLASMID": RunSettings.programFolder() + "/plasmid"]) { $1 }
        try swift.run()
        swift.waitUntilExit()
        return swift.terminationStatus
    }

    private func command(_ words: [String]) throws -> Process {
        let swift = Process()
        swift.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        swift.arguments = ["swift"] + words + ["--package-path", folder]
        swift.standardInput = FileHandle.nullDevice
        return swift
    }

    /// The lines that are no progress: `[12/34] Compiling …`.
    static func shown(_ words: String) -> String {
        words.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            guard line.hasPrefix("["), let end = line.firstIndex(of: "]") else { return true }
            return !line[..<end].dropFirst().allSatisfy { $0.isNumber || $0 == "/" }
        }.joined(separator: "\n")
    }
}
