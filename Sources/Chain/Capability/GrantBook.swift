import Integrity

/// The capability grants in effect on one chain, kept in memory and indexed by what a caller shows.
///
/// Filled from the chain's CapGrant records at start, then kept up at each commit; a grant that was deleted or updated is not
/// in it, so a revocation works from the next call on. A look-up costs one BLAKE2b of the secret and one dictionary access.
/// Limits are asked for at each call; what they counted is kept apart (``UseCount``), since no entry of a chain can.
public struct GrantBook: Sendable {
    /// A grant as the check reads it.
    public struct Grant: Sendable {
        /// The Create or Update that made it.
        public let address: ActionHash
        /// The entry as it stands on the chain.
        public let entry: ZomeCallCapGrant
        /// What ends it by itself.
        public let limits: GrantLimits
        /// Who may use it; nil: whoever knows the secret (or anyone, where there is none).
        public let assignees: Set<AgentPubKey>?
        /// What it opens; nil: every function whose access is `granted`.
        public let functions: Set<ZomeFunction>?
        let secret: CapSecret?
        /// Its place among those that were made.
        let number: Int

        init(_ address: ActionHash, _ entry: ZomeCallCapGrant, _ limits: GrantLimits, number: Int) {
            self.address = address
            self.entry = entry
            self.limits = limits
            self.number = number
            switch entry.access {
            case .unrestricted: (secret, assignees) = (nil, nil)
            case .transferable(let secret): (self.secret, assignees) = (secret, nil)
            case .assigned(let secret, let assignees): (self.secret, self.assignees) = (secret, Set(assignees))
            }
            functions = if case .listed(let listed) = entry.functions { Set(listed) } else { nil }
        }
    }

    private var byAddress: [ActionHash: Grant] = [:]
    /// Keyed by the secret's hash, so that finding a grant takes a time that says nothing about other secrets.
    private var bySecret: [Fingerprint: [ActionHash]] = [:]
    private var byLabel: [String: [ActionHash]] = [:]
    /// Grants that take no secret, by function, and under nil those for all: the newest last. Those that have ended are
    /// dropped from here as they are met.
    private var open: [ZomeFunction?: [ActionHash]] = [:]
    /// One of those that were dropped, for the words of a refusal.
    private var endedOpen: [ZomeFunction?: ActionHash] = [:]
    private var counts: [Fingerprint: UseCount] = [:]
    /// The certificates with a count, by the secret of the grant that they go back to: kept as long as a grant has it.
    private var certificates: [Fingerprint: Set<Fingerprint>] = [:]
    /// Secrets that grants had which were taken out.
    private var left: Set<Fingerprint> = []
    private var lastNumber = 0

    /// So many certificates of one secret are counted at most: whoever holds it makes as many as he likes.
    public static let certificatesPerSecret = 10_000

    /// A book without grants.
    public init() {}

    /// How many grants are in effect.
    public var count: Int { byAddress.count }

    /// The grants in effect, oldest first.
    public var all: [Grant] { byAddress.values.sorted { $0.number < $1.number } }

    /// The grants in effect that bear this label, oldest first.
    public func grants(label: String) -> [Grant] { (byLabel[label] ?? []).compactMap { byAddress[$0] } }

    /// The grant made by the action `address`, if it is in effect.
    public subscript(address: ActionHash) -> Grant? { byAddress[address] }

    // MARK: Keeping it up

    /// Takes in a grant that the action `address` made.
    public mutating func add(_ entry: ZomeCallCapGrant, limits: GrantLimits = .none, at address: ActionHash) {
        remove(address)
        lastNumber += 1
        let grant = Grant(address, entry, limits, number: lastNumber)
        byAddress[address] = grant
        byLabel[entry.tag, default: []].append(address)
        if let secret = grant.secret {
            bySecret[secret.fingerprint, default: []].append(address)
        } else {
            for function in Self.openKeys(grant) { open[function, default: []].append(address) }
        }
    }

    /// Takes out the grant made by `address`; nothing happens if there is none. What it counted stays: it may be asked for.
    public mutating func remove(_ address: ActionHash) {
        guard let grant = byAddress.removeValue(forKey: address) else { return }
        Self.take(address, from: &byLabel, at: grant.entry.tag)
        if let secret = grant.secret {
            let fingerprint = secret.fingerprint
            Self.take(address, from: &bySecret, at: fingerprint)
            if certificates[fingerprint] != nil { left.insert(fingerprint) }
        } else {
            for function in Self.openKeys(grant) {
                Self.take(address, from: &open, at: function)
                if endedOpen[function] == address { endedOpen[function] = nil }
            }
        }
    }

