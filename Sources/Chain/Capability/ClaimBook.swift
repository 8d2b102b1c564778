import Integrity

/// The capability claims on one chain, kept in memory and indexed by what they are looked up by: grantor and label.
///
/// Filled at start and kept up at each commit, as ``GrantBook``; a claim that was deleted or updated is not in it.
public struct ClaimBook: Sendable {
    /// A claim.
    public struct Claim: Sendable {
        /// The action that brought it.
        public let address: ActionHash
        /// The entry as it stands on the chain.
        public let entry: CapClaim
        /// How it was passed on from the first holder to this agent; empty where it came from the grantor.
        public let certificates: [Delegation]
        let number: Int
    }

    private struct Key: Hashable {
        let grantor: AgentPubKey
        let label: String
    }

    private var byAddress: [ActionHash: Claim] = [:]
    private var byGrantor: [AgentPubKey: [ActionHash]] = [:]
    private var byKey: [Key: [ActionHash]] = [:]
    private var bySecret: [Fingerprint: [ActionHash]] = [:]
    private var lastNumber = 0

    /// A book without claims.
    public init() {}

    /// How many claims there are.
    public var count: Int { byAddress.count }

    /// The claim that the action `address` brought.
    public subscript(address: ActionHash) -> Claim? { byAddress[address] }

    /// Takes in a claim.
    public mutating func add(_ entry: CapClaim, certificates: [Delegation] = [], at address: ActionHash) {
        remove(address)
        lastNumber += 1
        byAddress[address] = Claim(address: address, entry: entry, certificates: certificates, number: lastNumber)
        byGrantor[entry.grantor, default: []].append(address)
        byKey[Key(grantor: entry.grantor, label: entry.tag), default: []].append(address)
        bySecret[entry.secret.fingerprint, default: []].append(address)
    }

    /// Takes out a claim; nothing happens if there is none.
    public mutating func remove(_ address: ActionHash) {
        guard let claim = byAddress.removeValue(forKey: address) else { return }
        byGrantor[claim.entry.grantor]?.removeAll { $0 == address }
        byKey[Key(grantor: claim.entry.grantor, label: claim.entry.tag)]?.removeAll { $0 == address }
        bySecret[claim.entry.secret.fingerprint]?.removeAll { $0 == address }
    }

    /// Follows everything that a call committed.
    public mutating func follow(_ scratch: Scratch) {
        for (index, pending) in scratch.actions.enumerated() {
            switch pending.action.data {
            case .create: break
            case .update(let original, _, _, _): remove(original)
            case .delete(let address, _): remove(address)
            default: continue
            }
            guard case .capClaim(let claim)? = pending.entry else { continue }
            if case .delegation(_, let certificates) = CapNote.after(index, in: scratch) {
                add(claim, certificates: certificates, at: pending.hash)
            } else {
                add(claim, at: pending.hash)
            }
        }
    }

    /// The claims that were granted by `grantor` (nil: by anyone) and bear `label` (nil: any), oldest first.
    public func claims(grantor: AgentPubKey? = nil, label: String? = nil) -> [Claim] {
        switch (grantor, label) {
        case (let grantor?, let label?):
            (byKey[Key(grantor: grantor, label: label)] ?? []).compactMap { byAddress[$0] }
        case (let grantor?, nil): (byGrantor[grantor] ?? []).compactMap { byAddress[$0] }
        case (nil, let label):
            byAddress.values.filter { label == nil || $0.entry.tag == label }.sorted { $0.number < $1.number }
        }
    }

    /// The newest claim with this secret.
    public func claim(with secret: CapSecret) -> Claim? {
        bySecret[secret.fingerprint]?.reversed().lazy.compactMap { byAddress[$0] }.first { $0.entry.secret == secret }
    }
}

/// What stands beside a capability.
enum FoundNote {
    case none
    case limits(ActionHash, GrantLimits)
    case delegation(ActionHash, [Delegation])
    case unreadable
}

extension CapNote {
    /// The note about the action at `index`, which stands in the next one or nowhere.
    static func after(_ index: Int, in scratch: Scratch) -> FoundNote {
        guard scratch.actions.indices.contains(index + 1) else { return .none }
        let next = scratch.actions[index + 1]
        guard next.action.entryType == .capNote else { return .none }
        guard let entry = next.entry, let note = try? CapNote(entry), note.about == scratch.actions[index].hash else {
            return .unreadable
        }
        return switch note {
        case .limits(let grant, let limits): .limits(grant, limits)
        case .delegation(let claim, let certificates): .delegation(claim, certificates)
        }
    }
}
