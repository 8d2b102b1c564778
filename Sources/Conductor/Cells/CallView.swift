import Chain
import Integrity
import Keystore
import Storage

/// What is stored in a space, seen by one reader.
///
/// An author sees their own private entries; everybody else, validators too, sees that there is one.
struct StoredChain: ChainReads {
    let space: SpaceContext
    let reader: AgentPubKey?

    func record(_ hash: ActionHash) throws(PlasmidError) -> Record? {
        guard let stored = try space.store.record(hash) else { return nil }
        return try opened(stored)
    }

    func action(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? { try space.store.action(hash) }

    /// A stored record, with its private entry if it is the reader's own.
    func opened(_ stored: StoredRecord) throws(PlasmidError) -> Record {
        let action = stored.signedAction.action
        guard case .hidden = stored.entry, let reader, action.author == reader, let hash = action.entryHash,
            let entry = try sealedEntry(reader, hash)
        else { return stored.record }
        return Record(signedAction: stored.signedAction, entry: .present(entry))
    }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        if let entry = try space.store.entry(hash) { return entry }
        guard let reader else { return nil }
        return try sealedEntry(reader, hash)
    }

    func holds(_ entry: EntryHash) throws(PlasmidError) -> Bool {
        if try space.store.has(.entry(entry)) { return true }
        guard let reader else { return false }
        return try space.store.sealedEntry(author: reader, entry) != nil
    }

    private func sealedEntry(_ author: AgentPubKey, _ hash: EntryHash) throws(PlasmidError) -> Entry? {
        guard let sealed = try space.store.sealedEntry(author: author, hash) else { return nil }
        return try Entry(packed: try space.conductor.keystore.open(sealed, by: author, context: hash.bytes))
    }

    func creates(of entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.actionsOfEntry(entry)
    }

    func updates(of original: ActionHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.updates(of: AnyDhtHash(original))
    }

    func deletes(of original: ActionHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.deletes(of: AnyDhtHash(original))
    }

    func updates(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.updates(of: AnyDhtHash(original))
    }

    func deletes(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.deletes(of: AnyDhtHash(original))
    }

    func linkDeletes(of add: ActionHash) throws(PlasmidError) -> [SignedAction] { try space.store.linkDeletes(of: add) }

    func links(
        _ filter: LinkFilter, behind position: LinkPosition?, newestFirst: Bool, limit: Int
    ) throws(PlasmidError) -> [Link] {
        let request = LinkRequest(
            filter, order: newestFirst ? .newestFirst : .oldestFirst, cursor: position?.cursor, limit: limit)
        return try space.store.links(request).links
    }

    func countLinks(_ filter: LinkFilter) throws(PlasmidError) -> Int {
        try space.store.countLinks(LinkRequest(filter))
    }

    /// Reads in pages, so that a filter over a long chain holds no more than a page: of entries of 4 MB, too.
    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool, entriesOf: (Action) -> Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        let page = 32
        var (low, high) = (range.lowerBound, range.upperBound)
        while low <= high {
            let records = try space.store.chain(
                of: author, from: low, to: high, descending: descending, limit: page, entriesOf: entriesOf)
            for record in records where !(try body(try opened(record))) { return }
            guard let last = records.last?.signedAction.action.actionSeq, records.count == page else { return }
            if descending {
                guard last > low else { return }
                high = last - 1
            } else {
                guard last < high else { return }
                low = last + 1
            }
        }
    }
}

/// What a call sees of its space: its own writes, over those of the calls that it builds on, over what is stored.
struct CallView {
    let cascade: CascadeView<StoredChain>
    /// Whether private entries are kept back, the author's own too.
    private(set) var hidesPrivate = false

    var space: SpaceContext { cascade.stored.space }

    /// The view of a running call. Its own actions are signed here, so that they can be read back as records.
    init(call: ActiveCall) throws(PlasmidError) {
        try call.sign()
        let layers = call.speculation + (call.scratch.map { [$0] } ?? [])
        cascade = CascadeView(
            layers: layers, stored: StoredChain(space: call.cell.space, reader: call.cell.id.agent))
    }

    /// The same as any other node could see it: what validators ask of it they must be able to ask everywhere, or the
    /// author's node would decide otherwise than the rest.
    func shared() -> CallView {
        CallView(CascadeView(layers: cascade.layers, stored: StoredChain(space: space, reader: nil)))
    }

