import Integrity
import Synchronization

/// How far a backup or restore has come: written by its thread, read by whoever draws a bar.
public final class BackupProgress: Sendable {
    private let doneBytes = Atomic<Int>(0)
    private let totalBytes = Atomic<Int>(0)
    private let cancelled = Atomic<Bool>(false)

    /// Nothing done yet.
    public init() {}

    /// Bytes done so far.
    public var done: Int { doneBytes.load(ordering: .relaxed) }
    /// Bytes to do, as far as it is known; rises as more becomes known.
    public var total: Int { totalBytes.load(ordering: .relaxed) }

    func add(done bytes: Int) { doneBytes.add(bytes, ordering: .relaxed) }
    func add(total bytes: Int) { totalBytes.add(bytes, ordering: .relaxed) }

    /// Asks the work to end soon.
    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// - Throws: `cancelled` once somebody asked for the end.
    func check() throws(PlasmidError) {
        guard cancelled.load(ordering: .relaxed) else { return }
        throw PlasmidError(.cancelled, "The conductor was stopped before the backup was whole", hint: "Begin it anew")
    }
}

/// A named step of a backup, restore or compaction. Tests stop the process exactly here.
public enum BackupStep: String, CaseIterable, Sendable {
    /// The backup's folder exists under its temporary name.
    case backupBegun
    /// The conductor's own tables are copied.
    case backupConductorCopied
    /// One space is copied.
    case backupSpaceCopied
    /// The manifest is written; the folder bears its temporary name.
    case backupBeforeRename
    /// The backup has its name.
    case backupAfterRename
    /// All digests were right; nothing is written yet.
    case restoreVerified
    /// One file is copied.
    case restoreFileCopied
    /// Everything but the file `format` is there.
    case restoreBeforeFormat
    /// All is there, under the temporary name.
    case restoreBeforeRename
    /// The data folder has its name.
    case restoreAfterRename
    /// A compacted copy stands beside a database.
    case compactBeforeRename
    /// It has taken the database's place.
    case compactAfterRename
}
