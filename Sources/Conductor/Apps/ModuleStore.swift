import Glibc
import Integrity

/// Keeps a copy of every installed module under its content's hash, so that a rebuild or a moved checkout changes no
/// installed app, and so that a child's sandbox opens one folder only.
///
/// Layout: `modules/<hash of the file's bytes>/lib<Module>.so` below the data folder.
struct ModuleStore: Sendable {
    let dataFolder: String

    /// Takes copies out again that no app came to use.
    func remove(_ paths: [String]) {
        for relative in paths {
            unlink("\(dataFolder)/\(relative)")
            // Goes if it is empty, and only then.
            if let slash = relative.lastIndex(of: "/") { rmdir("\(dataFolder)/\(relative[..<slash])") }
        }
        rmdir("\(dataFolder)/modules")
    }

    /// Copies a built module in, unless it is there already, and notes in `added` what was not.
    /// - Returns: its path relative to the data folder.
    /// - Throws: `moduleMissing` if it cannot be read, `fileFailed` if the copy cannot be written.
    func add(_ path: String, module: String, added: inout [String]) throws(PlasmidError) -> String {
        let bytes = try Self.read(path)
        let folder = "modules/\(EntryHash(hashing: bytes).text)"
        let relative = "\(folder)/lib\(module).so"
        let target = "\(dataFolder)/\(relative)"
        if access(target, R_OK) == 0 { return relative }
        added.append(relative)
        mkdir("\(dataFolder)/modules", 0o700)
        mkdir("\(dataFolder)/\(folder)", 0o700)
        try Self.write(bytes, to: target)
        return relative
    }

    private static func read(_ path: String) throws(PlasmidError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PlasmidError(
                .moduleNotFound, "the module \(path) cannot be read: \(reason())",
                hint: "build it first: `swift build --product MODULE`")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0, status.st_size < 1 << 30 else {
            throw PlasmidError(.moduleNotFound, "the module \(path) is empty or too large")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + done, $0.count - done) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw PlasmidError(.moduleNotFound, "the module \(path) cannot be read: \(reason())") }
            done += got
        }
        return bytes
    }

    /// Writes beside the target and renames, so that a half-written module is never found under its hash.
    private static func write(_ bytes: [UInt8], to target: String) throws(PlasmidError) {
        let temporary = "\(target).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else { throw failed(temporary) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else {
                let error = failed(temporary)
                unlink(temporary)
                throw error
            }
            done += put
        }
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else {
            let error = failed(target)
            unlink(temporary)
            throw error
        }
    }

    private static func failed(_ path: String) -> PlasmidError {
        PlasmidError(
            .fileFailed, "\(path) cannot be written: \(reason())", hint: "is the disk full, or the folder not yours?")
    }

    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}
