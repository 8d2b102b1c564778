import Glibc
import Integrity
import Sodium

/// Files copied and hashed in pieces, each durable under its name before anything names it.
enum FileCopy {
    private static let pieceBytes = 1 << 20

    /// Length and digest of a file.
    struct Content: Equatable {
        var bytes: Int
        var digest: String
    }

    /// Reads a file to its end.
    /// - Parameter piece: gets each piece; what it throws ends the reading.
    static func read(
        _ path: String, _ piece: (UnsafeRawBufferPointer) throws(PlasmidError) -> Void = { _ throws(PlasmidError) in }
    ) throws(PlasmidError) -> Content {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "read", path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StorageFault.damaged("\(path) is no plain file")
        }
        var hasher = Blake2b.Hasher256()
        var done = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let got = FileCalls.system.readAll(descriptor, buffer, at: done)
            guard got >= 0 else { throw StorageFault.error(errno: Int32(-got), "read", path) }
            if got == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<got])
            hasher.update(bytes)
            try piece(bytes)
            done += got
        }
        let digest = hasher.finish()
        return Content(bytes: done, digest: digest.withUnsafeBytes { hex($0) })
    }

    /// Copies a file to a new one and syncs it; tells each piece's length.
    static func copy(
        _ source: String, to target: String, mode: mode_t, _ progress: (Int) throws(PlasmidError) -> Void
    ) throws(PlasmidError) -> Content {
        let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "write", target) }
        defer { close(descriptor) }
        var at = 0
        let content = try read(source) { bytes throws(PlasmidError) in
            let code = FileCalls.system.writeAll(descriptor, bytes, at: at)
            if code != 0 { throw StorageFault.error(errno: code, "write", target) }
            at += bytes.count
            try progress(bytes.count)
        }
        if fsync(descriptor) != 0 { throw StorageFault.error(errno: errno, "sync", target) }
        return content
    }

    /// The digest of bytes in memory.
    static func digest(_ bytes: [UInt8]) -> String {
        Blake2b.hash256(bytes).withUnsafeBytes { hex($0) }
    }

    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The lock on the mark of a folder in the making; the system gives it up when the process ends.
final class MarkLock: Sendable {
    private let descriptor: Int32

    init(_ path: String, isNew: Bool) throws(PlasmidError) {
        descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (isNew ? O_CREAT | O_EXCL : 0), 0o600)
        guard descriptor >= 0 else { throw StorageFault.error(errno: errno, "mark", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = StorageFault.error(errno: errno, "lock", path)
            let inUse = errno == EWOULDBLOCK
            close(descriptor)
            guard inUse else { throw error }
            throw PlasmidError(
                .storageInUse, "Another process is making the folder of \(path)",
                hint: "Wait until it has ended, or choose another folder")
        }
    }

    /// Gives the lock up; a child that is being started at this moment may hold a copy of the descriptor.
    func release() {
        flock(descriptor, LOCK_UN)
    }

    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// A folder in the making: under its name with `.new` at its end, until it is whole, synced and renamed.
struct NewFolder {
    let final: String
    var path: String { final + ".new" }
    /// Says that a folder with `.new` at its end is ours to remove, should a kill have left it behind.
    private static let mark = ".plasmid-unfinished"

    /// Held for as long as the folder is in the making, so that no other process takes it for a dead one's.
    private let hold: MarkLock

    /// Makes the folder under its temporary name.
    /// - Throws: `folderNotEmpty` where there is something under the final name, `storageInUse` where another process is
    ///   making it.
    init(_ final: String) throws(PlasmidError) {
        var folder = final
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        self.final = folder
        let path = folder + ".new"
        try Self.refuseUsed(folder)
        if Folder.exists(path) { try Self.removeDead(path) }
        if mkdir(path, 0o700) != 0 { throw Self.failed(errno, folder) }
        hold = try MarkLock("\(path)/\(Self.mark)", isNew: true)
        try Folder.sync(path)
    }

