import Integrity

/// A rejected op, with its reason.
public struct RejectedStored: Sendable, Hashable {
    /// The op; without its entry where that was private or did not come.
    public let op: ChainOp
    /// The action's address.
    public let action: ActionHash
    /// Which rule it broke, for people.
    public let reason: String
    /// When this node found that.
    public let when: Timestamp
}

/// An own op that is still to be published, and its place in the order of publishing.
public struct UnpublishedOp: Sendable, Hashable {
    /// The author.
    public let author: AgentPubKey
    /// The action's number in the chain.
    public let seq: UInt32
    /// Which op.
    public let type: ChainOpType
    /// The action.
    public let action: ActionHash
}

extension RowSpace {
    /// The parked ops, the one that waits longest first.
    public func parked(limit: Int) throws(PlasmidError) -> [ParkedOp] {
        guard limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            var cores: [[UInt8]] = []
            try self.rows.scan(SpaceTables.parkedTimes, RowRange(prefix: [])) { key, _ throws(PlasmidError) in
                guard key.count == 40 else { throw StorageFault.damaged("A key of table 'parked_times' is misshapen") }
                cores.append([UInt8](key.from(8)))
                return cores.count < limit
            }
            return try self.parkedOps(cores)
        }
    }

    /// The parked ops that wait for this hash, by their own hashes.
    public func parked(waitingFor hash: AnyDhtHash, limit: Int) throws(PlasmidError) -> [ParkedOp] {
        guard limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            var cores: [[UInt8]] = []
            try self.rows.scan(SpaceTables.waiting, RowRange(prefix: SpaceKey.missing(hash))) {
                key, _ throws(PlasmidError) in
                guard key.count == 65 else { throw StorageFault.damaged("A key of table 'waiting' is misshapen") }
                cores.append([UInt8](key.from(33)))
                return cores.count < limit
            }
            return try self.parkedOps(cores)
        }
    }

    /// A parked op; nil where it is not parked.
    public func parked(_ hash: DhtOpHash) throws(PlasmidError) -> ParkedOp? {
        try rows.reading { () throws(PlasmidError) in try self.parkedOp(Array(hash.coreBytes)) }
    }

    /// How many ops are parked: of an author, or of all.
    public func parkedCount(of author: AgentPubKey?) throws(PlasmidError) -> Int {
        try rows.reading { () throws(PlasmidError) in
            try self.parkedCount(author.map { Array($0.coreBytes) } ?? OpDeriver.allParked)
        }
    }

    /// The rejected ops, in the order in which this node came to know their actions.
    public func rejected(limit: Int) throws(PlasmidError) -> [RejectedStored] {
        guard limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            var found: [RejectedStored] = []
            try self.rows.scan(SpaceTables.rejected, RowRange(prefix: [])) { key, value throws(PlasmidError) in
                guard key.count == 9, let type = ChainOpType(rawValue: key[8]) else {
                    throw StorageFault.damaged("A key of table 'rejected' is misshapen")
                }
                found.append(try self.rejected(key.bigEndian(0), type, value))
                return found.count < limit
            }
            return found
        }
    }

    /// A rejected op with its reason; nil where it was not rejected.
    public func rejected(_ action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> RejectedStored? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action), place.hasRejected(type) else { return nil }
            let key = SpaceKey.typed(place.number, type)
            return try self.rows.get(SpaceTables.rejected, key) { value throws(PlasmidError) in
                guard let value else { throw StorageFault.damaged("A rejected op has no reason") }
                return try self.rejected(place.number, type, value)
            }
        }
    }

    /// The receipts for an op, by their validators.
    public func receipts(of op: DhtOpHash) throws(PlasmidError) -> [SignedReceipt] {
        try rows.reading { () throws(PlasmidError) in
            var receipts: [SignedReceipt] = []
            try self.rows.scan(SpaceTables.receipts, RowRange(prefix: Array(op.coreBytes))) {
                _, value throws(PlasmidError) in
                do throws(PlasmidError) {
                    receipts.append(try SignedReceipt(packed: value))
                } catch {
                    throw error.wrapped(.storageCorrupt, "A receipt cannot be read", hint: StorageFault.checkHint)
                }
                return true
            }
            return receipts
        }
    }

    /// The warrants against an agent, by time and hash: those that hold, or all that were judged.
    public func warrants(
        against agent: AgentPubKey, includingRejected: Bool
    ) throws(PlasmidError) -> [StoredWarrant] {
        try rows.reading { () throws(PlasmidError) in
            var found: [StoredWarrant] = []
            for number in try self.lastNumbers(SpaceTables.warrants, RowRange(prefix: Array(agent.coreBytes))) {
                guard let warrant = try self.warrant(number) else {
                    throw StorageFault.damaged("Row \(number) is missing")
                }
                if includingRejected || warrant.standing == .integrated { found.append(warrant) }
            }
            return found.sorted { left, right in
                let (first, second) = (left.signed.warrant, right.signed.warrant)
                return first.timestamp != second.timestamp
                    ? first.timestamp < second.timestamp : first.hash < second.hash
            }
        }
    }

    /// How a warrant was judged; nil where it is not here.
    public func standing(ofWarrant hash: DhtOpHash) throws(PlasmidError) -> OpStanding? {
        try rows.reading { () throws(PlasmidError) in
            guard let number = try self.number(hash.coreBytes, HashByte.op) else { return nil }
            return try self.warrant(number)?.standing
        }
    }

    /// Own ops that are still to be published, chain after chain, each in its order.
    public func unpublished(limit: Int) throws(PlasmidError) -> [UnpublishedOp] {
        var found: [UnpublishedOp] = []
        for author in try ownAuthors() where found.count < limit {
            found += try unpublished(of: author, limit: limit - found.count)
        }
        return found
    }

    /// The same of one chain, behind an op of it.
    public func unpublished(
        of author: AgentPubKey, after last: UnpublishedOp? = nil, limit: Int
    ) throws(PlasmidError) -> [UnpublishedOp] {
        guard limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            let core = author.coreBytes
            var found: [UnpublishedOp] = []
            let bound = last.map { SpaceKey.publishing(core, $0.seq, $0.type) + [0] }
            var marked: [(seq: UInt32, type: ChainOpType)] = []
            try self.rows.scan(SpaceTables.publishing, RowRange(prefix: Array(core), bound: bound)) {
                key, _ throws(PlasmidError) in
                guard key.count == 37, let type = ChainOpType(rawValue: key[36]) else {
                    throw StorageFault.damaged("A key of table 'publishing' is misshapen")
                }
                marked.append((key.bigEndian(32), type))
                return marked.count < limit
            }
            for (seq, type) in marked {
                guard let number = try self.chainNumber(author, seq) else { continue }
                let hash = try self.actionBytes(number) { hash, _, _ in hash }
                found.append(UnpublishedOp(author: author, seq: seq, type: type, action: hash))
            }
            var seq = UInt64(max(try self.publishedBefore(author), last?.seq ?? 0))
            while found.count < limit, seq <= UInt32.max, let number = try self.chainNumber(author, UInt32(seq)) {
                let signed = try self.action(number)
                for type in ChainOpType.produced(by: signed.action).sorted(by: { $0.rawValue < $1.rawValue }) {
                    if let last, UInt64(last.seq) == seq, type.rawValue <= last.type.rawValue { continue }
                    found.append(UnpublishedOp(author: author, seq: UInt32(seq), type: type, action: signed.hash))
                }
                seq += 1
            }
            return Array(found.prefix(limit))
        }
    }
}