    /// Follows everything that a call committed: a new grant comes in, with the limits that the next action notes; one that
    /// is updated or deleted goes out.
    public mutating func follow(_ scratch: Scratch) {
        for (index, pending) in scratch.actions.enumerated() {
            switch pending.action.data {
            case .create: break
            case .update(let original, _, _, _): remove(original)
            case .delete(let address, _): remove(address)
            default: continue
            }
            guard case .capGrant(let grant)? = pending.entry else { continue }
            switch CapNote.after(index, in: scratch) {
            case .none: add(grant, at: pending.hash)
            case .limits(_, let limits): add(grant, limits: limits, at: pending.hash)
            // Not this grant's, or not to be read: a grant of which nobody knows the limits opens nothing.
            case .delegation, .unreadable: break
            }
        }
    }

    // MARK: Limits

    /// What was counted of a grant (its action's core) or a certificate (its id).
    public func used(_ id: Fingerprint) -> UseCount { counts[id] ?? UseCount() }

    /// Takes in a count that was stored; `root` is what a certificate's goes back to.
    public mutating func restore(_ id: Fingerprint, _ count: UseCount, root: Fingerprint? = nil) {
        counts[id] = count
        guard let root else { return }
        certificates[root, default: []].insert(id)
        if bySecret[root] == nil { left.insert(root) }
    }

    /// The certificates whose counts nobody asks for any more, since no grant has the secret that they go back to. They are
    /// forgotten here; a grant that was replaced by one with the same secret keeps them.
    public mutating func takeOrphans() -> [Fingerprint] {
        var gone: [Fingerprint] = []
        for root in left where bySecret[root] == nil {
            gone += certificates.removeValue(forKey: root) ?? []
        }
        left = []
        for id in gone { counts[id] = nil }
        return gone
    }

    /// Counts uses of a grant that were made of the one that it replaces.
    /// - Returns: what is to be stored.
    public mutating func carry(_ uses: UInt32, to address: ActionHash) -> CountedUse {
        count(address.core, uses)
    }

    /// Counts the use that a verdict stands on, at once, so that no second call finds it left.
    /// - Returns: what must be durable before the function runs; empty where nothing is counted.
    public mutating func spend(_ verdict: CapabilityVerdict) -> [CountedUse] {
        guard let address = verdict.grant, let grant = byAddress[address] else { return [] }
        var spent: [CountedUse] = []
        if grant.limits.uses != nil { spent.append(count(address.core)) }
        if case .delegated(_, let certificates) = verdict {
            for certificate in certificates where certificate.limits.uses != nil {
                spent.append(count(certificate.id, root: certificates.first?.parent))
            }
        }
        return spent
    }

    private mutating func count(_ id: Fingerprint, _ uses: UInt32 = 1, root: Fingerprint? = nil) -> CountedUse {
        let (sum, overflow) = used(id).used.addingReportingOverflow(uses)
        counts[id, default: UseCount()].used = overflow ? .max : sum
        return counted(id, root)
    }

    private mutating func counted(_ id: Fingerprint, _ root: Fingerprint?) -> CountedUse {
        if let root { certificates[root, default: []].insert(id) }
        return CountedUse(id: id, count: used(id), root: root)
    }

    /// Whether a certificate can be counted: as long as there is room, and then if it is one of those that are.
    private func hasRoom(for certificate: Delegation, root: Fingerprint) -> Bool {
        guard let known = certificates[root], known.count >= Self.certificatesPerSecret else { return true }
        return known.contains(certificate.id)
    }

    /// Notes the ends that a refused request met: what has expired once stays so, even if the clock is set back.
    /// - Returns: what is to be stored of it; empty when all of it was known.
    public mutating func noteEnds(_ request: CapabilityRequest, now: Timestamp) -> [CountedUse] {
        var ids: [Fingerprint] = []
        var ended: [CountedUse] = []
        if let secret = request.secret {
            let fingerprint = request.certificates.first?.parent ?? secret.fingerprint
            for grant in grants(fingerprint: fingerprint) where grant.limits.hasExpired(now) {
                ids.append(grant.address.core)
            }
            for certificate in request.certificates
            where certificate.limits.hasExpired(now) && hasRoom(for: certificate, root: fingerprint) {
                ended += noteEnds([certificate.id], root: fingerprint)
            }
        } else {
            for key in [request.function, nil] {
                for address in [endedOpen[key]] + (open[key] ?? []).map({ $0 }) {
                    guard let address, byAddress[address]?.limits.hasExpired(now) == true else { continue }
                    ids.append(address.core)
                }
            }
        }
        return ended + noteEnds(ids)
    }

