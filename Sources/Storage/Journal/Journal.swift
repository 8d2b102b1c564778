import Glibc
import Integrity

/// A commit on its way into the journal.
struct JournalJob: Sendable {
    let lsn: UInt64
    let environment: [UInt8]
    let generation: UInt64
    let payload: [UInt8]
    /// Who applies it once it is durable.
    let writer: EnvironmentWriter
}

/// The conductor's one journal: a thread that writes every waiting commit with one `pwrite` and one `fdatasync`.
///
/// The loop's thread plans (``admit(_:)``), so that a commit that was taken has room in a file that exists; the journal
/// thread follows the same arithmetic. A failed write or sync ends all writing: what the kernel did with the bytes after
/// a failed sync is not known, so a second try would prove nothing.
final class Journal {
    /// What the loop hears of: the last durable record, or the failure that ended the journal.
    enum News: Sendable {
        case durable(UInt64)
        case failed(PlasmidError)
        case spare
        case noSpare(PlasmidError)
    }

    private let shared: JournalShared
    private var thread: OwnThread?
    private var maker: OwnThread?
    private let segmentBytes: Int
    private let filesMax: Int
    // The plan: how much room the commits taken so far leave.
    private var plannedRoom: Int
    private var plannedSpares: Int
    private(set) var files: Int
    private var making = false
    private var makingFailed = false
    private(set) var nextLSN: UInt64

    /// Starts writing after what `scan` found. Everything in it has been applied.
    init(
        folder: String, scan: JournalScan, options: Database.Options, news: @escaping @Sendable (News) -> Void
    ) throws(PlasmidError) {
        var spares = scan.segments
        var spareFiles: [SegmentFile] = []
        // A used segment is long enough only if it was made with the same option.
        spares.removeAll { $0.file.size != options.segmentBytes }
        for segment in spares { spareFiles.append(segment.file) }
        // Two files at least: while one is being applied, the other takes commits, whatever the disk has left.
        var number = (scan.segments.map { $0.file.number }.max() ?? 0) + 1
        while spareFiles.count < 2 {
            spareFiles.append(
                try SegmentFile.create(
                    folder, number, size: options.segmentBytes, calls: options.calls, atSyncPoint: options.atSyncPoint))
            number += 1
        }
        files = spareFiles.count
        nextLSN = scan.next
        segmentBytes = options.segmentBytes
        filesMax = max(2, options.journalBytesMax / options.segmentBytes)
        let first = spareFiles.removeFirst()
        shared = JournalShared(
            folder: folder, options: options, news: news, active: first, spares: spareFiles, applied: nextLSN - 1,
            nextNumber: number)
        try shared.begin(first, SegmentHeader(sequence: scan.sequence + 1, firstLSN: nextLSN, applied: nextLSN - 1))
        plannedRoom = segmentBytes - SegmentHeader.blockBytes
        plannedSpares = spareFiles.count
        let shared = shared
        thread = OwnThread.start { shared.run() }
        maker = OwnThread.start { shared.makeSpares() }
        guard thread != nil, maker != nil else { throw StorageFault.failed("Cannot start the journal's threads") }
        wantSpare()
    }

    /// The largest payload that fits.
    var payloadBytesMax: Int { segmentBytes - SegmentHeader.blockBytes - RecordHeader.bytes - 8 }

    /// Reserves room for a payload and gives its number; nil while there is none.
    func admit(_ payloadCount: Int) -> UInt64? {
        let room = RecordHeader.room(payloadCount)
        if room > plannedRoom {
            guard plannedSpares > 0 else {
                wantSpare()
                return nil
            }
            plannedSpares -= 1
            plannedRoom = segmentBytes - SegmentHeader.blockBytes
            wantSpare()
        }
        plannedRoom -= room
        defer { nextLSN += 1 }
        return nextLSN
    }

    /// Hands over a commit whose number ``admit(_:)`` gave; in the order of the numbers.
    func submit(_ job: JournalJob) {
        shared.submit(job)
    }

    /// Frees the segments whose records have all been applied.
    func release(through lsn: UInt64) {
        let freed = shared.release(through: lsn)
        plannedSpares += freed
        if freed > 0 { makingFailed = false }
    }

