import Foundation
import Integrity

/// The files of a validator's target, and the digest that makes them part of the DNA hash.
///
/// The digest is BLAKE2b-256 over MessagePack `[[path, hash]…]` of every file below the folder: `path` is a text
/// relative to the folder with `/` between its parts, `hash` the BLAKE2b-256 of the content as 32 bytes of binary,
/// sorted by the bytes of the path. Names, times, modes and the place of the folder do not enter it.
struct SourceTree {
    /// Most files that a validator's target may have.
    static let maxFiles = 2_000
    /// Largest file, in bytes.
    static let maxFileBytes = 4 * 1024 * 1024
    /// Deepest nesting of folders.
    static let maxDepth = 16

    struct File {
        let path: String
        let bytes: [UInt8]
    }

    /// Every file below the folder, sorted by the bytes of its path.
    private(set) var files: [File] = []

    init() {}

    /// A tree of files that are at hand.
    init(_ files: [(path: String, bytes: [UInt8])]) {
        self.files = files.map { File(path: $0.path, bytes: $0.bytes) }
            .sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// Reads a folder. Faults are reported at `place`, the value of `sources` in the manifest; then the result is nil.
    static func read(folder: String, shown: String, place: Position, report: inout Report) -> SourceTree? {
        var tree = SourceTree()
        let before = report.diagnostics.count
        tree.walk(folder, prefix: "", shown: shown, depth: 0, place: place, report: &report)
        guard report.diagnostics.count == before else { return nil }
        tree.files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        guard tree.files.contains(where: { $0.path.hasSuffix(".swift") }) else {
            report.add(.sourcesMissing, place, "the sources \(shown) hold no Swift file")
            return nil
        }
        return tree
    }

    private mutating func walk(
        _ folder: String, prefix: String, shown: String, depth: Int, place: Position, report: inout Report
    ) {
        guard depth <= Self.maxDepth, let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            report.add(.sourcesMissing, place, "the folder \(shown)/\(prefix) cannot be read")
            return
        }
        for name in names.sorted() {
            let path = folder + "/" + name
            let relative = prefix + name
            switch FileKind(path) {
            case .folder:
                walk(path, prefix: relative + "/", shown: shown, depth: depth + 1, place: place, report: &report)
            case .file(let size):
                guard files.count < Self.maxFiles, size <= Self.maxFileBytes else {
                    report.add(
                        .sourcesTooLarge, place, "the sources \(shown) are too large at \(Spelling.shown(relative))",
                        hint: "at most \(Self.maxFiles) files of \(Self.maxFileBytes) bytes each")
                    return
                }
                guard let data = FileManager.default.contents(atPath: path) else {
                    report.add(.sourcesMissing, place, "the file \(shown)/\(relative) cannot be read")
                    continue
                }
                files.append(File(path: relative, bytes: [UInt8](data)))
            case .symbolicLink, .other, .missing:
                report.add(
                    .symbolicLink, place,
                    "the sources hold \(shown)/\(Spelling.shown(relative)), which is no plain file",
                    hint: "put the file itself there: links may point at other bytes on other machines")
            }
        }
    }

    /// The MessagePack that is hashed.
    var canonicalBytes: [UInt8] {
        var writer = MessagePackWriter()
        writer.writeArrayHeader(files.count)
        for file in files {
            writer.writeArrayHeader(2)
            writer.writeString(file.path)
            // The core of a HoloHash of content is the plain BLAKE2b-256.
            writer.writeBinary(EntryHash(hashing: file.bytes).core)
        }
        return writer.bytes
    }

    /// Reports what a validator's sources may not hold: imports other than HDK, files of other languages.
    func checkLanguage(folder: String, shown: String, place: Position, report: inout Report) {
        for file in files {
            let shownPath = shown + "/" + file.path
            let ending = file.path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map(String.init)
            if let ending, Self.foreignEndings.contains(ending.lowercased()) {
                report.add(
                    .foreignSource, place,
                    "a validator is Swift only, but its sources hold \(Spelling.shown(shownPath))",
                    hint: "move it out of the folder")
            }
            guard ending == "swift" else { continue }
            for found in ImportScanner.imports(in: file.bytes) where found.module != "HDK" {
                report.add(
                    Diagnostic(
                        file: ManifestFile.join(folder, file.path), line: found.position.line,
                        column: found.position.column,
                        code: .forbiddenImport,
                        message: "a validator may import HDK only, this imports \(Spelling.shown(found.module))",
                        hint: "clocks, files and chance would make nodes disagree; HDK has all that a validator may use"
                    ))
            }
        }
    }

    private static let foreignEndings: Set<String> = [
        "c", "cc", "cpp", "cxx", "h", "hh", "hpp", "m", "mm", "s", "asm", "modulemap", "o", "a", "so", "inc", "def",
    ]
}

/// What stands at a path, without following a link.
enum FileKind: Equatable {
    case missing
    case file(size: Int)
    case folder
    case symbolicLink
    case other

    init(_ path: String) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            self = .missing
            return
        }
        switch attributes[.type] as? FileAttributeType {
        case .typeRegular: self = .file(size: (attributes[.size] as? NSNumber)?.intValue ?? 0)
        case .typeDirectory: self = .folder
        case .typeSymbolicLink: self = .symbolicLink
        default: self = .other
        }
    }
}
