import Foundation
public import Integrity

/// Makes bundles of manifests that were read without a fault.
///
/// The same files give the same bytes: nothing of the machine, the time or the place of the folder enters a bundle.
public enum BundlePacker {
    /// A built library to be packed.
    public struct Library: Sendable, Hashable {
        /// What it was built for.
        public let platform: String
        /// Its module's name.
        public let module: String
        /// Where it lies.
        public let path: String

        /// A library of its parts.
        public init(platform: String, module: String, path: String) {
            (self.platform, self.module, self.path) = (platform, module, path)
        }
    }

    /// Which libraries a DNA's modules have.
    public typealias Libraries = (DnaManifest) throws(PlasmidError) -> [Library]

    /// The bytes of a bundle's file, and what reading it gave.
    public struct Packed: Sendable {
        /// The file.
        public let bytes: [UInt8]
        /// The bundle, as a reader sees it.
        public let bundle: BundleFile
    }

    /// Packs a DNA: its file, its validators' sources and the libraries.
    /// - Throws: `bundleTooLarge`, `bundleUnsafe` for a file whose name no bundle can have, `manifestUnreadable` where a file
    ///   was changed or taken away meanwhile.
    public static func dna(_ manifest: DnaManifest, libraries: Libraries) throws(PlasmidError) -> Packed {
        let name = "of \(manifest.path)"
        let bytes = try dnaBytes(manifest, libraries)
        return Packed(bytes: try small(bytes, name), bundle: try BundleFile(bytes, name))
    }

    /// Packs a hApp: its file, and a bundle for each DNA file that its roles name.
    /// - Throws: as ``dna(_:libraries:)``.
    public static func happ(_ happ: LoadedHapp, libraries: Libraries) throws(PlasmidError) -> Packed {
        let path = absolute(happ.path)
        var dnas: [DnaManifest] = []
        for dna in happ.dnas where !dnas.contains(where: { absolute($0.path) == absolute(dna.path) }) {
            dnas.append(dna)
        }
        if let role = happ.manifest.roles.first(where: { turnsBack($0.dnaPath) }) {
            throw PlasmidError(
                .manifestInvalid, "the path \(role.dnaPath) of role \"\(role.name)\" goes down and up again",
                hint: "write it without the detour: the folder in between is not in the bundle")
        }
        let root = BundlePath.common([ManifestFile.folder(of: path)] + dnas.map { absolute($0.sourceBase) })
        let file = BundlePath.below(root, path) ?? path
        var resources = [file: try read(happ.path, most: YamlFile.maxBytes)]
        var items: [MessagePackValue] = []
        for (index, dna) in dnas.enumerated() {
            let id = "dnas/\(index).dna"
            resources[id] = try dnaBytes(dna, libraries)
            let below = BundlePath.below(root, absolute(dna.sourceBase)) ?? ""
            items.append(.map(["root": .string(below), "bundle": .string(id)]))
        }
        let index = MessagePackValue.map([
            "bundle_version": .string(BundleEnvelope.version), "kind": "happ", "name": .string(happ.manifest.name),
            "file": .string(file), "dnas": .array(items),
        ])
        let name = "of \(happ.path)"
        let bytes = try small(try BundleEnvelope.bytes(index, resources), name)
        return Packed(bytes: bytes, bundle: try BundleFile(bytes, name))
    }

    private static func dnaBytes(_ manifest: DnaManifest, _ libraries: Libraries) throws(PlasmidError) -> [UInt8] {
        let definition = manifest.definition()
        let base = absolute(manifest.sourceBase)
        guard let file = BundlePath.below(base, absolute(manifest.path)) else {
            throw PlasmidError(.internal, "\(manifest.path) is not below \(base)")
        }
        var resources = [file: try read(manifest.path, most: YamlFile.maxBytes)]
        var sources: [MessagePackValue] = []
        for zome in definition.integrity.zomes {
            sources.append(
                .map([
                    "zome": .string(zome.name), "path": .string(zome.sources),
                    "digest": .string(EntryHash(core: zome.digest).text),
                ]))
            var report = Report(file: manifest.path)
            let folder = ManifestFile.join(base, zome.sources)
            guard let tree = SourceTree.read(folder: folder, shown: zome.sources, place: .start, report: &report) else {
                throw PlasmidError(
                    .manifestUnreadable, report.sorted.first?.message ?? "the sources \(folder) cannot be read",
                    hint: "they changed while they were packed; pack again")
            }
            for one in tree.files { resources[zome.sources + "/" + one.path] = one.bytes }
        }
        var modules: [MessagePackValue] = []
        let found = try libraries(manifest)
        for library in found.sorted(by: { ($0.platform, $0.module) < ($1.platform, $1.module) }) {
            let place = BundlePlatform.place(library.platform, library.module)
            let bytes = try read(library.path, most: BundleLimits.unpackedBytes)
            resources[place] = bytes
            modules.append(
                .map([
                    "platform": .string(library.platform), "module": .string(library.module), "file": .string(place),
                    "digest": .string(EntryHash(hashing: bytes).text),
                ]))
        }
        let index = MessagePackValue.map([
            "bundle_version": .string(BundleEnvelope.version), "kind": "dna", "name": .string(manifest.name),
            "file": .string(file), "dna": .string(definition.hash().text), "sources": .array(sources),
            "modules": .array(modules),
        ])
        return try BundleEnvelope.bytes(index, resources)
    }

    private static func small(_ bytes: [UInt8], _ name: String) throws(PlasmidError) -> [UInt8] {
        guard bytes.count <= BundleLimits.packedBytes else {
            throw PlasmidError(
                .bundleTooLarge, "the bundle \(name) would have \(bytes.count) bytes",
                hint: "at most \(BundleLimits.packedBytes); modules built with `swift build -c release` are smaller")
        }
        return bytes
    }

    private static func read(_ path: String, most: Int) throws(PlasmidError) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: most + 1) else {
            throw PlasmidError(.manifestUnreadable, "the file \(path) cannot be read", hint: "check its owner and mode")
        }
        guard data.count <= most else {
            throw PlasmidError(
                .bundleTooLarge, "the file \(path) is too large for a bundle", hint: "at most \(most) bytes")
        }
        return [UInt8](data)
    }

    /// Whether a path leads up after it led down.
    private static func turnsBack(_ path: String) -> Bool {
        path.split(separator: "/").drop { $0 == ".." }.contains("..")
    }

    static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}