    /// A spare file has been made.
    func spareMade() {
        making = false
        plannedSpares += 1
        files += 1
    }

    /// A spare file could not be made; not tried again before other files have come free.
    func spareFailed() {
        making = false
        makingFailed = true
    }

    /// Ends the thread after everything handed over is durable.
    func close() {
        shared.stop()
        thread?.join()
        maker?.join()
        thread = nil
        maker = nil
    }

    /// Keeps one spare ahead, so that a switch of segments waits for no file to be made.
    private func wantSpare() {
        guard !making, !makingFailed, plannedSpares == 0, files < filesMax else { return }
        making = true
        shared.wantSpare()
    }
}

/// What the journal's threads and the loop share.
private final class JournalShared: Sendable {
    struct State {
        var queue: [JournalJob] = []
        var stopping = false
        var failed = false
        var spares: [SegmentFile]
        /// Full segments, oldest first, with the number of their last record.
        var full: [(file: SegmentFile, last: UInt64)] = []
        /// Every record up to this one has been applied, durably.
        var applied: UInt64
    }

    /// What the thread that makes spares waits for: apart from `State`, so that no commit wakes it.
    struct Making {
        var wanted = false
        var stopping = false
        var nextNumber: UInt64
    }

    /// What only the journal thread touches.
    struct Writing {
        var active: SegmentFile
        var sequence: UInt64 = 0
        var position = SegmentHeader.blockBytes
        var synced: UInt64 = 0
        var buffer: [UInt8] = []
    }

    let folder: String
    let options: Database.Options
    let news: @Sendable (Journal.News) -> Void
    let state: Monitor<State>
    let making: Monitor<Making>
    let writing: Monitor<Writing>

    init(
        folder: String, options: Database.Options, news: @escaping @Sendable (Journal.News) -> Void,
        active: SegmentFile, spares: [SegmentFile], applied: UInt64, nextNumber: UInt64
    ) {
        self.folder = folder
        self.options = options
        self.news = news
        state = Monitor(State(spares: spares, applied: applied))
        making = Monitor(Making(nextNumber: nextNumber))
        writing = Monitor(Writing(active: active))
    }

    func submit(_ job: JournalJob) {
        state.with(wake: true) { $0.queue.append(job) }
    }

    func wantSpare() {
        making.with(wake: true) { $0.wanted = true }
    }

    func stop() {
        state.with(wake: true) { $0.stopping = true }
        making.with(wake: true) { $0.stopping = true }
    }

    func release(through lsn: UInt64) -> Int {
        state.with { state in
            state.applied = max(state.applied, lsn)
            let free = state.full.prefix { $0.last <= lsn }
            state.full.removeFirst(free.count)
            state.spares.append(contentsOf: free.map(\.file))
            return free.count
        }
    }

    /// Writes and syncs a segment's header.
    func begin(_ file: SegmentFile, _ header: SegmentHeader) throws(PlasmidError) {
        try writing.with { writing throws(PlasmidError) in
            try self.begin(file, header, &writing)
        }
    }

    private func begin(
        _ file: SegmentFile, _ header: SegmentHeader, _ writing: inout Writing
    ) throws(PlasmidError) {
        var code = header.block.withUnsafeBytes { options.calls.writeAll(file.descriptor, $0, at: 0) }
        if code == 0 { code = -options.calls.fdatasync(file.descriptor) }
        if code != 0 { throw poison(code, "begin", file) }
        options.atSyncPoint?(.afterSegmentSwitch)
        writing.active = file
        writing.sequence = header.sequence
        writing.position = SegmentHeader.blockBytes
        writing.synced = header.firstLSN - 1
    }

    private func poison(_ code: Int32, _ doing: String, _ file: SegmentFile) -> PlasmidError {
        let cause = StorageFault.error(errno: code, doing, file.path)
        return PlasmidError(
            .storageFailed, "The journal cannot \(doing) \(file.path); nothing more is written",
            hint: "Look at the disk and the system log, then restart; acknowledged commits are safe", cause: cause.cause
        )
    }

