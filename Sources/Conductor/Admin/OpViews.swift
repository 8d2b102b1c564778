import Integrity
import Storage

/// `admin/network/ops`: how the ops of a space stand on this node.
extension Conductor {
    /// What an operator may ask for.
    enum OpState: String, CaseIterable {
        /// Cannot be judged before something else is here.
        case waiting
        /// Broke a rule.
        case rejected
        /// Own ones that not enough others hold yet.
        case unpublished
        /// Ops of the cell's own chain, the newest first, and who has said to have judged them.
        case own
    }

    /// Ops in one answer, at most; the default is 100.
    private static var opsMaximum: Int { 1_000 }

    func opsView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try knownCell(try params.text("instance_id"))
        let word = try params.text("state")
        guard let state = OpState(rawValue: word) else {
            let known = OpState.allCases.map(\.rawValue).joined(separator: ", ")
            throw PlasmidError(
                .badParameter, "there is no state `\(word)` of ops",
                hint: "it is one of \(known); warrants are told by `admin/warrants`")
        }
        let limit = min(max(params.count("limit") ?? 100, 1), Self.opsMaximum)
        let store = cell.space.store
        switch state {
        case .waiting: return .array(try store.parked(limit: limit).map(Self.view))
        case .rejected: return .array(try store.rejected(limit: limit).map(Self.view))
        case .unpublished:
            var rows: [MessagePackValue] = []
            for op in try store.unpublished(limit: limit) {
                if let row = try Self.view(op.action, op.type, in: cell) { rows.append(row) }
            }
            return .array(rows)
        case .own: return .array(try ownOps(cell, limit: limit))
        }
    }

    private static func view(_ parked: ParkedOp) -> MessagePackValue {
        .map(
            about(parked.op, parked.hash) + [
                .init("since_at", .number(parked.since.microseconds)),
                .init("missing", .array(parked.missing.map { .string($0.text) })),
            ])
    }

    private static func view(_ rejected: RejectedStored) -> MessagePackValue {
        .map(
            about(.chainOp(rejected.op), rejected.op.hash) + [
                .init("judged_at", .number(rejected.when.microseconds)), .init("reason", .string(rejected.reason)),
            ])
    }

    /// The newest ops of the cell's chain, whole actions, until there are enough.
    private func ownOps(_ cell: Cell, limit: Int) throws(PlasmidError) -> [MessagePackValue] {
        let store = cell.space.store
        let records = try store.chain(of: cell.id.agent, from: 0, to: .max, descending: true, limit: limit)
        var rows: [MessagePackValue] = []
        for record in records {
            for type in ChainOpType.allCases {
                guard rows.count < limit else { return rows }
                guard try store.standing(of: record.signedAction.hash, type) != nil,
                    let row = try Self.view(record.signedAction.hash, type, in: cell)
                else { continue }
                rows.append(row)
            }
        }
        return rows
    }

    /// An own op with the receipts of those who say to have judged it.
    private static func view(
        _ action: ActionHash, _ type: ChainOpType, in cell: Cell
    ) throws(PlasmidError) -> MessagePackValue? {
        guard let op = try cell.space.store.op(action, type) else { return nil }
        let hash = op.hash
        let receipts = try cell.space.store.receipts(of: hash)
        return .map(
            about(.chainOp(op), hash) + [
                .init("receipts", .number(receipts.count { $0.receipt.status == .valid })),
                .init("refused_by", .number(receipts.count { $0.receipt.status == .rejected })),
            ])
    }

    private static func about(_ op: DhtOp, _ hash: DhtOpHash) -> [MessagePackValue.Pair] {
        switch op {
        case .chainOp(let op):
            [
                .init("op", .string(hash.text)), .init("type", .string("\(op.type.name)")),
                .init("author", .string(op.action.author.text)), .init("seq", .number(op.action.actionSeq)),
                .init("action", .string(ActionHash(hashing: op.action.packed).text)),
            ]
        case .warrant(let signed):
            [
                .init("op", .string(hash.text)), .init("type", .string("warrant")),
                .init("author", .string(signed.warrant.author.text)),
                .init("against", .string(signed.warrant.warrantee.text)),
            ]
        }
    }
}
