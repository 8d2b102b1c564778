import Integrity

/// The index rows that an action by itself gives rise to; what they hold never changes but for two flags (a link's and a
/// grant's or claim's). Committing and taking ops write them, checking looks for them.
enum IndexRows {
    /// The value of a row of `creators` whose action is not seen as one that creates the entry: its CreateEntry is not held.
    static let namesOnly: [UInt8] = [0]

    /// The rows of an action that was committed here: all of its ops are held.
    static func all(of signed: SignedAction, number: UInt64, entryNumber: UInt64) -> [RowDeriver.Row] {
        var rows: [RowDeriver.Row] = []
        rows.reserveCapacity(12)
        func add(_ table: TableID, _ key: [UInt8], _ value: [UInt8] = []) {
            rows.append(RowDeriver.Row(table: table, key: key, value: value))
        }
        let header = signed.action.header
        let author = header.author.coreBytes
        let place = SpaceKey.number(number)
        add(SpaceTables.hashes, SpaceKey.hash(signed.hash.coreBytes, HashByte.action), place)
        add(SpaceTables.chain, SpaceKey.chain(author, header.actionSeq), place)
        if entryNumber != 0 { add(SpaceTables.creators, SpaceKey.creator(entryNumber, number)) }
        for op in DerivedOp.all(of: signed) { add(SpaceTables.ops, SpaceKey.op(op, number)) }
        switch signed.action.entryType {
        case .capGrant: add(SpaceTables.grants, SpaceKey.core(author, number), [0])
        case .capClaim: add(SpaceTables.claims, SpaceKey.core(author, number), [0])
        default: break
        }
        switch signed.action.data {
        case .update, .delete, .createLink, .deleteLink: addRelations(of: signed, number, to: &rows)
        default: break
        }
        return rows
    }

    private static func addRelations(of signed: SignedAction, _ number: UInt64, to rows: inout [RowDeriver.Row]) {
        for type in [ChainOpType.updateRecord, .updateEntry, .deleteRecord, .deleteEntry, .createLink, .deleteLink] {
            rows += self.rows(type, of: signed, number: number, entryNumber: 0)
        }
    }

    /// The rows through which one op of an action is seen, but for `ops` and what names the action itself. None where the
    /// action gives no such op.
    static func rows(
        _ type: ChainOpType, of signed: SignedAction, number: UInt64, entryNumber: UInt64
    ) -> [RowDeriver.Row] {
        func row(_ table: TableID, _ key: [UInt8], _ value: [UInt8] = []) -> [RowDeriver.Row] {
            [RowDeriver.Row(table: table, key: key, value: value)]
        }
        switch (type, signed.action.data) {
        case (.createEntry, .create), (.createEntry, .update):
            return row(SpaceTables.creators, SpaceKey.creator(entryNumber, number))
        case (.agentActivity, _):
            let header = signed.action.header
            let key = SpaceKey.activity(header.author.coreBytes, header.actionSeq, signed.hash.coreBytes)
            return row(SpaceTables.activity, key, SpaceKey.number(number))
        case (.updateRecord, .update(let action, _, _, _)):
            return row(SpaceTables.updates, SpaceKey.about(action.coreBytes, HashByte.action, number))
        case (.updateEntry, .update(_, let entry, _, _)):
            return row(SpaceTables.updates, SpaceKey.about(entry.coreBytes, HashByte.entry, number))
        case (.deleteRecord, .delete(let action, _)):
            return row(SpaceTables.deletes, SpaceKey.about(action.coreBytes, HashByte.action, number))
        case (.deleteEntry, .delete(_, let entry)):
            return row(SpaceTables.deletes, SpaceKey.about(entry.coreBytes, HashByte.entry, number))
        case (.deleteLink, .deleteLink(_, let create)):
            return row(SpaceTables.linkDeletes, SpaceKey.core(create.coreBytes, number))
        case (.createLink, .createLink): return links(signed, deleted: false)
        default: return []
        }
    }

    /// The two rows of a link, by tag and by time, from the action that made it; none where it made none. Both hold the
    /// whole link, so that no page needs a second look-up for each.
    static func links(_ create: SignedAction, deleted: Bool) -> [RowDeriver.Row] {
        guard case .createLink(let base, let target, let zomeIndex, let linkType, let tag) = create.action.data
        else { return [] }
        let header = create.action.header
        let value = LinkRow.value(
            target: target, author: header.author, create: create.hash, time: header.timestamp, tag: tag,
            deleted: deleted)
        let position = SpaceKey.linkPosition(header.timestamp, create.hash)
        let byTag = SpaceKey.link(base, zome: zomeIndex, type: linkType, tag: tag, position)
        let byTime = SpaceKey.linkTime(
            SpaceKey.linkBase(base), LinkTypeNumber(zomeIndex: zomeIndex, linkType: linkType), position)
        return [
            RowDeriver.Row(table: SpaceTables.links, key: byTag, value: value),
            RowDeriver.Row(table: SpaceTables.linkTimes, key: byTime, value: value),
        ]
    }
}
