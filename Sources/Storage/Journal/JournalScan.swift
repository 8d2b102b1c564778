import Glibc
import Integrity

/// Reads a journal without changing it: finds its end, and tells a torn tail from a lost record.
///
/// The end is the first place where no whole record with the next number stands. What a crash tears off there was never
/// acknowledged: the records of a group are told of only after the group's sync. But where a later record says that a
/// missing one had been synced, an acknowledged commit is gone, and that is an error.
struct JournalScan {
    struct Segment {
        let file: SegmentFile
        let header: SegmentHeader?
        /// The last record's number; `header.firstLSN - 1` where there is none.
        var lastLSN: UInt64
    }

    /// Every file, those with a header first, in the order of their use.
    private(set) var segments: [Segment] = []
    /// The number of the next record.
    private(set) var next: UInt64 = 1
    /// The number of the last use of a segment.
    private(set) var sequence: UInt64 = 0
    /// For each environment its last record that may still be needed, by the number the environment drew.
    private(set) var last: [Last: UInt64] = [:]
    private let calls: FileCalls

    struct Last: Hashable {
        let environment: [UInt8]
        let generation: UInt64
    }

    /// Opens every file of `folder` and finds the journal's end.
    init(folder: String, calls: FileCalls) throws(PlasmidError) {
        self.calls = calls
        for name in try Folder.names(folder) {
            guard name.hasSuffix(".journal"), let number = UInt64(name.dropLast(8)) else { continue }
            let file = try SegmentFile.open(folder, number, calls: calls)
            var block = [UInt8](repeating: 0, count: SegmentHeader.blockBytes)
            let got = block.withUnsafeMutableBytes { calls.readAll(file.descriptor, $0, at: 0) }
            guard got >= 0 else { throw StorageFault.error(errno: Int32(-got), "read", file.path) }
            let header = block.withUnsafeBytes { SegmentHeader($0) }
            segments.append(Segment(file: file, header: header, lastLSN: (header?.firstLSN ?? 1) - 1))
        }
        segments.sort { ($0.header?.sequence ?? .max, $0.file.number) < ($1.header?.sequence ?? .max, $1.file.number) }
        guard let newest = segments.last(where: { $0.header != nil })?.header else {
            throw StorageFault.journal("The journal in \(folder) has no segment with a header")
        }
        sequence = newest.sequence
        next = newest.applied + 1
        var last: [Last: UInt64] = [:]
        let end = try walk { record, _ in
            last[Last(environment: record.environment, generation: record.generation)] = record.lsn
        }
        self.last = last
        try refuseLostRecords(behind: end)
    }

    /// Gives every record that may still be needed, in order.
    func replay(
        _ record: (RecordHeader, UnsafeRawBufferPointer) throws(PlasmidError) -> Void
    ) throws(PlasmidError) {
        var again = self
        _ = try again.walk(record)
    }

    /// Gives where the newest segment's records end.
    private mutating func walk(
        _ record: (RecordHeader, UnsafeRawBufferPointer) throws(PlasmidError) -> Void
    ) throws(PlasmidError) -> Int {
        let applied = segments.last { $0.header != nil }?.header?.applied ?? 0
        var expected: UInt64?
        var end = SegmentHeader.blockBytes
        for index in segments.indices {
            guard let header = segments[index].header else { continue }
            // Wholly applied before the newest segment was begun: nothing in it is needed.
            if let after = following(index), after.firstLSN <= applied + 1 {
                segments[index].lastLSN = after.firstLSN - 1
                continue
            }
            if let expected, header.firstLSN != expected {
                throw StorageFault.journal(
                    "The journal lacks records \(expected) to \(header.firstLSN - 1), before \(segments[index].file.path)"
                )
            }
            let bytes = try segments[index].file.read(calls: calls)
            let read = try read(bytes, header, record)
            segments[index].lastLSN = read.next - 1
            expected = read.next
            end = read.position
        }
        next = expected ?? next
        return end
    }

    /// Looks where no records should be: behind the newest segment's end, and in files without a header.
    private func refuseLostRecords(behind end: Int) throws(PlasmidError) {
        let last = segments.lastIndex { $0.header != nil }
        for index in segments.indices where segments[index].header == nil || index == last {
            try refuseLostRecords(in: segments[index].file, from: index == last ? end : SegmentHeader.blockBytes)
        }
    }

    private func following(_ index: Int) -> SegmentHeader? {
        index + 1 < segments.count ? segments[index + 1].header : nil
    }

    private func read(
        _ bytes: [UInt8], _ header: SegmentHeader,
        _ body: (RecordHeader, UnsafeRawBufferPointer) throws(PlasmidError) -> Void
    ) throws(PlasmidError) -> (position: Int, next: UInt64) {
        var position = SegmentHeader.blockBytes
        var next = header.firstLSN
        var failure: PlasmidError?
        bytes.withUnsafeBytes { bytes in
            while let record = RecordHeader(bytes, at: position), record.segment == header.sequence, record.lsn == next
            {
                do throws(PlasmidError) {
                    try body(record, bytes.slice(position + RecordHeader.bytes, record.payloadCount))
                } catch {
                    failure = error
                    return
                }
                position += RecordHeader.room(record.payloadCount)
                next += 1
            }
        }
        if let failure { throw failure }
        return (position, next)
    }

    /// Looks through what follows the end for a whole record of this journal that calls the missing one synced.
    private func refuseLostRecords(in file: SegmentFile, from start: Int) throws(PlasmidError) {
        let missing = next
        let bytes = try file.read(calls: calls)
        let found: RecordHeader? = bytes.withUnsafeBytes { bytes in
            var position = start
            while position + RecordHeader.bytes <= bytes.count {
                if RecordHeader.mayStart(bytes, at: position), let record = RecordHeader(bytes, at: position),
                    record.lsn >= missing, record.synced >= missing
                {
                    return record
                }
                position += 8
            }
            return nil
        }
        if let found {
            throw StorageFault.journal(
                "\(file.path) has a damaged record \(missing): record \(found.lsn) after it says it had been synced")
        }
    }
}
