import Chain
import Integrity

/// Stored data in dictionaries: what a cascade reads where nothing is on disk.
struct MemoryChain: ChainReads {
    var records: [Record] = []
    /// How many records were read with their entries.
    let entriesRead = Tally()

    final class Tally {
        var count = 0
    }

    /// Takes over what a scratch would commit.
    mutating func commit(_ scratch: Scratch) {
        records += scratch.actions.compactMap(\.record)
    }

    func record(_ hash: ActionHash) -> Record? {
        entriesRead.count += 1
        return records.first { $0.hash == hash }
    }

    func action(_ hash: ActionHash) -> SignedAction? { records.first { $0.hash == hash }?.signedAction }

    func entry(_ hash: EntryHash) -> Entry? { records.first { $0.action.entryHash == hash }?.entry.entry }

    func creates(of entry: EntryHash) -> [SignedAction] {
        records.filter { $0.action.entryHash == entry }.map(\.signedAction)
    }

    func updates(of original: ActionHash) -> [SignedAction] {
        records.map(\.signedAction).filter {
            if case .update(original, _, _, _) = $0.action.data { true } else { false }
        }
    }

    func deletes(of original: ActionHash) -> [SignedAction] {
        records.map(\.signedAction).filter {
            if case .delete(original, _) = $0.action.data { true } else { false }
        }
    }

    func updates(ofEntry original: EntryHash) -> [SignedAction] {
        records.map(\.signedAction).filter {
            if case .update(_, original, _, _) = $0.action.data { true } else { false }
        }
    }

    func deletes(ofEntry original: EntryHash) -> [SignedAction] {
        records.map(\.signedAction).filter {
            if case .delete(_, original) = $0.action.data { true } else { false }
        }
    }

    func linkDeletes(of add: ActionHash) -> [SignedAction] {
        records.map(\.signedAction).filter {
            if case .deleteLink(_, add) = $0.action.data { true } else { false }
        }
    }

    func links(_ filter: LinkFilter, behind position: LinkPosition?, newestFirst: Bool, limit: Int) -> [Link] {
        let all = admitted(filter).sorted { LinkPosition($0) < LinkPosition($1) }
        let behind = (newestFirst ? all.reversed() : all).filter { link in
            position.map { newestFirst ? LinkPosition(link) < $0 : LinkPosition(link) > $0 } ?? true
        }
        return Array(behind.prefix(limit))
    }

    func countLinks(_ filter: LinkFilter) -> Int { admitted(filter).count }

    private func admitted(_ filter: LinkFilter) -> [Link] {
        records.compactMap { Link($0.signedAction) }.filter {
            filter.admits($0) && filter.status.admits(deleted: !linkDeletes(of: $0.createLinkHash).isEmpty)
        }
    }

    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool, entriesOf: (Action) -> Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        let own = records.filter { $0.action.author == author && range.contains($0.action.actionSeq) }
            .sorted { $0.action.actionSeq < $1.action.actionSeq }
        for record in descending ? own.reversed() : own {
            let wantsEntry = record.entry != .notApplicable && entriesOf(record.action)
            if wantsEntry { entriesRead.count += 1 }
            let isBare = record.entry != .notApplicable && !wantsEntry
            guard try body(isBare ? Record(signedAction: record.signedAction, entry: .notStored) : record) else {
                return
            }
        }
    }
}
