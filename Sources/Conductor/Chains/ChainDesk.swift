import Chain
import Integrity
import Keystore
import Manifests
import NIOCore
import NIOPosix
import Sodium
import Storage
import Validation

/// `admin/chain/export` and `admin/chain/import`: an agent's chain out of a conductor and back into one that lacks it.
extension Conductor {
    /// A page of a chain in the form of ``ChainFile``: the bytes as base64, private entries only as they are sealed.
    func exportChain(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let cell = try knownCell(try params.text("instance_id"))
        guard let head = try cell.space.store.head(of: cell.id.agent) else {
            throw PlasmidError(.chainMissing, "the chain of \(cell.instanceID) is not in storage")
        }
        let from = UInt32(clamping: params.count("from") ?? 0)
        let through = min(UInt32(clamping: params.count("through") ?? Int(head.seq)), head.seq)
        let withPrivate = params.flag("private", default: false)
        var lines: [MessagePackValue] = []
        var bytes = 0
        var next = from
        let records = try cell.space.store.chain(
            of: cell.id.agent, from: from, to: through, descending: false, limit: 512)
        // A page of some 2 MiB: the loop serves others between two of them.
        for record in records where bytes < 2 << 20 {
            let line = try exportedLine(record, in: cell, withPrivate: withPrivate)
            bytes += line.packed.count
            lines.append(line)
            next = record.signedAction.action.header.actionSeq + 1
        }
        reply(
            .success(
                .object([
                    "dna": .string(cell.id.dna.text), "agent": .string(cell.id.agent.text),
                    "head": .object(["hash": .string(head.hash.text), "seq": .number(head.seq)]),
                    "records": .array(lines), "next": next > through ? .null : .number(next),
                ])))
    }

    private func exportedLine(
        _ record: StoredRecord, in cell: Cell, withPrivate: Bool
    ) throws(PlasmidError) -> MessagePackValue {
        var pairs: [MessagePackValue.Pair] = [
            .init(key: .string("action"), value: .string(Base64.encode(record.signedAction.packed)))
        ]
        switch record.entry {
        case .present(let entry):
            pairs.append(.init(key: .string("entry"), value: .string(Base64.encode(entry.packed))))
        case .hidden:
            if withPrivate, let hash = record.signedAction.action.entryHash,
                let sealed = try cell.space.store.sealedEntry(author: cell.id.agent, hash)
            {
                pairs.append(.init(key: .string("sealed"), value: .string(Base64.encode(sealed))))
            }
        case .notStored:
            throw PlasmidError(
                .storageCorrupt, "an entry of the chain of \(cell.instanceID) is not held",
                hint: "run `plasmid db check` while no conductor runs")
        case .notApplicable: break
        }
        return .map(pairs)
    }

    /// Brings a chain back: read and checked off the loop, then held against keystore and rules, then written as one commit.
    func importChain(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let path = try params.text("path")
        let happ = params.optionalText("happ")
        let locator = ModuleLocator(folders: options.moduleFolders)
        let modules = ModuleStore(dataFolder: options.dataFolder)
        let bound = NIOLoopBound(reply, eventLoop: loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            Result { () throws(PlasmidError) in
                let file = try ChainFile(path: path)
                let plan = try happ.map { happ throws(PlasmidError) in
                    try InstallPlan.prepare(InstallRequest(path: happ), locator: locator, store: modules)
                }
                return (file, plan?.roles ?? [])
            }
        }.whenComplete { [self] result in
            switch result {
            case .success(.success((let file, let roles))):
                do {
                    try begin(ChainImport(file: file, role: try role(of: file, among: roles)), bound.value)
                } catch {
                    bound.value(.failure(PlasmidError.from(error)))
                }
            case .success(.failure(let error)): bound.value(.failure(error))
            case .failure(let error): bound.value(.failure(PlasmidError.from(error)))
            }
        }
    }

    private func role(of file: ChainFile, among roles: [InstalledRole]) throws(PlasmidError) -> InstalledRole {
        let known = apps.values.flatMap(\.roles) + roles
        guard let role = known.first(where: { $0.dna == file.dna }) else {
            throw PlasmidError(
                .dnaMismatch, "no app that is installed, or was named, has the DNA \(file.dna) of this chain",
                hint: "name the app's file with --app, and its network seed must be the same")
        }
        return role
    }

