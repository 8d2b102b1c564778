import Sodium

/// Two forms share one writer: what is hashed, and what is kept on disk (which also says where sources and products lie).
enum DnaForm {
    case hashed
    case stored
}

extension IntegritySection {
    func pack(into w: inout MessagePackWriter, form: DnaForm) {
        let namesZome = form == .stored || zomes.count > 1
        w.writeMapHeader(6)
        w.writeString("network_seed")
        w.writeString(networkSeed)
        w.writeString("properties")
        (form == .hashed ? properties.sorted : properties).pack(into: &w)
        w.writeString("messaging")
        w.writeMapHeader(1)
        w.writeString("floor")
        messaging.pack(into: &w)
        w.writeString("entry_types")
        w.writeArrayHeader(entryTypes.count)
        for type in entryTypes { type.pack(into: &w, form: form, zome: namesZome ? owner(type.zome, form) : nil) }
        w.writeString("link_types")
        w.writeArrayHeader(linkTypes.count)
        for type in linkTypes { type.pack(into: &w, zome: namesZome ? owner(type.zome, form) : nil) }
        w.writeString("zomes")
        w.writeArrayHeader(zomes.count)
        for zome in zomes {
            w.writeMapHeader(form == .stored ? 4 : 2)
            w.writeString("name")
            w.writeString(zome.name)
            if form == .stored {
                w.writeString("module")
                w.writeString(zome.module)
                w.writeString("sources")
                w.writeString(zome.sources)
            }
            w.writeString("digest")
            w.writeBinary(zome.digest)
        }
    }

    /// The name of a type's zome: as written, or (hashed) with the default filled in.
    private func owner(_ written: String?, _ form: DnaForm) -> String?? {
        .some(form == .hashed ? written ?? zomes.first?.name : written)
    }
}

extension EntryTypeDef {
    func pack(into w: inout MessagePackWriter, form: DnaForm, zome: String??) {
        w.writeMapHeader(zome == nil ? 6 : 7)
        w.writeString("name")
        w.writeString(name)
        w.writeString("visibility")
        w.writeString(visibility == .public ? "public" as StaticString : "private")
        w.writeString("max_bytes")
        w.writeInt(maxBytes)
        w.writeString("required_validations")
        w.writeUInt(requiredValidations)
        w.writeString("publishing")
        w.write(publishing)
        w.writeString("rules")
        rules.pack(into: &w)
        if let zome {
            w.writeString("zome")
            w.write(zome)
        }
    }
}

extension LinkTypeDef {
    func pack(into w: inout MessagePackWriter, zome: String??) {
        w.writeMapHeader(zome == nil ? 5 : 6)
        w.writeString("name")
        w.writeString(name)
        w.writeString("base")
        base.pack(into: &w)
        w.writeString("target")
        target.pack(into: &w)
        w.writeString("create")
        create.pack(into: &w)
        w.writeString("delete")
        delete.pack(into: &w)
        if let zome {
            w.writeString("zome")
            w.write(zome)
        }
    }
}

extension DnaDefinition: Packable {
    /// Writes the form that is kept on disk: `{name, integrity, coordinator}` with everything that the type holds.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(3)
        w.writeString("name")
        w.writeString(name)
        w.writeString("integrity")
        integrity.pack(into: &w, form: .stored)
        w.writeString("coordinator")
        w.write(coordinator)
    }

    /// Reads the form that is kept on disk.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var integrity: IntegritySection?
        var coordinator: [CoordinatorZomeDef]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "integrity": integrity = try IntegritySection(stored: &r)
            case "coordinator": try r.read(into: &coordinator)
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "DnaDefinition")
        self.integrity = try r.require(integrity, "integrity", of: "DnaDefinition")
        self.coordinator = try r.require(coordinator, "coordinator", of: "DnaDefinition")
    }
}

