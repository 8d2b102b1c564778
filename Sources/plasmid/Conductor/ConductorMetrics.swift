import Conductor
import ConductorAPI
import Integrity
import Storage
import ZomeRuntime

/// What the conductor counts, as families of Prometheus. Labels name cells, DNAs and error codes: no keys, no whole hashes.
///
/// No label is called `instance` or `job`: Prometheus gives these two to whatever it scrapes, and renames ours.
enum ConductorMetrics {
    static func all(_ now: ConductorStatistics) -> [Metric] {
        general(now) + calls(now) + latency(now) + modules(now) + storage(now)
    }

    private static func general(_ now: ConductorStatistics) -> [Metric] {
        [
            Metric("plasmid_build_info", "The version that runs.", .gauge, [.init(1, ["version": Plasmid.version])]),
            Metric(
                "plasmid_uptime_seconds", "Time since the conductor was made.",
                value: Double(now.uptimeMicroseconds) / 1e6),
            Metric("plasmid_apps", "Installed apps.", value: Double(now.apps)),
            Metric("plasmid_apps_enabled", "Installed apps that are enabled.", value: Double(now.appsEnabled)),
            Metric(
                "plasmid_resident_bytes", "Resident memory of the conductor's own process.",
                value: Double(now.residentBytes)),
            each(now, "plasmid_cell_up", "1 while the instance takes calls.") { $0.isActive ? 1 : 0 },
            Metric(
                "plasmid_cell_fault", "1 for an instance that cannot run, with the reason's code.", .gauge,
                now.cells.compactMap { cell in
                    cell.fault.map { .init(1, ["cell": cell.instanceID, "code": $0]) }
                }),
            each(now, "plasmid_chain_actions", "Actions on the instance's source chain.") { Double($0.chainLength) },
            Metric(
                "plasmid_signal_buffer_bytes", "Signals kept for clients that come back.",
                value: Double(now.signalBufferBytes)),
            Metric("plasmid_signal_buffer_signals", "How many signals are kept.", value: Double(now.signalBufferCount)),
        ]
    }

    private static func calls(_ now: ConductorStatistics) -> [Metric] {
        [
            each(now, "plasmid_calls_in_flight", "Calls under way.") { Double($0.callsOpen) },
            Metric(
                "plasmid_calls_total", "Calls of functions that ended, by how they did.", .counter,
                now.cells.flatMap { cell in
                    let counters = cell.counters
                    let ends = [
                        ("ok", counters.succeeded), ("app_error", counters.appErrors), ("failed", counters.failed),
                    ]
                    return ends.map {
                        Metric.Sample(Double($0.1), ["cell": cell.instanceID, "result": $0.0])
                    }
                }),
            Metric(
                "plasmid_call_failures_total", "Calls that the conductor or a module's end broke off.", .counter,
                now.cells.flatMap { cell in
                    cell.counters.failures.sorted { $0.key < $1.key }.map {
                        Metric.Sample(Double($0.value), ["cell": cell.instanceID, "code": $0.key])
                    }
                }),
            Metric(
                "plasmid_calls_refused_total", "Calls that no cell took.", .counter,
                now.refusals.sorted { $0.key < $1.key }.map { .init(Double($0.value), ["code": $0.key]) }),
            each(now, "plasmid_callbacks_total", "Callbacks that ended.", .counter) { Double($0.counters.callbacks) },
            each(now, "plasmid_commits_total", "Commits that are durable.", .counter) { Double($0.counters.commits) },
            each(now, "plasmid_actions_total", "Actions in them.", .counter) { Double($0.counters.actions) },
            each(now, "plasmid_signals_total", "Signals that went out.", .counter) { Double($0.counters.signals) },
        ]
    }

