import Foundation
public import Integrity

/// A DNA or hApp bundle that was read: whole, each digest compared, no name leading out of it.
///
/// docs/spec/bundle.md says what a bundle's bytes are.
public struct BundleFile: Sendable {
    /// A built module in a bundle.
    public struct Module: Sendable, Hashable {
        /// What it was built for, as ``BundlePlatform/current`` is.
        public let platform: String
        /// Its name, without `lib` and `.so`.
        public let name: String
        /// The file of the bundle that is the library.
        public let file: String
        /// BLAKE2b-256 of the library.
        public let digest: EntryHash
    }

    /// A DNA of the bundle.
    public struct Dna: Sendable {
        /// Its file, from the bundle's root.
        public let file: String
        /// Its hash without a role's modifiers, as the bundle tells it.
        public let hash: DnaHash
        /// Its built modules.
        public let modules: [Module]
        /// The digest of each validator's sources, by zome.
        let sources: [String: EntryHash]
    }

    /// The file that marks the root of an unpacked bundle, and of each DNA in it that has another root: `sources` starts there.
    public static let mark = "plasmid-bundle.json"

    /// `dna` or `happ`.
    public let kind: ManifestKind
    /// The name that the manifest has.
    public let name: String
    /// The manifest, from the bundle's root.
    public let file: String
    /// BLAKE2b-256 of the bundle's content before compression: the same for the same content, whoever compressed it.
    public let digest: EntryHash
    /// The DNA itself, or those of a hApp.
    public let dnas: [Dna]
    /// Every file, by its path from the root: those of bundles inside at their place, and the marks.
    let files: [String: [UInt8]]

    /// The paths of what unpacking writes, in order.
    public var paths: [String] { files.keys.sorted() }

    /// Every built module, each once, in order of platform and name.
    public var modules: [Module] {
        Set(dnas.flatMap(\.modules)).sorted { ($0.platform, $0.name, $0.file) < ($1.platform, $1.name, $1.file) }
    }

    /// Whether a path names a file that begins as a bundle does. A manifest is text and never does.
    public static func isBundle(_ path: String) -> Bool {
        guard case .file = FileKind(URL(fileURLWithPath: path).resolvingSymlinksInPath().path),
            let handle = FileHandle(forReadingAtPath: path)
        else { return false }
        return Array(handle.readData(ofLength: 2)) == Gzip.magic
    }

    /// Reads a bundle's file.
    /// - Throws: `manifestUnreadable` where there is no file, `bundleInvalid`, `bundleTooLarge`, `bundleUnsafe`,
    ///   `bundleMismatch`.
    public static func read(_ path: String) throws(PlasmidError) -> BundleFile {
        let shown = Spelling.shown(path, most: 1_000)
        guard case .file(let size) = FileKind(URL(fileURLWithPath: path).resolvingSymlinksInPath().path) else {
            throw PlasmidError(.manifestUnreadable, "there is no file \(shown)", hint: "check the path")
        }
        guard size <= BundleLimits.packedBytes else {
            throw PlasmidError(
                .bundleTooLarge, "the file \(shown) has \(size) bytes",
                hint: "a bundle has at most \(BundleLimits.packedBytes)")
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw PlasmidError(
                .manifestUnreadable, "the file \(shown) cannot be read", hint: "check its owner and mode (ls -l)")
        }
        // One more than allowed, should it have grown since.
        let data = handle.readData(ofLength: BundleLimits.packedBytes + 1)
        return try BundleFile([UInt8](data), path)
    }

    /// Reads a bundle from memory.
    /// - Parameter name: what errors call it
    init(_ bytes: [UInt8], _ name: String) throws(PlasmidError) {
        var budget = BundleLimits.unpackedBytes
        let envelope = try BundleEnvelope(bytes, name, budget: &budget)
        let kind = envelope.index["kind"]
        guard let version = envelope.index["bundle_version"], let kind else {
            throw BundleFault.invalid(
                name, "it has no \"bundle_version\" and \"kind\"",
                hint: "bundles of Holochain have the same outside and another inside: they hold WebAssembly")
        }
        guard version == .string(BundleEnvelope.version) else {
            throw BundleFault.invalid(
                name, "it is of another version than \"\(BundleEnvelope.version)\"", hint: "use a newer plasmid")
        }
        switch kind {
        case .string("dna"):
            let dna = try DnaBundle(envelope, name)
            self.init(
                kind: .dna, name: dna.name, file: dna.dna.file, digest: envelope.digest, dnas: [dna.dna],
                files: dna.files)
        case .string("happ"):
            self = try HappBundle(envelope, name, budget: &budget).file
        default: throw BundleFault.invalid(name, "it is of a kind that is not known")
        }
    }

    init(
        kind: ManifestKind, name: String, file: String, digest: EntryHash, dnas: [Dna], files: [String: [UInt8]]
    ) {
        (self.kind, self.name, self.file, self.digest, self.dnas, self.files) = (kind, name, file, digest, dnas, files)
    }

    /// The mark of a root: the index as JSON.
    static func mark(_ index: MessagePackValue) throws(PlasmidError) -> [UInt8] {
        try JSONText.json(fromMessagePack: index.packed) + [UInt8(ascii: "\n")]
    }
}

/// What modules are built for.
public enum BundlePlatform {
    /// This program's own, as the compiler names it.
    public static var current: String {
        #if arch(x86_64)
            "x86_64-unknown-linux-gnu"
        #elseif arch(arm64)
            "aarch64-unknown-linux-gnu"
        #else
            "unknown-linux-gnu"
        #endif
    }

    /// Whether a text can name a platform: 1 to 64 small letters, digits, `_` and `-`.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D
            }
    }

    /// Where a module stands in a bundle.
    static func place(_ platform: String, _ module: String) -> String { "modules/\(platform)/lib\(module).so" }
}
