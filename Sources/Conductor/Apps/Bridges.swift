import Integrity
import NIOCore
import Sodium
import Storage

/// The durable register of bridges: usable as soon as an addition is answered, and not any more once a removal is.
extension Conductor {
    /// Adds a bridge between two installed instances. `reply` comes when it is durable.
    /// - Throws: `unknownInstance`, `badName`, `bridgeExists`, `bridgeCycle`; nothing has changed then.
    public func addBridge(
        _ bridge: Bridge, _ reply: @escaping (Result<Void, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        loop.assertInEventLoop()
        for instance in [bridge.caller, bridge.callee] {
            guard isInstalled(instance) else {
                throw PlasmidError(
                    .unknownInstance, "Instance does not exist: `\(instance)`",
                    hint: "`plasmid admin apps` lists the instances")
            }
        }
        var changed = bridges
        try changed.add(bridge)
        // Before it is durable no other change may build on it, or be refused because of it: the rows are few, and an
        // addition that could not be written is taken out again.
        bridges = changed
        store.write([Self.row(bridge)]) { [self] result in
            if case .failure = result { bridges.remove(bridge) }
            reply(result)
        }
    }

    /// Removes the bridge between two instances. `reply` comes when that is durable; no call uses it from now on.
    /// - Throws: `unknownBridge` where there is none.
    public func removeBridge(
        caller: String, callee: String, _ reply: @escaping (Result<Void, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        loop.assertInEventLoop()
        guard let bridge = bridges.bridge(from: caller, to: callee) else {
            throw PlasmidError(
                .unknownBridge, "a bridge from `\(caller)` to `\(callee)` does not exist",
                hint: "`admin/bridge/list` lists the bridges")
        }
        bridges.remove(bridge)
        store.write([Self.removal(of: bridge)]) { [self] result in
            if case .failure = result { try? bridges.add(bridge) }
            reply(result)
        }
    }

    /// All bridges, by caller and handle.
    public var allBridges: [Bridge] {
        loop.assertInEventLoop()
        return bridges.all
    }

    /// The instance that a handle leads to. A clone that has no such handle of its own uses its role's.
    /// - Throws: `unknownBridge`.
    func bridged(from cell: Cell, _ handle: String) throws(PlasmidError) -> String {
        if let callee = bridges.callee(of: cell.instanceID, handle) { return callee }
        if let role = baseInstance(of: cell), let callee = bridges.callee(of: role, handle) { return callee }
        let known = bridges.handles(of: cell.instanceID)
        throw PlasmidError(
            .unknownBridge, "`\(cell.instanceID)` has no bridge `\(handle)`",
            hint: known.isEmpty
                ? "bridges are declared in the hApp file (`bridges`) or added with `admin/bridge/add`"
                : "it has \(known.joined(separator: ", "))")
    }

    /// Whether a bridge leads from a cell, or from the role that it is a clone of, to an instance.
    func isBridged(from cell: Cell, to callee: String) -> Bool {
        [cell.instanceID, baseInstance(of: cell)].contains { caller in
            caller.flatMap { bridges.bridge(from: $0, to: callee) } != nil
        }
    }

    func loadBridges() throws(PlasmidError) {
        for row in try store.settings.scan(prefix: Self.prefix) {
            let parts = try MessagePackValue(packed: row.value)
            guard case .array(let texts) = parts, texts.count == 3, case .string(let caller) = texts[0],
                case .string(let callee) = texts[1], case .string(let handle) = texts[2]
            else { throw PlasmidError(.storageCorrupt, "the row of a bridge cannot be read") }
            // Rows are checked before they are written: what stands here is a graph without cycles.
            try bridges.add(Bridge(caller: caller, callee: callee, handle: handle))
        }
    }

    private static let prefix = Array("bridge\n".utf8)

    /// One row for each pair of instances.
    static func row(_ bridge: Bridge) -> ConductorStore.Change {
        let texts = [bridge.caller, bridge.callee, bridge.handle].map { MessagePackValue.string($0) }
        return .put(.settings, key: key(bridge), value: MessagePackValue.array(texts).packed)
    }

    static func removal(of bridge: Bridge) -> ConductorStore.Change { .delete(.settings, key: key(bridge)) }

    /// Hashed, because two long instance ids are more than a key holds.
    private static func key(_ bridge: Bridge) -> [UInt8] {
        prefix + EntryHash(hashing: Array("\(bridge.caller)\n\(bridge.callee)".utf8)).core.array
    }

    private func isInstalled(_ instanceID: String) -> Bool {
        apps.values.contains { app in app.roles.contains { app.instanceID($0) == instanceID } }
    }

    /// The instance of the role that a clone was made of; nil for other cells.
    private func baseInstance(of cell: Cell) -> String? {
        guard let point = cell.instanceID.lastIndex(of: "."), cell.instanceID[..<point].contains("/") else {
            return nil
        }
        return String(cell.instanceID[..<point])
    }
}
