import Foundation
import Integrity

/// Waits for changes of a package's files, by inotify: every folder below a root, but none whose name begins with a point.
///
/// Used by one thread.
final class Watcher {
    private let root: String
    private let descriptor: Int32
    private var folders: [Int32: String] = [:]
    private static let events = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DONT_FOLLOW | IN_ONLYDIR)
    /// An editor that saves several files, or one in several steps, is let finish: it is quiet for so long.
    private static let quietMilliseconds: Int32 = 30

    /// Watches from now on.
    /// - Throws: `startFailed` where the kernel gives no watches.
    init(_ root: String) throws {
        self.root = root
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw Self.failed(root) }
        guard watch(root) else {
            close(descriptor)
            throw Self.failed(root)
        }
    }

    deinit { close(descriptor) }

    /// The files that changed since the last call, as whole paths: waits until there is one, and then until it is quiet.
    func wait() -> Set<String> {
        var changed: Set<String> = []
        while true {
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&ready, 1, changed.isEmpty ? -1 : Self.quietMilliseconds)
            if count == 0 { return changed }
            if count < 0, errno != EINTR { return changed }
            changed.formUnion(read())
        }
    }

    /// Whether a file can matter to a package.
    static func matters(_ path: String) -> Bool {
        guard let name = path.split(separator: "/").last, !name.hasPrefix("."), !name.hasPrefix("#") else {
            return false
        }
        return [".swift", ".yaml", ".yml", ".c", ".h", ".modulemap", ".json"].contains { name.hasSuffix($0) }
    }

    private func read() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        var changed: [String] = []
        var offset = 0
        let header = MemoryLayout<inotify_event>.size
        while count - offset >= header {
            let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
            let name = buffer[(offset + header)...].prefix(Int(event.len)).prefix { $0 != 0 }
            offset += header + Int(event.len)
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { changed.append(root + "/Package.swift") }
            guard let folder = folders[event.wd] else { continue }
            if event.mask & UInt32(IN_IGNORED) != 0 {
                folders[event.wd] = nil
                continue
            }
            let path = folder + "/" + String(decoding: name, as: UTF8.self)
            if event.mask & UInt32(IN_ISDIR) != 0 {
                // What was put into a new folder before it was watched is found by looking.
                if event.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0, watch(path) { changed += files(path) }
            } else if event.mask & UInt32(IN_CREATE) == 0, Self.matters(path) {
                changed.append(path)
            }
        }
        return changed
    }

    private func watch(_ folder: String) -> Bool {
        guard folder == root || !(folder.split(separator: "/").last ?? ".").hasPrefix(".") else { return false }
        let number = inotify_add_watch(descriptor, folder, Self.events)
        guard number >= 0 else { return false }
        folders[number] = folder
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            _ = watch(folder + "/" + name)
        }
        return true
    }

    private func files(_ folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.map { folder + "/" + $0 }.filter(Self.matters)
    }

    private static func failed(_ root: String) -> PlasmidError {
        PlasmidError(
            .startFailed, "\(root) cannot be watched", hint: "does it exist, and does the kernel give inotify watches?",
            cause: String(cString: strerror(errno)))
    }
}
