import CLMDB
import Glibc
import Integrity

/// What an environment's file must be like before its pages are looked at: LMDB reads them through a map, where a page
/// behind the end of the file is no error but the end of the process.
enum FileLength {
    /// Refuses an empty file, in whose place LMDB would begin a new environment.
    static func refuseEmpty(_ folder: String) throws(PlasmidError) {
        var status = stat()
        guard stat(path(folder), &status) == 0, status.st_size == 0 else { return }
        throw StorageFault.damaged("\(path(folder)) is empty")
    }

    /// Makes the file as long as its newest page number says.
    ///
    /// It may be shorter without harm: pages that were taken and given back in one transaction are never written. Where
    /// it was cut off, the pages that are missing now read as zeros, which LMDB and our rows tell from good ones.
    static func extend(_ environment: OpaquePointer, _ folder: String) throws(PlasmidError) {
        var information = MDB_envinfo()
        var pages = MDB_stat()
        try StorageFault.lmdb(mdb_env_info(environment, &information), "look at", folder)
        try StorageFault.lmdb(mdb_env_stat(environment, &pages), "look at", folder)
        let wanted = (Int(information.me_last_pgno) + 1) * Int(pages.ms_psize)
        var status = stat()
        guard stat(path(folder), &status) == 0, status.st_size < wanted else { return }
        if truncate(path(folder), wanted) != 0 { throw StorageFault.error(errno: errno, "extend", path(folder)) }
    }

    private static func path(_ folder: String) -> String { folder + "/data.mdb" }
}
