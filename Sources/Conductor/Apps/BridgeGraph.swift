import Integrity

/// One bridge: the caller's zomes reach the callee under the handle.
public struct Bridge: Hashable, Sendable {
    /// Instance id of the cell that calls.
    public var caller: String
    /// Instance id of the cell that is called.
    public var callee: String
    /// The caller's name for it.
    public var handle: String

    /// A bridge from its parts.
    public init(caller: String, callee: String, handle: String) {
        self.caller = caller
        self.callee = callee
        self.handle = handle
    }
}

/// All bridges of a conductor: one at most between two instances in one direction, no way back to where one started. Pure.
struct BridgeGraph: Sendable {
    /// By caller, then by handle.
    private var callees: [String: [String: String]] = [:]

    /// All bridges, by caller and handle.
    var all: [Bridge] {
        callees.flatMap { caller, handles in
            handles.map { Bridge(caller: caller, callee: $0.value, handle: $0.key) }
        }.sorted { ($0.caller, $0.handle) < ($1.caller, $1.handle) }
    }

    /// The bridges that an instance is an end of.
    func touching(_ instances: Set<String>) -> [Bridge] {
        all.filter { instances.contains($0.caller) || instances.contains($0.callee) }
    }

    /// Where the caller's handle leads.
    func callee(of caller: String, _ handle: String) -> String? { callees[caller]?[handle] }

    /// The handles of a caller, sorted.
    func handles(of caller: String) -> [String] { callees[caller, default: [:]].keys.sorted() }

    /// The bridge between two instances.
    func bridge(from caller: String, to callee: String) -> Bridge? {
        callees[caller]?.first { $0.value == callee }.map { Bridge(caller: caller, callee: callee, handle: $0.key) }
    }

    /// Adds a bridge.
    /// - Throws: `badName`, `bridgeExists`, `bridgeCycle`; nothing has changed then.
    mutating func add(_ bridge: Bridge) throws(PlasmidError) {
        try Self.checkHandle(bridge.handle)
        if let taken = self.bridge(from: bridge.caller, to: bridge.callee) {
            throw PlasmidError(
                .bridgeExists, "a bridge from `\(bridge.caller)` to `\(bridge.callee)` already exists",
                hint: "its handle is `\(taken.handle)`; remove it first")
        }
        if let other = callee(of: bridge.caller, bridge.handle) {
            throw PlasmidError(
                .bridgeExists, "the handle `\(bridge.handle)` of `\(bridge.caller)` already exists",
                hint: "it leads to `\(other)`; take another handle")
        }
        guard !leads(from: bridge.callee, to: bridge.caller) else {
            throw PlasmidError(
                .bridgeCycle,
                "a bridge from `\(bridge.caller)` to `\(bridge.callee)` would lead back to where it starts",
                hint: "bridges go one way; let the callee answer, or emit a signal")
        }
        callees[bridge.caller, default: [:]][bridge.handle] = bridge.callee
    }

    /// Takes a bridge away, if it is there.
    mutating func remove(_ bridge: Bridge) {
        callees[bridge.caller]?[bridge.handle] = nil
        if callees[bridge.caller]?.isEmpty == true { callees[bridge.caller] = nil }
    }

    /// Whether bridges lead from one instance to another, over others or by being the same.
    private func leads(from start: String, to goal: String) -> Bool {
        var seen: Set<String> = []
        var open = [start]
        while let next = open.popLast() {
            if next == goal { return true }
            guard seen.insert(next).inserted else { continue }
            open += callees[next, default: [:]].values
        }
        return false
    }

    /// A handle is written in code and manifests: a letter or digit, then letters, digits, `_` and `-`.
    static func checkHandle(_ handle: String) throws(PlasmidError) {
        let isPlain = handle.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x2d || byte == 0x5f
        }
        guard isPlain, (1...Limits.nameBytes).contains(handle.utf8.count), handle.utf8.first != 0x2d,
            handle.utf8.first != 0x5f
        else {
            throw PlasmidError(
                .badName, "`\(handle)` cannot be a bridge's handle",
                hint: "a letter or digit, then letters, digits, `-` and `_`; at most \(Limits.nameBytes)")
        }
    }
}
