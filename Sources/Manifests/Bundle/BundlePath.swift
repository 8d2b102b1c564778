/// Names of files in a bundle: paths from its root.
enum BundlePath {
    /// Most bytes of a path, of one of its parts, and most parts.
    static let maxBytes = 1_000
    static let maxPartBytes = 255
    static let maxParts = 32

    /// Why the text cannot be the path of a file; nil when it can.
    static func fault(_ path: String) -> String? {
        guard !path.isEmpty else { return "its name is empty" }
        guard path.utf8.count <= maxBytes else { return "its name is longer than \(maxBytes) bytes" }
        guard path.utf8.first != UInt8(ascii: "/") else { return "its path is absolute" }
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= maxParts else { return "its path has more than \(maxParts) parts" }
        for part in parts {
            if part.isEmpty || part.elementsEqual(".".utf8) { return "its path has a part that is empty or \".\"" }
            if part.elementsEqual("..".utf8) { return "its path leads out of the bundle" }
            if part.count > maxPartBytes { return "a part of its path is longer than \(maxPartBytes) bytes" }
            if part.elementsEqual(BundleFile.mark.utf8) { return "the name is kept for the bundle's own mark" }
        }
        if path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "its name has a control character" }
        return nil
    }

    /// A path that is a file and a folder at once; nil when there is none.
    static func collision(_ paths: some Sequence<String>) -> String? {
        let all = Set(paths)
        return all.sorted().first { path in
            var folder = path[...]
            while let slash = folder.lastIndex(of: "/") {
                folder = folder[..<slash]
                if all.contains(String(folder)) { return true }
            }
            return false
        }
    }

    /// A path below a folder, where the empty text is the root.
    static func join(_ folder: String, _ path: String) -> String { folder.isEmpty ? path : folder + "/" + path }

    /// The rest of an absolute path below a folder; nil when it is not below it, "" when it is the folder.
    static func below(_ folder: String, _ path: String) -> String? {
        if path == folder { return "" }
        let start = folder.hasSuffix("/") ? folder : folder + "/"
        return path.hasPrefix(start) ? String(path.dropFirst(start.count)) : nil
    }

    /// The deepest folder that holds all of these absolute folders.
    static func common(_ folders: [String]) -> String {
        let parts = folders.map { $0.split(separator: "/") }
        guard var shared = parts.first else { return "/" }
        for one in parts.dropFirst() {
            shared = Array(zip(shared, one).prefix { $0 == $1 }.map(\.0))
        }
        return "/" + shared.joined(separator: "/")
    }
}
