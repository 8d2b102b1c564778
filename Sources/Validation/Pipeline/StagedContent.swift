import Integrity

/// Actions and entries of ops in the works: verified, so that others may be judged by them, and not stored yet. Things are named by
/// the 32 bytes of their hashes, as in storage.
public struct StagedContent: Sendable {
    /// A large thing, so that the tables stay small.
    private final class Held: Sendable {
        let signed: SignedAction

        init(_ signed: SignedAction) { self.signed = signed }
    }

    private var actions: [ActionHash: (held: Held, uses: Int)] = [:]
    private var entries: [EntryHash: (entry: Entry, uses: Int)] = [:]

    mutating func hold(_ signed: SignedAction, _ entry: Entry?) {
        actions[signed.hash.unplaced, default: (Held(signed), 0)].uses += 1
        if let entry = entry?.believed(beside: signed.action), let hash = signed.action.entryHash {
            entries[hash.unplaced, default: (entry, 0)].uses += 1
        }
    }

    mutating func release(_ signed: SignedAction, _ entry: Entry?) {
        if let uses = actions[signed.hash.unplaced]?.uses {
            if uses > 1 { actions[signed.hash.unplaced]?.uses -= 1 } else { actions[signed.hash.unplaced] = nil }
        }
        guard entry?.believed(beside: signed.action) != nil, let hash = signed.action.entryHash,
            let uses = entries[hash.unplaced]?.uses
        else { return }
        if uses > 1 { entries[hash.unplaced]?.uses -= 1 } else { entries[hash.unplaced] = nil }
    }

    /// The action with this hash.
    public func action(_ hash: ActionHash) -> SignedAction? { actions[hash.unplaced]?.held.signed }

    /// The entry with this hash.
    public func entry(_ hash: EntryHash) -> Entry? { entries[hash.unplaced]?.entry }
}

/// What ops are judged by: what is in the works, before what is held.
public struct StagedReads<Held: ValidationReads>: ValidationReads {
    private let staged: StagedContent
    private let held: Held

    /// Puts `staged` in front of `held`.
    public init(_ staged: StagedContent, over held: Held) {
        self.staged = staged
        self.held = held
    }

    /// The action, in the works or held.
    public func action(_ hash: ActionHash) throws(PlasmidError) -> Action? {
        if let signed = staged.action(hash) { return signed.action }
        return try held.action(hash)
    }

    /// The entry, in the works or held.
    public func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        if let entry = staged.entry(hash) { return entry }
        return try held.entry(hash)
    }

    /// The kind of the entry, in the works or held.
    public func kind(of hash: EntryHash) throws(PlasmidError) -> HeldEntry? {
        if let entry = staged.entry(hash) { return HeldEntry(entry) }
        return try held.kind(of: hash)
    }
}

extension Entry {
    /// The entry, where an action beside it is reason enough to take it for the entry of its hash. The hash of an agent's entry is the key itself, so
    /// that any hash could be passed off as one: only its agent says that it is one (rule 33).
    func believed(beside action: Action) -> Entry? {
        guard case .agent(let key) = self else { return self }
        return key.core == action.author.core ? self : nil
    }
}

extension OpEntry {
    var present: Entry? {
        if case .present(let entry) = self { return entry }
        return nil
    }
}

extension HoloHash {
    /// The same address without its location, which says nothing of what is named and may come wrong.
    var unplaced: Self { Self(core: core, location: 0) }
}
