import Integrity

/// A backup of a database in use: all that was acknowledged before it began is in it, whole.
///
/// First LMDB catches up with everything taken, then the conductor's own tables are copied; then LMDB catches up again,
/// and the spaces are copied. What an app's row in the copy names is thereby in the copies that follow: its chain was
/// durable before the row was. Confined to the loop's thread but for the copying.
final class BackupJob {
    private let database: Database
    private let writer: BackupWriter
    private let progress: BackupProgress
    private let completion: (Result<BackupManifest, PlasmidError>) -> Void
    private var thread: OwnThread?
    private let bound = LoopBound<BackupJob>()

    init(
        _ request: BackupRequest, _ database: Database, _ progress: BackupProgress,
        completion: @escaping (Result<BackupManifest, PlasmidError>) -> Void
    ) {
        self.database = database
        self.progress = progress
        self.completion = completion
        writer = BackupWriter(request, source: database.folder, progress: progress)
        bound.value = self
    }

    func start() {
        database.whenApplied { [self] result in
            if case .failure(let error) = result { return end(.failure(error)) }
            guard let conductor = try? database.conductor else { return end(.failure(Database.closedError)) }
            let (writer, bound, deliver) = (writer, bound, database.deliver)
            let lmdb = conductor.environment.lmdb
            work {
                let result = writer.begin(lmdb)
                deliver { bound.value?.copySpaces(result) }
            }
        }
    }

    private func copySpaces(_ result: Result<Void, PlasmidError>) {
        thread?.join()
        thread = nil
        if case .failure(let error) = result { return end(.failure(error)) }
        database.whenApplied { [self] result in
            do throws(PlasmidError) {
                try result.get()
                let spaces = try database.spacesForBackup()
                let (writer, bound, deliver) = (writer, bound, database.deliver)
                work {
                    let result = writer.finish(spaces)
                    deliver { bound.value?.end(result) }
                }
            } catch {
                end(.failure(error))
            }
        }
    }

    private func work(_ body: @escaping @Sendable () -> Void) {
        thread = OwnThread.start(body)
        if thread == nil { end(.failure(StorageFault.failed("Cannot start a thread for the backup"))) }
    }

    private func end(_ result: Result<BackupManifest, PlasmidError>) {
        thread?.join()
        thread = nil
        guard database.backup === self else { return }
        database.backup = nil
        completion(result)
    }

    /// Ends the copying, and waits for it: the environments are closed next.
    func stop() {
        progress.cancel()
        thread?.join()
        thread = nil
        writer.abandon()
        end(.failure(Database.closedError))
    }
}

extension Database {
    /// Copies everything into a new folder while the database is in use; nothing that was acknowledged before is missing.
    ///
    /// `completion` comes on the loop, once the folder has its name and is durable. Failures: `folderNotEmpty`,
    /// `badParameter` (a folder inside of this one), `overloaded` while another backup runs, `diskFull`, `storageFailed`, `storageClosed`; nothing is left behind then.
    public func backup(
        _ request: BackupRequest, progress: BackupProgress = BackupProgress(),
        completion: @escaping (Result<BackupManifest, PlasmidError>) -> Void
    ) {
        guard backup == nil else {
            return completion(
                .failure(
                    PlasmidError(.overloaded, "A backup of \(folder) is under way", hint: "Wait until it has ended")))
        }
        // A start would take it for a part of its own, or refuses the folder for it.
        guard !Folder.resolved(request.destination).hasPrefix(Folder.resolved(folder) + "/") else {
            let words = "\(request.destination) lies inside the data folder that is backed up"
            return completion(
                .failure(PlasmidError("badParameter", words, hint: "Choose a folder outside of \(folder)")))
        }
        let job = BackupJob(request, self, progress, completion: completion)
        backup = job
        job.start()
    }

    /// Every space of the folder with its environment, opened where it was not.
    func spacesForBackup() throws(PlasmidError) -> [(name: String, lmdb: LMDBEnvironment)] {
        var found: [(name: String, lmdb: LMDBEnvironment)] = []
        for dna in try spaces() {
            found.append((dna.text, try space(dna, mustExist: true).environment.lmdb))
        }
        return found
    }
}
