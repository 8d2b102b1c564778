import Glibc

/// The system calls of the journal. Tests put in their own to fail, shorten or stop at the n-th one.
/// Each gives a result ≥ 0, or the negative errno.
public struct FileCalls: Sendable {
    /// Opens a file: path, flags, mode.
    public var open: @Sendable (_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32
    /// Writes at an offset; may write less than asked.
    public var pwrite: @Sendable (_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int
    /// Reads at an offset; may read less than asked, 0 at the end.
    public var pread: @Sendable (_ file: Int32, _ bytes: UnsafeMutableRawBufferPointer, _ offset: Int) -> Int
    /// Makes the written bytes durable.
    public var fdatasync: @Sendable (_ file: Int32) -> Int32

    /// The real ones.
    public static let system = FileCalls(
        open: { path, flags, mode in
            let file = Glibc.open(path, flags, mode)
            return file >= 0 ? file : -errno
        },
        pwrite: { file, bytes, offset in
            let count = Glibc.pwrite(file, bytes.baseAddress, bytes.count, offset)
            return count >= 0 ? count : -Int(errno)
        },
        pread: { file, bytes, offset in
            let count = Glibc.pread(file, bytes.baseAddress, bytes.count, offset)
            return count >= 0 ? count : -Int(errno)
        },
        fdatasync: { file in Glibc.fdatasync(file) == 0 ? 0 : -errno })

    /// A set of calls of one's own.
    public init(
        open: @escaping @Sendable (String, Int32, mode_t) -> Int32,
        pwrite: @escaping @Sendable (Int32, UnsafeRawBufferPointer, Int) -> Int,
        pread: @escaping @Sendable (Int32, UnsafeMutableRawBufferPointer, Int) -> Int,
        fdatasync: @escaping @Sendable (Int32) -> Int32
    ) {
        self.open = open
        self.pwrite = pwrite
        self.pread = pread
        self.fdatasync = fdatasync
    }

    /// Writes all of `bytes`; 0, or the errno of the call that failed. An interrupted call is repeated; a write of
    /// nothing counts as a full disk.
    func writeAll(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32 {
        var done = 0
        while done < bytes.count {
            let count = pwrite(file, bytes.from(done), offset + done)
            if count == -Int(EINTR) { continue }
            if count < 0 { return Int32(-count) }
            if count == 0 { return ENOSPC }
            done += count
        }
        return 0
    }

    /// Reads until `bytes` is full or the file ends; the count read, or the negative errno.
    func readAll(_ file: Int32, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[done...])
            let count = pread(file, rest, offset + done)
            if count == -Int(EINTR) { continue }
            if count < 0 { return count }
            if count == 0 { break }
            done += count
        }
        return done
    }
}
