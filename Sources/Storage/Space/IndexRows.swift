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
            if let link = link(signed, number, deleted: false) { rows.append(link) }
        default: break
        }
        return rows
    }

    /// The row of a link, from the action that made it; nil where it made none.
    static func link(_ create: SignedAction, _ number: UInt64, deleted: Bool) -> RowDeriver.Row? {
        guard case .createLink(let base, let target, let zomeIndex, let linkType, let tag) = create.action.data
        else { return nil }
        let header = create.action.header
        return RowDeriver.Row(
            table: SpaceTables.links, key: SpaceKey.link(base, zome: zomeIndex, type: linkType, tag: tag, number),
            value: LinkRow.value(
                target: target, author: header.author, create: create.hash, time: header.timestamp, tag: tag,
                deleted: deleted))
    }
}
