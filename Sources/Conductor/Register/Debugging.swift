import Integrity
import Sodium
import Storage

/// `debug/*` and `admin/instance/get_meta` of 2019: what lies in an instance's store, for people who look for a fault.
extension Conductor {
    /// Most actions and ops that one dump shows: it is made in one turn of the loop, which serves everybody.
    static var stateDumpMaximum: Int { 1_000 }

    func runningInstances() -> MessagePackValue {
        .array(instances(of: nil).map(\.id).filter { cells[$0]?.isActive ?? false }.map { .string($0) })
    }

    private func debugged(_ params: AdminParams, _ key: String) throws(PlasmidError) -> Cell {
        let id = try params.text(key)
        if let cell = cells[id] { return cell }
        if let fault = faults[id] { throw fault }
        throw Self.unknown("Instance", id, known: instances(of: nil).map(\.id))
    }

    /// The parts of 2019's dump. What belonged to its network flows is empty: there is no queue of such a kind here.
    func stateDump(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try debugged(params, "instance_id")
        let ops = try heldOps(cell, from: 0, to: .max, limit: Self.stateDumpMaximum)
        let none = MessagePackValue.array([])
        let chain = params.flag("source_chain", default: true) ? try headers(of: cell) : none
        let held = params.flag("held_aspects", default: true) ? Self.heldAspects(ops) : .map([])
        let calls = cell.calls.values.sorted { $0.number < $1.number }.map { call -> MessagePackValue in
            .array(
                call.steps.map { step in
                    .object([
                        "zome_name": .string(cell.zomes[step.zome].name), "fn_name": .string(step.name),
                    ])
                })
        }
        return .object([
            "queued_calls": none, "running_calls": .array(calls), "call_results": none, "query_flows": none,
            "validation_package_flows": none, "direct_message_flows": none, "queued_holding_workflows": none,
            "in_process_holding_workflows": none, "held_aspects": held, "source_chain": chain,
            "eavis": .array(ops.compactMap(Self.link)),
        ])
    }

    /// The newest actions in the form of 2019's headers, newest first.
    private func headers(of cell: Cell) throws(PlasmidError) -> MessagePackValue {
        let records = try cell.space.store.chain(
            of: cell.id.agent, from: 0, to: .max, descending: true, limit: Self.stateDumpMaximum)
        return .array(
            records.map { record in
                let signed = record.signedAction
                let action = signed.action
                let replaced: MessagePackValue =
                    switch action.data {
                    case .update(let original, _, _, _): .string(original.text)
                    case .delete(let original, _): .string(original.text)
                    default: .null
                    }
                return .object([
                    "address": .string(signed.hash.text), "entry_type": .string("\(action.type.name)"),
                    "entry_address": action.entryHash.map { .string($0.text) } ?? .null,
                    "provenances": .array([
                        .array([
                            .string(action.author.text),
                            .string(Base64.encode(signed.signature.bytes.array)),
                        ])
                    ]),
                    "link": action.header.prevAction.map { .string($0.text) } ?? .null,
                    "link_same_type": .null, "link_update_delete": replaced,
                    "timestamp": .number(action.header.timestamp.microseconds),
                ])
            })
    }

    /// An op with what it says.
    private struct HeldOp {
        let type: ChainOpType
        let basis: AnyLinkableHash
        let hash: DhtOpHash
        let action: Action
    }

    private func heldOps(_ cell: Cell, from: UInt32, to: UInt32, limit: Int) throws(PlasmidError) -> [HeldOp] {
        var held: [HeldOp] = []
        for op in try cell.space.store.ops(from: from, to: to, limit: limit) {
            guard let type = ChainOpType(rawValue: op.type), let record = try cell.space.store.record(op.action) else {
                continue
            }
            let action = record.signedAction.action
            guard let basis = type.basis(of: action, hash: op.action) else { continue }
            let hash = action.packed.withUnsafeBytes { type.hash(actionBytes: $0) }
            held.append(HeldOp(type: type, basis: basis, hash: hash, action: action))
        }
        return held
    }

