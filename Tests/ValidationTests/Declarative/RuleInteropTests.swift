import Foundation
import Integrity
import Testing

@testable import Validation

private let pythonPath = ["/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// Tests/Interop/rules.py, made from docs/spec/rules.md alone, judges the same entries.
@Suite("declarative rules against a program in Python")
struct RuleInteropTests {
    private struct Vector {
        let seed: UInt64
        let rules: FieldSet
        let entry: [UInt8]
    }

    /// What the page could be read in two ways on: headers that promise too much, before and behind another fault.
    private static let edges: [Vector] = {
        let rules = FieldSet([FieldRule("l", .list(LengthRange(max: 2), items: .any))], forbidden: ["x"])
        let deep = [0x81, 0xA1, 0x79] + [UInt8](repeating: 0x91, count: 64)
        return [
            [0x82, 0xA1, 0x78, 0x01], [0x81, 0xA1, 0x6C, 0xDC, 0x00, 0x09, 0x01], [0x81, 0xA1, 0x6C, 0x93, 0x01],
            deep, deep + [0x01], deep.dropLast() + [0x92], deep.dropLast(2) + [0x91, 0x01],
        ].map { Vector(seed: 0, rules: rules, entry: $0) }
    }()

    private static let vectors: [Vector] =
        edges
        + (1...5_000 as ClosedRange<UInt64>).map { seed in
            var random = RandomRules(seed: seed &* 7_919)
            let rules = random.fieldSet()
            var entry = random.entry(rules).packed
            if seed % 4 == 0 { entry = random.damaged(entry) }
            return Vector(seed: seed, rules: rules, entry: entry)
        }

    private static func told(_ vector: Vector) -> String {
        guard case .failure(let refusal) = EntryJudge.judge(vector.entry, by: RulePlan(vector.rules), type: "t") else {
            return "fine"
        }
        switch refusal.word {
        case .malformed, .tooDeep: return refusal.word.rawValue
        case .unknownField: return "unknownField"
        default: return "\(refusal.word.rawValue) \(refusal.path.isEmpty ? "-" : refusal.path)"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test("the same word and place for each", .enabled(if: pythonPath != nil, "python3 is absent"))
    func python() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("vectors")
        let lines = Self.vectors.map { "\(Self.hex(EntryRules(fields: $0.rules).packed)) \(Self.hex($0.entry))" }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Interop/rules.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(pythonPath))
        process.arguments = [script.path]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let theirs = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        try #require(theirs.count == Self.vectors.count)
        for (vector, line) in zip(Self.vectors, theirs) {
            let line = line.hasPrefix("unknownField") ? "unknownField" : line
            guard Self.told(vector) == line else {
                Issue.record(
                    "seed \(vector.seed): \(Self.told(vector)), in Python \(line), for \(Self.hex(vector.entry))")
                return
            }
        }
        #expect(theirs.count { $0 == "fine" } > 1_000 && Set(theirs.map { $0.prefix(8) }).count > 10)
    }
}
