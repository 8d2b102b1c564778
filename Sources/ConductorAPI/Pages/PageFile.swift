import Glibc
import Integrity
import NIOHTTP1

/// One file below a folder, opened. Blocking: for a thread of the pool.
///
/// The path is walked a name at a time from the folder's own descriptor, following no symbolic link, so that nothing outside
/// can be reached, whatever changes on the disk meanwhile.
struct PageFile: Sendable {
    /// Whoever has it closes it.
    let descriptor: Int32
    let size: Int
    let contentType: String

    /// Opens what a request's path names.
    /// - Parameters:
    ///   - folder: the absolute path of the folder that is served.
    ///   - path: the path of a request, percent-encoded, without its query.
    ///   - reroutes: whether `index.html` stands in for what is not there.
    /// - Returns: nil if nothing there may be given.
    static func open(folder: String, path: String, reroutes: Bool) -> PageFile? {
        guard let names = names(path) else { return nil }
        if let file = walk(folder, names) { return file }
        return reroutes ? walk(folder, []) : nil
    }

    /// The names on the way to the file; nil where one may not be asked for: `..`, hidden files, odd bytes.
    static func names(_ path: String) -> [String]? {
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var names: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            let name = RequestGate.percentDecoded(part)
            let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x2F && $0 != 0x5C && $0 != 0x7F }
            guard isPlain, name.utf8.first != UInt8(ascii: "."), name.utf8.count <= 255 else { return nil }
            names.append(name)
        }
        return names.count <= 32 ? names : nil
    }

    private static func walk(_ folder: String, _ names: [String]) -> PageFile? {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK
        var at = Glibc.open(folder, flags | O_DIRECTORY)
        guard at >= 0 else { return nil }
        var rest = names[...]
        var last = "index.html"
        while true {
            let name = rest.popFirst() ?? "index.html"
            let next = openat(at, name, flags | O_NOFOLLOW)
            close(at)
            guard next >= 0 else { return nil }
            var status = stat()
            guard fstat(next, &status) == 0 else {
                close(next)
                return nil
            }
            last = name
            switch status.st_mode & S_IFMT {
            case S_IFDIR where name != "index.html" || !rest.isEmpty: at = next
            case S_IFREG where rest.isEmpty:
                return PageFile(descriptor: next, size: Int(status.st_size), contentType: contentType(last))
            default:
                close(next)
                return nil
            }
        }
    }

    /// What browsers should take a file for; what is not known is never shown, only kept.
    static func contentType(_ name: String) -> String {
        let ending = name.split(separator: ".").last?.lowercased() ?? ""
        return types[ending] ?? "application/octet-stream"
    }

    private static let types = [
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
        "json": "application/json", "map": "application/json", "txt": "text/plain; charset=utf-8",
        "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp", "ico": "image/x-icon", "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf",
        "wasm": "application/wasm", "webmanifest": "application/manifest+json",
    ]
}
