import Foundation

/// The bytes of a manifest, and paths as manifests write them.
enum ManifestFile {
    /// The text of the file at the report's path, or nil with a fault.
    static func text(report: inout Report) -> String? {
        let path = report.file
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved(path)),
            attributes[.type] as? FileAttributeType == .typeRegular
        else {
            report.add(.fileMissing, .start, "there is no file \(path)")
            return nil
        }
        guard let size = attributes[.size] as? NSNumber, size.intValue <= YamlFile.maxBytes else {
            report.add(
                .fileTooLarge, .start, "the file \(path) is too large for a manifest",
                hint: "at most \(YamlFile.maxBytes) bytes")
            return nil
        }
        guard let data = FileManager.default.contents(atPath: path), data.count <= YamlFile.maxBytes else {
            report.add(.fileMissing, .start, "the file \(path) cannot be read")
            return nil
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            report.add(.notUTF8, .start, "the file \(path) is not UTF-8 text")
            return nil
        }
        return text
    }

    /// The root node of the file at the report's path, or nil with a fault.
    static func root(report: inout Report) -> YamlNode? {
        guard let text = text(report: &report) else { return nil }
        return YamlFile.read(text, report: &report)
    }

    /// The path with its links followed: a manifest may be reached through a link, a validator's source may not.
    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
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

    /// The folder that `sources` starts from: the nearest one at or above the manifest that has a Package.swift, else
    /// the manifest's own.
    static func sourceBase(of manifest: String) -> String {
        let own = URL(fileURLWithPath: folder(of: manifest)).standardizedFileURL
        var folder = own
        while true {
            if FileKind(folder.appendingPathComponent("Package.swift").path) != .missing { return folder.path }
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
