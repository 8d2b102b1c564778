import Integrity

/// The index rows that an action by itself gives rise to; what they hold never changes but for two flags (a link's and a
/// grant's or claim's). Committing writes them, checking looks for them.
enum IndexRows {
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
        case .update(let action, let entry, _, _):
            add(SpaceTables.updates, SpaceKey.about(action.coreBytes, HashByte.action, number))
            add(SpaceTables.updates, SpaceKey.about(entry.coreBytes, HashByte.entry, number))
        case .delete(let action, let entry):
            add(SpaceTables.deletes, SpaceKey.about(action.coreBytes, HashByte.action, number))
            add(SpaceTables.deletes, SpaceKey.about(entry.coreBytes, HashByte.entry, number))
        case .deleteLink(_, let create):
            add(SpaceTables.linkDeletes, SpaceKey.core(create.coreBytes, number))
        case .createLink:
            rows += links(signed, number, deleted: false)
        default: break
        }
        return rows
    }

    /// The two rows of a link, by tag and by time, from the action that made it; none where it made none. Both hold the
    /// whole link, so that no page needs a second look-up for each.
    static func links(_ create: SignedAction, _ number: UInt64, deleted: Bool) -> [RowDeriver.Row] {
        guard case .createLink(let base, let target, let zomeIndex, let linkType, let tag) = create.action.data
        else { return [] }
        let header = create.action.header
        let value = LinkRow.value(
            target: target, author: header.author, create: create.hash, time: header.timestamp, tag: tag,
            deleted: deleted)
        let byTime = SpaceKey.linkTime(
            SpaceKey.linkBase(base), LinkTypeNumber(zomeIndex: zomeIndex, linkType: linkType),
            SpaceKey.linkPosition(header.timestamp, create.hash))
        return [
            RowDeriver.Row(
                table: SpaceTables.links, key: SpaceKey.link(base, zome: zomeIndex, type: linkType, tag: tag, number),
                value: value),
            RowDeriver.Row(table: SpaceTables.linkTimes, key: byTime, value: value),
        ]
    }
}
