import CLMDB
import Glibc
import Integrity

extension PlasmidError.Code {
    /// The journal has a damaged record before its end: something acknowledged cannot be read.
    public static let journalDamaged = PlasmidError.Code(rawValue: "journalDamaged")
    /// A commit whose parts do not fit together; a fault of the caller.
    public static let commitMalformed = PlasmidError.Code(rawValue: "commitMalformed")
    /// An op that cannot be held as it is told; a fault of the caller, who checks ops before.
    public static let opRefused = PlasmidError.Code(rawValue: "opRefused")
    /// The database was closed before this was asked.
    public static let storageClosed = PlasmidError.Code(rawValue: "storageClosed")
}

/// The one table from a failed call to an error: what was tried, on which path, and what to do.
enum StorageFault {
    /// Throws unless `code` is 0.
    @inline(__always)
    static func lmdb(_ code: Int32, _ doing: String, _ path: String) throws(PlasmidError) {
        if code != 0 { throw error(lmdb: code, doing, path) }
    }

    /// The error for an LMDB return code (its own codes are negative, the system's positive).
    static func error(lmdb code: Int32, _ doing: String, _ path: String) -> PlasmidError {
        let cause = mdb_strerror(code).map { String(cString: $0) }
        let sentence = "Cannot \(doing) \(path)"
        switch code {
        case MDB_MAP_FULL:
            return PlasmidError(
                .diskFull, "\(sentence): its map is full", hint: "Raise the map size and restart", cause: cause)
        case ENOSPC, EDQUOT:
            return PlasmidError(
                .diskFull, "\(sentence): the disk is full", hint: "Free some space; the commits wait in the journal",
                cause: cause)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_BAD_DBI, MDB_INCOMPATIBLE:
            return PlasmidError(.storageCorrupt, sentence, hint: checkHint, cause: cause)
        default:
            return PlasmidError(
                .storageFailed, sentence, hint: "Look at the disk and the system log, then restart", cause: cause)
        }
    }

    /// The error for a failed system call.
    static func error(errno number: Int32, _ doing: String, _ path: String) -> PlasmidError {
        let cause = strerror(number).map { String(cString: $0) }
        let full = number == ENOSPC || number == EDQUOT
        return PlasmidError(
            full ? .diskFull : .storageFailed, "Cannot \(doing) \(path)",
            hint: full ? "Free some space" : "Look at the disk, the permissions and the system log", cause: cause)
    }

    /// A row or page that cannot be what was written.
    static func damaged(_ message: String) -> PlasmidError {
        PlasmidError(.storageCorrupt, message, hint: checkHint)
    }

    /// The journal has lost something that had been acknowledged.
    static func journal(_ message: String) -> PlasmidError {
        PlasmidError(
            .journalDamaged, message,
            hint: "Nothing was changed. Restore a backup, or copy the folder before trying anything else")
    }

    /// A failure without a system error.
    static func failed(_ message: String) -> PlasmidError {
        PlasmidError(.storageFailed, message, hint: "Restart the conductor; acknowledged commits are safe")
    }

    static let faultHint = "This is a fault of Plasmid; please report it"
    static let checkHint = "Nothing was changed. Run `plasmid db check`, and restore a backup if it finds faults"
}
