import Integrity

/// The inside of a DNA bundle.
struct DnaBundle {
    static let keys = ["bundle_version", "kind", "name", "file", "dna", "sources", "modules"]

    let name: String
    let dna: BundleFile.Dna
    /// Every file and the mark, from the DNA's root.
    let files: [String: [UInt8]]

    /// Takes an envelope's sense: every digest is compared, every file has a reason to be there.
    /// - Throws: `bundleInvalid`, `bundleUnsafe`, `bundleMismatch`.
    init(_ envelope: BundleEnvelope, _ bundle: String) throws(PlasmidError) {
        let index = try BundleIndex(envelope.index, keys: Self.keys, bundle, "the index")
        guard try index.text("bundle_version") == BundleEnvelope.version, try index.text("kind") == "dna" else {
            throw BundleFault.invalid(bundle, "a DNA bundle of version \"\(BundleEnvelope.version)\" belongs there")
        }
        name = try index.text("name")
        let file = try index.path("file")
        guard envelope.resources[file] != nil else {
            throw BundleFault.invalid(bundle, "its manifest \"\(Spelling.shown(file))\" is not in it")
        }
        var known: Set<String> = [file]
        var sources: [String: EntryHash] = [:]
        for item in try index.list("sources") {
            let (zome, digest) = try Self.sources(item, envelope, bundle, &known)
            guard sources.updateValue(digest, forKey: zome) == nil else {
                throw BundleFault.invalid(bundle, "the sources of zome \"\(Spelling.shown(zome))\" stand twice")
            }
        }
        var modules: [BundleFile.Module] = []
        for item in try index.list("modules") {
            let module = try Self.module(item, envelope, bundle)
            guard known.insert(module.file).inserted else {
                throw BundleFault.invalid(bundle, "the module \(module.name) stands twice, or among the sources")
            }
            modules.append(module)
        }
        if let extra = envelope.resources.keys.filter({ !known.contains($0) }).min() {
            throw BundleFault.invalid(bundle, "nothing in it speaks of the file \"\(Spelling.shown(extra))\"")
        }
        dna = BundleFile.Dna(file: file, hash: try index.dna("dna"), modules: modules, sources: sources)
        files = envelope.resources.merging([BundleFile.mark: try BundleFile.mark(envelope.index)]) { first, _ in first }
    }

    /// One validator's sources, whose digest must be that of the files.
    private static func sources(
        _ item: MessagePackValue, _ envelope: BundleEnvelope, _ bundle: String, _ known: inout Set<String>
    ) throws(PlasmidError) -> (zome: String, digest: EntryHash) {
        let index = try BundleIndex(item, keys: ["zome", "path", "digest"], bundle, "an item of \"sources\"")
        let (zome, path) = (try index.text("zome"), try index.path("path"))
        let start = path + "/"
        let found = envelope.resources.filter { $0.key.utf8.starts(with: start.utf8) }
        known.formUnion(found.keys)
        let tree = SourceTree(
            found.map {
                (path: String(decoding: $0.key.utf8.dropFirst(start.utf8.count), as: UTF8.self), bytes: $0.value)
            })
        let told = try index.digest("digest")
        let digest = EntryHash(hashing: tree.canonicalBytes)
        guard digest == told else {
            throw BundleFault.mismatch(
                bundle, "the sources of zome \"\(Spelling.shown(zome))\" have the digest \(digest), told is \(told)")
        }
        return (zome, digest)
    }

    private static func module(
        _ item: MessagePackValue, _ envelope: BundleEnvelope, _ bundle: String
    ) throws(PlasmidError) -> BundleFile.Module {
        let keys = ["platform", "module", "file", "digest"]
        let index = try BundleIndex(item, keys: keys, bundle, "an item of \"modules\"")
        let (platform, name, file) = (try index.text("platform"), try index.text("module"), try index.path("file"))
        guard BundlePlatform.isName(platform), Spelling.isIdentifier(name),
            file == BundlePlatform.place(platform, name), let bytes = envelope.resources[file]
        else {
            throw BundleFault.invalid(bundle, "a module of it is not where it should be, or has no name for a module")
        }
        let (told, digest) = (try index.digest("digest"), EntryHash(hashing: bytes))
        guard digest == told else {
            throw BundleFault.mismatch(bundle, "the module \(name) has the digest \(digest), told is \(told)")
        }
        return BundleFile.Module(platform: platform, name: name, file: file, digest: digest)
    }
}

