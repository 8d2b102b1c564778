import Integrity

// Chains as others tell of them. A chain that is written here stands in `chain`, one number one action, and nothing from
// outside touches it; every other one stands in `activity`, where several actions may have one number and numbers may be missing.

extension RowSpace {
    /// Two actions of one author with one number: all of them, for each such number, the lowest number first. The one that the
    /// chain shows comes first.
    public func forks(of author: AgentPubKey) throws(PlasmidError) -> [[SignedAction]] {
        try rows.reading { () throws(PlasmidError) in
            var seqs: [UInt32] = []
            try self.rows.scan(SpaceTables.forks, RowRange(prefix: Array(author.coreBytes))) {
                key, _ throws(PlasmidError) in
                guard key.count == 36 else { throw StorageFault.damaged("A key of table 'forks' is misshapen") }
                seqs.append(key.bigEndian(32))
                return true
            }
            var forks: [[SignedAction]] = []
            for seq in seqs {
                var actions: [SignedAction] = []
                for number in try self.activityNumbers(author, seq) { actions.append(try self.action(number)) }
                forks.append(actions)
            }
            return forks
        }
    }

    /// The actions of an author with this number: the one of the chain that is written here first, then by hash.
    func activityNumbers(_ author: AgentPubKey, _ seq: UInt32) throws(PlasmidError) -> [UInt64] {
        let key = SpaceKey.chain(author.coreBytes, seq)
        var numbers: [UInt64] = []
        try rows.get(SpaceTables.chain, key) { value throws(PlasmidError) in
            guard let value else { return }
            guard value.count == 8 else { throw StorageFault.damaged("A chain row is misshapen") }
            numbers.append(value.bigEndian(0))
        }
        try rows.scan(SpaceTables.activity, RowRange(prefix: key)) { key, value throws(PlasmidError) in
            numbers.append(try Self.activity(key, value).number)
            return true
        }
        return numbers
    }

    /// The authors whose chains are held, by their keys.
    public func authors() throws(PlasmidError) -> [AgentPubKey] {
        try rows.reading { () throws(PlasmidError) in
            let found = try self.firstNumbers(SpaceTables.chain) + self.firstNumbers(SpaceTables.activity)
            var authors: [AgentPubKey] = []
            for number in found { authors.append(try self.action(number).action.author) }
            var known: Set<[UInt8]> = []
            return authors.filter { known.insert(Array($0.coreBytes)).inserted }.sorted { $0.core < $1.core }
        }
    }

    /// The authors whose chains are written here, by their keys.
    public func ownAuthors() throws(PlasmidError) -> [AgentPubKey] {
        try rows.reading { () throws(PlasmidError) in
            var authors: [AgentPubKey] = []
            for number in try self.firstNumbers(SpaceTables.chain) {
                authors.append(try self.action(number).action.author)
            }
            return authors
        }
    }

    /// An action of each author in a table.
    private func firstNumbers(_ table: TableID) throws(PlasmidError) -> [UInt64] {
        var numbers: [UInt64] = []
        var bound: [UInt8]? = []
        while let from = bound {
            bound = nil
            try rows.scan(table, RowRange(prefix: [], bound: from)) { key, value throws(PlasmidError) in
                guard key.count >= 36, value.count == 8 else { throw StorageFault.damaged("A chain row is misshapen") }
                numbers.append(value.bigEndian(0))
                bound = RowRange(prefix: [UInt8](key.slice(0, 32))).prefixEnd
                return false
            }
        }
        return numbers
    }

    /// Whether an author's chain is written here.
    func isWrittenHere(_ author: AgentPubKey) throws(PlasmidError) -> Bool {
        var isHere = false
        try rows.scan(SpaceTables.chain, RowRange(prefix: Array(author.coreBytes))) { _, _ in
            isHere = true
            return false
        }
        return isHere
    }

    /// Whether actions of an author are here that were not committed here.
    func isOutsider(_ author: AgentPubKey) throws(PlasmidError) -> Bool {
        if let known = outsiders[author] { return known }
        let isOutsider = try rows.get(SpaceTables.outsiders, Array(author.coreBytes)) { $0 != nil }
        outsiders[author] = isOutsider
        return isOutsider
    }

    private static func activity(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) throws(PlasmidError) -> (seq: UInt32, number: UInt64) {
        guard key.count == SpaceKey.activityBytes, value.count == 8 else {
            throw StorageFault.damaged("A row of table 'activity' is misshapen")
        }
        return (key.bigEndian(32), value.bigEndian(0))
    }

    /// The numbers of the actions of a chain that came from outside: of several with one place the one with the lowest hash.
    func toldChain(
        of author: AgentPubKey, from: UInt32, to: UInt32, descending: Bool, limit: Int
    ) throws(PlasmidError) -> [UInt64] {
        let core = author.coreBytes
        var range = RowRange(prefix: Array(core), bound: SpaceKey.chain(core, from), reverse: descending)
        if descending { range.bound = to == .max ? nil : SpaceKey.chain(core, to + 1) }
        var numbers: [UInt64] = []
        var last: UInt32?
        try rows.scan(SpaceTables.activity, range) { key, value throws(PlasmidError) in
            let (seq, number) = try Self.activity(key, value)
            if seq < from || seq > to { return false }
            if seq == last {
                // Downwards the lowest hash comes last.
                if descending { numbers[numbers.count - 1] = number }
                return true
            }
            guard numbers.count < limit else { return false }
            numbers.append(number)
            last = seq
            return true
        }
        return numbers
    }

    /// The last action before the first gap of a chain that came from outside.
    func toldHead(of author: AgentPubKey) throws(PlasmidError) -> ChainHead? {
        let core = author.coreBytes
        let from = contiguous[author] ?? 0
        var found: (seq: UInt32, number: UInt64)?
        try rows.scan(SpaceTables.activity, RowRange(prefix: Array(core), bound: SpaceKey.chain(core, from))) {
            key, value throws(PlasmidError) in
            let (seq, number) = try Self.activity(key, value)
            guard let last = found else {
                guard seq == from else { return false }
                found = (seq, number)
                return true
            }
            if seq == last.seq { return true }
            guard seq == last.seq &+ 1 else { return false }
            found = (seq, number)
            return true
        }
        guard let found else { return nil }
        contiguous[author] = found.seq
        let last = try action(found.number)
        return ChainHead(hash: last.hash, seq: found.seq, timestamp: last.action.header.timestamp)
    }
}
