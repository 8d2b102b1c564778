import Glibc
import Integrity

/// A conductor's data folder: the journal, the conductor's own tables and one environment for each space.
///
/// Used on one thread only, the one that `deliver` runs closures on (the conductor's loop); other threads write to the
/// disk and hand their news to `deliver`. Durable before acknowledged: a completion with success survives a power cut.
public final class Database {
    /// Runs a closure on the caller's thread, later, in the order of the calls.
    public typealias Deliver = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// The folder.
    public let folder: String
    let options: Options
    let deliver: Deliver
    private let lock: FolderLock
    private var journal: Journal?
    private var environments: [[UInt8]: StoredEnvironment] = [:]
    private var opened: [DnaHash: Space] = [:]
    private var store: ConductorStore?
    private var inFlight: [(lsn: UInt64, completion: (Result<Void, PlasmidError>) -> Void)] = []
    private var inFlightStart = 0
    /// What waits until LMDB holds everything up to a number.
    private var catchingUp: [(lsn: UInt64, done: (Result<Void, PlasmidError>) -> Void)] = []
    /// The spaces whose files are damaged, by the cores of their DNAs: they were never opened, and stay as they are.
    var damaged: [[UInt8]: PlasmidError] = [:]
    /// The backup under way.
    var backup: BackupJob?
    /// Why nothing can be written any more; nil while all is well. Only a restart helps.
    public private(set) var failure: PlasmidError?

    static let closedError = PlasmidError(.storageClosed, "The database has been closed")

    /// Opens a data folder, or makes it, and applies what the journal holds.
    ///
    /// Every page of every database is looked at before LMDB is let near it. A damaged space is an error of its own
    /// (``space(_:mustExist:)`` throws it); damaged tables of the conductor are one of all.
    /// - Throws: `storageInUse` (another process has it), `storageVersion` (a newer version wrote it), `journalDamaged`,
    ///   `storageCorrupt`, `diskFull`, `storageFailed`. Nothing is changed then that a later try could miss.
    public init(folder: String, options: Options = Options(), deliver: @escaping Deliver) throws(PlasmidError) {
        self.folder = folder
        self.options = options
        self.deliver = deliver
        try Folder.make(folder)
        lock = try FolderLock(folder)
        try DataFolder(folder).prepare(options)
        do throws(PlasmidError) {
            try open()
        } catch {
            abandon()
            throw error
        }
    }

    deinit {
        close()
    }

    /// The conductor's own tables.
    public var conductor: ConductorStore {
        get throws(PlasmidError) {
            guard let store else { throw Self.closedError }
            return store
        }
    }

    /// The spaces that the folder holds.
    public func spaces() throws(PlasmidError) -> [DnaHash] {
        try DataFolder(folder).spaces()
    }

    /// The space of a DNA, opened at the first call; made where there is none, unless `mustExist`.
    /// - Throws: `notFound` with `mustExist`; `storageCorrupt` and the like where its folder is there but cannot be read:
    ///   never a new space in its place.
    public func space(_ dna: DnaHash, mustExist: Bool = false) throws(PlasmidError) -> Space {
        if let space = opened[dna] { return space }
        guard let journal else { throw Self.closedError }
        let place = DataFolder(folder)
        if !Folder.exists(place.space(dna)) {
            if mustExist {
                throw PlasmidError(.notFound, "There is no space of \(dna) in \(folder)")
            }
            try place.makeSpace(dna, applied: journal.nextLSN - 1, options: options)
        }
        let environment = try environment(of: dna)
        let space = try Space(dna, environment)
        opened[dna] = space
        return space
    }

    /// Removes a space with all its data, for good. `completion` comes when it is gone; commits of it that are still on
    /// their way are answered, reads of it fail with `storageClosed`.
    public func removeSpace(_ dna: DnaHash, completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        guard let store else { return completion(.failure(Self.closedError)) }
        guard backup == nil else {
            let words = "A backup is under way; no space can be removed now"
            return completion(.failure(PlasmidError(.overloaded, words, hint: "Try again when it has ended")))
        }
        let generation: UInt64
        do throws(PlasmidError) {
            guard Folder.exists(DataFolder(folder).space(dna)) else { return completion(.success(())) }
            generation = try environment(of: dna).identity.generation
        } catch {
            return completion(.failure(error))
        }
        // Durable first: a start that finds the journal's commits but not the folder must know why.
        let row = Self.removedKey(Array(dna.coreBytes), generation)
        store.write([.put(.removed, key: row, value: [])]) { [weak self] result in
            guard case .success = result, let self else { return completion(result) }
            opened[dna] = nil
            if let environment = environments.removeValue(forKey: Array(dna.coreBytes)) { environment.close() }
            do throws(PlasmidError) {
                try DataFolder(folder).removeSpace(dna)
                completion(.success(()))
            } catch {
                completion(.failure(error))
            }
            releaseApplied()
        }
    }

