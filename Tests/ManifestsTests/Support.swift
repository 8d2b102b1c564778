import Foundation
import Integrity
import Testing

@testable import Manifests

/// A copy of this folder's sample files that a test may change; it goes away with the test. It lies outside the package, so
/// that `sources` starts at the manifest's own folder.
final class Samples: Sendable {
    /// The copy.
    let path: String

    static func original(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
    }

    init(_ name: String) throws {
        let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
        path = temporary.appendingPathComponent("manifests-\(UUID().uuidString)").path
        try FileManager.default.copyItem(atPath: Self.original(name), toPath: path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func text(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    /// Writes a file, making its folder if need be.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let folder = URL(fileURLWithPath: file(name)).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
        return file(name)
    }

    /// Checks a DNA or, by its ending, a hApp or a configuration, without built modules.
    func diagnostics(_ name: String) -> [Diagnostic] {
        if name.hasSuffix(".conductor.yaml") {
            return ConductorFile.read(text: (try? text(name)) ?? "", file: file(name)).diagnostics
        }
        return name.hasSuffix(".happ.yaml")
            ? ManifestCheck.happ(at: file(name)).diagnostics : ManifestCheck.dna(at: file(name)).diagnostics
    }

    /// The listing of a file's faults with the folder left out of every path.
    func listing(_ name: String) -> String {
        diagnostics(name).text.replacingOccurrences(of: path + "/", with: "").replacingOccurrences(of: path, with: ".")
    }
}

/// What a DNA manifest with this text of `integrity` and `coordinator` has to say.
func codes(_ text: String) throws -> [DiagnosticCode] {
    let samples = try Samples("Good")
    return ManifestReader.dna(at: try samples.write("test.yaml", text)).diagnostics.map(\.code)
}

let heading = "manifest_version: \"1\"\nname: x\n"
let oneZome = "coordinator: { zomes: [ { name: z, module: Z } ] }\n"
