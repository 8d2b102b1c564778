/// A link as `getLinks` gives it.
public struct Link: Hashable, Sendable, Packable {
    /// Who made it.
    public var author: AgentPubKey
    /// What it starts from.
    public var base: AnyLinkableHash
    /// What it leads to.
    public var target: AnyLinkableHash
    /// When it was made, by its author's clock.
    public var timestamp: Timestamp
    /// The integrity zome that defines its type.
    public var zomeIndex: UInt8
    /// Its type's place among those of the zome.
    public var linkType: UInt8
    /// Its tag: the app's own bytes.
    public var tag: [UInt8]
    /// The action that made it; what `deleteLink` takes.
    public var createLinkHash: ActionHash

    /// A link from its parts.
    public init(
        author: AgentPubKey, base: AnyLinkableHash, target: AnyLinkableHash, timestamp: Timestamp, zomeIndex: UInt8,
        linkType: UInt8, tag: [UInt8], createLinkHash: ActionHash
    ) {
        self.author = author
        self.base = base
        self.target = target
        self.timestamp = timestamp
        self.zomeIndex = zomeIndex
        self.linkType = linkType
        self.tag = tag
        self.createLinkHash = createLinkHash
    }

    /// The link that a CreateLink action makes; nil for any other action.
    public init?(_ signed: SignedAction) {
        guard case .createLink(let base, let target, let zomeIndex, let linkType, let tag) = signed.action.data else {
            return nil
        }
        self.init(
            author: signed.action.author, base: base, target: target, timestamp: signed.action.timestamp,
            zomeIndex: zomeIndex, linkType: linkType, tag: tag, createLinkHash: signed.hash)
    }

    /// Writes a map of eight fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(8)
        w.writeString("author")
        author.pack(into: &w)
        w.writeString("base")
        base.pack(into: &w)
        w.writeString("target")
        target.pack(into: &w)
        w.writeString("timestamp")
        timestamp.pack(into: &w)
        w.writeString("zome_index")
        w.writeUInt(zomeIndex)
        w.writeString("link_type")
        w.writeUInt(linkType)
        w.writeString("tag")
        w.writeBinary(tag)
        w.writeString("create_link_hash")
        createLinkHash.pack(into: &w)
    }

    /// Reads a map.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var author: AgentPubKey?
        var base: AnyLinkableHash?
        var target: AnyLinkableHash?
        var timestamp: Timestamp?
        var zomeIndex: UInt8?
        var linkType: UInt8?
        var tag: [UInt8]?
        var create: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "author": try r.read(into: &author)
            case "base": try r.read(into: &base)
            case "target": try r.read(into: &target)
            case "timestamp": try r.read(into: &timestamp)
            case "zome_index": zomeIndex = try r.readUInt8()
            case "link_type": linkType = try r.readUInt8()
            case "tag": tag = try r.readBytes()
            case "create_link_hash": try r.read(into: &create)
            default: try r.skip()
            }
        }
        self.author = try r.require(author, "author", of: "Link")
        self.base = try r.require(base, "base", of: "Link")
        self.target = try r.require(target, "target", of: "Link")
        self.timestamp = try r.require(timestamp, "timestamp", of: "Link")
        self.zomeIndex = try r.require(zomeIndex, "zome_index", of: "Link")
        self.linkType = try r.require(linkType, "link_type", of: "Link")
        self.tag = try r.require(tag, "tag", of: "Link")
        createLinkHash = try r.require(create, "create_link_hash", of: "Link")
    }
}