// MARK: Parts of reads; each inside one `reading`.

extension RowSpace {
    func parkedOp(_ core: [UInt8]) throws(PlasmidError) -> ParkedOp? {
        try rows.get(SpaceTables.parked, core) { value throws(PlasmidError) in
            try value.map { value throws(PlasmidError) in try ParkedRow.read(value, core) }
        }
    }

    private func parkedOps(_ cores: [[UInt8]]) throws(PlasmidError) -> [ParkedOp] {
        var found: [ParkedOp] = []
        for core in cores {
            guard let op = try parkedOp(core) else { throw StorageFault.damaged("A parked op has no row") }
            found.append(op)
        }
        return found
    }

    func parkedCount(_ key: [UInt8]) throws(PlasmidError) -> Int {
        try rows.get(SpaceTables.parkedCounts, key) { value throws(PlasmidError) in
            guard let value else { return 0 }
            guard value.count == 4 else { throw StorageFault.damaged("A count of parked ops is misshapen") }
            return Int(value.bigEndian(0, as: UInt32.self))
        }
    }

    private func rejected(
        _ number: UInt64, _ type: ChainOpType, _ value: UnsafeRawBufferPointer
    ) throws(PlasmidError) -> RejectedStored {
        let row = try RejectedRow.read(value)
        let signed = try action(number)
        var entry = OpEntry.actionOnly
        if signed.action.entryType?.visibility == .private { entry = .hidden }
        // What came as an entry need not be one: then the op is shown without.
        if let bytes = row.entry, let content = try? Entry(packed: bytes) { entry = .present(content) }
        let op = ChainOp(type: type, action: signed.action, signature: signed.signature, entry: entry)
        return RejectedStored(op: op, action: signed.hash, reason: row.reason, when: row.when)
    }

    func warrant(_ number: UInt64) throws(PlasmidError) -> StoredWarrant? {
        try rows.get(SpaceTables.rows, SpaceKey.number(number)) { value throws(PlasmidError) in
            guard let value, value.first == WarrantRow.kind else { return nil }
            return try WarrantRow.warrant(value, number)
        }
    }

    func warrantHash(_ number: UInt64) throws(PlasmidError) -> DhtOpHash {
        try row(number) { value throws(PlasmidError) in try WarrantRow.hash(value, number) }
    }

    func chainNumber(_ author: AgentPubKey, _ seq: UInt32) throws(PlasmidError) -> UInt64? {
        try rows.get(SpaceTables.chain, SpaceKey.chain(author.coreBytes, seq)) { value throws(PlasmidError) in
            guard let value else { return nil }
            guard value.count == 8 else { throw StorageFault.damaged("A chain row is misshapen") }
            return value.bigEndian(0)
        }
    }

    /// The number before which an author's unpublished ops are listed one by one.
    func publishedBefore(_ author: AgentPubKey) throws(PlasmidError) -> UInt32 {
        try rows.get(SpaceTables.published, Array(author.coreBytes)) { value throws(PlasmidError) in
            guard let value else { return 0 }
            guard value.count == 8 else { throw StorageFault.damaged("A row of table 'published' is misshapen") }
            return UInt32(clamping: value.bigEndian(0, as: UInt64.self))
        }
    }
}
