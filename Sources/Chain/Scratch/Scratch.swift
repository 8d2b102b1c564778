import Integrity

/// What one call has written and not yet committed: a piece of source chain that starts at a fixed head.
///
/// The head never changes, and so never does a hash that a zome has seen: where another call commits first, the whole
/// call is run again (see ``CommitOrder``). Each action and entry is packed once, when it is written.
public struct Scratch: Sendable {
    /// Whose chain it continues.
    public let author: AgentPubKey
    /// The action that the first one here follows; nil only at the start of a chain.
    public let base: ChainHead?
    /// The actions in the order in which they were written.
    public private(set) var actions: [PendingAction] = []
    /// Bytes of all actions and entries together.
    public private(set) var byteCount = 0

    private var byHash: [ActionHash: Int] = [:]
    private var byEntry: [EntryHash: [Int]] = [:]
    private var linksByBase: [AnyLinkableHash: [Int]] = [:]
    private var updatesByOriginal: [ActionHash: [Int]] = [:]
    private var deletesByOriginal: [ActionHash: [Int]] = [:]
    private var linkDeletesByAdd: [ActionHash: [Int]] = [:]
    private var signedCount = 0

    /// An empty scratch of `author`'s chain, which ends at `head` (nil: there is no chain yet).
    public init(author: AgentPubKey, head: ChainHead?) {
        self.author = author
        base = head
    }

    /// True until something is written.
    public var isEmpty: Bool { actions.isEmpty }

    /// Where the chain ends with these actions.
    public var head: ChainHead? {
        guard let last = actions.last else { return base }
        return ChainHead(hash: last.hash, seq: last.action.header.actionSeq, timestamp: last.action.header.timestamp)
    }

    // MARK: Writing

