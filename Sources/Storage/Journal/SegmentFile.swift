import Glibc
import Integrity

/// One preallocated file of the journal, open for as long as the journal is.
final class SegmentFile: Sendable {
    let path: String
    /// Counts the files; only names them apart.
    let number: UInt64
    let size: Int
    let descriptor: Int32

    private init(path: String, number: UInt64, size: Int, descriptor: Int32) {
        self.path = path
        self.number = number
        self.size = size
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".journal"
    }

    /// Opens an existing file.
    static func open(_ folder: String, _ number: UInt64, calls: FileCalls) throws(PlasmidError) -> SegmentFile {
        let path = folder + "/" + name(number)
        let descriptor = calls.open(path, O_RDWR | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw StorageFault.error(errno: -descriptor, "open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = StorageFault.error(errno: errno, "measure", path)
            close(descriptor)
            throw error
        }
        return SegmentFile(path: path, number: number, size: Int(status.st_size), descriptor: descriptor)
    }

    /// Makes a new file full of zeros, synced under its name: written rather than only allocated, for otherwise each
    /// sync would also have to note which blocks have become real.
    static func create(
        _ folder: String, _ number: UInt64, size: Int, calls: FileCalls, atSyncPoint: (@Sendable (SyncPoint) -> Void)?
    ) throws(PlasmidError) -> SegmentFile {
        let path = folder + "/" + name(number)
        let temporary = path + ".new"
        let descriptor = calls.open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageFault.error(errno: -descriptor, "create", path) }
        let zeros = [UInt8](repeating: 0, count: min(size, 1 << 20))
        var code: Int32 = 0
        var at = 0
        while at < size, code == 0 {
            let count = min(zeros.count, size - at)
            let offset = at
            code = zeros.withUnsafeBytes { calls.writeAll(descriptor, $0.slice(0, count), at: offset) }
            at += count
        }
        if code == 0 { code = -calls.fdatasync(descriptor) }
        atSyncPoint?(.beforeSegmentRename)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            close(descriptor)
            unlink(temporary)
            throw StorageFault.error(errno: code, "create", path)
        }
        let file = SegmentFile(path: path, number: number, size: size, descriptor: descriptor)
        try Folder.sync(folder)
        return file
    }

    /// The whole content.
    func read(calls: FileCalls) throws(PlasmidError) -> [UInt8] {
        var failure: Int = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let got = calls.readAll(descriptor, UnsafeMutableRawBufferPointer(buffer), at: 0)
            failure = min(got, 0)
            count = max(got, 0)
        }
        if failure < 0 { throw StorageFault.error(errno: Int32(-failure), "read", path) }
        return bytes
    }
}
