import Integrity

/// What a call sees: its own scratch on top, below it the calls of the line that it was built on, below them stored data.
///
/// Reading is free of effects. Scratches whose records may be asked for must be signed (``Scratch/sign(_:)``).
public struct CascadeView<Stored: ChainReads> {
    /// The scratches from the oldest to the call's own; each continues the one before.
    public let layers: [Scratch]
    /// What is committed.
    public let stored: Stored

    /// A view on `stored` under the scratches of ``CommitOrder/speculation`` and the call's own, oldest first.
    public init(layers: [Scratch], stored: Stored) {
        self.layers = layers
        self.stored = stored
    }

    // MARK: Records and entries

    /// The record of an action, deleted or not.
    public func anyRecord(_ hash: ActionHash) throws(PlasmidError) -> Record? {
        for layer in layers.reversed() {
            if let pending = layer.action(hash) { return pending.record }
        }
        return try stored.record(hash)
    }

    /// The action of a record as it was signed, deleted or not.
    public func signedAction(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? {
        for layer in layers.reversed() {
            if let pending = layer.action(hash) { return pending.signedAction }
        }
        return try stored.action(hash)
    }

    /// The action with this hash, deleted or not, signed or not.
    public func action(_ hash: ActionHash) throws(PlasmidError) -> Action? {
        for layer in layers.reversed() {
            if let pending = layer.action(hash) { return pending.action }
        }
        return try stored.action(hash)?.action
    }

    /// The entry with this hash, whatever became of the actions that brought it.
    public func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        for layer in layers.reversed() {
            if let entry = layer.entry(hash) { return entry }
        }
        return try stored.entry(hash)
    }

    /// Whether there is an entry with this hash, whatever became of the actions that brought it.
    public func holds(_ entry: EntryHash) throws(PlasmidError) -> Bool {
        if layers.contains(where: { $0.entry(entry) != nil }) { return true }
        return try stored.holds(entry)
    }

    /// Whether a Delete of the record `original` is known.
    public func isDeleted(_ original: ActionHash) throws(PlasmidError) -> Bool {
        if layers.contains(where: { $0.isDeleted(original) }) { return true }
        return try stored.isDeleted(original)
    }

    /// `get` by action: its record, unless that was deleted.
    public func get(_ hash: ActionHash) throws(PlasmidError) -> Record? {
        guard let record = try anyRecord(hash), try !isDeleted(hash) else { return nil }
        return record
    }

    /// `get` by entry: the record of the oldest Create or Update of it that is not deleted. The entry is live as long as there
    /// is one; being updated does not end it (reference holochain.md §2.5).
    public func get(_ hash: EntryHash) throws(PlasmidError) -> Record? {
        var oldest: (timestamp: Timestamp, hash: ActionHash)?
        func offer(_ timestamp: Timestamp, _ hash: ActionHash) throws(PlasmidError) {
            if let best = oldest, (best.timestamp, best.hash) <= (timestamp, hash) { return }
            if try !isDeleted(hash) { oldest = (timestamp, hash) }
        }
        for create in try stored.creates(of: hash) { try offer(create.action.timestamp, create.hash) }
        for layer in layers {
            for create in layer.creates(of: hash) { try offer(create.action.timestamp, create.hash) }
        }
        guard let oldest else { return nil }
        return try anyRecord(oldest.hash)
    }

    /// `get` by either kind of address.
    public func get(_ hash: AnyDhtHash) throws(PlasmidError) -> Record? {
        if let action = hash.action { return try get(action) }
        if let entry = hash.entry { return try get(entry) }
        return nil
    }

    /// The Updates of the record `original`, oldest first.
    public func updates(of original: ActionHash) throws(PlasmidError) -> [Action] {
        let pending = layers.flatMap { $0.updates(of: original).map { ($0.action, $0.hash) } }
        return ordered(try stored.updates(of: original).map { ($0.action, $0.hash) } + pending)
    }

    /// The Deletes of the record `original`, oldest first.
    public func deletes(of original: ActionHash) throws(PlasmidError) -> [Action] {
        let pending = layers.flatMap { $0.deletes(of: original).map { ($0.action, $0.hash) } }
        return ordered(try stored.deletes(of: original).map { ($0.action, $0.hash) } + pending)
    }

    func ordered(_ actions: [(Action, ActionHash)]) -> [Action] {
        actions.sorted { ($0.0.timestamp, $0.1) < ($1.0.timestamp, $1.1) }.map(\.0)
    }
}
