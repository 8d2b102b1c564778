import Foundation
import Sodium
import Testing

@testable import Transport

/// Published vectors beside the repository, or where `PLASMID_SHARED` says.
enum Shared {
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["PLASMID_SHARED"] { return path }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared").path
    }()

    static var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/vectors/noise-xx.json") }

    static func list(_ name: String, _ key: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/vectors/\(name).json"))
        let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(file[key] as? [[String: Any]])
    }
}

func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 > 32 }.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func secret(_ bytes: some Collection<UInt8>) -> SecretBytes {
    var copy = [UInt8](bytes)
    return SecretBytes(moving: &copy)
}

/// The signing key of a seed.
func key(seed: some Collection<UInt8>) throws -> SecretKey {
    guard let key = SecretKey(seed: secret(seed)) else { throw NoKey() }
    return key
}

struct NoKey: Error {}

/// Numbers that a seed fixes, for tests that print theirs (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// `bytes` with something done to them: bits, bytes, pieces cut, doubled or put in.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0...3, using: &self) {
            let place = Int.random(in: 0...bytes.count, using: &self)
            let other = Int.random(in: 0...bytes.count, using: &self)
            let range = min(place, other)..<max(place, other)
            switch Int.random(in: 0..<6, using: &self) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1 where place < bytes.count: bytes[place] = .random(in: .min ... .max, using: &self)
            case 2: bytes.removeSubrange(range)
            case 3: bytes.insert(contentsOf: self.bytes(Int.random(in: 1...8, using: &self)), at: place)
            case 4 where bytes.count < 10_000: bytes.insert(contentsOf: bytes[range], at: place)
            default: bytes = Array(bytes.prefix(place))
            }
        }
        return bytes
    }
}