    private static func heldAspects(_ ops: [HeldOp]) -> MessagePackValue {
        var held: [String: [String]] = [:]
        for op in ops { held[op.basis.text, default: []].append(op.hash.text) }
        return .map(
            held.sorted { $0.key < $1.key }.map { basis, ops in
                .init(key: .string(basis), value: .array(ops.map { .string($0) }))
            })
    }

    private static func link(_ op: HeldOp) -> MessagePackValue? {
        guard op.type == .createLink, case .createLink(let base, let target, _, let type, let tag) = op.action.data
        else { return nil }
        return .object([
            "entity": .string(base.text), "attribute": .string("link__\(type)__\(Base64.encode(tag))"),
            "value": .string(target.text), "index": .number(op.action.header.timestamp.microseconds),
        ])
    }

    /// A public entry or an action by its address. Private entries are not shown: 2019 showed them to whoever asked.
    func fetchContent(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try debugged(params, "instance_id")
        let text = try params.text("address")
        if let action = try? ActionHash(text) {
            guard let record = try cell.space.store.record(action) else { throw Self.nothing(text, cell) }
            let signed = record.signedAction
            return .object([
                "type": .string("%chain_header"), "content": try MessagePackValue(packed: signed.action.packed),
            ])
        }
        let hash = try Self.entryHash(text)
        let records = try cell.space.store.recordsOfEntry(hash)
        let isShown = records.contains { $0.signedAction.action.entryType?.visibility == .public }
        if isShown, let entry = try cell.space.store.entry(hash) {
            return .object(["type": .string(entryKind(entry, records, cell)), "content": Self.content(entry)])
        }
        guard try cell.space.store.sealedEntry(author: cell.id.agent, hash) == nil else {
            throw PlasmidError(
                .privateEntry, "\(text) is a private entry",
                hint: "`admin/dump` shows the operator an own chain with its private entries")
        }
        throw Self.nothing(text, cell)
    }

    /// Agents' addresses stand for their entries, as in 2019.
    private static func entryHash(_ text: String) throws(PlasmidError) -> EntryHash {
        if let agent = try? AgentPubKey(text) { return agent.entryHash }
        return try EntryHash(text)
    }

    private static func nothing(_ address: String, _ cell: Cell) -> PlasmidError {
        PlasmidError(.notFound, "nothing is held under \(address) in \(cell.instanceID)", hint: "check the address")
    }

    private func entryKind(_ entry: Entry, _ records: [StoredRecord], _ cell: Cell) -> String {
        if case .agent = entry { return "%agent_id" }
        let type = records.first?.signedAction.action.entryType
        guard case .app(let app)? = type else { return "%entry" }
        return cell.definition.entryType(app)?.name ?? "unknown"
    }

    private static func content(_ entry: Entry) -> MessagePackValue {
        switch entry {
        case .agent(let agent): .string(agent.text)
        case .app(let bytes), .counterSign(_, let bytes): (try? MessagePackValue(packed: bytes)) ?? .binary(bytes)
        // Capabilities are private always; a public record of one would be damage.
        case .capGrant, .capClaim: .null
        }
    }

    /// Which actions made, changed or linked something, and which ops say so.
    func metaView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try debugged(params, "id")
        let text = try params.text("hash")
        let store = cell.space.store
        let hash = try AnyDhtHash(text)
        var headers: [SignedAction] = []
        if let entry = try? EntryHash(text) {
            headers = try store.recordsOfEntry(entry).map(\.signedAction)
        } else if let action = try? ActionHash(text), let record = try store.record(action) {
            headers = [record.signedAction]
        }
        headers += try store.updates(of: hash) + store.deletes(of: hash)
        let basis = AnyLinkableHash(hash)
        let location = basis.location
        let ops = try heldOps(cell, from: location, to: location, limit: 10_000).filter { $0.basis == basis }
        return .object([
            "headers": .array(headers.map { .string($0.hash.text) }),
            "aspects": .array(ops.map { .array([.string($0.hash.text), .string("\($0.type.name)")]) }),
            "link_add_count": .number(ops.count { $0.type == .createLink }),
            "link_remove_count": .number(ops.count { $0.type == .deleteLink }),
        ])
    }
}
