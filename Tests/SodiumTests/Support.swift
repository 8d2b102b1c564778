import Foundation
import Sodium
import Testing

/// Published vectors beside the repository, or where `PLASMID_SHARED` says.
enum Shared {
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["PLASMID_SHARED"] { return path }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared").path
    }()

    static var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/vectors/argon2id.json") }

    static func list(_ name: String, _ key: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/vectors/\(name).json"))
        let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(file[key] as? [[String: Any]])
    }
}

func hex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func secret(_ bytes: [UInt8]) -> SecretBytes {
    var copy = bytes
    return SecretBytes(moving: &copy)
}

/// A copy of a secret's bytes, to look at.
func shown(_ secret: borrowing SecretBytes) -> [UInt8] { secret.withUnsafeBytes { [UInt8]($0) } }
