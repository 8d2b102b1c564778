import Integrity

extension Host {
    /// One page of the links of a base: filtered, then sorted, then paged, so that every page but the last is full. `next` of
    /// the page continues it as `cursor`, with the same filter and order.
    ///
    /// What a page costs: by tag, and by time without a tag, what it gives and what the filter leaves out between; by time
    /// with a tag, all links of the base with that tag.
    /// - Parameters:
    ///   - types: link types of this DNA; nil means all of them.
    ///   - tagPrefix: the bytes that the tag starts with.
    ///   - tag: the whole tag, byte for byte: `A` is not `a`.
    ///   - after: made at this time or later, by the author's clock.
    ///   - before: made at this time or earlier.
    ///   - status: live links, deleted ones or all.
    ///   - order: by tag, as they are kept, or by time.
    ///   - limit: at most 10,000.
    /// - Throws: `unknownLinkType`; `badInput` for a cursor that is none of this order.
    public func links(
        from base: some Linkable, types: [LinkTypeName]? = nil, tagPrefix: [UInt8]? = nil, tag: [UInt8]? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil, author: AgentKey? = nil, status: LinkStatus = .live,
        order: LinkOrder = .byTag, cursor: [UInt8]? = nil, limit: Int = Limits.linkPageDefault
    ) async throws -> LinkPage {
        try await links(
            GetLinksRequest(
                base: base.linkable, types: types?.map(\.rawValue), tagPrefix: tagPrefix, tag: tag, after: after,
                before: before, author: author, status: status, order: order, cursor: cursor,
                limit: UInt32(clamping: limit)))
    }

    /// One page of the links that a request describes.
    public func links(_ request: GetLinksRequest) async throws -> LinkPage { try await live.ask(.getLinks, request) }

    /// All links of a base, page after page. See ``links(from:types:tagPrefix:tag:after:before:author:status:order:cursor:limit:)``.
    public func allLinks(
        from base: some Linkable, types: [LinkTypeName]? = nil, tagPrefix: [UInt8]? = nil, tag: [UInt8]? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil, author: AgentKey? = nil, status: LinkStatus = .live,
        order: LinkOrder = .byTag
    ) async throws -> [Link] {
        var found: [Link] = []
        var cursor: [UInt8]?
        repeat {
            let page = try await links(
                from: base, types: types, tagPrefix: tagPrefix, tag: tag, after: after, before: before,
                author: author, status: status, order: order, cursor: cursor, limit: Limits.linkPageMaximum)
            found += page.links
            cursor = page.next
        } while cursor != nil
        return found
    }

    /// One page of links with the actions that made and deleted them, at most 1,000; `status` decides which are given.
    public func linksDetails(_ request: GetLinksRequest) async throws -> LinkDetailsPage {
        try await live.ask(.getLinksDetails, request)
    }

    /// How many links there are, without fetching them. The filters are those of `links`.
    public func countLinks(
        from base: some Linkable, types: [LinkTypeName]? = nil, tagPrefix: [UInt8]? = nil, tag: [UInt8]? = nil,
        after: Timestamp? = nil, before: Timestamp? = nil, author: AgentKey? = nil, status: LinkStatus = .live
    ) async throws -> Int {
        let count: UInt64 = try await live.ask(
            .countLinks,
            GetLinksRequest(
                base: base.linkable, types: types?.map(\.rawValue), tagPrefix: tagPrefix, tag: tag, after: after,
                before: before, author: author, status: status))
        return Int(clamping: count)
    }

    /// Adds several links, or none of them: when one cannot be made, this throws and the call has written nothing of it.
    /// - Returns: the addresses, in the order of the links.
    @discardableResult
    public func createLinks(_ links: [NewLink]) async throws -> [ActionHash] {
        try await live.ask(
            .createLinks,
            CreateLinksRequest(
                links: links.map {
                    CreateLinkRequest(base: $0.base, target: $0.target, type: $0.type.rawValue, tag: $0.tag)
                }))
    }

    /// Links two things both ways, or not at all.
    /// - Parameters:
    ///   - back: the type of the link from `other` to `one`; nil means the same as `type`.
    ///   - backTag: its tag; nil means the same as `tag`.
    /// - Returns: the address of the link from `one` to `other`, then of that back.
    @discardableResult
    public func linkBothWays(
        _ type: LinkTypeName, _ one: some Linkable, _ other: some Linkable, tag: [UInt8] = [],
        back: LinkTypeName? = nil, backTag: [UInt8]? = nil
    ) async throws -> (there: ActionHash, back: ActionHash) {
        let made = try await createLinks([
            NewLink(type, from: one, to: other, tag: tag),
            NewLink(back ?? type, from: other, to: one, tag: backTag ?? tag),
        ])
        guard made.count == 2 else {
            throw ZomeError(.malformedMessagePack, "the host answered two links with \(made.count) addresses")
        }
        return (made[0], made[1])
    }
}

/// A link that is to be made.
public struct NewLink: Sendable, Hashable {
    /// Its type.
    public var type: LinkTypeName
    /// What it starts from.
    public var base: AnyLinkableHash
    /// What it leads to.
    public var target: AnyLinkableHash
    /// Its tag: at most 1,000 bytes.
    public var tag: [UInt8]

    /// A link of a type, from a base to a target.
    public init(_ type: LinkTypeName, from base: some Linkable, to target: some Linkable, tag: [UInt8] = []) {
        self.type = type
        self.base = base.linkable
        self.target = target.linkable
        self.tag = tag
    }
}
