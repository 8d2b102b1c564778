import Integrity

/// What a replay measured and found.
struct ReplayReport {
    var events = 0
    var authors = 0
    var links = 0
    /// Events whose text was cut to what messenger takes.
    var cut = 0
    var writeSeconds = 0.0
    var latency = Samples()
    /// Bytes on disk that came with the events, without the journal, whose files are made beforehand and used again.
    var diskBytes = 0
    var journalBytes = 0
    var conductor = ProcessFacts.Memory()
    var children = ProcessFacts.Memory()
    var childCount = 0
    var restartSeconds = 0.0
    var checkSeconds = 0.0
    /// Checks that were made: texts, link lists, counts, chains.
    var checks = 0
    var faults: [String] = []

    var eventsPerSecond: Double { writeSeconds > 0 ? Double(events) / writeSeconds : 0 }
    var diskBytesPerEvent: Double { events > 0 ? Double(diskBytes) / Double(events) : 0 }

    var value: MessagePackValue {
        .object([
            "events": .int(Int64(events)), "authors": .int(Int64(authors)), "links": .int(Int64(links)),
            "cut": .int(Int64(cut)), "events_per_second": .double(Self.round(eventsPerSecond)),
            "p50_ms": .double(Self.round(latency.median * 1_000)),
            "p99_ms": .double(Self.round(latency.quantile(0.99) * 1_000)),
            "disk_bytes_per_event": .double(Self.round(diskBytesPerEvent)), "journal_bytes": .int(Int64(journalBytes)),
            "conductor_pss": .int(Int64(conductor.proportional)),
            "conductor_private": .int(Int64(conductor.privateBytes)),
            "children": .int(Int64(childCount)), "children_pss": .int(Int64(children.proportional)),
            "restart_seconds": .double(Self.round(restartSeconds)),
            "check_seconds": .double(Self.round(checkSeconds)), "checks": .int(Int64(checks)),
            "ok": .bool(faults.isEmpty), "faults": .array(faults.prefix(100).map { .string($0) }),
        ])
    }

    var text: String {
        let cutWords = cut == 0 ? "" : ", \(cut) cut to \(NoteTexts.longest) bytes"
        return """
            played      \(count(events)) events of \(authors) authors, \(count(links)) links\(cutWords)
            speed       \(count(Int(eventsPerSecond))) events/s, p50 \(ms(latency.median)), \
            p99 \(ms(latency.quantile(0.99)))
            disk        \(count(Int(diskBytesPerEvent))) bytes an event, and a journal of \(mebibytes(journalBytes))
            memory      conductor \(mebibytes(conductor.proportional)) proportional, \
            \(mebibytes(conductor.privateBytes)) private; \(childCount) children \
            \(mebibytes(children.proportional)), \(mebibytes(children.proportional / max(1, childCount))) each
            killed      and started again in \(ms(restartSeconds))
            checked     \(count(checks)) texts, link lists, counts and chains in \(ms(checkSeconds)): \
            \(faults.isEmpty ? "all there" : "\(faults.count) wrong")
            """
    }

    private static func round(_ number: Double) -> Double { (number * 1_000).rounded() / 1_000 }

    private func count(_ number: Int) -> String { ProgressBar.grouped(number) }

    private func ms(_ seconds: Double) -> String {
        seconds >= 10 ? "\(Int(seconds)) s" : "\((seconds * 10_000).rounded() / 10) ms"
    }

    private func mebibytes(_ bytes: Int) -> String { "\((Double(bytes) / 104_857.6).rounded() / 10) MiB" }
}
