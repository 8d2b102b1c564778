import Integrity
import Keystore
import Logging
import NIOCore
import Sodium
import Storage

/// A chain that came out of a backup or a dump, and that nobody has let go on yet.
///
/// Elsewhere the same key may have written on since the backup was made; writing here would begin a second chain at the
/// same place. Until the network can be asked, the operator is: DESIGN §5.
struct ReadOnlyMark: Sendable, Packable {
    let cell: CellID
    /// When the backup or dump was brought back.
    let since: Timestamp
    /// The head of the dump whose actions are being written; nil once all of them are there. Such a chain does not run at all.
    var unfinished: ActionHash?

    static let prefix = Array("readonly\u{0}".utf8)

    var key: [UInt8] { Self.prefix + cell.dna.core.array + cell.agent.core.array }

    init(cell: CellID, since: Timestamp, unfinished: ActionHash? = nil) {
        self.cell = cell
        self.since = since
        self.unfinished = unfinished
    }

    func pack(into writer: inout MessagePackWriter) {
        writer.writeArrayHeader(unfinished == nil ? 3 : 4)
        cell.dna.pack(into: &writer)
        cell.agent.pack(into: &writer)
        writer.writeInt(since.microseconds)
        unfinished?.pack(into: &writer)
    }

    init(from reader: inout MessagePackReader) throws(PlasmidError) {
        let count = try reader.readArrayHeader()
        guard count == 3 || count == 4 else {
            throw PlasmidError(.malformedMessagePack, "a mark of a restored chain has \(count) parts")
        }
        cell = CellID(dna: try reader.read(), agent: try reader.read())
        since = Timestamp(microseconds: try reader.readInt())
        if count == 4 { unfinished = try reader.read() }
    }
}

extension Conductor {
    /// Reads which cells may not write; a folder that was restored gets a mark for each chain whose key is held here.
    func loadReadOnly() throws(PlasmidError) {
        for row in try store.settings.scan(prefix: ReadOnlyMark.prefix) {
            let mark = try ReadOnlyMark(packed: row.value)
            readOnly[mark.cell] = mark
        }
        guard try store.settings.get(Database.restoredKey) != nil else { return }
        var changes: [ConductorStore.Change] = []
        var isComplete = true
        for dna in try database.spaces() {
            do throws(PlasmidError) {
                let space = try database.space(dna, mustExist: true)
                for agent in keystore.agents where try space.head(of: agent.key) != nil {
                    let id = CellID(dna: dna, agent: agent.key)
                    // One that the backup found half brought back stays so.
                    let mark = ReadOnlyMark(cell: id, since: options.clock(), unfinished: readOnly[id]?.unfinished)
                    readOnly[id] = mark
                    changes.append(.put(.settings, key: mark.key, value: mark.packed))
                }
            } catch {
                // Its cells cannot run; the next start asks again.
                isComplete = false
                logger.error(
                    "a restored space cannot be read",
                    metadata: ["dna": "\(dna)", "code": "\(error.code.rawValue)", "reason": "\(error.message)"])
            }
        }
        if isComplete { changes.append(.delete(.settings, key: Database.restoredKey)) }
        // Until it is durable the folder still says that it was restored, and the next start does all of this again.
        store.write(changes) { [logger] result in
            guard case .failure(let error) = result else { return }
            logger.error("the marks of a restore cannot be kept", metadata: ["code": "\(error.code.rawValue)"])
        }
    }

    /// `admin/restored/list`: what is read-only, with the instance that runs on it if there is one.
    func restoredView() -> MessagePackValue {
        let marks = readOnly.values.sorted { ($0.since, $0.cell.dna.text) < ($1.since, $1.cell.dna.text) }
        return .array(
            marks.map { mark in
                .object([
                    "instance_id": cellOfID[mark.cell].map { .string($0.instanceID) } ?? .null,
                    "dna": .string(mark.cell.dna.text), "agent": .string(mark.cell.agent.text),
                    "restored_at": .number(mark.since.microseconds), "unfinished": .bool(mark.unfinished != nil),
                ])
            })
    }

    /// `admin/restored/release`: the operator says that no other copy of the keys is in use.
    func releaseRestored(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        guard params.flag("alone", default: false) else {
            throw PlasmidError(
                .badParameter, "`alone` has to be true: it says that no other copy of these keys is in use",
                hint: "a cell that writes on in two places forks its chain, and other nodes reject both ends")
        }
        let marks: [ReadOnlyMark]
        if let instanceID = params.optionalText("instance_id") {
            let cell = try knownCell(instanceID)
            guard let mark = readOnly[cell.id] else {
                throw PlasmidError(.badParameter, "`\(instanceID)` is not read-only")
            }
            marks = [mark]
        } else {
            // What came back only in part cannot go on at all.
            marks = readOnly.values.filter { $0.unfinished == nil }
        }
        store.write(marks.map { .delete(.settings, key: $0.key) }) { [self] result in
            if case .success = result {
                for mark in marks {
                    readOnly[mark.cell] = nil
                    cellOfID[mark.cell]?.isReadOnly = false
                }
            }
            reply(
                result.map { .object(["success": .bool(true), "released": .number(marks.count)]) })
        }
    }

    /// Marks a chain before it is brought back, so that no moment lies in between in which it could write; without
    /// `unfinished` once it is there whole.
    func markReadOnly(
        _ id: CellID, unfinished: ActionHash?, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        let mark = ReadOnlyMark(
            cell: id, since: readOnly[id]?.since ?? options.clock(), unfinished: unfinished)
        store.settings.put(mark.key, mark.packed) { [self] result in
            if case .success = result {
                readOnly[id] = mark
                cellOfID[id]?.isReadOnly = true
            }
            done(result)
        }
    }
}

extension Cell {
    /// Why nothing may be written now, if anything keeps it.
    var writeRefusal: PlasmidError? {
        guard isReadOnly else { return nil }
        return PlasmidError(
            .readOnlyAfterRestore,
            "`\(instanceID)` was restored and is read-only until the operator says that no other copy of its keys runs",
            hint: "if none does: plasmid admin restored \(instanceID) --alone")
    }
}
