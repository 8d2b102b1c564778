/// What one `signals/subscribe` asks for; a nil part matches everything.
struct SignalFilter: Equatable {
    var instanceID: String?
    var zome: String?
    var name: String?

    init(instanceID: String? = nil, zome: String? = nil, name: String? = nil) {
        self.instanceID = instanceID
        self.zome = zome
        self.name = name
    }

    init(_ request: RequestScan, _ scanner: JSONScanner) throws(RPCFault) {
        if request.params.isPresent, !scanner.isNull(request.params) { try request.expectMap(scanner) }
        instanceID = try request.optionalString(.instanceID, scanner)
        zome = try request.optionalString(.zome, scanner)
        name = try request.optionalString(.name, scanner)
    }

    var isEverything: Bool { instanceID == nil && zome == nil && name == nil }

    func matches(_ signal: InstanceSignal) -> Bool {
        (instanceID == nil || instanceID == signal.instanceID) && (zome == nil || zome == signal.zome)
            && (name == nil || name == signal.name)
    }
}

/// What one socket wants to hear: all of its scope until it first subscribes, the union of its filters from then on.
struct SignalWishes {
    /// A socket that needs more has a wish for everything.
    static let maximumFilters = 64

    private let scope: APIScope
    private var filters: [SignalFilter] = []

    init(scope: APIScope) { self.scope = scope }

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

    func want(_ signal: InstanceSignal) -> Bool {
        if case .app(let app) = scope, app != signal.app { return false }
        return filters.isEmpty || filters.contains { $0.matches(signal) }
    }
}
