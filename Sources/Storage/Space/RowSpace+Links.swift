import Integrity

extension RowSpace {
    /// A page of links.
    ///
    /// By tag, a page reads the rows that it gives and those between them that the filter leaves out. By time without a tag,
    /// the same of the time index, for each type no further than the page can reach. By time with a tag, all links with that
    /// tag are read, and no more than the page is kept of them.
    public func links(_ request: LinkRequest) throws(PlasmidError) -> LinkPage {
        try rows.reading { () throws(PlasmidError) in
            let sieve = LinkSieve(request)
            switch request.order {
            case .byTag: return try self.pageByTag(sieve)
            case .oldestFirst, .newestFirst: return try self.pageByTime(sieve)
            }
        }
    }

    /// How many links a request admits, over all its pages. Reads every one of them once, and makes none.
    public func countLinks(_ request: LinkRequest) throws(PlasmidError) -> Int {
        try rows.reading { () throws(PlasmidError) in
            let sieve = LinkSieve(request)
            var count = 0
            let byTag = !sieve.keyPrefix.isEmpty
            for type in try self.linkTypes(sieve) {
                let prefix = sieve.base + [type.zomeIndex, type.linkType]
                let range = byTag ? RowRange(prefix: prefix + sieve.keyPrefix) : sieve.times(of: prefix, after: nil)
                let table = byTag ? SpaceTables.links : SpaceTables.linkTimes
                try self.rows.scan(table, range) { key, value throws(PlasmidError) in
                    if !byTag, try sieve.isBeyond(key) { return false }
                    if sieve.admits(try LinkRow.View(value)) { count += 1 }
                    return true
                }
            }
            return count
        }
    }

    /// Where a stored link stands among those of its base in the order by tag, deleted or not: a cursor behind it. Nil where
    /// the action is not held or made no link of `base`.
    public func tagPlace(of create: ActionHash, base: AnyLinkableHash) throws(PlasmidError) -> [UInt8]? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: create), place.holds(.createLink) else { return nil }
            guard let link = Link(try self.action(place.number)), link.base == base else { return nil }
            return Self.tagPlace(of: link)
        }
    }

    /// Where a link stands, or would stand: by type and tag; time and hash decide between equal tags.
    public static func tagPlace(of link: Link) -> [UInt8] {
        let position = SpaceKey.linkPosition(link.timestamp, link.createLinkHash)
        let key = SpaceKey.link(link.base, zome: link.zomeIndex, type: link.linkType, tag: link.tag, position)
        return Array(key[SpaceKey.linkBaseBytes...])
    }

    /// The types to look at: those asked for, or those that the base has links of, each found with one look.
    func linkTypes(_ sieve: LinkSieve) throws(PlasmidError) -> [LinkTypeNumber] {
        if let types = sieve.request.types { return Set(types).sorted() }
        var types: [LinkTypeNumber] = []
        var from: [UInt8]? = sieve.base
        while let bound = from {
            from = nil
            try rows.scan(SpaceTables.linkTimes, RowRange(prefix: sieve.base, bound: bound)) {
                key, _ throws(PlasmidError) in
                let type = try sieve.type(of: key)
                types.append(type)
                from = RowRange(prefix: sieve.base + [type.zomeIndex, type.linkType]).prefixEnd
                return false
            }
        }
        return types
    }

    private func pageByTag(_ sieve: LinkSieve) throws(PlasmidError) -> LinkPage {
        var ranges: [RowRange] = []
        if sieve.request.types == nil, sieve.keyPrefix.isEmpty {
            ranges = [RowRange(prefix: sieve.base)]
        } else {
            ranges = try linkTypes(sieve).map {
                RowRange(prefix: sieve.base + [$0.zomeIndex, $0.linkType] + sieve.keyPrefix)
            }
        }
        var page = LinkPage(links: [], next: nil)
        page.links.reserveCapacity(min(sieve.limit, 1024))
        // The last link given, in the form of a cursor.
        var last: [UInt8] = []
        for range in sieve.behindCursor(ranges) {
            try rows.scan(SpaceTables.links, range) { key, value throws(PlasmidError) in
                let view = try LinkRow.View(value)
                guard sieve.admits(view) else { return true }
                if page.links.count >= sieve.limit {
                    page.next = last
                    return false
                }
                page.links.append(try sieve.link(key, view))
                if page.links.count == sieve.limit { last = [UInt8](key.from(SpaceKey.linkBaseBytes)) }
                return true
            }
            if page.next != nil { break }
        }
        return page
    }

    private func pageByTime(_ sieve: LinkSieve) throws(PlasmidError) -> LinkPage {
        let start: LinkPosition? =
            if let cursor = sieve.request.cursor { try LinkPosition(cursor: cursor) } else { nil }
        var best = BestLinks(keep: sieve.limit + 1, newestFirst: sieve.newestFirst)
        for type in try linkTypes(sieve) {
            let prefix = sieve.base + [type.zomeIndex, type.linkType]
            if sieve.keyPrefix.isEmpty {
                let range = sieve.times(of: prefix, after: start)
                try rows.scan(SpaceTables.linkTimes, range) { key, value throws(PlasmidError) in
                    if try sieve.isBeyond(key) || best.isBeyond(key) { return false }
                    let view = try LinkRow.View(value)
                    if sieve.admits(view) { best.add(try sieve.link(key, view)) }
                    return true
                }
                best.settle()
            } else {
                let range = RowRange(prefix: prefix + sieve.keyPrefix)
                try rows.scan(SpaceTables.links, range) { key, value throws(PlasmidError) in
                    let view = try LinkRow.View(value)
                    if sieve.admits(view), try sieve.isBehind(view, start) { best.add(try sieve.link(key, view)) }
                    return true
                }
            }
        }
        best.settle()
        var links = best.links
        guard links.count > sieve.limit else { return LinkPage(links: links, next: nil) }
        links.removeLast(links.count - sieve.limit)
        return LinkPage(links: links, next: links.last.map { LinkPosition($0).cursor })
    }
}

