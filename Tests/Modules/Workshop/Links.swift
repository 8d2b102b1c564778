import HDK

struct WantedLink: Decodable, Sendable {
    var base: AnyLinkableHash
    var target: AnyLinkableHash
    var type: String
    var tag: String
}

struct WantedLinks: Decodable, Sendable {
    var base: AnyLinkableHash
    var types: [String]?
    var prefix: String?
    var cursor: [UInt8]?
    var limit: Int?
}

struct OrderedLinks: Decodable, Sendable {
    var base: AnyLinkableHash
    var newest: Bool
}

struct Links: Encodable, Sendable {
    var tags: [String]
    var hashes: [ActionHash]
    var next: [UInt8]?
}

@ZomeBuilder
func links() -> [ZomePart] {
    Function("link") { (link: WantedLink, host: Host) in
        try await host.createLink(
            LinkTypeName(rawValue: link.type), from: link.base, to: link.target, tag: Array(link.tag.utf8))
    }
    Function("unlink") { (link: Address, host: Host) in try await host.deleteLink(link.hash) }
    // The tags in the order of time.
    Function("links_in_order") { (wanted: OrderedLinks, host: Host) in
        let order: LinkOrder = wanted.newest ? .newestFirst : .oldestFirst
        return try await host.allLinks(from: wanted.base, order: order).map {
            String(decoding: $0.tag, as: UTF8.self)
        }
    }
    Function("links") { (wanted: WantedLinks, host: Host) in
        let page = try await host.links(
            from: wanted.base, types: wanted.types?.map { LinkTypeName(rawValue: $0) },
            tagPrefix: wanted.prefix.map { Array($0.utf8) }, cursor: wanted.cursor, limit: wanted.limit ?? 1_000)
        return Links(
            tags: page.links.map { String(decoding: $0.tag, as: UTF8.self) }, hashes: page.links.map(\.createLinkHash),
            next: page.next)
    }
}