extension IntegritySection {
    fileprivate init(stored r: inout MessagePackReader) throws(PlasmidError) {
        self.init()
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "network_seed": networkSeed = try r.readString()
            case "properties": properties = try r.read()
            case "messaging":
                for _ in 0..<(try r.readMapHeader()) {
                    if "floor" ~= (try r.readKey()) { messaging = try r.read() } else { try r.skip() }
                }
            case "entry_types": entryTypes = try r.readArray()
            case "link_types": linkTypes = try r.readArray()
            case "zomes": zomes = try r.readArray()
            default: try r.skip()
            }
        }
    }
}

extension EntryTypeDef: Packable {
    /// Writes the stored form.
    public func pack(into w: inout MessagePackWriter) { pack(into: &w, form: .stored, zome: .some(zome)) }

    /// Reads the stored form; what is left out has the manifest's default.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var made = EntryTypeDef(name: "")
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "visibility":
                let key = try r.readKey()
                switch key {
                case "public": made.visibility = .public
                case "private": made.visibility = .private
                default: throw r.unknownCase(key, of: "visibility")
                }
            case "max_bytes": made.maxBytes = Int(clamping: try r.readUInt())
            case "required_validations": made.requiredValidations = try r.readUInt8()
            case "publishing": made.publishing = try r.readArray()
            case "rules": made.rules = try r.read()
            case "zome": made.zome = try r.readOptional()
            default: try r.skip()
            }
        }
        made.name = try r.require(name, "name", of: "EntryTypeDef")
        self = made
    }
}

extension LinkTypeDef: Packable {
    /// Writes the stored form.
    public func pack(into w: inout MessagePackWriter) { pack(into: &w, zome: .some(zome)) }

    /// Reads the stored form; what is left out has the manifest's default.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var made = LinkTypeDef(name: "")
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "base": made.base = try r.read()
            case "target": made.target = try r.read()
            case "create": made.create = try r.read()
            case "delete": made.delete = try r.read()
            case "zome": made.zome = try r.readOptional()
            default: try r.skip()
            }
        }
        made.name = try r.require(name, "name", of: "LinkTypeDef")
        self = made
    }
}

extension IntegrityZomeDef: Packable {
    /// Writes a map of four fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("name")
        w.writeString(name)
        w.writeString("module")
        w.writeString(module)
        w.writeString("sources")
        w.writeString(sources)
        w.writeString("digest")
        w.writeBinary(digest)
    }

    /// Reads a map of four fields.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var module: String?
        var sources: String?
        var digest: Bytes32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "module": try r.read(into: &module)
            case "sources": try r.read(into: &sources)
            case "digest": try r.read(into: &digest)
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "IntegrityZomeDef")
        self.module = try r.require(module, "module", of: "IntegrityZomeDef")
        self.sources = try r.require(sources, "sources", of: "IntegrityZomeDef")
        self.digest = try r.require(digest, "digest", of: "IntegrityZomeDef")
    }
}

extension FunctionDef: Packable {
    /// Writes `{name, access}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("name")
        w.writeString(name)
        w.writeString("access")
        access.pack(into: &w)
    }

    /// Reads `{name, access}`; without `access` only the author may call.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var access: FunctionAccess?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "access": try r.read(into: &access)
            default: try r.skip()
            }
        }
        self.init(name: try r.require(name, "name", of: "FunctionDef"), access: access ?? .author)
    }
}

extension CoordinatorZomeDef: Packable {
    /// Writes a map of four fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("name")
        w.writeString(name)
        w.writeString("module")
        w.writeString(module)
        w.writeString("functions")
        w.write(functions)
        w.writeString("callbacks")
        w.write(callbacks)
    }

    /// Reads a map of four fields.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var module: String?
        var functions: [FunctionDef]?
        var callbacks: [Callback]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "module": try r.read(into: &module)
            case "functions": try r.read(into: &functions)
            case "callbacks": try r.read(into: &callbacks)
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "CoordinatorZomeDef")
        self.module = try r.require(module, "module", of: "CoordinatorZomeDef")
        self.functions = functions ?? []
        self.callbacks = callbacks ?? []
    }
}