    /// Waits until everything taken is durable, ends the threads and closes the files. The completions still due are
    /// called before this returns.
    public func close() {
        guard let journal else { return }
        backup?.stop()
        journal.close()
        self.journal = nil
        let result: Result<Void, PlasmidError> = failure.map { .failure($0) } ?? (lateFailure() ?? .success(()))
        complete(through: .max, result)
        tellCaughtUp(failure ?? Self.closedError)
        for environment in environments.values { environment.close() }
        environments = [:]
        opened = [:]
        store = nil
        lock.release()
    }

    /// Ends the threads and closes the files without applying what only the journal holds: what a kill would leave behind.
    /// Completions still due are told that the database is closed. For tests.
    public func cutOff() {
        for environment in environments.values { environment.forgetQueue() }
        close()
    }

    private func lateFailure() -> Result<Void, PlasmidError>? {
        journalFailure.with { $0 }.map { .failure($0) }
    }

    // The failure as the journal's thread told it, for a close that comes before the loop hears of it.
    private let journalFailure = Monitor<PlasmidError?>(nil)

    // MARK: Opening

    private func open() throws(PlasmidError) {
        let place = DataFolder(folder)
        let scan = try JournalScan(folder: place.journal, calls: options.calls)
        try PageWalk.require(place.conductor, tables: ConductorStore.tables)
        let conductor = try openEnvironment(EnvironmentIdentity.conductorID, nil, next: scan.next)
        damaged = try OpeningWalk.damaged(place)
        try JournalReplay(scan: scan, options: options).run { id, generation throws(PlasmidError) in
            if let open = self.environments[id], open.identity.generation == generation { return open }
            if try self.wasRemoved(id, generation, conductor) || self.damaged[id] != nil { return nil }
            guard let dna = try place.spaces().first(where: { Array($0.coreBytes) == id }) else {
                throw StorageFault.damaged("The journal has commits of a space that is not in \(place.spacesFolder)")
            }
            guard let environment = try self.openForReplay(id, dna, next: scan.next) else { return nil }
            guard environment.identity.generation == generation else {
                throw StorageFault.damaged("\(place.space(dna)) is not the space that the journal has commits of")
            }
            return environment
        }
        try KeptCommits.keep(of: damaged.keys, scan, place)
        try finishRemovals(conductor)
        let bound = LoopBound<Database>()
        bound.value = self
        let deliver = deliver
        let failed = journalFailure
        journal = try Journal(
            folder: place.journal, scan: scan, options: options,
            news: { news in
                if case .failed(let error) = news { failed.with { $0 = error } }
                deliver { bound.value?.hear(news) }
            })
        for environment in environments.values {
            let isConductor = environment.identity.journalID == EnvironmentIdentity.conductorID
            let steps = isConductor ? options.conductorUpgrades : options.spaceUpgrades
            try SchemaUpgrade.run(steps, on: environment.lmdb, environment.identity.journalID)
            try environment.start(options, deliver: deliver)
        }
        store = ConductorStore(conductor)
    }

    /// A space that the journal has commits of; nil where it cannot be read, which is its own error and nobody else's.
    private func openForReplay(
        _ id: [UInt8], _ dna: DnaHash, next: UInt64
    ) throws(PlasmidError) -> StoredEnvironment? {
        if let open = environments[id] { return open }
        do throws(PlasmidError) {
            return try openEnvironment(id, dna, next: next)
        } catch {
            guard error.code == .storageCorrupt else { throw error }
            damaged[id] = error
            return nil
        }
    }

    private func openEnvironment(
        _ id: [UInt8], _ dna: DnaHash?, next: UInt64
    ) throws(PlasmidError) -> StoredEnvironment {
        let place = DataFolder(folder)
        let path = dna.map { place.space($0) } ?? place.conductor
        let tables = dna == nil ? ConductorStore.tables : SpaceTables.all
        let lmdb = try LMDBEnvironment(folder: path, tables: tables, mapBytes: options.mapBytes)
        var identity = try EnvironmentIdentity(lmdb, expecting: id)
        let newest = UInt32(upgrades(dna).count + 1)
        guard identity.schema >= 1, identity.schema <= newest else {
            throw PlasmidError(
                .storageVersion, "\(path) was written by a newer version (schema \(identity.schema), known \(newest))",
                hint: "Use the newer version, or restore a backup")
        }
        guard identity.appliedLSN < next else {
            throw StorageFault.journal(
                "\(path) has applied commit \(identity.appliedLSN), but the journal ends at \(next - 1)")
        }
        if dna != nil, try KeptCommits.apply(to: lmdb, identity, options) {
            identity = try EnvironmentIdentity(lmdb, expecting: id)
        }
        let environment = StoredEnvironment(identity, lmdb, database: self)
        environments[id] = environment
        return environment
    }

    private func environment(of dna: DnaHash) throws(PlasmidError) -> StoredEnvironment {
        let id = Array(dna.coreBytes)
        if let environment = environments[id] { return environment }
        if let error = damaged[id] { throw error }
        let environment = try openEnvironment(id, dna, next: journal?.nextLSN ?? .max)
        do throws(PlasmidError) {
            try SchemaUpgrade.run(options.spaceUpgrades, on: environment.lmdb, id)
            try environment.start(options, deliver: deliver)
        } catch {
            environments[id] = nil
            environment.close()
            throw error
        }
        return environment
    }