    /// The journal thread.
    func run() {
        while let jobs = nextGroup() {
            do throws(PlasmidError) {
                try writing.with { writing throws(PlasmidError) in
                    try self.write(jobs, &writing)
                }
            } catch {
                state.with { $0.failed = true }
                news(.failed(error))
                return
            }
        }
    }

    private func nextGroup() -> [JournalJob]? {
        let jobs = state.wait { state -> [JournalJob]? in
            if state.queue.isEmpty { return state.stopping ? [] : nil }
            let jobs = state.queue
            state.queue = []
            return jobs
        }
        guard let jobs, !jobs.isEmpty else { return nil }
        return jobs
    }

    private func write(_ jobs: [JournalJob], _ writing: inout Writing) throws(PlasmidError) {
        var done = 0
        for (index, job) in jobs.enumerated() {
            let room = RecordHeader.room(job.payload.count)
            if writing.position + writing.buffer.count + room > writing.active.size {
                try flush(jobs[done..<index], &writing)
                done = index
                try switchSegment(first: job.lsn, &writing)
            }
            let header = RecordHeader(
                lsn: job.lsn, segment: writing.sequence, synced: writing.synced, environment: job.environment,
                generation: job.generation, payloadCount: job.payload.count)
            header.append(payload: job.payload, to: &writing.buffer)
        }
        try flush(jobs[done...], &writing)
    }

    /// One write, one sync, then the news to the writers and to the loop.
    private func flush(_ jobs: ArraySlice<JournalJob>, _ writing: inout Writing) throws(PlasmidError) {
        guard let last = jobs.last else { return }
        let file = writing.active
        options.atSyncPoint?(.beforeJournalWrite)
        let position = writing.position
        var code = writing.buffer.withUnsafeBytes { options.calls.writeAll(file.descriptor, $0, at: position) }
        if code != 0 { throw poison(code, "write", file) }
        options.atSyncPoint?(.afterJournalWrite)
        code = -options.calls.fdatasync(file.descriptor)
        if code != 0 { throw poison(code, "sync", file) }
        options.atSyncPoint?(.afterJournalSync)
        writing.position += writing.buffer.count
        writing.buffer.removeAll(keepingCapacity: true)
        writing.synced = last.lsn
        news(.durable(last.lsn))
        // In runs of one environment, so that each writer is woken once for a group that is all its own.
        var start = jobs.startIndex
        while start < jobs.endIndex {
            let writer = jobs[start].writer
            var end = start
            while end < jobs.endIndex, jobs[end].writer === writer { end += 1 }
            writer.submit(jobs[start..<end])
            start = end
        }
    }

    private func switchSegment(first lsn: UInt64, _ writing: inout Writing) throws(PlasmidError) {
        options.atSyncPoint?(.beforeSegmentSwitch)
        let full = writing.active
        let taken = state.with { state -> (SegmentFile, UInt64)? in
            guard !state.spares.isEmpty else { return nil }
            state.full.append((full, lsn - 1))
            return (state.spares.removeFirst(), state.applied)
        }
        guard let (file, applied) = taken else {
            throw StorageFault.failed("The journal was given a commit that it has no room for")
        }
        let header = SegmentHeader(sequence: writing.sequence + 1, firstLSN: lsn, applied: applied)
        // Synced before any record: were the header lost and the first records not, the file would look like its earlier
        // self with its end torn off.
        try begin(file, header, &writing)
    }

    /// The thread that makes spare files, so that no commit waits for zeros.
    func makeSpares() {
        while true {
            let number = making.wait { making -> UInt64?? in
                if making.stopping { return .some(nil) }
                guard making.wanted else { return nil }
                making.wanted = false
                making.nextNumber += 1
                return making.nextNumber - 1
            }
            guard let number = number.flatMap({ $0 }) else { return }
            do throws(PlasmidError) {
                let file = try SegmentFile.create(
                    folder, number, size: options.segmentBytes, calls: options.calls, atSyncPoint: options.atSyncPoint)
                state.with { $0.spares.append(file) }
                news(.spare)
            } catch {
                news(.noSpare(error))
            }
        }
    }
}
