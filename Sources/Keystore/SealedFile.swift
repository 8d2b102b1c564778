import Glibc
import Integrity

/// Reads and replaces the one file of a keystore. Whatever moment the process dies at, the path holds the old bytes or the
/// new ones, whole.
struct SealedFile {
    /// The moments between the steps of a write, for tests that end it there.
    enum Step: CaseIterable, Sendable {
        case beforeTemporary, afterTemporary, afterHalf, afterBytes, afterSync, afterRename, afterFolderSync
    }

    /// Whether there may be a file at the path.
    enum Mode: Sendable {
        /// There must be none: it is never overwritten.
        case create
        /// There must be one with exactly these bytes: what was read or written last.
        case replace(previous: [UInt8])
    }

    /// Largest file that is read, in bytes.
    static let maxBytes = 4 << 20

    /// The file.
    let path: String
    /// Called at every step; what it throws ends the write on the spot, without clean-up, as a kill would.
    var atStep: (@Sendable (Step) throws(PlasmidError) -> Void)?

    init(path: String, atStep: (@Sendable (Step) throws(PlasmidError) -> Void)? = nil) {
        self.path = path
        self.atStep = atStep
    }

    private var temporaryPath: String { path + ".new" }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The bytes of the file.
    func read() throws(PlasmidError) -> [UInt8] {
        let descriptor = SystemError.retrying { Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        guard descriptor >= 0 else {
            let number = SystemError.number
            throw number == ENOENT ? KeystoreFault.missing(path) : KeystoreFault.system(path, "opened", number)
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw KeystoreFault.system(path, "read", SystemError.number) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw KeystoreFault.damaged(path, "it is no plain file") }
        guard status.st_size <= Self.maxBytes else { throw KeystoreFault.damaged(path, "it is too large") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                SystemError.retrying {
                    Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                }
            }
            guard count >= 0 else { throw KeystoreFault.system(path, "read", SystemError.number) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    /// Puts new bytes at the path: a file beside it with mode 0600, synced, moved over the old one, the folder synced.
    /// One writer at a time, so that none undoes another's change; the second gets `keystoreLocked`.
    func write(_ bytes: [UInt8], _ mode: Mode) throws(PlasmidError) {
        try atStep?(.beforeTemporary)
        let folderDescriptor = SystemError.retrying { Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard folderDescriptor >= 0 else { throw KeystoreFault.system(path, "written", SystemError.number) }
        defer { Glibc.close(folderDescriptor) }
        // Never waits: the caller may be an event loop.
        guard SystemError.retrying({ flock(folderDescriptor, LOCK_EX | LOCK_NB) }) == 0 else {
            throw SystemError.number == EWOULDBLOCK
                ? KeystoreFault.locked(path) : KeystoreFault.system(path, "written", SystemError.number)
        }
        if case .replace(let previous) = mode, try read() != previous {
            throw PlasmidError(
                .keystoreChanged, "the keystore \(path) was changed by another program since it was read",
                hint: "open it again; nothing was written")
        }
        // What a killed write left behind is of no use to anyone.
        unlink(temporaryPath)
        try writeTemporary(bytes)
        try moveIntoPlace(mode)
        try atStep?(.afterRename)
        guard fsync(folderDescriptor) == 0 else { throw KeystoreFault.system(path, "synced", SystemError.number) }
        try atStep?(.afterFolderSync)
    }

    private func writeTemporary(_ bytes: [UInt8]) throws(PlasmidError) {
        let descriptor = SystemError.retrying {
            Glibc.open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard descriptor >= 0 else { throw KeystoreFault.system(path, "written", SystemError.number) }
        defer { Glibc.close(descriptor) }
        try atStep?(.afterTemporary)
        var written = 0
        // A mask of the process may have taken bits away from the mode, never added any: the owner needs both.
        var isFine = fchmod(descriptor, 0o600) == 0
        for end in [bytes.count / 2, bytes.count] where isFine {
            while written < end, isFine {
                let count = bytes.withUnsafeBytes { buffer in
                    SystemError.retrying {
                        Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), end - written)
                    }
                }
                isFine = count > 0
                written += max(count, 0)
            }
            if isFine { try atStep?(end == bytes.count ? .afterBytes : .afterHalf) }
        }
        guard isFine, fsync(descriptor) == 0 else {
            let number = SystemError.number
            unlink(temporaryPath)
            throw KeystoreFault.system(path, "written", number)
        }
        try atStep?(.afterSync)
    }

    private func moveIntoPlace(_ mode: Mode) throws(PlasmidError) {
        let number: Int32
        switch mode {
        case .replace:
            if rename(temporaryPath, path) == 0 { return }
            number = SystemError.number
        case .create:
            // `link` fails where there is a file, which `rename` would silently replace.
            let isLinked = link(temporaryPath, path) == 0
            number = SystemError.number
            if isLinked {
                unlink(temporaryPath)
                return
            }
        }
        unlink(temporaryPath)
        throw number == EEXIST ? KeystoreFault.exists(path) : KeystoreFault.system(path, "written", number)
    }
}
