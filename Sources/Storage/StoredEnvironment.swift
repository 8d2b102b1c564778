import Integrity

/// One environment with all that stands around it: the overlay of commits not yet in LMDB, the writer, the commits that
/// wait for room. Used on the loop's thread only.
final class StoredEnvironment {
    /// What a commit needs when its turn comes.
    struct Waiting {
        /// Checks and derives; called again at every try.
        let prepare: () throws(PlasmidError) -> [RowDeriver.Row]
        /// The commit was taken: it is visible, and will be durable unless the journal fails.
        let taken: () -> Void
        let completion: (Result<Void, PlasmidError>) -> Void
    }

    let identity: EnvironmentIdentity
    let lmdb: LMDBEnvironment
    let overlay: OverlayRows
    private let reader: SnapshotReader
    private var writer: EnvironmentWriter?
    private var thread: OwnThread?
    private var waiting: [Waiting] = []
    private unowned let database: Database
    private(set) var failure: PlasmidError?
    private(set) var full: PlasmidError?
    private var closed = false

    init(_ identity: EnvironmentIdentity, _ lmdb: LMDBEnvironment, database: Database) {
        self.identity = identity
        self.lmdb = lmdb
        self.database = database
        reader = SnapshotReader(lmdb)
        overlay = OverlayRows(reader: reader)
    }

    /// Starts the writer's thread; before it there are no commits.
    func start(_ options: Database.Options, deliver: @escaping Database.Deliver) throws(PlasmidError) {
        let bound = LoopBound<StoredEnvironment>()
        bound.value = self
        let applier = RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: options.atSyncPoint)
        let writer = EnvironmentWriter(
            applier: applier, delayMilliseconds: options.applyDelayMilliseconds, bytesMax: options.applyBytesMax,
            news: { news in deliver { bound.value?.hear(news) } })
        thread = try writer.start()
        self.writer = writer
    }

    /// Takes a commit now, or when there is room again.
    func commit(_ commit: Waiting) {
        if waiting.isEmpty, attempt(commit) { return }
        if let blocked = database.blocked { return commit.completion(.failure(blocked)) }
        waiting.append(commit)
    }

    /// Tries the waiting commits again, first come, first served.
    func retryWaiting() {
        while let first = waiting.first, attempt(first) { waiting.removeFirst() }
        if let blocked = database.blocked { failWaiting(blocked) }
    }

    func failWaiting(_ error: PlasmidError) {
        let failed = waiting
        waiting = []
        for commit in failed { commit.completion(.failure(error)) }
    }

    /// Lets the writer begin at once with what it has.
    func hurry() { writer?.hurry() }

    /// The largest payload that the journal takes at once.
    var payloadBytesMax: Int { database.payloadBytesMax }

    var isWaiting: Bool { !waiting.isEmpty }

    /// Takes the commit or refuses it (true), or finds no room for it now (false).
    private func attempt(_ commit: Waiting) -> Bool {
        if let failure = closed ? Database.closedError : database.failure ?? failure {
            commit.completion(.failure(failure))
            return true
        }
        guard let writer else {
            commit.completion(.failure(StorageFault.failed("\(lmdb.folder) has no writer")))
            return true
        }
        let rows: [RowDeriver.Row]
        do throws(PlasmidError) {
            rows = try commit.prepare()
        } catch {
            commit.completion(.failure(error))
            return true
        }
        var batch = WriteBatch(
            reserving: rows.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) + WriteBatch.rowHeader })
        for row in rows { batch.add(row.table, row.key, row.value) }
        if batch.bytes.count > database.payloadBytesMax {
            let message = "A commit of \(batch.bytes.count) bytes is larger than a journal segment takes"
            commit.completion(
                .failure(PlasmidError(.tooLarge, message, hint: "Write fewer or smaller entries in one call")))
            return true
        }
        guard overlay.pendingBytes < database.options.pendingBytesMax, let lsn = database.admit(batch.bytes.count)
        else {
            writer.hurry()
            return false
        }
        let tables = overlay.open(lsn: lsn, bytes: batch.bytes.count)
        for row in rows { tables.put(row.table, row.key, row.value, later: row.table.number == SpaceTables.ops.number) }
        commit.taken()
        let job = JournalJob(
            lsn: lsn, environment: identity.journalID, generation: identity.generation, payload: batch.bytes,
            writer: writer)
        database.submit(job, commit.completion)
        return true
    }

    private func hear(_ news: EnvironmentWriter.News) {
        switch news {
        case .applied(let lsn):
            full = nil
            overlay.applied(through: lsn)
            database.releaseApplied()
        case .full(let error):
            full = error
            database.retryWaiting()
        case .failed(let error):
            failure = error
            failWaiting(error)
            database.retryWaiting()
        }
    }

    /// Lets the writer's queue go unapplied.
    func forgetQueue() { writer?.forget() }

    /// Lets the writer end after what it has been given.
    func stopWriter() {
        writer?.stop()
        thread?.join()
        thread = nil
        writer = nil
    }

    func close() {
        guard !closed else { return }
        closed = true
        failWaiting(Database.closedError)
        stopWriter()
        reader.close()
        lmdb.close()
    }
}
