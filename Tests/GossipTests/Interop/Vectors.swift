import Foundation
import Integrity
import Sodium
import Testing

/// A line of Tests/Interop/Vectors, whose form stands in Tests/Interop/vectors.py.
struct Vector: CustomTestStringConvertible, Sendable {
    let kind: String
    private let values: [String: String]

    static let interop = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Interop")

    /// All lines of a file.
    static func file(_ name: String) throws -> [Vector] {
        let path = interop.appendingPathComponent("Vectors/\(name).txt")
        return try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: " ")
            let pairs = parts.dropFirst().map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            return Vector(
                kind: try #require(parts.first.map(String.init)),
                values: Dictionary(uniqueKeysWithValues: try pairs.map { (try #require($0.first), $0.last ?? "") }))
        }
    }

    static func file(_ name: String, _ kind: String) throws -> [Vector] {
        let found = try file(name).filter { $0.kind == kind }
        try #require(!found.isEmpty)
        return found
    }

    var testDescription: String { "\(kind) \(values["why"] ?? "")" }
    var why: String { values["why"] ?? kind }
    /// Whether the page says that this is taken.
    var isFine: Bool { values["verdict"] == "yes" }

    func has(_ name: String) -> Bool { values[name] != nil }
    func word(_ name: String) throws -> String { try #require(values[name], "\(self) has no \(name)") }
    func number<N: FixedWidthInteger>(_ name: String) throws -> N { try #require(N(try word(name))) }
    func bytes32(_ name: String) throws -> Bytes32 {
        let found: Bytes32? = Bytes32(try bytes(name))
        return try #require(found)
    }

    func dna() throws -> DnaHash { try bytes("dna").withUnsafeBytes { try DnaHash(bytes39: $0) } }

    func bytes(_ name: String) throws -> [UInt8] {
        let text = try word(name)
        try #require(text.hasPrefix(":"))
        var all: [UInt8] = []
        for part in text.dropFirst().split(separator: "+") {
            let fields = part.split(separator: "*")
            var raw = Self.unhex(fields[0].utf8)
            let count = fields.count > 1 ? try #require(Int(fields[1])) : 1
            let step = fields.count > 2 ? try #require(Int(fields[2])) : 0
            guard step > 0 || raw.count > 1 else {
                all.append(contentsOf: [UInt8](repeating: raw[0], count: count))
                continue
            }
            for _ in 0..<count {
                all.append(contentsOf: raw)
                var carry = step
                for index in raw.indices.reversed() where carry > 0 {
                    carry += Int(raw[index])
                    raw[index] = UInt8(carry & 255)
                    carry >>= 8
                }
            }
        }
        return all
    }

    static func unhex(_ digits: some Collection<UInt8>) -> [UInt8] {
        let values = digits.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: values.count - 1, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
