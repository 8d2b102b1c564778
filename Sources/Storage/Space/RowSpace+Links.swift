import Integrity

extension RowSpace {
    /// A page of links, in the order of type, tag (its first 400 bytes) and creation.
    public func links(_ request: LinkRequest) throws(PlasmidError) -> LinkPage {
        var scan = LinkScan(request)
        return try rows.reading { () throws(PlasmidError) in
            for range in scan.ranges {
                try self.rows.scan(SpaceTables.links, range) { key, value throws(PlasmidError) in
                    try scan.take(key, value)
                }
                if scan.page.next != nil { break }
            }
            return scan.page
        }
    }
}

/// One page in the making.
private struct LinkScan {
    let request: LinkRequest
    let base: [UInt8]
    let author: [UInt8]?
    let keyPrefix: [UInt8]
    var page = LinkPage(links: [], next: nil)
    /// The last link given, in the form of a cursor.
    private var last: [UInt8] = []

    init(_ request: LinkRequest) {
        self.request = request
        base = SpaceKey.linkBase(request.base)
        author = request.author?.bytes
        keyPrefix = Array(request.tagPrefix.prefix(SpaceKey.tagBytesMax))
        page.links.reserveCapacity(min(max(request.limit, 1), 1024))
    }

    /// The key ranges to go through, in order, behind the cursor.
    var ranges: [RowRange] {
        var ranges: [RowRange] = []
        if let types = request.types {
            for type in Set(types).sorted() {
                ranges.append(RowRange(prefix: base + [type.zomeIndex, type.linkType] + keyPrefix))
            }
        } else {
            ranges.append(RowRange(prefix: base))
        }
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

    /// Looks at one row; false when the page is full.
    mutating func take(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(PlasmidError) -> Bool {
        guard key.count >= SpaceKey.linkBaseBytes + 10 else { throw StorageFault.damaged("A link's key is too short") }
        let view = try LinkRow.View(value)
        if !request.includesDeleted, view.isDeleted { return true }
        if !request.tagPrefix.isEmpty, !view.tag.starts(withBytes: request.tagPrefix) { return true }
        if let after = request.after, view.time <= after { return true }
        if let before = request.before, view.time >= before { return true }
        if let author, view.authorBytes.compareTo(author) != 0 { return true }
        if page.links.count >= max(request.limit, 1) {
            page.next = last
            return false
        }
        let zome = key[SpaceKey.linkBaseBytes]
        let type = key[SpaceKey.linkBaseBytes + 1]
        page.links.append(try view.link(request.base, zome: zome, type: type))
        if page.links.count == max(request.limit, 1) { last = [UInt8](key.from(SpaceKey.linkBaseBytes)) }
        return true
    }
}
