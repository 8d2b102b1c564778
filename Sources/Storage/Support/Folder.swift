import Glibc
import Integrity

/// Folders and small files: made, listed and written so that a crash leaves the old state or the new one.
enum Folder {
    /// Makes a folder that only its owner may enter, unless it exists.
    static func make(_ path: String) throws(PlasmidError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw StorageFault.error(errno: errno, "make the folder", path)
        }
    }

    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    /// The names inside a folder, sorted, without the two dots.
    static func names(_ path: String) throws(PlasmidError) -> [String] {
        guard let stream = opendir(path) else { throw StorageFault.error(errno: errno, "list", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes the names inside a folder durable.
    static func sync(_ path: String) throws(PlasmidError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "open", path) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw StorageFault.error(errno: errno, "sync", path) }
    }

    /// Writes a small file whole, or leaves the old one.
    static func write(_ bytes: [UInt8], to path: String, in folder: String) throws(PlasmidError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "write", path) }
        var code = bytes.withUnsafeBytes { FileCalls.system.writeAll(descriptor, $0, at: 0) }
        if code == 0, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(temporary)
            throw StorageFault.error(errno: code, "write", path)
        }
        try sync(folder)
    }

    /// Reads a small file; nil where there is none.
    static func read(_ path: String, atMost count: Int) throws(PlasmidError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "read", path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { FileCalls.system.readAll(descriptor, $0, at: 0) }
        guard got >= 0 else { throw StorageFault.error(errno: Int32(-got), "read", path) }
        return Array(bytes[..<got])
    }

    /// Whether the file system has less room left than a transaction needs.
    static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 256 << 10
    }

    /// Removes a folder that holds files only.
    static func remove(_ path: String) throws(PlasmidError) {
        for name in try names(path) where unlink(path + "/" + name) != 0 {
            throw StorageFault.error(errno: errno, "remove", path + "/" + name)
        }
        if rmdir(path) != 0 { throw StorageFault.error(errno: errno, "remove", path) }
    }
}