/// What a request makes of a row, prepared once for all rows.
struct LinkSieve {
    let request: LinkRequest
    let base: [UInt8]
    /// What the tag's bytes in a key start with.
    let keyPrefix: [UInt8]
    let limit: Int
    private let author: [UInt8]?

    init(_ request: LinkRequest) {
        self.request = request
        base = SpaceKey.linkBase(request.base)
        author = request.author?.bytes
        let tag = request.tag ?? request.tagPrefix
        keyPrefix = Array(tag.prefix(SpaceKey.tagBytesMax))
        limit = min(max(request.limit, 1), 1 << 40)
    }

    var newestFirst: Bool { request.order == .newestFirst }

    /// Whether a link is one of those wanted, whatever its base, type and place.
    func admits(_ view: LinkRow.View) -> Bool {
        if !request.status.admits(deleted: view.isDeleted) { return false }
        if !request.tagPrefix.isEmpty, !view.tag.starts(withBytes: request.tagPrefix) { return false }
        if let tag = request.tag, view.tag.compareTo(tag) != 0 { return false }
        if let after = request.after, view.time < after { return false }
        if let before = request.before, view.time > before { return false }
        if let author, view.authorBytes.compareTo(author) != 0 { return false }
        return true
    }

    func type(of key: UnsafeRawBufferPointer) throws(PlasmidError) -> LinkTypeNumber {
        guard key.count >= SpaceKey.linkTimeBytes else { throw StorageFault.damaged("A link's key is too short") }
        return LinkTypeNumber(zomeIndex: key[SpaceKey.linkBaseBytes], linkType: key[SpaceKey.linkBaseBytes + 1])
    }

    func link(_ key: UnsafeRawBufferPointer, _ view: LinkRow.View) throws(PlasmidError) -> Link {
        let type = try type(of: key)
        return try view.link(request.base, zome: type.zomeIndex, type: type.linkType)
    }

    // MARK: By tag