    private static func failed(_ number: Int32, _ folder: String) -> PlasmidError {
        guard number == ENOENT, let slash = folder.lastIndex(of: "/"), slash != folder.startIndex else {
            return StorageFault.error(errno: number, "make the folder", folder)
        }
        return PlasmidError(
            .notFound, "The folder \(folder[..<slash]) is not there", hint: "Make it first: \(folder) is to lie in it")
    }

    /// Removes what a kill left behind, and nothing else.
    private static func removeDead(_ path: String) throws(PlasmidError) {
        let names = try Folder.names(path)
        guard names.isEmpty || names.contains(mark) else {
            throw PlasmidError(
                .folderNotEmpty, "\(path) is in the way, and was not made by this program",
                hint: "Move it away, or choose another folder")
        }
        // A kill may have come before the mark was there: then there is nothing else either.
        let lock = names.isEmpty ? nil : try MarkLock("\(path)/\(mark)", isNew: false)
        try Folder.removeAll(path)
        lock?.release()
    }

    static func refuseUsed(_ folder: String) throws(PlasmidError) {
        var status = stat()
        guard lstat(folder, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR, try Folder.names(folder).isEmpty else {
            throw PlasmidError(
                .folderNotEmpty, "\(folder) is there already, and not empty",
                hint: "Nothing is ever overwritten: choose a folder that is not there yet")
        }
    }

    /// Makes the folders above a path inside it.
    func makeParents(of relative: String) throws(PlasmidError) {
        var folder = path
        for part in relative.split(separator: "/").dropLast() {
            folder += "/" + part
            try Folder.make(folder)
        }
    }

    /// Syncs every folder and gives the whole its name. An empty folder of that name is replaced.
    func finish(_ atRename: () -> Void) throws(PlasmidError) {
        try Folder.syncAll(path)
        atRename()
        // The mark goes after the rename: a folder that a kill leaves under its first name stays ours to remove, and in the
        // last place the mark says nothing.
        if rename(path, final) != 0 { throw StorageFault.error(errno: errno, "rename", path) }
        if unlink("\(final)/\(Self.mark)") != 0 { throw StorageFault.error(errno: errno, "finish", final) }
        let slash = final.lastIndex(of: "/")
        try Folder.sync(slash.map { $0 == final.startIndex ? "/" : String(final[..<$0]) } ?? ".")
    }

    /// Takes away what was made.
    func abandon() {
        try? Folder.removeAll(path)
    }
}

extension Folder {
    /// A path without links, as far as it is there.
    static func resolved(_ path: String) -> String {
        var (here, rest) = (path, "")
        while !here.isEmpty, here != "/" {
            if let real = realpath(here, nil) {
                defer { free(real) }
                let found = String(cString: real)
                return (found == "/" ? "" : found) + rest
            }
            let slash = here.lastIndex(of: "/")
            rest = "/" + (slash.map { String(here[here.index(after: $0)...]) } ?? here) + rest
            here = slash.map { String(here[..<$0]) } ?? "."
        }
        return rest.isEmpty ? "/" : rest
    }

    /// The folders inside a folder.
    private static func folders(_ path: String) throws(PlasmidError) -> [String] {
        try names(path).map { path + "/" + $0 }.filter { below in
            var status = stat()
            return lstat(below, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    /// Syncs a folder and all folders below it.
    static func syncAll(_ path: String) throws(PlasmidError) {
        for below in try folders(path) { try syncAll(below) }
        try sync(path)
    }

    /// Removes a folder with everything below it.
    static func removeAll(_ path: String) throws(PlasmidError) {
        for below in try folders(path) { try removeAll(below) }
        try remove(path)
    }

    /// The files below a folder, from it on, sorted; none where there is no folder.
    static func files(_ path: String, _ prefix: String) throws(PlasmidError) -> [String] {
        guard exists(path) else { return [] }
        var found: [String] = []
        for name in try names(path) {
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                found += try files("\(path)/\(name)", "\(prefix)/\(name)")
            } else if status.st_mode & S_IFMT == S_IFREG {
                found.append("\(prefix)/\(name)")
            }
        }
        return found
    }
}
