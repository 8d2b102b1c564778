import Integrity
import Storage

/// What a reload does to bridges: those that the app's file declared and does not any more go, those that it declares now
/// come. Bridges that were made by hand stay, unless a role that they lead to or from is gone.
struct BridgeChanges {
    private(set) var added: [Bridge] = []
    private(set) var removed: [Bridge] = []

    /// From what the file declared when it was last taken up (`old`) to what it declares now.
    /// - Parameter gone: instances of roles that the app has no longer.
    init(from old: [Bridge], to new: [Bridge], gone: Set<String>, present: BridgeGraph) {
        removed = old.filter { !new.contains($0) && present.callee(of: $0.caller, $0.handle) == $0.callee }
        removed += present.touching(gone).filter { !removed.contains($0) }
        added = new.filter { present.callee(of: $0.caller, $0.handle) != $0.callee }
    }

    /// The graph afterwards.
    /// - Throws: as ``BridgeGraph/add(_:)``: what was made by hand is in the way.
    func applied(to graph: BridgeGraph) throws(PlasmidError) -> BridgeGraph {
        var changed = graph
        for bridge in removed { changed.remove(bridge) }
        for bridge in added { try changed.add(bridge) }
        return changed
    }

    /// The rows to write: two bridges between the same instances share one.
    var rows: [ConductorStore.Change] {
        let gone = removed.filter { old in
            !added.contains { $0.caller == old.caller && $0.callee == old.callee }
        }
        return gone.map(Conductor.removal) + added.map(Conductor.row)
    }

    /// What an operator reads.
    var report: MessagePackValue {
        func lines(_ bridges: [Bridge], _ change: String) -> [MessagePackValue] {
            bridges.map {
                .object([
                    "caller": .string($0.caller), "callee": .string($0.callee), "handle": .string($0.handle),
                    "change": .string(change),
                ])
            }
        }
        return .array(lines(removed, "removed") + lines(added, "added"))
    }
}

extension Conductor {
    func bridgeChanges(_ plan: ReloadPlan, _ app: InstalledApp) -> BridgeChanges {
        BridgeChanges(
            from: app.bridges(app.bridges), to: app.bridges(plan.bridges),
            gone: Set(plan.roles.filter { $0.change == .removed }.map { app.instanceID($0.role) }), present: bridges)
    }

    /// Writes an app's row with the changes of its bridges, in one write. `reply` comes when that is durable.
    /// - Throws: as ``BridgeChanges/applied(to:)``; nothing has changed then.
    func keep(
        _ app: InstalledApp, _ changes: BridgeChanges, _ reply: @escaping (Result<Void, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        // Before it is durable no other change may build on it, as with ``addBridge(_:_:)``.
        bridges = try changes.applied(to: bridges)
        store.write([Self.row(of: app)] + changes.rows) { [self] result in
            if case .failure = result {
                for bridge in changes.added { bridges.remove(bridge) }
                for bridge in changes.removed { try? bridges.add(bridge) }
            }
            reply(result)
        }
    }
}
