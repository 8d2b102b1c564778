import Integrity

/// Applies what the journal holds and an environment lacks, before anything else is written.
struct JournalReplay {
    let scan: JournalScan
    let options: Database.Options

    /// Applies the conductor's own commits first, for they say which spaces were removed; then the spaces'.
    /// `open` gives the environment of an id and generation, or nil where its commits are not missed.
    func run(
        open: (_ id: [UInt8], _ generation: UInt64) throws(PlasmidError) -> StoredEnvironment?
    ) throws(PlasmidError) {
        for spaces in [false, true] {
            var isNeeded = false
            for (last, lsn) in scan.last where (last.environment != EnvironmentIdentity.conductorID) == spaces {
                guard let identity = try open(last.environment, last.generation)?.identity,
                    identity.generation == last.generation
                else { continue }
                if identity.appliedLSN < lsn { isNeeded = true }
            }
            if !isNeeded { continue }
            var waiting: [[UInt8]: (environment: StoredEnvironment, commits: [DurableCommit], bytes: Int)] = [:]
            try scan.replay { record, payload throws(PlasmidError) in
                guard (record.environment != EnvironmentIdentity.conductorID) == spaces else { return }
                var known = waiting[record.environment]?.environment
                if known == nil { known = try open(record.environment, record.generation) }
                guard let environment = known, environment.identity.generation == record.generation,
                    environment.identity.appliedLSN < record.lsn
                else { return }
                var batch = waiting[record.environment] ?? (environment, [], 0)
                batch.commits.append(DurableCommit(lsn: record.lsn, payload: [UInt8](payload)))
                batch.bytes += payload.count
                if batch.bytes >= options.applyBytesMax {
                    try apply(batch.commits, environment)
                    batch = (environment, [], 0)
                }
                waiting[record.environment] = batch
            }
            for batch in waiting.values { try apply(batch.commits, batch.environment) }
        }
    }

    private func apply(_ commits: [DurableCommit], _ environment: StoredEnvironment) throws(PlasmidError) {
        guard !commits.isEmpty else { return }
        try RowApplier(environment: environment.lmdb, meta: SpaceTables.meta, atSyncPoint: options.atSyncPoint)
            .apply(commits[...])
    }
}
