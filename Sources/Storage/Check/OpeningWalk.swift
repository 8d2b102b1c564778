import Glibc
import Integrity

/// The walk through every space of a folder that comes before any of them is opened, on a few threads at once.
enum OpeningWalk {
    private struct State {
        var waiting: [DnaHash]
        var damaged: [[UInt8]: PlasmidError] = [:]
    }

    /// The damaged ones, by the cores of their DNAs.
    static func damaged(_ place: DataFolder) throws(PlasmidError) -> [[UInt8]: PlasmidError] {
        let spaces = try place.spaces()
        let state = Monitor(State(waiting: spaces))
        let paths = Dictionary(uniqueKeysWithValues: spaces.map { ($0, place.space($0)) })
        let work: @Sendable () -> Void = {
            while let dna = state.with({ $0.waiting.popLast() }) {
                do throws(PlasmidError) {
                    try PageWalk.require(paths[dna] ?? "", tables: SpaceTables.all)
                } catch {
                    state.with { $0.damaged[Array(dna.coreBytes)] = error }
                }
            }
        }
        // Reading takes most of the time where the disk is slow, looking where it is fast: a few threads serve both.
        let more = min(spaces.count, max(2, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))) - 1
        let threads = (0..<max(0, more)).compactMap { _ in OwnThread.start(work) }
        work()
        for thread in threads { thread.join() }
        return state.with { $0.damaged }
    }
}

/// What the journal holds of spaces that cannot be opened: kept beside them before the journal forgets it, for people.
enum KeptCommits {
    /// The name of the file in the space's folder: records as the journal has them, one after another.
    static let name = "kept.journal"

    /// Writes the records of the damaged spaces, once: later starts find nothing new.
    static func keep(
        of damaged: some Collection<[UInt8]>, _ scan: JournalScan, _ place: DataFolder
    ) throws(PlasmidError) {
        for id in damaged where scan.last.keys.contains(where: { $0.environment == id }) {
            guard let dna = try place.spaces().first(where: { Array($0.coreBytes) == id }) else { continue }
            let folder = place.space(dna)
            guard !Folder.exists("\(folder)/\(name)") else { continue }
            try write(id, scan, folder)
        }
    }

    private static func write(_ id: [UInt8], _ scan: JournalScan, _ folder: String) throws(PlasmidError) {
        let (path, temporary) = ("\(folder)/\(name)", "\(folder)/\(name).new")
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw StorageFault.error(errno: errno, "write", path) }
        defer { close(file) }
        var at = 0
        try scan.replay { header, payload throws(PlasmidError) in
            guard header.environment == id else { return }
            var record: [UInt8] = []
            header.append(payload: [UInt8](payload), to: &record)
            let code = record.withUnsafeBytes { FileCalls.system.writeAll(file, $0, at: at) }
            if code != 0 { throw StorageFault.error(errno: code, "write", path) }
            at += record.count
        }
        if fsync(file) != 0 || rename(temporary, path) != 0 { throw StorageFault.error(errno: errno, "write", path) }
        try Folder.sync(folder)
    }
}