/// The inside of a hApp bundle: the hApp file, and a whole DNA bundle for each DNA file that it names.
struct HappBundle {
    static let keys = ["bundle_version", "kind", "name", "file", "dnas"]
    static let dnaKeys = ["root", "bundle"]

    let file: BundleFile

    /// Takes an envelope's sense, and that of each bundle in it.
    /// - Throws: `bundleInvalid`, `bundleTooLarge`, `bundleUnsafe`, `bundleMismatch`.
    init(_ envelope: BundleEnvelope, _ bundle: String, budget: inout Int) throws(PlasmidError) {
        let index = try BundleIndex(envelope.index, keys: Self.keys, bundle, "the index")
        let manifest = try index.path("file")
        guard let text = envelope.resources[manifest] else {
            throw BundleFault.invalid(bundle, "its manifest \"\(Spelling.shown(manifest))\" is not in it")
        }
        var files: [String: [UInt8]] = [manifest: text]
        var known: Set<String> = [manifest]
        var dnas: [BundleFile.Dna] = []
        for item in try index.list("dnas") {
            let one = try BundleIndex(item, keys: Self.dnaKeys, bundle, "an item of \"dnas\"")
            let (root, id) = (try one.folder("root"), try one.path("bundle"))
            guard let bytes = envelope.resources[id], known.insert(id).inserted else {
                throw BundleFault.invalid(bundle, "the bundle \"\(Spelling.shown(id))\" is not in it, or stands twice")
            }
            let shown = "\(bundle)/\(id)"
            let inner = try DnaBundle(try BundleEnvelope(bytes, shown, budget: &budget), shown)
            for (path, bytes) in inner.files {
                try Self.put(bytes, BundlePath.join(root, path), bundle, &files)
            }
            let modules = inner.dna.modules.map {
                BundleFile.Module(
                    platform: $0.platform, name: $0.name, file: BundlePath.join(root, $0.file), digest: $0.digest)
            }
            dnas.append(
                BundleFile.Dna(
                    file: BundlePath.join(root, inner.dna.file), hash: inner.dna.hash, modules: modules,
                    sources: inner.dna.sources))
        }
        if let extra = envelope.resources.keys.filter({ !known.contains($0) }).min() {
            throw BundleFault.invalid(bundle, "nothing in it speaks of the file \"\(Spelling.shown(extra))\"")
        }
        // At the root the hApp's mark stands, also where a DNA has its root there.
        files[BundleFile.mark] = try BundleFile.mark(envelope.index)
        if let path = BundlePath.collision(files.keys) {
            throw BundleFault.unsafe(bundle, path, "a folder of its path is a file of the bundle")
        }
        file = BundleFile(
            kind: .happ, name: try index.text("name"), file: manifest, digest: envelope.digest, dnas: dnas, files: files
        )
    }

    /// DNAs that share a root may share files, and never differ in one.
    private static func put(
        _ bytes: [UInt8], _ path: String, _ bundle: String, _ files: inout [String: [UInt8]]
    ) throws(PlasmidError) {
        let isMark = path == BundleFile.mark || path.hasSuffix("/" + BundleFile.mark)
        if let there = files[path], there != bytes, !isMark {
            throw BundleFault.mismatch(
                bundle, "two bundles in it have different files \"\(Spelling.shown(path))\"",
                hint: "pack it anew from one state of the sources")
        }
        if let fault = BundlePath.fault(isMark ? String(path.dropLast(BundleFile.mark.count)) + "x" : path) {
            throw BundleFault.unsafe(bundle, path, fault)
        }
        files[path] = bytes
    }
}
