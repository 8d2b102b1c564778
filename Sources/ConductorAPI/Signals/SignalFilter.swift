import Integrity

/// The kinds of signals that a filter lets through.
struct SignalKinds: Equatable {
    /// What zomes emit.
    var user: Bool
    /// What the conductor itself tells operators.
    var system: Set<SystemSignal.Kind>

    static let user = SignalKinds(user: true, system: [])
}

/// What one `signals/subscribe` asks for; a nil part matches everything.
struct SignalFilter: Equatable {
    var instanceID: String?
    var zome: String?
    var name: String?
    var kinds = SignalKinds.user

    init(instanceID: String? = nil, zome: String? = nil, name: String? = nil, kinds: SignalKinds = .user) {
        self.instanceID = instanceID
        self.zome = zome
        self.name = name
        self.kinds = kinds
    }

    var isEverything: Bool { instanceID == nil && zome == nil && name == nil && kinds == .user }

    func matches(_ signal: InstanceSignal) -> Bool {
        kinds.user && (instanceID == nil || instanceID == signal.instanceID) && (zome == nil || zome == signal.zome)
            && (name == nil || name == signal.name)
    }

    /// Statistics are of all instances at once; the rest has one.
    func matches(_ signal: SystemSignal) -> Bool {
        guard kinds.system.contains(signal.kind) else { return false }
        switch signal {
        case .trace(let trace): return instanceID == nil || instanceID == trace.instanceID
        case .consistency(let event): return instanceID == nil || instanceID == event.instanceID
        case .statistics: return true
        }
    }
}

/// What one socket wants to hear: all of its scope until it first subscribes, the union of its filters from then on.
struct SignalWishes {
    /// A socket that needs more has a wish for everything.
    static let maximumFilters = 64

    private let scope: APIScope
    /// What the configuration gives to every operator's socket that asked for nothing.
    private let unasked: Set<SystemSignal.Kind>
    private var filters: [SignalFilter] = []

    init(scope: APIScope, unasked: Set<SystemSignal.Kind> = []) {
        self.scope = scope
        self.unasked = scope.isAdmin ? unasked : []
    }

    mutating func add(_ filter: SignalFilter) throws(RPCFault) {
        if filter.isEverything {
            filters = []
            return
        }
        if filters.contains(filter) { return }
        guard filters.count < Self.maximumFilters else {
            throw RPCFault(
                .invalidParams, "tooManyFilters", "this socket has \(Self.maximumFilters) filters already",
                hint: "subscribe with empty params to hear everything, and choose in the client")
        }
        filters.append(filter)
    }

    /// The kinds that the conductor has to make for this socket.
    var systemKinds: Set<SystemSignal.Kind> {
        filters.isEmpty ? unasked : filters.reduce(into: []) { $0.formUnion($1.kinds.system) }
    }

    func want(_ signal: InstanceSignal) -> Bool {
        if case .app(let app) = scope, app != signal.app { return false }
        return filters.isEmpty || filters.contains { $0.matches(signal) }
    }

    func want(_ signal: SystemSignal) -> Bool {
        guard scope.isAdmin else { return false }
        return filters.isEmpty ? unasked.contains(signal.kind) : filters.contains { $0.matches(signal) }
    }
}
