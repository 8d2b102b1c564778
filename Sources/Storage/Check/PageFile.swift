import Glibc
import Integrity

/// An LMDB file read with plain reads: a page that is not there is an answer, where LMDB's map would end the process.
final class PageFile {
    let path: String
    let bytes: Int
    private let descriptor: Int32

    /// Opens a plain file; nil where there is none that can be read.
    init?(_ path: String) {
        // Not to wait for somebody at the other end of a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        self.path = path
        bytes = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Fills `buffer` from an offset; false where the file ends before, or the disk gives it no more.
    func read(_ offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        FileCalls.system.readAll(descriptor, buffer, at: offset) == buffer.count
    }

    /// Tells the system that these bytes will be read soon.
    func announce(_ offset: Int, _ count: Int) {
        posix_fadvise(descriptor, offset, count, POSIX_FADV_WILLNEED)
    }

    /// Reads the whole file once from its start to its end, where memory has room for it: a walk in the order of the keys
    /// then finds its pages there, whatever the disk thinks of jumping about.
    /// - Returns: whether it did.
    func readAhead() -> Bool {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        guard bytes > Self.pieceBytes, bytes < memory / 4 else { return bytes <= Self.pieceBytes }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 4_096)
        defer { piece.deallocate() }
        var at = 0
        while at < bytes {
            let got = FileCalls.system.readAll(descriptor, piece, at: at)
            // What cannot be read is told by the walk, if it is needed.
            at += got > 0 ? got : Self.pieceBytes
        }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_NORMAL)
        return true
    }

    private static let pieceBytes = 1 << 20
}

/// One bit for each page: those that were reached.
struct PageSet {
    private var words: [UInt64]

    init(pages: Int) {
        words = [UInt64](repeating: 0, count: (pages + 63) / 64)
    }

    /// Adds a page; false where it was there already. The caller has checked the bounds.
    mutating func insert(_ page: Int) -> Bool {
        let bit = UInt64(1) << UInt64(page & 63)
        if words[page >> 6] & bit != 0 { return false }
        words[page >> 6] |= bit
        return true
    }

    func contains(_ page: Int) -> Bool {
        words[page >> 6] & UInt64(1) << UInt64(page & 63) != 0
    }
}
