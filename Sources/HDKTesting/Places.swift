import Foundation
import Integrity

/// Where a test finds what it needs.
enum Places {
    /// The folder of the running test bundle, where the build puts the package's modules too.
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    /// The `happ.yaml` in the nearest folder above a source file.
    static func happ(above file: String) throws -> String {
        var folder = URL(fileURLWithPath: file).deletingLastPathComponent()
        while folder.path != "/" {
            let found = folder.appendingPathComponent("happ.yaml").path
            if FileManager.default.fileExists(atPath: found) { return found }
            folder.deleteLastPathComponent()
        }
        throw Refusal(code: "manifestUnreadable", message: "no folder above \(file) holds a happ.yaml; name one")
    }

    /// The `plasmid` program.
    static func program(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
        if let named = environment["PLASMID"], !named.isEmpty {
            guard FileManager.default.isExecutableFile(atPath: named) else {
                throw Refusal(
                    code: "programNotFound", message: "the variable PLASMID names \(named), which is no program")
            }
            return named
        }
        for folder in (environment["PATH"] ?? "").split(separator: ":") {
            let path = "\(folder)/plasmid"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Refusal(
            code: "programNotFound",
            message: "there is no plasmid on the PATH; put the folder of the built program there, or name it in PLASMID"
        )
    }
}

/// A folder below the system's temporary one, for its owner only.
struct ThrowawayFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/plasmid-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

extension MessagePackValue {
    /// The text, if it is one.
    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The whole number, if it is one.
    public var number: Int64? {
        switch self {
        case .int(let number): number
        case .uint(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// The elements of a list; none for anything else.
    public var items: [MessagePackValue] {
        if case .array(let items) = self { return items }
        return []
    }
}
