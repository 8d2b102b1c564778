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
    var kinds: SignalKinds
    /// Nothing at all was asked for: what a socket hears that never subscribed.
    let isEverything: Bool

    /// - Parameter kinds: nil where none were named, which means those of zomes.
    init(instanceID: String? = nil, zome: String? = nil, name: String? = nil, kinds: SignalKinds? = nil) {
        self.instanceID = instanceID
        self.zome = zome
        self.name = name
        self.kinds = kinds ?? .user
        isEverything = instanceID == nil && zome == nil && name == nil && kinds == nil
    }

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

/// What one socket wants to hear: all of its scope until it first subscribes, the union of its filters from then on, nothing
/// once all of them are taken back.
struct SignalWishes {
    /// A socket that needs more has a wish for everything.
    static let maximumFilters = 64

    private let scope: APIScope
    /// What the configuration gives to every operator's socket that asked for nothing.
    private let unasked: Set<SystemSignal.Kind>
    /// Nil: everything.
    private var filters: [SignalFilter]?

    init(scope: APIScope, unasked: Set<SystemSignal.Kind> = []) {
        self.scope = scope
        self.unasked = scope.isAdmin ? unasked : []
    }

    mutating func add(_ filter: SignalFilter) throws(RPCFault) {
        if filter.isEverything {
            filters = nil
            return
        }
        if filters?.contains(filter) ?? false { return }
        guard (filters?.count ?? 0) < Self.maximumFilters else {
            throw RPCFault(
                .invalidParams, "tooManyFilters", "this socket has \(Self.maximumFilters) filters already",
                hint: "subscribe with empty params to hear everything, and choose in the client")
        }
        filters = (filters ?? []) + [filter]
    }

    /// Takes a subscription back; that to everything takes all back.
    mutating func remove(_ filter: SignalFilter) throws(RPCFault) {
        if filter.isEverything {
            filters = []
            return
        }
        guard let place = filters?.firstIndex(of: filter) else {
            throw RPCFault(
                .invalidParams, "notSubscribed", "this socket has no such subscription",
                hint: "name what signals/subscribe named, or nothing to take back everything")
        }
        filters?.remove(at: place)
    }

    /// The kinds that the conductor has to make for this socket.
    var systemKinds: Set<SystemSignal.Kind> {
        filters.map { $0.reduce(into: []) { $0.formUnion($1.kinds.system) } } ?? unasked
    }

    func want(_ signal: InstanceSignal) -> Bool {
        if case .app(let app) = scope, app != signal.app { return false }
        return filters?.contains { $0.matches(signal) } ?? true
    }

    func want(_ signal: SystemSignal) -> Bool {
        guard scope.isAdmin else { return false }
        return filters?.contains { $0.matches(signal) } ?? unasked.contains(signal.kind)
    }
}
