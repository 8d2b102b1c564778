import Integrity

/// The keys of one map of a bundle's index, read strictly.
struct BundleIndex {
    private let pairs: [String: MessagePackValue]
    private let bundle: String
    private let what: String

    /// - Parameters:
    ///   - keys: every key that must be there; no other may
    ///   - bundle: the bundle as it is told
    init(_ value: MessagePackValue, keys: [String], _ bundle: String, _ what: String) throws(PlasmidError) {
        guard case .map(let all) = value else { throw BundleFault.invalid(bundle, "\(what) is no map") }
        var pairs: [String: MessagePackValue] = [:]
        for pair in all {
            guard case .string(let key) = pair.key, pairs.updateValue(pair.value, forKey: key) == nil,
                keys.contains(key)
            else { throw BundleFault.invalid(bundle, "\(what) has a key twice, or one that is not known") }
        }
        guard pairs.count == keys.count else {
            let missing = keys.first { pairs[$0] == nil } ?? ""
            throw BundleFault.invalid(bundle, "\(what) has no \"\(missing)\"")
        }
        (self.pairs, self.bundle, self.what) = (pairs, bundle, what)
    }

    func text(_ key: String) throws(PlasmidError) -> String {
        guard case .string(let text)? = pairs[key] else {
            throw BundleFault.invalid(bundle, "\"\(key)\" of \(what) is no text")
        }
        return text
    }

    func list(_ key: String) throws(PlasmidError) -> [MessagePackValue] {
        guard case .array(let items)? = pairs[key] else {
            throw BundleFault.invalid(bundle, "\"\(key)\" of \(what) is no list")
        }
        return items
    }

    /// The path of a file.
    func path(_ key: String) throws(PlasmidError) -> String {
        let path = try text(key)
        if let fault = BundlePath.fault(path) { throw BundleFault.unsafe(bundle, path, fault) }
        return path
    }

    /// The path of a folder; "" is the root.
    func folder(_ key: String) throws(PlasmidError) -> String {
        try text(key).isEmpty ? "" : path(key)
    }

    func digest(_ key: String) throws(PlasmidError) -> EntryHash {
        let text = try text(key)
        do throws(PlasmidError) { return try EntryHash(text) } catch {
            throw BundleFault.invalid(bundle, "\"\(key)\" of \(what) is no digest")
        }
    }

    func dna(_ key: String) throws(PlasmidError) -> DnaHash {
        let text = try text(key)
        do throws(PlasmidError) { return try DnaHash(text) } catch {
            throw BundleFault.invalid(bundle, "\"\(key)\" of \(what) is no DNA hash")
        }
    }
}

/// The two halves of a bundle, before anything is known of their sense.
struct BundleEnvelope {
    static let version = "1"

    let index: MessagePackValue
    let resources: [String: [UInt8]]
    /// BLAKE2b-256 of the MessagePack.
    let digest: EntryHash

    /// Takes a file apart.
    /// - Parameter budget: how many bytes may still be unpacked; less afterwards
    /// - Throws: `bundleInvalid`, `bundleTooLarge`, `bundleUnsafe`.
    init(_ file: [UInt8], _ name: String, budget: inout Int) throws(PlasmidError) {
        let bytes = try Gzip.unpack(file, most: budget, name)
        budget -= bytes.count
        do throws(PlasmidError) {
            (index, resources) = try MessagePackReader.reading(bytes) { reader throws(PlasmidError) in
                try Self.halves(&reader, name)
            }
        } catch {
            guard error.code != .bundleInvalid, error.code != .bundleTooLarge, error.code != .bundleUnsafe else {
                throw error
            }
            throw BundleFault.invalid(name, "its content is not that of a bundle: \(error.message)")
        }
        if let path = BundlePath.collision(resources.keys) {
            throw BundleFault.unsafe(name, path, "a folder of its path is a file of the bundle")
        }
        digest = EntryHash(hashing: bytes)
    }

    private static func halves(
        _ reader: inout MessagePackReader, _ name: String
    ) throws(PlasmidError) -> (MessagePackValue, [String: [UInt8]]) {
        var index: MessagePackValue?
        var resources: [String: [UInt8]]?
        guard try reader.readMapHeader() == 2 else {
            throw BundleFault.invalid(name, "it is no map of \"manifest\" and \"resources\"")
        }
        for _ in 0..<2 {
            switch try reader.readString() {
            case "manifest" where index == nil:
                // Its size first: a small text of MessagePack can become many values.
                let raw = try reader.rawBytes()
                guard raw.count <= BundleLimits.indexBytes else {
                    throw PlasmidError(.bundleTooLarge, "the index of the bundle \(name) has \(raw.count) bytes")
                }
                index = try MessagePackReader.reading(raw) { inner throws(PlasmidError) in
                    try MessagePackValue(from: &inner)
                }
            case "resources" where resources == nil: resources = try files(&reader, name)
            default: throw BundleFault.invalid(name, "it is no map of \"manifest\" and \"resources\"")
            }
        }
        guard let index, let resources else { throw BundleFault.invalid(name, "a half of it is missing") }
        return (index, resources)
    }

    private static func files(
        _ reader: inout MessagePackReader, _ name: String
    ) throws(PlasmidError) -> [String: [UInt8]] {
        let count = try reader.readMapHeader()
        guard count <= BundleLimits.files else {
            throw PlasmidError(
                .bundleTooLarge, "the bundle \(name) has \(count) files", hint: "at most \(BundleLimits.files)")
        }
        var files: [String: [UInt8]] = [:]
        for _ in 0..<count {
            let path = try reader.readString()
            if let fault = BundlePath.fault(path) { throw BundleFault.unsafe(name, path, fault) }
            guard files.updateValue([UInt8](try reader.readBinary()), forKey: path) == nil else {
                throw BundleFault.invalid(name, "the file \"\(Spelling.shown(path))\" stands twice in it")
            }
        }
        return files
    }

    /// The bytes of a bundle's file.
    static func bytes(_ index: MessagePackValue, _ resources: [String: [UInt8]]) throws(PlasmidError) -> [UInt8] {
        let files = MessagePackValue.map(resources.map { MessagePackValue.Pair($0.key, .binary($0.value)) })
        return try Gzip.pack(MessagePackValue.map(["manifest": index, "resources": files]).sorted.packed)
    }
}
