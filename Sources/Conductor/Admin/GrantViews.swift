import Chain
import Integrity
import Sodium

/// What operators see of a cell's grants.
extension Conductor {
    /// The grants of a cell, oldest first, never with a secret: all, or those with a label. With `include_revoked` also those
    /// that were revoked or replaced, and each says which it is.
    func grantsView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try knownCell(try params.text("instance_id"))
        let includesRevoked = params.flag("include_revoked", default: false)
        let label = params.label
        let made = try cell.grantsMade(includingRevoked: includesRevoked)
        return .array(
            made.filter { label == nil || $0.grant.tag == label }.map { each in
                var pairs = grantPairs(each, in: cell)
                if includesRevoked {
                    pairs.append(.init(key: .string("revoked"), value: .bool(cell.grants[each.address] == nil)))
                }
                return .map(pairs)
            })
    }

    private func grantPairs(_ made: MadeGrant, in cell: Cell) -> [MessagePackValue.Pair] {
        let assignees: [AgentPubKey] = if case .assigned(_, let named) = made.grant.access { named } else { [] }
        let functions: MessagePackValue =
            switch made.grant.functions {
            case .all: .string("all")
            case .listed(let list): .array(list.map { .string("\($0.zome)/\($0.function)") })
            }
        let state = cell.state(of: made)
        return [
            .init(key: .string("address"), value: .string(made.address.text)),
            .init(key: .string("label"), value: .string(made.grant.tag)),
            .init(key: .string("access"), value: .string(accessName(made.grant.access))),
            .init(key: .string("assignees"), value: .array(assignees.sorted().map { .string($0.text) })),
            .init(key: .string("functions"), value: functions),
            .init(
                key: .string("expires_at"), value: made.limits.expiresAt.map { .number($0.microseconds) } ?? .null),
            .init(key: .string("uses"), value: made.limits.uses.map { .number($0) } ?? .null),
            .init(key: .string("used"), value: made.limits.uses.map { _ in .number(state.used) } ?? .null),
            .init(key: .string("state"), value: .string(state.word.rawValue)),
        ]
    }
}

extension Cell {
    /// Whether a grant opens anything now, and how often it did where that is counted.
    func state(of made: MadeGrant) -> (word: GrantState, used: UInt32) {
        let used = grants.used(made.address.core).used
        guard let grant = grants[made.address] else { return (.revoked, used) }
        return (grants.state(of: grant, now: conductor.options.clock()), used)
    }
}
