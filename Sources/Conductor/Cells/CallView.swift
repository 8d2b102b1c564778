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

    private func sealedEntry(_ author: AgentPubKey, _ hash: EntryHash) throws(PlasmidError) -> Entry? {
        guard let sealed = try space.store.sealedEntry(author: author, hash) else { return nil }
        return try Entry(packed: try space.conductor.keystore.open(sealed, by: author, context: hash.bytes))
    }

    func creates(of entry: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try space.store.recordsOfEntry(entry).map(\.signedAction)
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
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        let page = 32
        var (low, high) = (range.lowerBound, range.upperBound)
        while low <= high {
            let records = try space.store.chain(of: author, from: low, to: high, descending: descending, limit: page)
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
        let request = LinkRequest(filter, cursor: cursor, limit: limit)
        guard cascade.touchesLinks(of: filter.base) else {
            let page = try space.store.links(request)
            return Integrity.LinkPage(links: page.links, next: page.next)
        }
        return try mergedLinks(filter, request)
    }

    /// By tag, a call that wrote links itself reads all of the base's and merges: such a base is as small as what one call
    /// handles. (By time it reads a page.)
    private func mergedLinks(
        _ filter: LinkFilter, _ request: LinkRequest
    ) throws(PlasmidError) -> Integrity.LinkPage {
        var all = request
        let last = try lastSeen(request.cursor)
        // A cursor of a page from before the call wrote is the store's own.
        all.cursor = last == nil ? request.cursor : nil
        all.limit = Int.max
        var links = try cascade.merged(try space.store.links(all).links, filter)
        links.sort { Self.precedes($0, $1) }
        if let last { links.removeAll { !Self.precedes(last, $0) } }
        let page = Array(links.prefix(request.limit))
        return Integrity.LinkPage(
            links: page, next: links.count > page.count ? page.last?.createLinkHash.bytes : nil)
    }

    /// The link that a merged page ended with, deleted since or not.
    private func lastSeen(_ cursor: [UInt8]?) throws(PlasmidError) -> Link? {
        guard let cursor, let hash = try? ActionHash(bytes: cursor), let record = try cascade.anyRecord(hash) else {
            return nil
        }
        return Link(record.signedAction)
    }

    /// Type, then the first 400 bytes of the tag, as in the store; then time.
    private static func precedes(_ left: Link, _ right: Link) -> Bool {
        if left.zomeIndex != right.zomeIndex { return left.zomeIndex < right.zomeIndex }
        if left.linkType != right.linkType { return left.linkType < right.linkType }
        let (first, second) = (left.tag.prefix(400), right.tag.prefix(400))
        if first == second { return LinkPosition(left) < LinkPosition(right) }
        return first.lexicographicallyPrecedes(second)
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