    /// What is left of the ranges behind the cursor.
    func behindCursor(_ ranges: [RowRange]) -> [RowRange] {
        guard let cursor = request.cursor else { return ranges }
        // The least key above the cursor's.
        let from = base + cursor + [0]
        return ranges.compactMap { range in
            guard let end = range.prefixEnd, end.compare(from) > 0 else { return nil }
            var range = range
            if range.prefix.compare(from) < 0 { range.bound = from }
            return range
        }
    }

    // MARK: By time

    /// The rows of one type in the time index, behind `start` and from the first time that is wanted.
    func times(of prefix: [UInt8], after start: LinkPosition?) -> RowRange {
        var range = RowRange(prefix: prefix, reverse: newestFirst)
        let place = start.map { prefix + SpaceKey.linkPosition($0.timestamp, $0.hash) }
        if newestFirst {
            range.bound = place
            if let before = request.before, before.microseconds < .max {
                let end = prefix + SpaceKey.timeBytes(before.advanced(byMicroseconds: 1))
                if range.bound.map({ end.compare($0) < 0 }) ?? true { range.bound = end }
            }
        } else {
            range.bound = place.map { $0 + [0] }
            if let after = request.after {
                let first = prefix + SpaceKey.timeBytes(after)
                if range.bound.map({ first.compare($0) > 0 }) ?? true { range.bound = first }
            }
        }
        return range
    }

    /// Whether a row of the time index, and all behind it, lies outside the times that are wanted.
    func isBeyond(_ key: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool {
        guard key.count == SpaceKey.linkTimeBytes else { throw StorageFault.damaged("A link's time is misshapen") }
        let bits = key.bigEndian(SpaceKey.linkBaseBytes + 2, as: UInt64.self)
        if newestFirst { return request.after.map { bits < SpaceKey.time($0) } ?? false }
        return request.before.map { bits > SpaceKey.time($0) } ?? false
    }

    /// Whether a link that was found by its tag lies behind the cursor.
    func isBehind(_ view: LinkRow.View, _ start: LinkPosition?) throws(PlasmidError) -> Bool {
        guard let start else { return true }
        if view.time != start.timestamp { return newestFirst == (view.time < start.timestamp) }
        let create = try ActionHash(bytes39: view.createBytes)
        return newestFirst ? create < start.hash : create > start.hash
    }
}

/// The first links in the order of time, of all that are offered: memory goes with what is kept, not with what is seen.
private struct BestLinks {
    private let keep: Int
    private let newestFirst: Bool
    /// Sorted after ``settle()``.
    private(set) var links: [Link] = []
    /// How many at the front are sorted.
    private var sorted = 0
    /// The key bytes of the last one that still counts, once there are enough.
    private var worst: [UInt8]?

    init(keep: Int, newestFirst: Bool) {
        self.keep = keep
        self.newestFirst = newestFirst
    }

    /// Whether a row of the time index, and all behind it in its range, comes too late to be kept.
    func isBeyond(_ key: UnsafeRawBufferPointer) -> Bool {
        // The rows of one range come in order: those of the present one are all among the first or none of the rest is.
        if links.count - sorted >= keep { return true }
        guard let worst else { return false }
        let order = key.from(SpaceKey.linkBaseBytes + 2).compareTo(worst)
        return newestFirst ? order < 0 : order > 0
    }

    mutating func add(_ link: Link) {
        links.append(link)
        if links.count >= 2 * keep + 4096 { settle() }
    }

    mutating func settle() {
        let order = newestFirst
        if sorted < links.count {
            // Links of one type come in order: the common case needs no sorting.
            let isSorted = links.indices.dropFirst().allSatisfy {
                !Self.precedes(links[$0], links[$0 - 1], newestFirst: order)
            }
            if !isSorted { links.sort { Self.precedes($0, $1, newestFirst: order) } }
            if links.count > keep { links.removeLast(links.count - keep) }
            sorted = links.count
        }
        if links.count == keep, let last = links.last {
            worst = SpaceKey.linkPosition(last.timestamp, last.createLinkHash)
        }
    }

    private static func precedes(_ left: Link, _ right: Link, newestFirst: Bool) -> Bool {
        newestFirst ? LinkPosition(right) < LinkPosition(left) : LinkPosition(left) < LinkPosition(right)
    }
}
