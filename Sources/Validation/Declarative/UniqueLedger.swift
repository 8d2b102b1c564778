import Integrity

/// Which values the live entries of one author take in the unique fields of one type, up to one action of one chain:
/// docs/spec/rules.md §6. A fold over the chain, so that every node comes to the same.
struct UniqueLedger {
    /// An entry with all its versions.
    struct Document {
        var current: ActionHash
        var values: [UniqueValue]
        /// A deletion named what the document is named by.
        var isOver = false
        /// A deletion named the current version.
        var isDeleted = false

        var taken: [UniqueValue] { isOver || isDeleted ? [] : values }
    }

    /// What one action does to the entries of the type.
    enum Step {
        case version(ActionHash, original: ActionHash?, values: [UniqueValue])
        case deletion(of: ActionHash)
    }

    /// Where the ledger stands: the last action that it has seen.
    private(set) var head: ActionHash?
    private let base: UniqueBase?
    fileprivate private(set) var documents: [ActionHash: Document] = [:]
    fileprivate private(set) var roots: [ActionHash: ActionHash] = [:]
    /// How many documents more than in the base take a value; negative where fewer do.
    fileprivate private(set) var changes: [UniqueValue: Int] = [:]

    /// An empty ledger, or one that goes on from a base without changing it.
    init(on base: UniqueBase? = nil) {
        self.base = base
        head = base?.ledger.head
    }

    /// Takes in the next action; nil where it does nothing to the type.
    mutating func follow(_ hash: ActionHash, _ step: Step?) {
        head = hash
        switch step {
        case nil: break
        case .version(let version, let original, let values):
            let root = root(version, original)
            if root != version { roots[version] = root }
            var document = document(root) ?? Document(current: version, values: [])
            drop(document)
            document.current = version
            document.values = values
            document.isDeleted = false
            keep(document, root)
        case .deletion(let target):
            let root = root(of: target)
            guard var document = document(root) else { return }
            drop(document)
            if target == root { document.isOver = true }
            if target == document.current { document.isDeleted = true }
            keep(document, root)
        }
    }

    /// The first of `values` that another document takes than the one that this version belongs to.
    func taken(_ values: [UniqueValue], by version: ActionHash, original: ActionHash?) -> UniqueValue? {
        let own = document(root(version, original))?.taken ?? []
        return values.first { value in
            let count = (base?.ledger.changes[value] ?? 0) + (changes[value] ?? 0)
            return count > (own.contains(value) ? 1 : 0)
        }
    }

    private func root(_ version: ActionHash, _ original: ActionHash?) -> ActionHash {
        original.map { root(of: $0) } ?? version
    }

    /// The document of a version; an action that is none names itself.
    private func root(of version: ActionHash) -> ActionHash { roots[version] ?? base?.ledger.roots[version] ?? version }

    private func document(_ root: ActionHash) -> Document? { documents[root] ?? base?.ledger.documents[root] }

    private mutating func drop(_ document: Document) {
        for value in document.taken { count(value, -1) }
    }

    private mutating func keep(_ document: Document, _ root: ActionHash) {
        documents[root] = document
        for value in document.taken { count(value, 1) }
    }

    private mutating func count(_ value: UniqueValue, _ difference: Int) {
        let count = (changes[value] ?? 0) + difference
        changes[value] = count == 0 ? nil : count
    }
}

/// A ledger that others build on while it stands still. Changed only by ``UniqueMemory/settle(_:_:afresh:)``, between checks.
final class UniqueBase {
    fileprivate(set) var ledger = UniqueLedger()
}

/// Keeps the ledgers of chains that only grow, so that each write reads what is new and not the whole chain. An author's own
/// node has one for each space; without it every verdict is the same and takes longer.
///
/// Confined to whoever owns it, as the data that it is fed from.
public final class UniqueMemory {
    struct Key: Hashable {
        let author: AgentPubKey
        /// The place of the type among those with unique fields.
        let type: Int
    }

    private var bases: [Key: UniqueBase] = [:]

    /// An empty memory.
    public init() {}

    func base(_ key: Key) -> UniqueBase? { bases[key] }

    /// Takes in actions that will not be taken back, oldest first; `afresh` begins from the first action of the chain.
    func settle(_ key: Key, _ steps: [(hash: ActionHash, step: UniqueLedger.Step?)], afresh: Bool) {
        let base = afresh ? UniqueBase() : bases[key] ?? UniqueBase()
        bases[key] = base
        for step in steps {
            base.ledger.follow(step.hash, step.step)
        }
    }
}
