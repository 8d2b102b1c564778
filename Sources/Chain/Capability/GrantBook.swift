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
    private var lastNumber = 0

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
            Self.take(address, from: &bySecret, at: secret.fingerprint)
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

    /// Takes in a count that was stored.
    public mutating func restore(_ id: Fingerprint, _ count: UseCount) { counts[id] = count }

    /// Counts the use that a verdict stands on, at once, so that no second call finds it left.
    /// - Returns: what must be durable before the function runs; empty where nothing is counted.
    public mutating func spend(_ verdict: CapabilityVerdict) -> [CountedUse] {
        guard let address = verdict.grant, let grant = byAddress[address] else { return [] }
        var spent: [CountedUse] = []
        if grant.limits.uses != nil { spent.append(count(address.core)) }
        if case .delegated(_, let certificates) = verdict {
            for certificate in certificates where certificate.limits.uses != nil { spent.append(count(certificate.id)) }
        }
        return spent
    }

    private mutating func count(_ id: Fingerprint) -> CountedUse {
        let (sum, overflow) = used(id).used.addingReportingOverflow(1)
        counts[id, default: UseCount()].used = overflow ? .max : sum
        return CountedUse(id: id, count: used(id))
    }

    /// Notes the ends that a refused request met: what has expired once stays so, even if the clock is set back.
    /// - Returns: what is to be stored of it; empty when all of it was known.
    public mutating func noteEnds(_ request: CapabilityRequest, now: Timestamp) -> [CountedUse] {
        var ids: [Fingerprint] = []
        if let secret = request.secret {
            let fingerprint = request.certificates.first?.parent ?? secret.fingerprint
            for grant in grants(fingerprint: fingerprint) where grant.limits.hasExpired(now) {
                ids.append(grant.address.core)
            }
            for certificate in request.certificates where certificate.limits.hasExpired(now) {
                ids.append(certificate.id)
            }
        } else {
            for key in [request.function, nil] {
                for address in [endedOpen[key]] + (open[key] ?? []).map({ $0 }) {
                    guard let address, byAddress[address]?.limits.hasExpired(now) == true else { continue }
                    ids.append(address.core)
                }
            }
        }
        return ids.filter { !used($0).hasEnded }.map { id in
            counts[id, default: UseCount()].hasEnded = true
            return CountedUse(id: id, count: used(id))
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
    public mutating func settle(_ function: ZomeFunction, now: Timestamp) {
        for key in [function, nil] {
            while let address = open[key]?.last, let grant = byAddress[address], refusal(of: grant, now: now) != nil {
                open[key]?.removeLast()
                endedOpen[key] = address
            }
        }
    }

    private static func openKeys(_ grant: Grant) -> [ZomeFunction?] {
        grant.functions.map { $0.map { $0 } } ?? [nil]
    }

    private static func take<Key>(_ address: ActionHash, from index: inout [Key: [ActionHash]], at key: Key) {
        guard var addresses = index.removeValue(forKey: key) else { return }
        addresses.removeAll { $0 == address }
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
}
