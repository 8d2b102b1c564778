import Foundation
import Integrity

/// `plasmid happ check`, as a person or their CI runs it: a whole process, modules asked in their sandbox and all.
enum CheckFigures {
    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let samples = try largest(place)
        var (times, floors) = (Samples(), Samples())
        // The first run of each reads the disk.
        for round in 0...place.count(20, quick: 8) {
            let floor = try run(["--version"])
            let time = try run(["happ", "check", samples])
            guard round > 0 else { continue }
            floors.add(floor)
            times.add(time)
        }
        return [
            Figure(
                name: "check.happ", unit: "ms", value: times.median * 1e3, p50: times.median * 1e3,
                p99: times.quantile(0.99) * 1e3, floor: floors.median * 1e3,
                floorName: "the same program, --version", budget: .atMost(100))
        ]
    }

    /// The hApp whose DNA files have the most bytes.
    private static func largest(_ place: BenchPlace) throws -> String {
        let manager = FileManager.default
        let folders = try manager.contentsOfDirectory(atPath: place.samples).sorted()
        let sizes = folders.map { folder -> (path: String, size: Int) in
            let data = manager.contents(atPath: "\(place.samples)/\(folder)/dna.yaml") ?? Data()
            return ("\(place.samples)/\(folder)/happ.yaml", data.count)
        }
        let found = sizes.filter { manager.fileExists(atPath: $0.path) }.max { $0.size < $1.size }
        guard let found else {
            throw Failure(PlasmidError(.startFailed, "there is no sample hApp in \(place.samples)"))
        }
        return found.path
    }

    /// Seconds from the start of this program with these arguments to its end.
    private static func run(_ arguments: [String]) throws -> Double {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CheckFigures.program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let start = monotonicSeconds()
        try process.run()
        // Its output ends with it; Foundation hears of the end of a process some 50 ms late.
        _ = output.fileHandleForReading.readDataToEndOfFile()
        let seconds = monotonicSeconds() - start
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let words = "plasmid \(arguments.joined(separator: " ")) ended with \(process.terminationStatus)"
            throw Failure(PlasmidError(.startFailed, words, hint: "run it by hand to see why"))
        }
        return seconds
    }

    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
