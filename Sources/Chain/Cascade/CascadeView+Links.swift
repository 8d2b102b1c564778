import Integrity

extension CascadeView {
    /// One page of links in the order of time: filtered, then sorted, then paged. `limit` of them as long as there are so
    /// many; `next` asks for the page behind, nil when this is the last.
    /// - Throws: `badInput` for a cursor that is none.
    public func links(
        _ filter: LinkFilter, newestFirst: Bool = false, cursor: [UInt8]? = nil, limit: Int
    ) throws(PlasmidError) -> LinkPage {
        let start: LinkPosition? = if let cursor { try LinkPosition(cursor: cursor) } else { nil }
        let wanted = max(1, limit)
        // Whatever is deleted above may be among the stored ones, so as many more are asked for, and one to know of a next page.
        let hidden = layers.reduce(0) { $0 + $1.linkDeleteCount }
        var found = try stored.links(filter, behind: start, newestFirst: newestFirst, limit: wanted + hidden + 1)
        if touchesLinks(of: filter.base) {
            found = try merged(found, filter)
            if let start {
                found.removeAll { newestFirst ? LinkPosition($0) >= start : LinkPosition($0) <= start }
            }
            found.sort { newestFirst ? LinkPosition($0) > LinkPosition($1) : LinkPosition($0) < LinkPosition($1) }
        }
        guard found.count > wanted else { return LinkPage(links: found) }
        found.removeSubrange(wanted...)
        return LinkPage(links: found, next: found.last.map { LinkPosition($0).cursor })
    }

    /// How many links the filter admits. What is counted above the stored ones is only what the scratches hold.
    public func countLinks(_ filter: LinkFilter) throws(PlasmidError) -> Int {
        var count = try stored.countLinks(filter)
        for link in try pendingLinks(filter) where try stored.action(link.createLinkHash) == nil { count += 1 }
        guard filter.status != .all else { return count }
        for link in try newlyDeleted(filter) where try !stored.isLinkDeleted(link.createLinkHash) {
            count += filter.status == .live ? -1 : 1
        }
        return count
    }

    /// Whether anything in the scratches could change an answer about the links of `base`.
    public func touchesLinks(of base: AnyLinkableHash) -> Bool {
        layers.contains { $0.linkDeleteCount > 0 || $0.hasLinks(on: base) }
    }

    /// Stored links as the scratches leave them: what these delete, and what they add. In no order; each link once, though what
    /// this call builds on may have been committed since.
    public func merged(_ stored: [Link], _ filter: LinkFilter) throws(PlasmidError) -> [Link] {
        var found = stored
        if filter.status == .live {
            found.removeAll { link in layers.contains { $0.isLinkDeleted(link.createLinkHash) } }
        }
        var more = try pendingLinks(filter)
        if filter.status == .deleted { more += try newlyDeleted(filter) }
        guard !more.isEmpty else { return found }
        var known = Set(found.map(\.createLinkHash))
        for link in more where known.insert(link.createLinkHash).inserted { found.append(link) }
        return found
    }

    /// The links that the scratches made and the filter admits.
    private func pendingLinks(_ filter: LinkFilter) throws(PlasmidError) -> [Link] {
        var links: [Link] = []
        for layer in layers {
            for link in layer.links(on: filter.base) where filter.admits(link) {
                let isDeleted = layers.contains { $0.isLinkDeleted(link.createLinkHash) }
                if filter.status.admits(deleted: isDeleted) { links.append(link) }
            }
        }
        return links
    }

    /// The stored links that the scratches delete and that the filter would admit, its status aside.
    private func newlyDeleted(_ filter: LinkFilter) throws(PlasmidError) -> [Link] {
        var links: [Link] = []
        for add in Set(layers.flatMap(\.deletedLinks)) {
            guard let action = try stored.action(add), let link = Link(action), filter.admits(link) else {
                continue
            }
            links.append(link)
        }
        return links
    }

    /// Links with every action that deleted them, oldest first.
    /// - Throws: `storageCorrupt` where a link stands in the index and its action does not; `tooLarge` beyond
    ///   ``Limits/answerBytes``.
    public func details(of links: [Link]) throws(PlasmidError) -> [LinkDetails] {
        var budget = AnswerBudget()
        var details: [LinkDetails] = []
        details.reserveCapacity(links.count)
        for link in links {
            let found = try self.details(of: link)
            try budget.spend(actions: 1 + found.deletes.count)
            details.append(found)
        }
        return details
    }

    private func details(of link: Link) throws(PlasmidError) -> LinkDetails {
        let add = link.createLinkHash
        guard let create = try signedAction(add) else {
            throw PlasmidError(.storageCorrupt, "The action \(add) of a link is not there.")
        }
        let pending = layers.flatMap { $0.linkDeletes(of: add) }.compactMap(\.signedAction)
        return LinkDetails(
            create: create, deletes: Self.inOrder(try stored.linkDeletes(of: add) + pending))
    }

    /// By time, then by hash; each once.
    static func inOrder(_ actions: [SignedAction]) -> [SignedAction] {
        var known: Set<ActionHash> = []
        return actions.filter { known.insert($0.hash).inserted }
            .sorted { ($0.action.timestamp, $0.hash) < ($1.action.timestamp, $1.hash) }
    }

    /// The link that `add` created, unless it was deleted.
    public func link(_ add: ActionHash) throws(PlasmidError) -> Link? {
        if layers.contains(where: { $0.isLinkDeleted(add) }) { return nil }
        for layer in layers.reversed() {
            if let link = layer.action(add)?.link { return link }
        }
        guard let action = try stored.action(add), try !stored.isLinkDeleted(add) else { return nil }
        return Link(action)
    }
}
