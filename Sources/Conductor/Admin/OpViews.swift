import Integrity
import Storage
import Validation

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
        case .waiting: return .array(try waitingOps(cell.space, limit: limit))
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

    /// What is kept across restarts, and what has not waited long enough for that.
    private func waitingOps(_ space: SpaceContext, limit: Int) throws(PlasmidError) -> [MessagePackValue] {
        let kept = try space.store.parked(limit: limit)
        let inWork = space.incomingIfAny?.pipeline.inWork(limit: limit) ?? []
        var steps: [DhtOpHash: OpInWork] = [:]
        for op in inWork { steps[op.hash] = op }
        var rows = kept.map { Self.view($0, steps[$0.hash]) }
        let known = Set(kept.map(\.hash))
        for op in inWork where rows.count < limit && !known.contains(op.hash) {
            switch op.step {
            case .waiting, .unvalidatable: rows.append(Self.view(op))
            case .judging, .storing: continue
            }
        }
        return rows
    }

    private static func view(_ op: OpInWork) -> MessagePackValue {
        var fields: [MessagePackValue.Pair] = [
            .init("op", .string(op.hash.text)), .init("type", .string(op.action == nil ? "warrant" : op.type)),
            .init("author", .string(op.author.text)), .init("since_at", .number(op.since.microseconds)),
        ]
        if let action = op.action { fields.append(.init("action", .string(action.text))) }
        fields.append(.init("missing", .array(missing(op).map { .string($0.text) })))
        return .map(fields + refusal(op))
    }

    private static func missing(_ op: OpInWork) -> [AnyDhtHash] {
        if case .waiting(let missing) = op.step { return missing }
        return []
    }

    /// Why no verdict can be had.
    private static func refusal(_ op: OpInWork?) -> [MessagePackValue.Pair] {
        guard case .unvalidatable(let code, let words)? = op?.step else { return [] }
        return [.init("code", .string(code.rawValue)), .init("reason", .string(words))]
    }

    private static func view(_ parked: ParkedOp, _ inWork: OpInWork?) -> MessagePackValue {
        .map(
            about(parked.op, parked.hash) + [
                .init("since_at", .number(parked.since.microseconds)),
                .init("missing", .array(parked.missing.map { .string($0.text) })),
            ] + refusal(inWork))
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