    /// Writes a Create of `entry`.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func create(
        _ entryType: EntryType, _ entry: Entry, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let bytes = entry.packed
        let hash = entry.hash(ofPacked: bytes)
        return try append(.create(entryType: entryType, entryHash: hash), entry, bytes, now)
    }

    /// Writes an Update of the entry that `original` created or updated.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func update(
        _ original: ActionHash, originalEntry: EntryHash, _ entryType: EntryType, _ entry: Entry, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let bytes = entry.packed
        let hash = entry.hash(ofPacked: bytes)
        let data = ActionData.update(
            originalAction: original, originalEntry: originalEntry, entryType: entryType, entryHash: hash)
        return try append(data, entry, bytes, now)
    }

    /// Writes a Delete of the record `address` and its entry.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func delete(
        _ address: ActionHash, entry: EntryHash, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try append(.delete(deletesAction: address, deletesEntry: entry), nil, nil, now)
    }

    /// Writes a CreateLink.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func createLink(
        base: AnyLinkableHash, target: AnyLinkableHash, zomeIndex: UInt8, linkType: UInt8, tag: [UInt8], now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let data = ActionData.createLink(
            base: base, target: target, zomeIndex: zomeIndex, linkType: linkType, tag: tag)
        return try append(data, nil, nil, now)
    }

    /// Writes a DeleteLink of the link that `address` created on `base`.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func deleteLink(
        _ address: ActionHash, base: AnyLinkableHash, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try append(.deleteLink(base: base, linkAdd: address), nil, nil, now)
    }

    /// Writes any action. The caller sees to it that `entry` is the one that `data` names.
    /// - Throws: `tooManyWrites` or `tooLarge` beyond what one call may commit.
    @discardableResult
    public mutating func append(
        _ data: ActionData, _ entry: Entry? = nil, now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        try append(data, entry, entry?.packed, now)
    }

    private mutating func append(
        _ data: ActionData, _ entry: Entry?, _ entryBytes: [UInt8]?, _ now: Timestamp
    ) throws(PlasmidError) -> ActionHash {
        let action = Action(header: try nextHeader(now), data: data)
        let bytes = action.packed
        let size = bytes.count + (entryBytes?.count ?? 0)
        guard byteCount + size <= Limits.bytesPerCall else {
            throw PlasmidError(
                .tooLarge, "The call would commit more than \(Limits.bytesPerCall) bytes.",
                hint: "split the work into several calls")
        }
        let hash = ActionHash(hashing: bytes)
        byteCount += size
        note(data, hash, at: actions.count)
        actions.append(
            PendingAction(
                action: action, actionBytes: bytes, hash: hash, entry: entry, entryBytes: entryBytes, signature: nil))
        return hash
    }

    /// Takes an action that was signed long ago, from a chain that is brought back: its bytes stay as they are, and no bound
    /// of a single call holds.
    public mutating func replay(_ signed: SignedAction, _ entry: Entry?) {
        let bytes = signed.action.packed
        let entryBytes = entry?.packed
        byteCount += bytes.count + (entryBytes?.count ?? 0)
        note(signed.action.data, signed.hash, at: actions.count)
        actions.append(
            PendingAction(
                action: signed.action, actionBytes: bytes, hash: signed.hash, entry: entry, entryBytes: entryBytes,
                signature: signed.signature))
        signedCount = actions.count
    }

    private func nextHeader(_ now: Timestamp) throws(PlasmidError) -> ActionHeader {
        guard actions.count < Limits.actionsPerCall else {
            throw PlasmidError(
                .tooManyWrites, "The call would commit more than \(Limits.actionsPerCall) actions.",
                hint: "split the work into several calls")
        }
        guard let head else { return ActionHeader(author: author, timestamp: now, actionSeq: 0, prevAction: nil) }
        guard head.seq < .max else {
            throw PlasmidError(.chainClosed, "The source chain of \(author) has reached its last possible action.")
        }
        return ActionHeader(
            author: author, timestamp: ChainClock.next(now, after: head.timestamp), actionSeq: head.seq + 1,
            prevAction: head.hash)
    }

    private mutating func note(_ data: ActionData, _ hash: ActionHash, at index: Int) {
        byHash[hash] = index
        switch data {
        case .create(_, let entryHash): byEntry[entryHash, default: []].append(index)
        case .update(let original, _, _, let entryHash):
            byEntry[entryHash, default: []].append(index)
            updatesByOriginal[original, default: []].append(index)
        case .delete(let address, _): deletesByOriginal[address, default: []].append(index)
        case .createLink(let base, _, _, _, _): linksByBase[base, default: []].append(index)
        case .deleteLink(_, let add): linkDeletesByAdd[add, default: []].append(index)
        case .dna, .agentValidationPkg, .initZomesComplete, .closeChain, .openChain: break
        }
    }

    /// Takes back all but the first `count` actions: a function that was called from within the call has failed, and the
    /// chain goes on from where it began. Whoever else was told the hashes of what goes must not go on.
    public mutating func truncate(to count: Int) {
        while actions.count > max(0, count), let last = actions.popLast() {
            byteCount -= last.actionBytes.count + (last.entryBytes?.count ?? 0)
            forget(last)
        }
        signedCount = min(signedCount, actions.count)
    }

    private mutating func forget(_ last: PendingAction) {
        byHash[last.hash] = nil
        switch last.action.data {
        case .create(_, let entryHash): Self.dropLast(of: entryHash, in: &byEntry)
        case .update(let original, _, _, let entryHash):
            Self.dropLast(of: entryHash, in: &byEntry)
            Self.dropLast(of: original, in: &updatesByOriginal)
        case .delete(let address, _): Self.dropLast(of: address, in: &deletesByOriginal)
        case .createLink(let base, _, _, _, _): Self.dropLast(of: base, in: &linksByBase)
        case .deleteLink(_, let add): Self.dropLast(of: add, in: &linkDeletesByAdd)
        case .dna, .agentValidationPkg, .initZomesComplete, .closeChain, .openChain: break
        }
    }

    private static func dropLast<Key>(of key: Key, in index: inout [Key: [Int]]) {
        index[key]?.removeLast()
        if index[key]?.isEmpty == true { index[key] = nil }
    }

    // MARK: Signing

    /// Signs what is not signed yet: before a record is read back, and before validation.
    public mutating func sign<Failure: Error>(_ signer: ([UInt8]) throws(Failure) -> Signature) throws(Failure) {
        while signedCount < actions.count {
            actions[signedCount].signature = try signer(actions[signedCount].actionBytes)
            signedCount += 1
        }
    }

    // MARK: Reading what was written

    /// The action with this hash, if it was written here.
    public func action(_ hash: ActionHash) -> PendingAction? { byHash[hash].map { actions[$0] } }

    /// The record of this action, if it was written here and signed.
    public func record(_ hash: ActionHash) -> Record? { action(hash)?.record }

    /// The entry with this hash, if it was written here.
    public func entry(_ hash: EntryHash) -> Entry? { byEntry[hash]?.first.flatMap { actions[$0].entry } }

    /// The Creates and Updates here that brought this entry, oldest first.
    public func creates(of entry: EntryHash) -> [PendingAction] { pick(byEntry[entry]) }

    /// The Updates here of the record `original`, oldest first.
    public func updates(of original: ActionHash) -> [PendingAction] { pick(updatesByOriginal[original]) }

    /// The Deletes here of the record `original`, oldest first.
    public func deletes(of original: ActionHash) -> [PendingAction] { pick(deletesByOriginal[original]) }

    /// Whether the record `original` is deleted here.
    public func isDeleted(_ original: ActionHash) -> Bool { deletesByOriginal[original] != nil }

    /// The links created here on `base`, deleted again or not, oldest first.
    public func links(on base: AnyLinkableHash) -> [Link] {
        guard let indexes = linksByBase[base] else { return [] }
        return indexes.compactMap { actions[$0].link }
    }

    /// Whether the link that `add` created, here or earlier, is deleted here.
    public func isLinkDeleted(_ add: ActionHash) -> Bool { linkDeletesByAdd[add] != nil }

    /// How many links, created here or earlier, are deleted here.
    public var linkDeleteCount: Int { linkDeletesByAdd.count }

    /// The links, created here or earlier, that are deleted here; in no order.
    public var deletedLinks: [ActionHash] { Array(linkDeletesByAdd.keys) }

    /// The DeleteLinks here of the link that `add` created, oldest first.
    public func linkDeletes(of add: ActionHash) -> [PendingAction] { pick(linkDeletesByAdd[add]) }

    /// Whether a link was created here on `base`.
    public func hasLinks(on base: AnyLinkableHash) -> Bool { linksByBase[base] != nil }

    private func pick(_ indexes: [Int]?) -> [PendingAction] { indexes.map { $0.map { actions[$0] } } ?? [] }
}

/// The clock of a source chain.
public enum ChainClock {
    /// The time of the action that follows one of time `previous`: now, or a microsecond later than `previous` where the
    /// clock stands still or was set back.
    public static func next(_ now: Timestamp, after previous: Timestamp) -> Timestamp {
        max(now, previous.advanced(byMicroseconds: 1))
    }
}
