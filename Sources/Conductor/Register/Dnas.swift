import Integrity
import Manifests
import NIOCore
import NIOPosix
import Storage

/// What `admin/dna/install_from_file` asks for.
struct DnaRequest: Sendable {
    var id: String
    var path: String
    var expectedHash: DnaHash?
    /// Merged into the manifest's properties (RFC 7396).
    var properties: MessagePackValue?
    /// 2019's word for what makes another network of the same DNA: the network seed.
    var uuid: String?

    init(_ params: AdminParams) throws(PlasmidError) {
        id = try params.text("id")
        path = try params.text("path")
        properties = params.value("properties")
        uuid = params.optionalText("uuid")
        if let expected = params.optionalText("expected_hash") { expectedHash = try DnaHash(expected) }
        guard properties == nil || params.flag("copy", default: false) else {
            throw PlasmidError(
                .propertiesNeedCopy, "Cannot install DNA with properties specified without `copy: true`",
                hint: "the properties change the DNA, so that it is no longer the file's")
        }
    }

    /// Reads the file and its modules; blocking, for a thread of the pool.
    /// - Parameter added: the copies of modules that were not there before.
    func load(
        locator: ModuleLocator, store: ModuleStore, added: inout [String]
    ) throws(PlasmidError) -> RegisteredDna {
        guard !path.hasSuffix(".json") else {
            throw PlasmidError(
                .notSupported, "Could not load DNA file \(path): the zomes of a DNA of 2019 are WebAssembly",
                hint: "write a DNA manifest and Swift modules for it; `plasmid dna hash` tells such a file's Qm address"
            )
        }
        let (manifest, bundle) = try read(store)
        // Unpacked modules are there until they were copied.
        defer { withExtendedLifetime(bundle) {} }
        let locator = BundleReading.locator(manifest, locator)
        var modifiers = DnaModifiers(networkSeed: uuid)
        if let properties {
            modifiers.properties = manifest.definition().integrity.properties.merging(properties)
        }
        let definition = manifest.definition(modifiers)
        let hash = definition.hash()
        if let expectedHash, expectedHash != hash {
            throw PlasmidError(
                .dnaMismatch, "DNA hash does not match: the file has \(hash), expected was \(expectedHash)",
                hint: "its integrity part, its validators' sources, properties or uuid differ from what was expected")
        }
        var modules: [String: String] = [:]
        let zomes = definition.integrity.zomes.map { ($0.name, $0.module) }
        for (zome, module) in zomes + definition.coordinator.map({ ($0.name, $0.module) }) {
            modules[zome] = try store.add(try locator.locate(module, zome: zome), module: module, added: &added)
        }
        return RegisteredDna(id: id, definition: definition, modules: modules, origin: path)
    }

    private func read(_ store: ModuleStore) throws(PlasmidError) -> (DnaManifest, UnpackedBundle?) {
        do throws(PlasmidError) {
            return try BundleReading.dna(path, store)
        } catch {
            throw PlasmidError(error.code, "Could not load DNA file: \(error.message)", hint: error.hint)
        }
    }
}

extension Conductor {
    func installDna(_ params: AdminParams, _ reply: @escaping AdminReply) throws(PlasmidError) {
        let request = try DnaRequest(params)
        inTurn(reply) { [self] done in
            try checkNewID(request.id, kind: "dna", isTaken: register.dnas[request.id] != nil)
            let locator = ModuleLocator(folders: options.moduleFolders)
            let modules = ModuleStore(dataFolder: options.dataFolder)
            installing += 1
            let loading = NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
                var added: [String] = []
                do throws(PlasmidError) {
                    let dna = try request.load(locator: locator, store: modules, added: &added)
                    return (Result<RegisteredDna, PlasmidError>.success(dna), added)
                } catch {
                    return (.failure(error), added)
                }
            }
            loading.assumeIsolated().whenComplete { [self] result in
                switch result {
                case .success((.success(let dna), let added)): keep(dna, added, done)
                case .success((.failure(let error), let added)): dropCopies(added, error, done)
                case .failure(let error): dropCopies([], PlasmidError.from(error), done)
                }
            }
        }
    }

    private func keep(_ dna: RegisteredDna, _ added: [String], _ done: @escaping AdminReply) {
        store.write([dna.put]) { [self] result in
            if case .failure(let error) = result { return dropCopies(added, error, done) }
            register.dnas[dna.id] = dna
            installing -= 1
            done(.success(.object(["success": .bool(true), "dna_hash": .string(dna.hash.text)])))
        }
    }

    private func dropCopies(_ added: [String], _ error: PlasmidError, _ done: @escaping AdminReply) {
        forgetCopies(added)
        installing -= 1
        done(.failure(error))
    }

    /// Forgets a DNA and the instances made of it; what is stored of its network stays.
    func uninstallDna(_ id: String, _ reply: @escaping AdminReply) throws(PlasmidError) {
        inTurn(reply) { [self] done in
            guard register.dnas[id] != nil else { throw Self.unknown("DNA", id, known: Array(register.dnas.keys)) }
            let gone = register.instances.values.filter { $0.dna == id }.map(\.id)
            try forgetInstances(gone, also: [RegisteredDna.delete(id)], done) { [self] in
                register.dnas[id] = nil
            }
        }
    }

    /// The register's DNAs, then those that hApps brought.
    func dnaList() -> MessagePackValue {
        let registered = register.dnas.values.sorted { $0.id < $1.id }
        var names: [DnaHash: String] = [:]
        for app in apps.values { for role in app.roles { names[role.dna] = role.definition.name } }
        for dna in registered { names[dna.hash] = nil }
        return .array(
            registered.map { .object(["id": .string($0.id), "hash": .string($0.hash.text)]) }
                + names.sorted { ($0.value, $0.key.text) < ($1.value, $1.key.text) }.map {
                    .object(["id": .string($0.value), "hash": .string($0.key.text)])
                })
    }
}

extension MessagePackValue {
    /// RFC 7396: members of `patch` replace ours, null takes one away, maps are merged.
    func merging(_ patch: MessagePackValue) -> MessagePackValue {
        guard case .map(let changes) = patch else { return patch }
        var members: [Pair] = if case .map(let own) = self { own } else { [] }
        for change in changes {
            let place = members.firstIndex { $0.key == change.key }
            if change.value == .null {
                if let place { members.remove(at: place) }
            } else if let place {
                members[place].value = members[place].value.merging(change.value)
            } else {
                members.append(Pair(key: change.key, value: MessagePackValue.null.merging(change.value)))
            }
        }
        return .map(members)
    }
}