    private func begin(
        _ work: ChainImport, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let agent = work.file.agent
        guard keystore.holds(agent) else {
            throw PlasmidError(
                .keyNotFound, "the keystore holds no key for \(agent), whose chain this is",
                hint: "bring back the keystore that the chain was written with")
        }
        let done = try exclusively(agent.text, reply)
        let isNew = !(try database.spaces().contains(work.file.dna))
        // A chain that is refused leaves no trace, neither a space that was made for it.
        let failed: (PlasmidError) -> Void = { [self] error in
            closeIdleSpaces()
            let isBegun = readOnly[CellID(dna: work.file.dna, agent: agent)] != nil
            guard isNew, !isBegun, spaces[work.file.dna] == nil else { return done(.failure(error)) }
            database.removeSpace(work.file.dna) { _ in done(.failure(error)) }
        }
        do {
            let space = try space(work.role, isNew: true)
            var next = 0
            if let head = try space.store.head(of: agent) {
                guard readOnly[CellID(dna: space.dna, agent: agent)]?.unfinished == work.head, work.holds(head) else {
                    throw try work.refusal(head, in: space.store)
                }
                next = Int(head.seq) + 1
            }
            let scratch = try work.scratch(keystore)
            let view = CallView(of: scratch, in: space)
            let records = scratch.actions.compactMap(\.record)
            let probe = Cell(
                id: CellID(dna: space.dna, agent: agent), appID: "", instanceID: "restored/\(work.role.name)",
                space: space, conductor: self, zomes: work.role.definition.coordinator,
                head: scratch.head ?? ChainHead(hash: records[0].hash, seq: 0, timestamp: records[0].action.timestamp))
            switch try probe.judge(records, view) {
            case .valid: break
            case .rejected(let violation): throw ChainImport.invalid(violation.message)
            case .missing(let hashes): throw ChainImport.invalid("it refers to \(hashes), which nobody here holds")
            }
            validate(records[...], view, space) { [self] result in
                if case .failure(let error) = result { return failed(error) }
                keep(work, scratch, space, from: next) { result in
                    if case .failure(let error) = result { return failed(error) }
                    done(.success(self.started(work)))
                }
            }
        } catch {
            failed(PlasmidError.from(error))
        }
    }

