import Chain
import Integrity
import Sodium
import Storage

/// What operators see of chains, grants and the conductor itself.
extension Conductor {
    func chainView(_ params: AdminParams) throws(PlasmidError) -> MessagePackValue {
        let cell = try knownCell(try params.text("instance_id"))
        let limit = min(max(params.count("limit") ?? 100, 1), 1_000)
        let descending = params.flag("descending", default: false)
        let from = params.count("from").map { UInt32(clamping: $0) } ?? (descending ? UInt32.max : 0)
        let records = try cell.space.store.chain(
            of: cell.id.agent, from: descending ? 0 : from, to: descending ? from : .max, descending: descending,
            limit: limit)
        return .array(try records.map { record throws(PlasmidError) in try recordView(record, in: cell) })
    }

    /// The whole chain of a cell, with its entries; private ones too, since the operator holds the keys anyway. Read in
    /// pieces, between which the loop serves everybody else.
    func dump(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        dump(try knownCell(try params.text("instance_id")), from: 0, DumpDraft(), reply)
    }

    /// Largest dump, in bytes of actions and entries: beyond it the answer would fill the memory of both sides.
    private static var dumpBytesMaximum: Int { 256 << 20 }

    private func dump(
        _ cell: Cell, from: UInt32, _ draft: DumpDraft,
        _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        do {
            let piece = try cell.space.store.chain(
                of: cell.id.agent, from: from, to: .max, descending: false, limit: 128)
            let views = try piece.map { record throws(PlasmidError) in try recordView(record, in: cell) }
            guard let last = piece.last?.signedAction.action.actionSeq, last < .max else {
                reply(
                    .success(
                        .object([
                            "instance_id": .string(cell.instanceID), "dna": .string(cell.id.dna.text),
                            "agent": .string(cell.id.agent.text), "length": .number(draft.records.count),
                            "records": .array(draft.records),
                        ])))
                return
            }
            draft.records += views
            draft.bytes += views.reduce(0) { $0 + $1.packed.count }
            guard draft.bytes <= Self.dumpBytesMaximum else {
                throw PlasmidError(
                    .tooLarge, "the chain of \(cell.instanceID) is too long to be dumped at once",
                    hint: "read it in pages: `plasmid admin chain \(cell.instanceID) --from N`")
            }
            after(microseconds: 0) { [self] in
                dump(cell, from: last + 1, draft, reply)
            }
        } catch {
            reply(.failure(PlasmidError.from(error)))
        }
    }

    private func recordView(_ stored: StoredRecord, in cell: Cell) throws(PlasmidError) -> MessagePackValue {
        let record = try StoredChain(space: cell.space, reader: cell.id.agent).opened(stored)
        let action = record.signedAction.action
        let entry: MessagePackValue
        switch record.entry {
        case .present(let value): entry = view(of: value)
        case .hidden: entry = .string("private")
        case .notApplicable, .notStored: entry = .null
        }
        let facts = MessagePackValue.object([
            "seq": .number(action.header.actionSeq), "hash": .string(record.signedAction.hash.text),
            "type": .string("\(action.type.name)"), "timestamp": .number(action.header.timestamp.microseconds),
            "entry_type": action.entryType.map { .string(entryTypeName($0, cell.space.definition)) } ?? .null,
            "entry_hash": action.entryHash.map { .string($0.text) } ?? .null, "entry": entry,
            "signature": .binary(record.signedAction.signature.bytes.array),
        ])
        guard case .map(let pairs) = facts else { return facts }
        return .map(pairs + references(action, cell.space.definition))
    }

    /// What an action points to: the ends and tag of a link, what an update or delete is about.
    private func references(_ action: Action, _ definition: DnaDefinition) -> [MessagePackValue.Pair] {
        func pair(_ key: String, _ text: String) -> MessagePackValue.Pair {
            .init(key: .string(key), value: .string(text))
        }
        switch action.data {
        case .createLink(let base, let target, let zome, let type, let tag):
            let name = definition.integrity.linkTypes.first {
                let indexes = definition.integrity.linkIndexes(named: $0.name)
                return indexes?.zomeIndex == zome && indexes?.linkType == type
            }?.name
            // A tag that is text is shown as such; the rest as it would be typed.
            let text = String(validating: tag, as: UTF8.self)
            return [
                pair("link_type", name ?? "unknown \(zome)/\(type)"), pair("base", base.text),
                pair("target", target.text),
                .init(key: .string("tag"), value: text.map { .string($0) } ?? .binary(tag)),
            ]
        case .deleteLink(let base, let add): return [pair("base", base.text), pair("deletes", add.text)]
        case .update(let original, _, _, _): return [pair("updates", original.text)]
        case .delete(let original, _): return [pair("deletes", original.text)]
        default: return []
        }
    }

    /// An entry for people: an app's value as it is if it can be read, capabilities without their secrets.
    private func view(of entry: Entry) -> MessagePackValue {
        switch entry {
        case .agent(let agent): .string(agent.text)
        case .app(let bytes): (try? MessagePackValue(packed: bytes)) ?? .binary(bytes)
        case .counterSign(_, let bytes): .binary(bytes)
        case .capClaim(let claim): .object(["tag": .string(claim.tag), "grantor": .string(claim.grantor.text)])
        case .capGrant(let grant): .object(["tag": .string(grant.tag), "access": .string(accessName(grant.access))])
        }
    }

    func accessName(_ access: CapAccess) -> String {
        switch access {
        case .unrestricted: "public"
        case .transferable: "transferable"
        case .assigned: "assigned"
        }
    }

    private func entryTypeName(_ type: EntryType, _ definition: DnaDefinition) -> String {
        switch type {
        case .agentPubKey: "AgentPubKey"
        case .capClaim: "CapClaim"
        case .capGrant: "CapGrant"
        case .capNote: "CapNote"
        case .app(let app): definition.entryType(app)?.name ?? "unknown \(app.zomeIndex)/\(app.entryIndex)"
        }
    }

    /// A cell whether it is active or not: what lies on disk may be looked at.
    func knownCell(_ instanceID: String) throws(PlasmidError) -> Cell {
        if let cell = cells[instanceID] { return cell }
        return try cell(instanceID)
    }
}

/// A dump while it is gathered.
private final class DumpDraft {
    var records: [MessagePackValue] = []
    var bytes = 0
}