    /// The view of a chain that is not stored yet, as its author sees it.
    init(of scratch: Scratch, in space: SpaceContext) {
        cascade = CascadeView(layers: [scratch], stored: StoredChain(space: space, reader: scratch.author))
        hidesPrivate = false
    }

    private init(_ cascade: CascadeView<StoredChain>) {
        self.cascade = cascade
        hidesPrivate = true
    }

    // MARK: Links

    /// A page of links: filtered, then sorted, then paged.
    func links(
        _ filter: LinkFilter, order: LinkOrder, cursor: [UInt8]?, limit: Int
    ) throws(PlasmidError) -> Integrity.LinkPage {
        if order != .byTag {
            return try cascade.links(filter, newestFirst: order == .newestFirst, cursor: cursor, limit: limit)
        }
        return try linksByTag(filter, cursor: cursor, limit: limit)
    }

    /// By tag a cursor is the address of the last link given, so that it means the same place in a call that wrote links as
    /// in one that did not, whatever was added or taken back between the two.
    private func linksByTag(
        _ filter: LinkFilter, cursor: [UInt8]?, limit: Int
    ) throws(PlasmidError) -> Integrity.LinkPage {
        var request = LinkRequest(filter, limit: limit)
        if let cursor { request.cursor = try tagPlace(of: cursor, filter.base) }
        guard cascade.touchesLinks(of: filter.base) else {
            let page = try space.store.links(request)
            return Integrity.LinkPage(links: page.links, next: page.next == nil ? nil : Self.cursor(page.links.last))
        }
        // Whatever is deleted above may be among the stored ones, so as many more are asked for, and one to know of a next page.
        request.limit = limit + cascade.layers.reduce(0) { $0 + $1.linkDeleteCount } + 1
        let page = try space.store.links(request)
        var links: [(place: [UInt8], link: Link)] = []
        for link in try cascade.merged(page.links, filter) {
            let place = RowSpace.tagPlace(of: link)
            if let start = request.cursor, !start.lexicographicallyPrecedes(place) { continue }
            links.append((place, link))
        }
        links.sort { $0.place.lexicographicallyPrecedes($1.place) }
        let given = links.prefix(limit).map(\.link)
        return Integrity.LinkPage(links: given, next: links.count > limit ? Self.cursor(given.last) : nil)
    }

    /// `t`, so that it is taken neither for a cursor of another order nor, in JSON, for an address.
    private static let tagMark: UInt8 = 0x74

    private static func cursor(_ last: Link?) -> [UInt8]? { last.map { [tagMark] + $0.createLinkHash.bytes } }

    private func tagPlace(of cursor: [UInt8], _ base: AnyLinkableHash) throws(PlasmidError) -> [UInt8] {
        if cursor.first == Self.tagMark, let hash = try? ActionHash(bytes: Array(cursor.dropFirst())) {
            if let place = try space.store.tagPlace(of: hash, base: base) { return place }
            if let link = pendingLink(hash), link.base == base { return RowSpace.tagPlace(of: link) }
        }
        throw PlasmidError(
            .badInput, "The cursor of a link query cannot be read.",
            hint: "pass `next` of the page before, unchanged, with the same base and order")
    }

    private func pendingLink(_ hash: ActionHash) -> Link? {
        for layer in cascade.layers { if let link = layer.action(hash)?.link { return link } }
        return nil
    }
}

extension LinkTypeNumber {
    init(_ type: LinkFilter.LinkType) {
        self.init(zomeIndex: type.zomeIndex, linkType: type.linkType)
    }
}

extension LinkRequest {
    init(_ filter: LinkFilter, order: LinkOrder = .byTag, cursor: [UInt8]? = nil, limit: Int = 1) {
        self.init(
            base: filter.base, types: filter.types.map { $0.map { LinkTypeNumber($0) } }, tagPrefix: filter.tagPrefix,
            tag: filter.tag, after: filter.after, before: filter.before, author: filter.author, cursor: cursor,
            limit: limit, status: filter.status, order: order)
    }
}

extension ActiveCall {
    /// Signs the actions that are not signed yet.
    func sign() throws(PlasmidError) {
        guard var scratch else { return }
        // Taken out while it changes, so that it is not copied.
        self.scratch = nil
        defer { self.scratch = scratch }
        let (keystore, agent) = (cell.conductor.keystore, cell.id.agent)
        try scratch.sign { bytes throws(PlasmidError) in try keystore.sign(bytes, by: agent) }
    }
}
