import ConductorAPI
import Foundation
import Integrity
import NIOCore
import NIOPosix

/// From a saved source file to the first call that the new code answers, under `plasmid dev`.
enum DevFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        guard case .checkout(let checkout) = try PlasmidSource(nil) else { return [] }
        var template = PackageTemplate(name: try PackageName("bench-app"), folderOfDna: "")
        template.plasmid = checkout
        let folder = place.folder + "/bench-app"
        for file in template.files {
            let target = URL(fileURLWithPath: folder + "/" + file.path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.text.utf8).write(to: target)
        }
        let dev = try DevProcess(folder)
        defer { dev.stop() }
        _ = try dev.hear("watching")
        return [try reload(place, folder, dev)]
    }

    /// `greet` would need another agent: `notes` answers a word instead, another one in each round.
    private static func reload(_ place: BenchPlace, _ folder: String, _ dev: DevProcess) throws -> Figure {
        let source = folder + "/Sources/BenchApp/BenchApp.swift"
        let original = try String(contentsOfFile: source, encoding: .utf8)
        let data = try DataFolder(option: folder + "/.plasmid-dev")
        let address = RPCAddress(port: try data.readPorts().admin, token: try data.readAdminToken())
        var (times, builds) = (Samples(), Samples())
        for round in 0..<place.rounds {
            let word = "round \(round)"
            let changed = original.replacingOccurrences(
                of: #"Function("notes") {"#,
                with: "Function(\"notes\") { (host: Host) in \"\(word)\" }\n    Function(\"earlier_notes\") {")
            let saved = monotonicSeconds()
            try Data(changed.utf8).write(to: URL(fileURLWithPath: source))
            try MultiThreadedEventLoopGroup.singleton.next().makeFutureWithTask {
                let client = AppClient(
                    socket: try await RPCSocket.open(address, on: MultiThreadedEventLoopGroup.singleton))
                while try await client.call("bench_app/main", "bench_app", "notes") != .string(word) {}
                await client.socket.close()
            }.wait()
            let all = monotonicSeconds() - saved
            let build = try dev.buildSeconds()
            times.add(max(0, all - build))
            builds.add(build)
        }
        return Figure(
            name: "dev.reload", unit: "ms", value: times.median * 1e3, p50: times.median * 1e3,
            p99: times.quantile(0.99) * 1e3, floor: builds.median * 1e3,
            floorName: "the incremental build, by swift build; taken off the value", budget: .atMost(1_000))
    }
}

/// `plasmid dev` as a process of its own, and what it says.
private final class DevProcess {
    private let process = Process()
    private let output = Pipe()
    private var rest = ""

    init(_ folder: String) throws {
        process.executableURL = URL(fileURLWithPath: RunSettings.programFolder() + "/plasmid")
        process.arguments = ["dev", folder, "--port", "0"]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    func hear(_ words: String) throws -> String {
        while true {
            while let end = rest.firstIndex(of: "\n") {
                let line = String(rest[..<end])
                rest = String(rest[rest.index(after: end)...])
                if line.contains(words) { return line }
            }
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else {
                throw Failure(PlasmidError(.startFailed, "plasmid dev ended", hint: "it said: \(rest)"))
            }
            rest += String(decoding: bytes, as: UTF8.self)
        }
    }

    /// What the build of the change that was taken up last took.
    func buildSeconds() throws -> Double {
        let words = try hear("of them the build").split(separator: " ")
        guard let index = words.firstIndex(of: "of"), let seconds = Double(words[words.index(index, offsetBy: -2)])
        else { throw Failure(PlasmidError(.internal, "plasmid dev did not tell the time of its build")) }
        return seconds
    }
}
