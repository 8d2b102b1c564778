import Foundation
public import Integrity

/// Writes what came out of bundles, and bundles themselves: whole or not at all, through no link, over nothing unasked.
public enum BundleFolder {
    /// Unpacks into a folder.
    ///
    /// Where there is nothing yet, or an empty folder, it appears whole or not at all. Over what is there (`replacing`), each
    /// file does; other files of the folder stay.
    /// - Throws: `folderNotEmpty`, `bundleUnsafe` where a link stands on the way, `fileFailed`.
    public static func unpack(_ bundle: BundleFile, to folder: String, replacing: Bool) throws(PlasmidError) {
        let target = BundlePacker.absolute(folder)
        let isThere = FileKind(target) != .missing
        if isThere { try checkTarget(target, folder, replacing) }
        let parent = ManifestFile.folder(of: target)
        try make(parent, mode: 0o755)
        let staging = ManifestFile.join(parent, ".plasmid-unpack-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: staging) }
        try write(bundle.files, to: staging)
        guard chmod(staging, 0o755) == 0 else { throw failed(staging) }
        // Takes the place of nothing or of an empty folder, never of anything else.
        if rename(staging, target) == 0 { return }
        guard replacing, isThere else {
            guard [EEXIST, ENOTEMPTY].contains(errno) else { throw failed(target) }
            throw notEmpty(folder)
        }
        for path in bundle.paths { try replace(path, from: staging, in: target) }
    }

    private static func checkTarget(_ target: String, _ shown: String, _ replacing: Bool) throws(PlasmidError) {
        guard FileKind(target) == .folder else {
            throw PlasmidError(
                .fileExists, "\(Spelling.shown(shown, most: 200)) is there and no folder",
                hint: "name another folder with -o")
        }
        let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: target))?.isEmpty ?? false
        if !isEmpty, !replacing { throw notEmpty(shown) }
    }

    private static func notEmpty(_ folder: String) -> PlasmidError {
        PlasmidError(
            .folderNotEmpty, "the folder \(Spelling.shown(folder, most: 200)) holds something already",
            hint: "name another with -o, or write over the files of the same names with --force")
    }

    /// Puts one file in its place. Every folder on the way is one, or is made.
    private static func replace(_ path: String, from staging: String, in target: String) throws(PlasmidError) {
        var folder = target
        for part in path.split(separator: "/").dropLast() {
            folder += "/" + part
            switch FileKind(folder) {
            case .folder: continue
            case .missing: try make(folder, mode: 0o755)
            default: throw onTheWay(folder)
            }
        }
        let place = target + "/" + path
        switch FileKind(place) {
        case .missing, .file: break
        default: throw onTheWay(place)
        }
        guard rename(staging + "/" + path, place) == 0 else { throw failed(place) }
    }

    private static func onTheWay(_ path: String) -> PlasmidError {
        PlasmidError(
            .bundleUnsafe,
            "\(Spelling.shown(path, most: 200)) is a link, or no file and folder as the bundle needs them",
            hint: "unpack into another folder")
    }

    /// Writes a file that is not there yet, or, `replacing`, in the place of one that is: a reader sees the old or the new one.
    /// - Throws: `fileExists`, `fileFailed`.
    public static func save(_ bytes: [UInt8], to path: String, replacing: Bool) throws(PlasmidError) {
        let target = BundlePacker.absolute(path)
        let shown = Spelling.shown(path, most: 200)
        switch FileKind(target) {
        case .missing: break
        case .file where replacing: break
        case .file:
            throw PlasmidError(
                .fileExists, "there is a file \(shown) already",
                hint: "name another with -o, or write over it with --force")
        default: throw PlasmidError(.fileExists, "\(shown) is there and no file", hint: "name another with -o")
        }
        let staging = ManifestFile.join(ManifestFile.folder(of: target), ".plasmid-pack-\(UUID().uuidString)")
        defer { unlink(staging) }
        try create(staging, bytes)
        // `link` refuses what came to be there since; `rename` would not.
        guard (replacing ? rename(staging, target) : link(staging, target)) == 0 else {
            guard errno == EEXIST else { throw failed(path) }
            throw PlasmidError(.fileExists, "there is a file \(shown) already", hint: "name another with -o")
        }
    }

    /// Writes files into a folder that this makes, mode 0700: nobody else can have put anything there.
    static func write(_ files: [String: [UInt8]], to folder: String) throws(PlasmidError) {
        guard mkdir(folder, 0o700) == 0 else { throw failed(folder) }
        var made: Set<String> = [folder]
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
            var parent = folder
            for part in path.split(separator: "/").dropLast() {
                parent += "/" + part
                guard made.insert(parent).inserted else { continue }
                guard mkdir(parent, 0o755) == 0 else { throw failed(parent) }
            }
            try create(folder + "/" + path, bytes)
        }
    }

    /// Makes a folder and those above it, where they are not there.
    static func make(_ folder: String, mode: Int) throws(PlasmidError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
        } catch { throw failed(folder) }
    }

    private static func create(_ path: String, _ bytes: [UInt8]) throws(PlasmidError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failed(path) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: Data(bytes))
        } catch { throw failed(path) }
        guard fsync(descriptor) == 0 else { throw failed(path) }
    }

    private static func failed(_ path: String) -> PlasmidError {
        PlasmidError(
            .fileFailed, "\(Spelling.shown(path, most: 200)) cannot be written: \(String(cString: strerror(errno)))",
            hint: "is the disk full, or the folder not yours?")
    }
}