    private func upgrades(_ dna: DnaHash?) -> [SchemaUpgrade] {
        dna == nil ? options.conductorUpgrades : options.spaceUpgrades
    }

    private static func removedKey(_ id: [UInt8], _ generation: UInt64) -> [UInt8] {
        id + SpaceKey.number(generation)
    }

    private func wasRemoved(
        _ id: [UInt8], _ generation: UInt64, _ conductor: StoredEnvironment
    ) throws(PlasmidError) -> Bool {
        try ConductorStore(conductor).get(.removed, Self.removedKey(id, generation)) != nil
    }

    /// Ends removals that a crash cut short. A space that was made again is another generation, and stays.
    private func finishRemovals(_ conductor: StoredEnvironment) throws(PlasmidError) {
        let place = DataFolder(folder)
        let removed = try ConductorStore(conductor).scan(.removed)
        guard !removed.isEmpty else { return }
        for dna in try place.spaces() {
            let id = Array(dna.coreBytes)
            // Whose removal was cut short a damaged space cannot say: it stays, and is an error where it is asked for.
            guard environments[id] == nil, damaged[id] == nil, removed.contains(where: { $0.key.hasPrefix(id) })
            else { continue }
            let lmdb = try LMDBEnvironment(
                folder: place.space(dna), tables: SpaceTables.all, mapBytes: options.mapBytes)
            defer { lmdb.close() }
            let generation = try EnvironmentIdentity(lmdb, expecting: id).generation
            guard try wasRemoved(id, generation, conductor) else { continue }
            lmdb.close()
            try place.removeSpace(dna)
        }
    }

    private func abandon() {
        for environment in environments.values { environment.close() }
        environments = [:]
        journal?.close()
        journal = nil
        lock.release()
    }

    // MARK: Commits on their way

    /// The largest payload that fits into a segment.
    var payloadBytesMax: Int { journal?.payloadBytesMax ?? 0 }

    func admit(_ payloadCount: Int) -> UInt64? {
        journal?.admit(payloadCount)
    }

    func submit(_ job: JournalJob, _ completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        inFlight.append((job.lsn, completion))
        journal?.submit(job)
    }

    /// Why a commit that finds no room need not wait for any.
    var blocked: PlasmidError? {
        for environment in environments.values {
            if let error = environment.failure ?? environment.full { return error }
        }
        return nil
    }

    /// What the journal takes now.
    public func journalFigures() -> JournalFigures {
        var figures = JournalFigures()
        guard let journal else { return figures }
        (figures.files, figures.bytes) = (journal.files, journal.files * options.segmentBytes)
        figures.commits = journal.nextLSN - 1
        let oldest = environments.values.compactMap(\.overlay.oldestLSN).min()
        figures.waiting = oldest.map { journal.nextLSN - $0 } ?? 0
        return figures
    }

    /// Calls back once LMDB holds everything that has been taken by now, or cannot any more.
    func whenApplied(_ done: @escaping (Result<Void, PlasmidError>) -> Void) {
        guard let journal else { return done(.failure(Self.closedError)) }
        catchingUp.append((journal.nextLSN - 1, done))
        for environment in environments.values { environment.hurry() }
        tellCaughtUp(failure ?? blocked)
    }

    private func tellCaughtUp(_ error: PlasmidError?) {
        let oldest = environments.values.compactMap(\.overlay.oldestLSN).min() ?? .max
        let told = catchingUp.filter { error != nil || $0.lsn < oldest }
        catchingUp.removeAll { error != nil || $0.lsn < oldest }
        for one in told { one.done(error.map { .failure($0) } ?? .success(())) }
    }

    func retryWaiting() {
        tellCaughtUp(failure ?? blocked)
        for environment in environments.values where environment.isWaiting { environment.retryWaiting() }
    }

    /// Frees the journal's segments that no environment needs any more.
    func releaseApplied() {
        guard let journal else { return }
        var oldest = journal.nextLSN
        for environment in environments.values { oldest = min(oldest, environment.overlay.oldestLSN ?? oldest) }
        journal.release(through: oldest - 1)
        retryWaiting()
    }

    private func hear(_ news: Journal.News) {
        switch news {
        case .durable(let lsn):
            complete(through: lsn, .success(()))
        case .failed(let error):
            guard failure == nil else { return }
            failure = error
            complete(through: .max, .failure(error))
            tellCaughtUp(error)
            for environment in environments.values { environment.failWaiting(error) }
        case .spare:
            journal?.spareMade()
            retryWaiting()
        case .noSpare:
            journal?.spareFailed()
            retryWaiting()
        }
    }

    private func complete(through lsn: UInt64, _ result: Result<Void, PlasmidError>) {
        // A completion may commit again: the list is in order before each call.
        while inFlightStart < inFlight.count, inFlight[inFlightStart].lsn <= lsn {
            let completion = inFlight[inFlightStart].completion
            inFlight[inFlightStart].completion = { _ in }
            inFlightStart += 1
            if inFlightStart == inFlight.count || inFlightStart > 4096 {
                inFlight.removeFirst(inFlightStart)
                inFlightStart = 0
            }
            completion(result)
        }
    }
}
