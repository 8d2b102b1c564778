import Integrity
import NIOCore
import Storage
import ZomeRuntime

/// Gathering what is counted, for `admin/stats` and for what watches conductors.
extension Conductor {
    /// The counters of an instance, which outlive its cell.
    func meter(of instanceID: String) -> CellMeter {
        if let meter = meters[instanceID] { return meter }
        let meter = CellMeter()
        meters[instanceID] = meter
        return meter
    }

    /// Everything that is counted, now. Reads the head of each chain and the sizes of each environment: some ten
    /// microseconds for each.
    public func statistics() -> ConductorStatistics {
        loop.assertInEventLoop()
        return ConductorStatistics(
            uptimeMicroseconds: monotonicMicroseconds, apps: apps.count,
            appsEnabled: apps.values.count { $0.isEnabled }, signalListeners: signals.count,
            signalBufferCount: signals.bufferedCount, signalBufferBytes: signals.bufferedBytes,
            residentBytes: ProcessMemory.ownResidentBytes, refusals: refusals, cells: cellStatistics(),
            spaces: spaces.values.map(spaceStatistics).sorted { ($0.name, $0.dna.text) < ($1.name, $1.dna.text) },
            store: store.figures(), journal: database.journalFigures())
    }

    private func cellStatistics() -> [CellStatistics] {
        apps.values.flatMap { app in app.roles.map { (app, $0, app.instanceID($0)) } }.map { app, role, instanceID in
            let cell = cells[instanceID]
            // A space that cannot be read is a fault of its own, told where the cell is asked for.
            let head = cell.flatMap { try? $0.space.store.head(of: app.agent) }
            return CellStatistics(
                instanceID: instanceID, appID: app.appID, dna: role.dna, agent: app.agent,
                isActive: cell?.isActive ?? false, fault: faults[instanceID]?.code.rawValue,
                chainLength: head.map { UInt64($0.seq) + 1 } ?? 0, callsOpen: cell?.calls.count ?? 0,
                counters: meters[instanceID]?.counters ?? CallCounters(),
                modules: cell?.runner?.statistics ?? RunnerStatistics())
        }.sorted { $0.instanceID < $1.instanceID }
    }

    private func spaceStatistics(_ space: SpaceContext) -> SpaceStatistics {
        SpaceStatistics(
            dna: space.dna, name: space.definition.name, storage: space.store.figures(),
            validators: space.validators?.statistics ?? RunnerStatistics(),
            opsWaiting: (try? space.store.parkedCount()) ?? 0,
            opsRejected: (try? space.store.rejected(limit: 100).count) ?? 0, network: networkFigures(space))
    }

    /// How many of the installed instances do not run because something is wrong, of how many, those of apps that were
    /// disabled because they went on failing included; how many interfaces do not listen; and why nothing can be written any
    /// more, if that is so.
    public func condition() -> (faults: Int, instances: Int, interfaces: Int, failure: PlasmidError?) {
        loop.assertInEventLoop()
        var faulty = Set(faults.keys)
        for app in apps.values where !app.isEnabled && app.disabledBecause != nil {
            faulty.formUnion(app.roles.map { app.instanceID($0) })
        }
        return (faulty.count, instances(of: nil).count, register.faults.count, database.failure)
    }

    /// A call that no cell took.
    func refused(_ error: PlasmidError) {
        refusals[error.code.rawValue, default: 0] += 1
    }
}

/// The same as MessagePack values, for `admin/stats`; docs/api.md lists the keys.
extension Conductor {
    func statsView() -> MessagePackValue {
        let now = statistics()
        let total = now.total
        return .object([
            "uptime_us": .number(now.uptimeMicroseconds), "apps": .number(now.apps),
            "apps_enabled": .number(now.appsEnabled), "cells": .number(cells.count), "faults": .number(faults.count),
            "calls_open": .number(now.cells.reduce(0) { $0 + $1.callsOpen }),
            "signal_listeners": .number(now.signalListeners), "resident_bytes": .number(now.residentBytes),
            "children_resident_bytes": .number(
                now.cells.reduce(0) { $0 + $1.modules.residentBytes }
                    + now.spaces.reduce(0) { $0 + $1.validators.residentBytes }),
            "calls": view(total), "refusals": counts(now.refusals), "instances": .array(now.cells.map(view)),
            "spaces": .array(now.spaces.map(view)), "conductor_store": .object(view(now.store)),
            "journal": .object([
                "files": .number(now.journal.files), "bytes": .number(now.journal.bytes),
                "commits": .number(now.journal.commits), "waiting": .number(now.journal.waiting),
            ]),
        ])
    }

    private func view(_ counters: CallCounters) -> MessagePackValue {
        .object([
            "succeeded": .number(counters.succeeded), "app_errors": .number(counters.appErrors),
            "failed": .number(counters.failed), "failures": counts(counters.failures),
            "callbacks": .number(counters.callbacks), "commits": .number(counters.commits),
            "actions": .number(counters.actions), "signals": .number(counters.signals),
            "latency": .object([
                "count": .number(counters.latency.count), "sum_us": .number(counters.latency.sum),
                "p50_us": .number(counters.latency.quantile(0.5)), "p99_us": .number(counters.latency.quantile(0.99)),
                "max_us": .number(counters.latency.longest),
            ]),
        ])
    }

    private func view(_ cell: CellStatistics) -> MessagePackValue {
        .object([
            "instance_id": .string(cell.instanceID), "dna": .string(cell.dna.text), "agent": .string(cell.agent.text),
            "active": .bool(cell.isActive), "fault": cell.fault.map { .string($0) } ?? .null,
            "chain_length": .number(cell.chainLength), "calls_open": .number(cell.callsOpen),
            "calls": view(cell.counters), "modules": view(cell.modules),
        ])
    }

    private func view(_ space: SpaceStatistics) -> MessagePackValue {
        .object([
            "dna": .string(space.dna.text), "name": .string(space.name), "storage": .object(view(space.storage)),
            "validators": view(space.validators), "ops_waiting": .number(space.opsWaiting),
            "ops_rejected": .number(space.opsRejected), "network": space.network.map(view) ?? .null,
        ])
    }

    private func view(_ figures: StorageFigures) -> KeyValuePairs<String, MessagePackValue> {
        [
            "file_bytes": .number(figures.fileBytes), "rows": .number(figures.rows),
            "waiting_bytes": .number(figures.waitingBytes),
        ]
    }

    private func view(_ runner: RunnerStatistics) -> MessagePackValue {
        .object([
            "pid": runner.processID.map { .number($0) } ?? .null, "calls": .number(runner.calls),
            "in_flight": .number(runner.inFlight), "crashes": .number(runner.crashes),
            "restarts": .number(runner.restarts), "resident_bytes": .number(runner.residentBytes),
        ])
    }

    private func counts(_ counters: [String: UInt64]) -> MessagePackValue {
        .map(counters.sorted { $0.key < $1.key }.map { .init(key: .string($0.key), value: .number($0.value)) })
    }
}
