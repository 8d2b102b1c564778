import Integrity

/// What a backup holds: `backup.json`, written last. The bytes stand in docs/spec/storage.md.
public struct BackupManifest: Sendable, Equatable {
    /// One file of a backup.
    public struct File: Sendable, Equatable {
        /// Where it stands, from the backup's folder on.
        public var path: String
        /// Its length.
        public var bytes: Int
        /// BLAKE2b-256 of its content, in 64 hex digits.
        public var digest: String
    }

    /// When the backup was begun, in µs since 1970.
    public var createdAt: Int64
    /// The version of the program that wrote it, for people.
    public var program: String
    /// The version of the data folder.
    public var format: Int
    /// Every file, in the order in which they were copied.
    public var files: [File]

    static let name = "backup.json"
    /// The manifest's own digest, as `b2sum -l 256 -c` reads it.
    static let sumName = "backup.b2sum"
    static let version: Int64 = 1
    /// Largest manifest that is read, in bytes.
    static let bytesMax = 64 << 20

    /// The bytes of all files.
    public var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

    init(createdAt: Int64, program: String, format: Int, files: [File]) {
        self.createdAt = createdAt
        self.program = program
        self.format = format
        self.files = files
    }

    /// The manifest as JSON.
    func json() throws(PlasmidError) -> [UInt8] {
        func pair(_ key: String, _ value: MessagePackValue) -> MessagePackValue.Pair {
            .init(key: .string(key), value: value)
        }
        let list = files.map { file in
            MessagePackValue.map([
                pair("path", .string(file.path)), pair("bytes", .int(Int64(file.bytes))),
                pair("blake2b_256", .string(file.digest)),
            ])
        }
        let value = MessagePackValue.map([
            pair("plasmid_backup", .int(Self.version)), pair("created_at", .int(createdAt)),
            pair("program", .string(program)), pair("data_format", .int(Int64(format))), pair("files", .array(list)),
        ])
        return try JSONText.json(fromMessagePack: value.packed) + Array("\n".utf8)
    }

    /// The line of the manifest's own digest.
    static func sum(_ json: [UInt8]) -> [UInt8] {
        Array("\(FileCopy.digest(json))  \(name)\n".utf8)
    }

    /// Reads a manifest: everything that it says has to make sense, and no path may lead out of the backup.
    init(json: [UInt8], of folder: String) throws(PlasmidError) {
        let value: MessagePackValue
        do throws(PlasmidError) {
            value = try MessagePackValue(packed: try JSONText.messagePack(fromJSON: json))
        } catch {
            throw Self.fault(folder, "cannot be read: \(error.message)")
        }
        guard let version = value["plasmid_backup"]?.whole else {
            throw Self.fault(folder, "does not say that it is one")
        }
        guard version == Self.version else {
            throw PlasmidError(
                .storageVersion, "\(folder) is a backup of another version (\(version), known \(Self.version))",
                hint: "Use the version of the program that wrote it")
        }
        guard let created = value["created_at"]?.whole, case .string(let program)? = value["program"],
            let format = value["data_format"]?.whole, case .array(let list)? = value["files"]
        else { throw Self.fault(folder, "lacks one of its keys") }
        var files: [File] = []
        var seen: Set<String> = []
        for item in list {
            guard case .string(let path)? = item["path"], let bytes = item["bytes"]?.whole, bytes >= 0,
                case .string(let digest)? = item["blake2b_256"], digest.utf8.count == 64
            else { throw Self.fault(folder, "describes a file without path, length or digest") }
            guard Self.isSafe(path) else { throw Self.fault(folder, "names a path that does not belong into a backup") }
            guard seen.insert(path).inserted else { throw Self.fault(folder, "names \(path) twice") }
            files.append(File(path: path, bytes: Int(bytes), digest: digest))
        }
        self.init(createdAt: created, program: program, format: Int(clamping: format), files: files)
    }

    /// Up to four plain names: nothing that leads elsewhere, nothing hidden, and nothing that a start would take for a
    /// part of its own that the backup does not hold.
    static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count), let first = parts.first,
            ["conductor", "spaces", "modules", "keystore"].contains(first)
        else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty && part.utf8.count <= 255 && part.utf8.first != 0x2e
                && part.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
                        || [0x2d, 0x2e, 0x5f].contains(byte)
                }
        }
    }

    static func fault(_ folder: String, _ what: String) -> PlasmidError {
        PlasmidError(
            .backupDamaged, "The manifest of the backup \(folder) \(what)",
            hint: "Nothing was changed. Use another backup")
    }
}

extension MessagePackValue {
    fileprivate var whole: Int64? {
        switch self {
        case .int(let number): number
        case .uint(let number): Int64(exactly: number)
        default: nil
        }
    }
}
