import Foundation

/// The bytes of a manifest, and paths as manifests write them.
enum ManifestFile {
    /// The text of the file at the report's path, or nil with a fault.
    static func text(report: inout Report) -> String? {
        let path = report.file
        let shown = Spelling.shown(path, most: 1_000)
        switch FileKind(resolved(path)) {
        case .file(let size) where size > YamlFile.maxBytes:
            report.add(
                .fileTooLarge, .start, "the file \(shown) is too large for a manifest",
                hint: "at most \(YamlFile.maxBytes) bytes")
            return nil
        case .file: break
        case .folder, .other:
            report.add(.notAFile, .start, "\(shown) is not a file", hint: "name the manifest itself")
            return nil
        case .missing, .symbolicLink:
            report.add(
                .fileMissing, .start, "there is no file \(shown)",
                hint: neighbour(of: path).map { "did you mean \"\($0)\"?" })
            return nil
        }
        guard let data = FileManager.default.contents(atPath: path), data.count <= YamlFile.maxBytes else {
            report.add(
                .fileUnreadable, .start, "the file \(shown) cannot be read", hint: "check its owner and mode (ls -l)")
            return nil
        }
        return text(data, report: &report)
    }

    /// Bytes as text, or nil with a fault.
    static func text(_ data: Data, report: inout Report) -> String? {
        guard data.count <= YamlFile.maxBytes else {
            report.add(
                .fileTooLarge, .start,
                "the file \(Spelling.shown(report.file, most: 1_000)) is too large for a manifest",
                hint: "at most \(YamlFile.maxBytes) bytes")
            return nil
        }
        if let text = String(validating: data, as: UTF8.self) { return text }
        let isWide = [[0xFF, 0xFE], [0xFE, 0xFF]].contains(Array(data.prefix(2)))
        let isBundle = data.starts(with: Gzip.magic)
        report.add(
            .notUTF8, isWide || isBundle ? .start : placeOfFault(data),
            "the file \(Spelling.shown(report.file, most: 1_000)) is not UTF-8 text",
            hint: isWide
                ? "it is UTF-16: save it as UTF-8"
                : isBundle ? "it may be a bundle: unpack it, and name the file in it" : nil)
        return nil
    }

    /// Where the first bytes stand that are no UTF-8.
    private static func placeOfFault(_ data: Data) -> Position {
        var (line, column) = (1, 1)
        var codec = UTF8()
        var bytes = data.makeIterator()
        while case .scalarValue(let scalar) = codec.decode(&bytes) {
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
        return Position(line: line, column: column)
    }

    /// The root node of the file at the report's path, or nil with a fault.
    /// - Parameter given: what to read instead of the file's content.
    static func root(_ given: String? = nil, report: inout Report) -> YamlNode? {
        guard let text = given ?? text(report: &report) else { return nil }
        return YamlFile.read(withoutMark(text, report: &report), report: &report)
    }

    /// The text without a byte order mark at its start, which some editors write and YAML allows.
    static func withoutMark(_ text: String, report: inout Report) -> String {
        guard text.unicodeScalars.first == "\u{FEFF}" else { return text }
        report.add(
            .byteOrderMark, .start, "the file begins with a byte order mark", hint: "save it as UTF-8 without one",
            severity: .warning)
        return String(String.UnicodeScalarView(text.unicodeScalars.dropFirst()))
    }

    /// The path with its links followed: a manifest may be reached through a link, a validator's source may not.
    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    /// What stands beside a path that leads nowhere and has nearly its name.
    static func neighbour(of path: String, isFolder: Bool = false) -> String? {
        let name = String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder(of: path))) ?? []
        let fitting = names.filter { (FileKind(join(folder(of: path), $0)) == .folder) == isFolder }
        return Spelling.nearest(to: name, among: fitting)
    }

    /// The first part of a relative path that is a symbolic link; nil when none is.
    static func symbolicLink(in path: String, base: String) -> String? {
        var folder = base
        for part in path.split(separator: "/") {
            folder = join(folder, String(part))
            if part != "..", FileKind(folder) == .symbolicLink { return String(part) }
        }
        return nil
    }

    /// The folder that holds a file, as the path was given: "." for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path inside a folder.
    static func join(_ folder: String, _ path: String) -> String {
        folder == "." ? path : folder == "/" ? "/" + path : folder + "/" + path
    }

    /// The folder that `sources` starts from: the nearest one at or above the manifest that has a Package.swift or the mark of
    /// an unpacked bundle, else the manifest's own.
    static func sourceBase(of manifest: String) -> String {
        let own = URL(fileURLWithPath: folder(of: manifest)).standardizedFileURL
        var folder = own
        while true {
            for mark in ["Package.swift", BundleFile.mark]
            where FileKind(folder.appendingPathComponent(mark).path) != .missing { return folder.path }
            let parent = folder.deletingLastPathComponent().standardizedFileURL
            if parent.path == folder.path || folder.path == "/" { return own.path }
            folder = parent
        }
    }

    /// Whether a manifest may write the path: relative, `/` between its parts, none of them empty or `.`.
    static func isRelative(_ path: String, mayGoUp: Bool) -> Bool {
        guard !path.isEmpty, !path.utf8.contains(0) else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && (mayGoUp || $0 != "..")
        }
    }
}
