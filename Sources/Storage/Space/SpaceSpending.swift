import Integrity

/// What a call uses up by being made: durable before its function runs, whatever becomes of the call.
public struct SpaceSpending: Sendable {
    /// A nonce that was used up, with the time after which nobody asks for it any more.
    public struct Nonce: Hashable, Sendable {
        /// Whose nonce.
        public let agent: AgentPubKey
        /// 32 bytes.
        public let nonce: [UInt8]
        /// When calls with it are refused for their age alone.
        public let expires: Timestamp

        /// A used nonce; `nonce` is cut or filled with zeros to 32 bytes.
        public init(agent: AgentPubKey, nonce: [UInt8], expires: Timestamp) {
            self.agent = agent
            self.nonce = Array((nonce + repeatElement(0, count: max(0, 32 - nonce.count))).prefix(32))
            self.expires = expires
        }
    }

    /// How often a grant or a certificate was used.
    public struct Use: Hashable, Sendable {
        /// On whose chain the grant stands.
        public let author: AgentPubKey
        /// The core of the grant's action, or the certificate's id: 32 bytes.
        public let id: [UInt8]
        /// Calls that it opened, this one included.
        public let count: UInt32
        /// Whether it was met after its expiry.
        public let hasEnded: Bool
        /// A certificate's: the fingerprint of the grant's secret that it goes back to, 32 bytes. Nil for a grant's own.
        public let root: [UInt8]?

        /// A count.
        public init(author: AgentPubKey, id: [UInt8], count: UInt32, hasEnded: Bool, root: [UInt8]? = nil) {
            self.author = author
            self.id = id
            self.count = count
            self.hasEnded = hasEnded
            self.root = root
        }
    }

    /// Whose count.
    public struct UseID: Hashable, Sendable {
        /// On whose chain the grant stands.
        public let author: AgentPubKey
        /// The core of the grant's action, or the certificate's id: 32 bytes.
        public let id: [UInt8]

        /// A count's name from its parts.
        public init(author: AgentPubKey, id: [UInt8]) {
            self.author = author
            self.id = id
        }
    }

    /// Nonces that are used up.
    public let nonces: [Nonce]
    /// Counts that stand from now on.
    public let uses: [Use]
    /// Counts that nobody asks for any more.
    public let forgotten: [UseID]
    /// Nonces whose calls expired before this may be forgotten.
    public let forgetBefore: Timestamp

    /// What is used up; `forgetBefore` lies so far back that no clock is set back behind it by accident.
    public init(nonces: [Nonce], uses: [Use], forgotten: [UseID] = [], forgetBefore: Timestamp) {
        self.nonces = nonces
        self.uses = uses
        self.forgotten = forgotten
        self.forgetBefore = forgetBefore
    }

    /// Nonces that one commit forgets at most: more than it adds, so that the table shrinks to what may still be asked for.
    static let forgottenAtOnce = 16
    /// The latest expiry of a forgotten nonce, in table `marks`: no call that expires by then is taken any more.
    static let floorKey = Array("nonceFloor".utf8)
}

extension RowSpace {
    /// The rows of what is used up, and those that are forgotten for it.
    func rows(of spending: SpaceSpending) throws(PlasmidError) -> [RowDeriver.Row] {
        var rows = spending.nonces.map { nonce in
            RowDeriver.Row(table: SpaceTables.nonces, key: SpaceKey.nonce(nonce), value: [])
        }
        for use in spending.uses {
            var value: [UInt8] = [use.hasEnded ? 1 : 0]
            value.append(bigEndian: use.count)
            value += use.root?.prefix(32) ?? []
            rows.append(
                RowDeriver.Row(table: SpaceTables.uses, key: SpaceKey.use(use.author, use.id), value: value))
        }
        rows += spending.forgotten.map {
            RowDeriver.Row(table: SpaceTables.uses, key: SpaceKey.use($0.author, $0.id), value: nil)
        }
        guard !spending.nonces.isEmpty else { return rows }
        let old = try oldNonces(before: spending.forgetBefore)
        rows += old.map { RowDeriver.Row(table: SpaceTables.nonces, key: $0, value: nil) }
        // Keys are in the order of their expiry: the last one that is forgotten is the latest.
        if let last = old.last {
            rows.append(
                RowDeriver.Row(table: SpaceTables.marks, key: SpaceSpending.floorKey, value: Array(last.prefix(8))))
        }
        return rows
    }