    /// Asks the modules' validators, some records at a time, each in sight of the whole chain.
    private func validate(
        _ records: ArraySlice<Record>, _ view: CallView, _ space: SpaceContext,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        guard !records.isEmpty else { return done(.success(())) }
        let piece = Array(records.prefix(100))
        space.validate(piece, view: view) { [self] verdict in
            switch verdict {
            case .success(.valid): validate(records.dropFirst(piece.count), view, space, done)
            case .success(.invalid(let words)): done(.failure(ChainImport.invalid(words)))
            case .success(.unresolved(let hashes)):
                done(.failure(ChainImport.invalid("it refers to \(hashes), which nobody here holds")))
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// The mark first: there is no moment in which the chain is there and could be written to, or is taken for whole.
    private func keep(
        _ work: ChainImport, _ scratch: Scratch, _ space: SpaceContext, from next: Int,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        let id = CellID(dna: space.dna, agent: work.file.agent)
        markReadOnly(id, unfinished: work.head) { [self] result in
            if case .failure = result { return done(result) }
            spendCounted(scratch, space) { [self] result in
                if case .failure = result { return next == 0 ? unmarked(id, result, done) : done(result) }
                write(work, scratch, space, from: next, done)
            }
        }
    }

    /// Writes the chain piece by piece. What failed or was killed in between goes on from there when the same dump comes again.
    private func write(
        _ work: ChainImport, _ scratch: Scratch, _ space: SpaceContext, from next: Int,
        _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        let id = CellID(dna: space.dna, agent: work.file.agent)
        let piece = work.piece(scratch, from: next)
        guard !piece.records.isEmpty else { return markReadOnly(id, unfinished: nil, done) }
        space.store.commit(piece) { [self] result in
            if case .failure = result { return next == 0 ? unmarked(id, result, done) : done(result) }
            write(work, scratch, space, from: next + piece.records.count, done)
        }
    }

    private func unmarked(
        _ id: CellID, _ result: Result<Void, PlasmidError>, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        let mark = readOnly.removeValue(forKey: id)
        guard let mark else { return done(result) }
        store.settings.delete(mark.key) { _ in done(result) }
    }

    /// A dump does not say how often its grants were used: counted ones come back spent, before the chain does.
    private func spendCounted(
        _ scratch: Scratch, _ space: SpaceContext, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) {
        var book = GrantBook()
        book.follow(scratch)
        let uses = book.all.compactMap { grant in
            grant.limits.uses.map {
                SpaceSpending.Use(author: scratch.author, id: grant.address.core.array, count: $0, hasEnded: false)
            }
        }
        guard !uses.isEmpty else { return done(.success(())) }
        space.store.spend(SpaceSpending(nonces: [], uses: uses, forgetBefore: options.clock()), completion: done)
    }

    /// Starts the instance that waited for its chain, if there is one.
    private func started(_ work: ChainImport) -> MessagePackValue {
        var instance: String?
        for app in apps.values where app.agent == work.file.agent {
            for role in app.roles where role.dna == work.file.dna {
                instance = app.instanceID(role)
                startCell(app, role)
            }
        }
        closeIdleSpaces()
        return .object([
            "success": .bool(true), "instance_id": instance.map { .string($0) } ?? .null,
            "dna": .string(work.file.dna.text), "agent": .string(work.file.agent.text),
            "length": .number(work.file.lines.count), "private_missing": .number(work.file.privateMissing),
        ])
    }
}

/// A chain on its way in.
private struct ChainImport {
    let file: ChainFile
    let role: InstalledRole

    /// Bytes of actions and entries in one commit; the largest entry alone may make it more.
    static let pieceBytes = 4 << 20

    /// The last action of the dump.
    var head: ActionHash? { file.lines.last?.signed.hash }

    /// Whether the dump goes on from this head, or ends with it.
    func holds(_ head: ChainHead) -> Bool {
        Int(head.seq) < file.lines.count && file.lines[Int(head.seq)].signed.hash == head.hash
    }

    static func invalid(_ words: String) -> PlasmidError {
        PlasmidError(
            .dumpInvalid, "the chain breaks the rules of its DNA: \(words)", hint: "nothing was changed")
    }

    /// Why a chain is not brought back over one that is there.
    func refusal(_ head: ChainHead, in space: Space) throws(PlasmidError) -> PlasmidError {
        if holds(head) {
            return PlasmidError(
                .chainExists, "the chain of \(file.agent) is here already, up to action \(head.seq)",
                hint: "a chain is brought back only where there is none")
        }
        let common = file.lines.last.map { $0.signed.hash }
        if let common, try space.record(common) != nil {
            return PlasmidError(
                .chainExists, "the chain of \(file.agent) is here already, and longer than the dump",
                hint: "a chain is brought back only where there is none")
        }
        return PlasmidError(
            .chainForked, "another chain of \(file.agent) is here already: the dump is a fork of it",
            hint: "nothing was changed; one of the two must never be used again")
    }

    /// The chain as its author would have written it, with the private entries opened to be judged.
    func scratch(_ keystore: Keystore) throws(PlasmidError) -> Scratch {
        var scratch = Scratch(author: file.agent, head: nil)
        for line in file.lines {
            var entry = line.entry
            if let sealed = line.sealed, let hash = line.signed.action.entryHash {
                let opened = try Entry(packed: try keystore.open(sealed, by: file.agent, context: hash.bytes))
                guard opened.hash == hash else {
                    throw PlasmidError(
                        .dumpInvalid,
                        "a private entry of action \(line.signed.action.actionSeq) is not the one it names",
                        hint: "nothing was changed; use another dump")
                }
                entry = opened
            }
            scratch.replay(line.signed, entry)
        }
        return scratch
    }

    /// The next records to write, from `next` on: as many as one commit takes easily; none when all are written.
    func piece(_ scratch: Scratch, from next: Int) -> SpaceCommit {
        var records: [CommittedRecord] = []
        var bytes = 0
        for (pending, line) in zip(scratch.actions, file.lines).dropFirst(next) {
            bytes += pending.actionBytes.count + (line.sealed?.count ?? pending.entryBytes?.count ?? 0)
            if bytes > Self.pieceBytes, !records.isEmpty { break }
            records.append(
                CommittedRecord(
                    signedAction: line.signed, actionBytes: pending.actionBytes,
                    entryBytes: line.sealed == nil ? pending.entryBytes : nil, sealedEntry: line.sealed))
        }
        return SpaceCommit(author: file.agent, records: records)
    }
}
