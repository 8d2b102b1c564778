/// A named step on the way of a commit to the disk. Tests stop the process exactly here (`Database.Options.atSyncPoint`).
public enum SyncPoint: String, CaseIterable, Sendable {
    /// The group's bytes are gathered, nothing is written.
    case beforeJournalWrite
    /// The group is written, not synced.
    case afterJournalWrite
    /// The group is synced, nobody has been told.
    case afterJournalSync
    /// A segment is full; its successor has no header yet.
    case beforeSegmentSwitch
    /// The successor has its header, synced.
    case afterSegmentSwitch
    /// A new segment file exists under its temporary name.
    case beforeSegmentRename
    /// The rows are in the LMDB transaction, not committed.
    case beforeApplyCommit
    /// The LMDB transaction is committed, the loop has not been told.
    case afterApplyCommit
    /// A new space's folder exists under its temporary name, with its first row.
    case beforeSpaceRename
    /// A new space's folder has its name.
    case afterSpaceRename
}
