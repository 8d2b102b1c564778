// Inputs and answers of the host operations that encrypt, and of one-time keys.

/// Input of ``HostOperation/encrypt``; the answer is `bin`.
public struct EncryptRequest: Packable, Hashable {
    /// Who shall be able to read it.
    public var to: AgentPubKey
    /// What is encrypted.
    public var data: [UInt8]

    /// A value from its parts.
    public init(to: AgentPubKey, data: [UInt8]) {
        self.to = to
        self.data = data
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("to")
        to.pack(into: &w)
        w.writeString("data")
        w.writeBinary(data)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var to: AgentPubKey?
        var data: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "to": try r.read(into: &to)
            case "data": data = try r.readBytes()
            default: try r.skip()
            }
        }
        self.to = try r.require(to, "to", of: "EncryptRequest")
        self.data = try r.require(data, "data", of: "EncryptRequest")
    }
}

/// Input of ``HostOperation/decrypt``; the answer is `bin`.
public struct DecryptRequest: Packable, Hashable {
    /// Who encrypted it to this agent.
    public var from: AgentPubKey
    /// What is decrypted.
    public var data: [UInt8]

    /// A value from its parts.
    public init(from: AgentPubKey, data: [UInt8]) {
        self.from = from
        self.data = data
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("from")
        from.pack(into: &w)
        w.writeString("data")
        w.writeBinary(data)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var from: AgentPubKey?
        var data: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "from": try r.read(into: &from)
            case "data": data = try r.readBytes()
            default: try r.skip()
            }
        }
        self.from = try r.require(from, "from", of: "DecryptRequest")
        self.data = try r.require(data, "data", of: "DecryptRequest")
    }
}

/// Input of ``HostOperation/seal`` and ``HostOperation/unseal``; the answer is `bin`.
public struct SecretRequest: Packable, Hashable {
    /// 32 bytes that both sides know.
    public var key: [UInt8]
    /// What is sealed or opened.
    public var data: [UInt8]

    /// A value from its parts.
    public init(key: [UInt8], data: [UInt8]) {
        self.key = key
        self.data = data
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("key")
        w.writeBinary(key)
        w.writeString("data")
        w.writeBinary(data)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var key: [UInt8]?
        var data: [UInt8]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "key": key = try r.readBytes()
            case "data": data = try r.readBytes()
            default: try r.skip()
            }
        }
        self.key = try r.require(key, "key", of: "SecretRequest")
        self.data = try r.require(data, "data", of: "SecretRequest")
    }
}

/// Input of ``HostOperation/signOneTime``.
public struct SignOneTimeRequest: Packable, Hashable {
    /// What is signed, each by itself, in the domain of DNA and zome.
    public var data: [[UInt8]]

    /// A value from its parts.
    public init(data: [[UInt8]]) {
        self.data = data
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("data")
        w.writeArrayHeader(data.count)
        for bytes in data { w.writeBinary(bytes) }
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var data: [[UInt8]]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "data":
                var list: [[UInt8]] = []
                for _ in 0..<(try r.readArrayHeader()) { list.append(try r.readBytes()) }
                data = list
            default: try r.skip()
            }
        }
        self.data = try r.require(data, "data", of: "SignOneTimeRequest")
    }
}

/// Answer of ``HostOperation/signOneTime``.
public struct OneTimeSignatures: Packable, Hashable {
    /// The key that signed; its secret half is forgotten.
    public var key: AgentPubKey
    /// The signatures, in the order of the data.
    public var signatures: [Signature]

    /// A value from its parts.
    public init(key: AgentPubKey, signatures: [Signature] = []) {
        self.key = key
        self.signatures = signatures
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("key")
        key.pack(into: &w)
        w.writeString("signatures")
        w.write(signatures)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var key: AgentPubKey?
        var signatures: [Signature]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "key": try r.read(into: &key)
            case "signatures": signatures = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.key = try r.require(key, "key", of: "OneTimeSignatures")
        self.signatures = signatures ?? []
    }
}

/// Answer of ``HostOperation/zomeInfo``.
public struct ZomeInfo: Packable, Hashable {
    /// The zome's name.
    public var name: String
    /// Its place among the zomes of its kind.
    public var index: UInt32
    /// `coordinator` or `integrity`.
    public var kind: String
    /// Names of the entry types that it may use, in the order of their index.
    public var entryTypes: [String]
    /// Names of the link types that it may use, in the order of their index.
    public var linkTypes: [String]
    /// Names of its functions, in the order of the manifest.
    public var functions: [String]

    /// A value from its parts.
    public init(
        name: String, index: UInt32, kind: String, entryTypes: [String] = [], linkTypes: [String] = [],
        functions: [String] = []
    ) {
        self.name = name
        self.index = index
        self.kind = kind
        self.entryTypes = entryTypes
        self.linkTypes = linkTypes
        self.functions = functions
    }

    /// Writes a map of 6 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(6)
        w.writeString("name")
        name.pack(into: &w)
        w.writeString("index")
        index.pack(into: &w)
        w.writeString("kind")
        kind.pack(into: &w)
        w.writeString("entry_types")
        w.write(entryTypes)
        w.writeString("link_types")
        w.write(linkTypes)
        w.writeString("functions")
        w.write(functions)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var name: String?
        var index: UInt32?
        var kind: String?
        var entryTypes: [String]?
        var linkTypes: [String]?
        var functions: [String]?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "name": try r.read(into: &name)
            case "index": try r.read(into: &index)
            case "kind": try r.read(into: &kind)
            case "entry_types": entryTypes = try r.readOptionalArray()
            case "link_types": linkTypes = try r.readOptionalArray()
            case "functions": functions = try r.readOptionalArray()
            default: try r.skip()
            }
        }
        self.name = try r.require(name, "name", of: "ZomeInfo")
        self.index = try r.require(index, "index", of: "ZomeInfo")
        self.kind = try r.require(kind, "kind", of: "ZomeInfo")
        self.entryTypes = entryTypes ?? []
        self.linkTypes = linkTypes ?? []
        self.functions = functions ?? []
    }
}

/// Input of ``HostOperation/closeChain``.
public struct CloseChainRequest: Packable, Hashable {
    /// Where it goes on; nil when it does not.
    public var target: MigrationTarget?

    /// A value from its parts.
    public init(target: MigrationTarget? = nil) {
        self.target = target
    }

    /// Writes a map of 1 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(1)
        w.writeString("new_target")
        w.write(target)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var target: MigrationTarget?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "new_target": target = try r.readOptional()
            default: try r.skip()
            }
        }
        self.target = target
    }
}

/// Input of ``HostOperation/openChain``.
public struct OpenChainRequest: Packable, Hashable {
    /// Which chain is continued.
    public var from: MigrationTarget
    /// The CloseChain that it ended with.
    public var closeHash: ActionHash

    /// A value from its parts.
    public init(from: MigrationTarget, closeHash: ActionHash) {
        self.from = from
        self.closeHash = closeHash
    }

    /// Writes a map of 2 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("prev_target")
        from.pack(into: &w)
        w.writeString("close_hash")
        closeHash.pack(into: &w)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var from: MigrationTarget?
        var closeHash: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "prev_target": try r.read(into: &from)
            case "close_hash": try r.read(into: &closeHash)
            default: try r.skip()
            }
        }
        self.from = try r.require(from, "prev_target", of: "OpenChainRequest")
        self.closeHash = try r.require(closeHash, "close_hash", of: "OpenChainRequest")
    }
}