    private func oldNonces(before time: Timestamp) throws(PlasmidError) -> [[UInt8]] {
        try rows.reading { () throws(PlasmidError) in
            var found: [[UInt8]] = []
            let end = SpaceKey.time(time)
            try self.rows.scan(SpaceTables.nonces, RowRange(prefix: [])) { key, _ throws(PlasmidError) in
                guard key.count == 72 else { throw StorageFault.damaged("A nonce's key is misshapen") }
                guard key.bigEndian(0, as: UInt64.self) < end else { return false }
                found.append([UInt8](key))
                return found.count < SpaceSpending.forgottenAtOnce
            }
            return found
        }
    }

    /// Whether a nonce has been used up.
    public func isUsed(_ nonce: SpaceSpending.Nonce) throws(PlasmidError) -> Bool {
        let key = SpaceKey.nonce(nonce)
        return try rows.reading { () throws(PlasmidError) in
            try self.rows.get(SpaceTables.nonces, key) { $0 != nil }
        }
    }

    /// The nonces that are remembered, the first to expire first; of more than `limit` those that expire last.
    public func nonces(limit: Int) throws(PlasmidError) -> [SpaceSpending.Nonce] {
        guard limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            var found: [SpaceSpending.Nonce] = []
            try self.rows.scan(SpaceTables.nonces, RowRange(prefix: [], reverse: true)) {
                key, _ throws(PlasmidError) in
                guard key.count == 72 else { throw StorageFault.damaged("A nonce's key is misshapen") }
                guard let agent = AgentPubKey(coreBytes: [UInt8](key.slice(8, 32))) else { return true }
                found.append(
                    SpaceSpending.Nonce(
                        agent: agent, nonce: [UInt8](key.from(40)), expires: Self.time(key.bigEndian(0))))
                return found.count < limit
            }
            return found.reversed()
        }
    }

    /// The latest expiry of a nonce that was forgotten; nil while none was.
    public func nonceFloor() throws(PlasmidError) -> Timestamp? {
        try rows.reading { () throws(PlasmidError) in
            try self.rows.get(SpaceTables.marks, SpaceSpending.floorKey) { value throws(PlasmidError) in
                guard let value else { return nil }
                guard value.count == 8 else { throw StorageFault.damaged("The mark of forgotten nonces is misshapen") }
                return Self.time(value.bigEndian(0))
            }
        }
    }

    /// What was counted of the grants on an author's chain, and of certificates for them.
    public func uses(of author: AgentPubKey) throws(PlasmidError) -> [SpaceSpending.Use] {
        try rows.reading { () throws(PlasmidError) in
            var found: [SpaceSpending.Use] = []
            try self.rows.scan(SpaceTables.uses, RowRange(prefix: Array(author.coreBytes))) {
                key, value throws(PlasmidError) in
                guard key.count == 64, value.count == 5 || value.count == 37 else {
                    throw StorageFault.damaged("A row of table 'uses' is misshapen")
                }
                found.append(
                    SpaceSpending.Use(
                        author: author, id: [UInt8](key.from(32)), count: value.bigEndian(1), hasEnded: value[0] != 0,
                        root: value.count == 37 ? [UInt8](value.from(5)) : nil))
                return true
            }
            return found
        }
    }

    private static func time(_ bits: UInt64) -> Timestamp {
        Timestamp(microseconds: Int64(bitPattern: bits ^ 1 << 63))
    }
}

extension Space {
    /// Writes what a call uses up: visible when this returns, `completion` after the sync, as ``commit(_:completion:)``.
    public func spend(_ spending: SpaceSpending, completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        environment.commit(
            StoredEnvironment.Waiting(
                prepare: { [self] () throws(PlasmidError) in try rows(of: spending) }, taken: {},
                completion: completion))
    }
}

extension MemorySpace {
    /// Writes what a call uses up.
    public func spend(_ spending: SpaceSpending) throws(PlasmidError) {
        for row in try rows(of: spending) { put(row) }
    }
}
