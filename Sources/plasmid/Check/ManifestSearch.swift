import Foundation
import Integrity
import Manifests

/// The files that the paths of a command line mean.
enum ManifestSearch {
    /// One file to check.
    struct Input: Equatable {
        /// The path as it is told; `<stdin>` for standard input.
        var path: String
        /// What came by standard input.
        var text: String?
        /// Why nothing that could be read came by standard input.
        var faults: [Diagnostic] = []
    }

    /// Folders with more things than this are not searched to their end.
    static let maxEntries = 100_000
    static let stdinName = "<stdin>"

    /// Every file: a file itself, a folder's manifests of that kind at any depth, `-` for standard input.
    /// - Throws: a failure of usage for a folder without any.
    static func inputs(_ paths: [String], _ kind: ManifestKind) throws -> [Input] {
        var found: [Input] = []
        for path in paths {
            if path == "-" {
                let (text, faults) = standardInput()
                found.append(Input(path: stdinName, text: text, faults: faults))
                continue
            }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
                found.append(Input(path: path))
                continue
            }
            found += try files(in: path, kind).map { Input(path: $0) }
        }
        var seen: Set<String> = []
        return found.filter { seen.insert($0.path).inserted }
    }

    private static func standardInput() -> (text: String?, diagnostics: [Diagnostic]) {
        ManifestReader.text(of: [UInt8](FileHandle.standardInput.readData(ofLength: 1 << 20)), path: stdinName)
    }

    private static func files(in folder: String, _ kind: ManifestKind) throws -> [String] {
        guard access(folder, R_OK | X_OK) == 0 else {
            throw Failure(
                PlasmidError(.manifestUnreadable, "the folder \(folder) cannot be read", hint: "check its mode"))
        }
        var all: [(path: String, kind: ManifestKind)] = []
        var count = 0
        walk(folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder, &count) { path in
            if let kind = kindOf(path) { all.append((path, kind)) }
        }
        if count >= maxEntries {
            Output.note("note: \(folder) holds more than \(maxEntries) things; the rest was not searched")
        }
        let fitting = all.filter { $0.kind == kind }.map(\.path).sorted()
        guard fitting.isEmpty else { return fitting }
        let other = all.first { $0.kind != kind && $0.kind != .conductor }
        throw Failure.usage(
            "\(folder) is a folder with no \(kind == .dna ? "DNA" : "hApp") file in it or below",
            hint: other.map { "\($0.path) is \($0.kind.title): use \($0.kind.command)" }
                ?? "name the file: ….\(kind.rawValue).yaml or \(kind.rawValue).yaml")
    }

    /// Every file below a folder, but not what is hidden, linked or installed by others.
    private static func walk(_ folder: String, _ count: inout Int, _ visit: (String) -> Void) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names.sorted() where !name.hasPrefix(".") && name != "node_modules" {
            count += 1
            guard count < maxEntries else { return }
            let path = folder == "/" ? "/" + name : folder + "/" + name
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                walk(path, &count, visit)
            } else if status.st_mode & S_IFMT == S_IFREG {
                visit(path)
            }
        }
    }

    /// What a file of a folder is: by its name where that says so, else by its content.
    static func kindOf(_ path: String) -> ManifestKind? {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        for kind in [ManifestKind.dna, .happ] {
            if name == "\(kind.rawValue).yaml" || name.hasSuffix(".\(kind.rawValue).yaml") { return kind }
        }
        guard name.hasSuffix(".yaml") || name.hasSuffix(".yml"), let file = FileHandle(forReadingAtPath: path) else {
            return nil
        }
        let head = file.readData(ofLength: 256 << 10)
        return ManifestKind.guess(String(decoding: head, as: UTF8.self))
    }
}
