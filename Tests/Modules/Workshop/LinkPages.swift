import HDK

/// Every filter that `links` has.
struct LinkQuestion: Decodable, Sendable {
    var base: AnyLinkableHash
    var types: [String]?
    var prefix: String?
    var tag: String?
    var after: Int64?
    var before: Int64?
    var author: AgentKey?
    var status: String?
    var order: String?
    var cursor: [UInt8]?
    var limit: UInt32?
    /// The tag of a link that is made first, in the same call.
    var make: String?

    func request() throws -> GetLinksRequest {
        guard let status = LinkStatus(rawValue: status ?? "live"), let order = LinkOrder(rawValue: order ?? "tag")
        else {
            throw ZomeError("badQuestion", "there is no such status or order")
        }
        return GetLinksRequest(
            base: base, types: types, tagPrefix: prefix.map { Array($0.utf8) }, tag: tag.map { Array($0.utf8) },
            after: after.map { Timestamp(microseconds: $0) }, before: before.map { Timestamp(microseconds: $0) },
            author: author, status: status, order: order, cursor: cursor, limit: limit)
    }
}

struct LinkAges: Encodable, Sendable {
    var tag: String
    var deletes: Int
}

struct BothWays: Decodable, Sendable {
    var one: AnyLinkableHash
    var other: AnyLinkableHash
    var back: String
    /// Goes on after a failure, as a zome may.
    var shrugs: Bool
}

struct OwnLinks: Decodable, Sendable {
    var base: AnyLinkableHash
    var gone: ActionHash
}

@ZomeBuilder
func linkPages() -> [ZomePart] {
    Function("link_page") { (question: LinkQuestion, host: Host) in
        if let tag = question.make {
            try await host.createLink("any", from: question.base, to: question.base, tag: Array(tag.utf8))
        }
        let page = try await host.links(try question.request())
        return Links(
            tags: page.links.map { String(decoding: $0.tag, as: UTF8.self) }, hashes: page.links.map(\.createLinkHash),
            next: page.next)
    }
    Function("link_details") { (question: LinkQuestion, host: Host) in
        try await host.linksDetails(try question.request()).links.map { details in
            let tag = Link(details.create)?.tag ?? []
            return LinkAges(tag: String(decoding: tag, as: UTF8.self), deletes: details.deletes.count)
        }
    }
    Function("link_count") { (question: LinkQuestion, host: Host) in
        let request = try question.request()
        return try await host.countLinks(
            from: request.base, types: request.types?.map { LinkTypeName(rawValue: $0) },
            tagPrefix: request.tagPrefix, tag: request.tag, after: request.after, before: request.before,
            author: request.author, status: request.status)
    }
    Function("link_both_ways") { (pair: BothWays, host: Host) -> Bool in
        do {
            let back = LinkTypeName(rawValue: pair.back)
            try await host.linkBothWays("any", pair.one, pair.other, tag: Array("both".utf8), back: back)
            return true
        } catch {
            if pair.shrugs { return false }
            throw error
        }
    }
    // Links, deletes one of another call's and one of its own, and asks in the same call.
    Function("links_of_this_call") { (base: OwnLinks, host: Host) in
        var made: [ActionHash] = []
        for tag in ["x", "y", "z"] {
            made.append(try await host.createLink("any", from: base.base, to: base.base, tag: Array(tag.utf8)))
        }
        try await host.deleteLink(made[1])
        try await host.deleteLink(base.gone)
        var found: [[String]] = []
        for status in LinkStatus.allCases {
            for order in LinkOrder.allCases {
                let links = try await host.allLinks(from: base.base, status: status, order: order)
                found.append(links.map { String(decoding: $0.tag, as: UTF8.self) })
            }
            let count = try await host.countLinks(from: base.base, status: status)
            found.append(["\(count)"])
        }
        return found
    }
}