    private static func latency(_ now: ConductorStatistics) -> [Metric] {
        let samples = now.cells.flatMap { cell -> [Metric.Sample] in
            let histogram = cell.counters.latency
            let instance = cell.instanceID
            var below: UInt64 = 0
            var samples: [Metric.Sample] = []
            for (bound, count) in zip(LatencyHistogram.bounds, histogram.counts) {
                below += count
                let seconds = Double(bound) / 1e6
                samples.append(.init(Double(below), ["cell": instance, "le": "\(seconds)"], suffix: "_bucket"))
            }
            samples.append(.init(Double(histogram.count), ["cell": instance, "le": "+Inf"], suffix: "_bucket"))
            samples.append(.init(Double(histogram.sum) / 1e6, ["cell": instance], suffix: "_sum"))
            samples.append(.init(Double(histogram.count), ["cell": instance], suffix: "_count"))
            return samples
        }
        let help = "How long calls of functions took, from the first invocation to the answer."
        return [Metric("plasmid_call_duration_seconds", help, .histogram, samples)]
    }

    private static func modules(_ now: ConductorStatistics) -> [Metric] {
        func family(
            _ name: String, _ help: String, _ kind: Metric.Kind = .gauge, _ value: (RunnerStatistics) -> Double
        ) -> Metric {
            let coordinators = now.cells.map {
                Metric.Sample(value($0.modules), ["kind": "coordinator", "of": $0.instanceID])
            }
            let validators = now.spaces.map {
                Metric.Sample(value($0.validators), ["kind": "validators", "of": $0.name, "dna": short($0.dna)])
            }
            return Metric(name, help, kind, coordinators + validators)
        }
        return [
            family("plasmid_module_up", "1 while the modules' process runs; it is started at the first call.") {
                $0.processID == nil ? 0 : 1
            },
            family("plasmid_module_crashes_total", "Times a module's process ended by itself.", .counter) {
                Double($0.crashes)
            },
            family("plasmid_module_restarts_total", "Times a module's process was started again.", .counter) {
                Double($0.restarts)
            },
            family("plasmid_module_resident_bytes", "Resident memory of the modules' process.") {
                Double($0.residentBytes)
            },
        ]
    }

    private static func storage(_ now: ConductorStatistics) -> [Metric] {
        func family(_ name: String, _ help: String, _ value: (StorageFigures) -> Int) -> Metric {
            let spaces = now.spaces.map {
                Metric.Sample(Double(value($0.storage)), ["space": $0.name, "dna": short($0.dna)])
            }
            return Metric(name, help, .gauge, spaces + [.init(Double(value(now.store)), ["space": "conductor"])])
        }
        return [
            family("plasmid_lmdb_file_bytes", "Length of the environment's file.") { $0.fileBytes },
            family("plasmid_lmdb_rows", "Rows in LMDB, over all tables.") { $0.rows },
            family("plasmid_lmdb_waiting_bytes", "Commits that are durable and not yet in LMDB.") { $0.waitingBytes },
            Metric("plasmid_journal_bytes", "Length of the journal's files.", value: Double(now.journal.bytes)),
            Metric(
                "plasmid_journal_files", "Files of the journal, spare ones included.", value: Double(now.journal.files)),
            Metric(
                "plasmid_journal_commits_total", "Commits that the journal was given in the life of the folder.",
                .counter,
                value: Double(now.journal.commits)),
            Metric(
                "plasmid_journal_waiting", "Commits that some environment has not applied yet.",
                value: Double(now.journal.waiting)),
        ]
    }

    /// Enough of an address to tell DNAs of one name apart, as clones and networks of other seeds are.
    private static func short(_ dna: DnaHash) -> String { String(dna.text.prefix(12)) }

    private static func each(
        _ now: ConductorStatistics, _ name: String, _ help: String, _ kind: Metric.Kind = .gauge,
        _ value: (CellStatistics) -> Double
    ) -> Metric {
        Metric(name, help, kind, now.cells.map { .init(value($0), ["cell": $0.instanceID]) })
    }
}
