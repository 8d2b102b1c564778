import Integrity

/// The capability grants in effect on one chain, kept in memory and indexed by what a caller shows.
///
/// Filled from the chain's CapGrant records at start, then kept up at each commit; a grant that was deleted or updated is not
/// in it, so a revocation works from the next call on. A look-up costs one BLAKE2b of the secret and one dictionary access.
public struct GrantBook: Sendable {
    /// A grant as the check reads it.
    public struct Grant: Sendable {
        /// The Create or Update that made it.
        public let address: ActionHash
        /// The entry as it stands on the chain.
        public let entry: ZomeCallCapGrant
        /// Who may use it; nil: whoever knows the secret (or anyone, where there is none).
        public let assignees: Set<AgentPubKey>?
        /// What it opens; nil: every function whose access is `granted`.
        public let functions: Set<ZomeFunction>?
        let secret: CapSecret?

        init(_ address: ActionHash, _ entry: ZomeCallCapGrant) {
            self.address = address
            self.entry = entry
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
    private var bySecret: [EntryHash: [ActionHash]] = [:]
    private var openByFunction: [ZomeFunction: [ActionHash]] = [:]
    private var openToAll: [ActionHash] = []

    /// A book without grants.
    public init() {}

    /// How many grants are in effect.
    public var count: Int { byAddress.count }

    /// The grants in effect, in no particular order.
    public var all: [Grant] { Array(byAddress.values) }

    /// The grant made by the action `address`, if it is in effect.
    public subscript(address: ActionHash) -> Grant? { byAddress[address] }

    // MARK: Keeping it up

    /// Takes in a grant that the action `address` made.
    public mutating func add(_ entry: ZomeCallCapGrant, at address: ActionHash) {
        remove(address)
        let grant = Grant(address, entry)
        byAddress[address] = grant
        if let secret = grant.secret {
            bySecret[Self.key(secret), default: []].append(address)
        } else if let functions = grant.functions {
            for function in functions { openByFunction[function, default: []].append(address) }
        } else {
            openToAll.append(address)
        }
    }

    /// Takes out the grant made by `address`; nothing happens if there is none.
    public mutating func remove(_ address: ActionHash) {
        guard let grant = byAddress.removeValue(forKey: address) else { return }
        if let secret = grant.secret {
            Self.take(address, from: &bySecret, at: Self.key(secret))
        } else if let functions = grant.functions {
            for function in functions { Self.take(address, from: &openByFunction, at: function) }
        } else {
            openToAll.removeAll { $0 == address }
        }
    }

    /// Follows one action of the chain: a new grant comes in; one that is updated or deleted goes out.
    public mutating func follow(_ data: ActionData, _ hash: ActionHash, entry: Entry?) {
        switch data {
        case .create: break
        case .update(let original, _, _, _): remove(original)
        case .delete(let address, _): remove(address)
        default: return
        }
        if case .capGrant(let grant)? = entry { add(grant, at: hash) }
    }

    /// Follows everything that a call committed.
    public mutating func follow(_ scratch: Scratch) {
        for pending in scratch.actions { follow(pending.action.data, pending.hash, entry: pending.entry) }
    }

    // MARK: Looking up

    /// The grants that have exactly this secret; the comparison takes the same time wherever it fails.
    public func grants(with secret: CapSecret) -> [Grant] {
        guard let addresses = bySecret[Self.key(secret)] else { return [] }
        return addresses.compactMap { byAddress[$0] }.filter { $0.secret == secret }
    }

    /// A grant without a secret that opens `function` to everyone.
    public func openGrant(for function: ZomeFunction) -> ActionHash? {
        openByFunction[function]?.first ?? openToAll.first
    }

    private static func key(_ secret: CapSecret) -> EntryHash { EntryHash(hashing: secret.packed) }

    private static func take<Key>(_ address: ActionHash, from index: inout [Key: [ActionHash]], at key: Key) {
        guard var addresses = index.removeValue(forKey: key) else { return }
        addresses.removeAll { $0 == address }
        if !addresses.isEmpty { index[key] = addresses }
    }
}
