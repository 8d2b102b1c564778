import Chain
import Integrity

/// Stored data in dictionaries: what a cascade reads where nothing is on disk.
struct MemoryChain: ChainReads {
    var records: [Record] = []

    /// Takes over what a scratch would commit.
    mutating func commit(_ scratch: Scratch) {
        records += scratch.actions.compactMap(\.record)
    }

    func record(_ hash: ActionHash) -> Record? { records.first { $0.hash == hash } }

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

    func isLinkDeleted(_ add: ActionHash) -> Bool {
        records.contains { if case .deleteLink(_, add) = $0.action.data { true } else { false } }
    }

    func links(_ filter: LinkFilter, after position: LinkPosition?, limit: Int) -> [Link] {
        let all = records.compactMap { Link($0.signedAction) }
            .filter { filter.admits($0) && !isLinkDeleted($0.createLinkHash) }
            .sorted { LinkPosition($0) < LinkPosition($1) }
            .filter { link in position.map { LinkPosition(link) > $0 } ?? true }
        return Array(all.prefix(limit))
    }

    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        let own = records.filter { $0.action.author == author && range.contains($0.action.actionSeq) }
            .sorted { $0.action.actionSeq < $1.action.actionSeq }
        for record in descending ? own.reversed() : own {
            guard try body(record) else { return }
        }
    }
}