    private mutating func noteEnds(_ ids: [Fingerprint], root: Fingerprint? = nil) -> [CountedUse] {
        ids.filter { !used($0).hasEnded }.map { id in
            counts[id, default: UseCount()].hasEnded = true
            return counted(id, root)
        }
    }

    /// Why a grant opens nothing at this time, although it is on the chain; nil while it does.
    public func refusal(of grant: Grant, now: Timestamp) -> CapabilityRefusal? {
        grant.limits.isNone ? nil : refusal(grant.address.core, grant.limits, now)
    }

    func refusal(of grant: Grant, _ certificates: [Delegation], now: Timestamp) -> CapabilityRefusal? {
        if let refusal = refusal(of: grant, now: now) { return refusal }
        for certificate in certificates where !certificate.limits.isNone {
            if let refusal = refusal(certificate.id, certificate.limits, now) { return refusal }
            if certificate.limits.uses != nil, let root = certificates.first?.parent,
                !hasRoom(for: certificate, root: root)
            {
                return .spent
            }
        }
        return nil
    }

    private func refusal(_ id: Fingerprint, _ limits: GrantLimits, _ now: Timestamp) -> CapabilityRefusal? {
        let count = used(id)
        if count.hasEnded || limits.hasExpired(now) { return .expired }
        if let uses = limits.uses, count.used >= uses { return .spent }
        return nil
    }

    // MARK: Looking up

    /// The grants that have exactly this secret; the comparison takes the same time wherever it fails.
    public func grants(with secret: CapSecret) -> [Grant] {
        grants(fingerprint: secret.fingerprint).filter { $0.secret == secret }
    }

    func grants(fingerprint: Fingerprint) -> [Grant] {
        guard let addresses = bySecret[fingerprint] else { return [] }
        return addresses.compactMap { byAddress[$0] }
    }

    /// Whether a grant without a secret opens `function` to everyone.
    func openGrant(for function: ZomeFunction, now: Timestamp) -> CapabilityVerdict {
        var refused = CapabilityRefusal.missing
        for key in [function, nil] {
            for address in (open[key] ?? []).reversed() {
                guard let grant = byAddress[address] else { continue }
                guard let refusal = refusal(of: grant, now: now) else { return .granted(address) }
                refused = refusal
            }
            if let grant = endedOpen[key].flatMap({ byAddress[$0] }), let refusal = refusal(of: grant, now: now) {
                refused = refusal
            }
        }
        return .refused(refused)
    }

    /// Drops open grants that have ended from the look-up of a function, so that many of them do not slow the next call.
    /// - Returns: what is to be stored of those whose time has passed: they have ended even if the clock is set back.
    public mutating func settle(_ function: ZomeFunction, now: Timestamp) -> [CountedUse] {
        var ids: [Fingerprint] = []
        for key in [function, nil] {
            while let address = open[key]?.last, let grant = byAddress[address], refusal(of: grant, now: now) != nil {
                open[key]?.removeLast()
                endedOpen[key] = address
                if grant.limits.hasExpired(now) { ids.append(address.core) }
            }
        }
        return noteEnds(ids)
    }

    private static func openKeys(_ grant: Grant) -> [ZomeFunction?] {
        grant.functions.map { $0.map { $0 } } ?? [nil]
    }

    private static func take<Key>(_ address: ActionHash, from index: inout [Key: [ActionHash]], at key: Key) {
        guard var addresses = index.removeValue(forKey: key) else { return }
        // Each stands there once, and most often the oldest goes first.
        if let place = addresses.firstIndex(of: address) { addresses.remove(at: place) }
        if !addresses.isEmpty { index[key] = addresses }
    }
}

/// How often a grant with limits, or a certificate, was used; no action of the chain says it.
public struct UseCount: Hashable, Sendable {
    /// Calls that it opened.
    public var used: UInt32
    /// It was met after its expiry: from then on it opens nothing, whatever the clock says.
    public var hasEnded: Bool

    /// Nothing counted yet, or what storage held.
    public init(used: UInt32 = 0, hasEnded: Bool = false) {
        self.used = used
        self.hasEnded = hasEnded
    }
}

/// A count that is to be stored.
public struct CountedUse: Hashable, Sendable {
    /// The core of the grant's action, or the certificate's id.
    public let id: Fingerprint
    /// What stands there from now on.
    public let count: UseCount
    /// A certificate's: the fingerprint of the grant's secret that it goes back to.
    public var root: Fingerprint?
}
