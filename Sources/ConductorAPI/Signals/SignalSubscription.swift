import Integrity

/// One `signals/subscribe` or `signals/unsubscribe`, its shape checked.
struct SignalSubscription {
    /// Longest name in a filter, in bytes: a socket keeps what it asked for.
    static let maximumNameBytes = 1_024

    /// What is wanted from now on.
    var filter: SignalFilter
    /// Where to take up what was missed; nil: only what comes.
    var since: Since?

    /// The last signal that a client has seen of one instance.
    struct Since: Equatable {
        var instanceID: String
        /// The run of the conductor in which it was seen; nil: the present one.
        var boot: String?
        var number: UInt64
    }

    /// A key that is none of these is refused: a filter that is not understood would let through too much.
    private static let filterKeys = ["instance_id", "zome", "name", "kinds"]

    init(_ method: String, _ params: MessagePackValue?, scope: APIScope) throws(RPCFault) {
        let keys = method == "signals/unsubscribe" ? Self.filterKeys : Self.filterKeys + ["since", "boot"]
        var values: [String: MessagePackValue] = [:]
        switch params {
        case nil, .null?: break
        case .map(let pairs)?:
            for pair in pairs {
                guard case .string(let key) = pair.key, keys.contains(key) else {
                    throw .bad("\(pair.key)", "is no param of \(method)", hint: keys.joined(separator: ", "))
                }
                guard values.updateValue(pair.value, forKey: key) == nil else { throw .bad(key, "is given twice") }
            }
        default: throw .expectedMap
        }
        filter = SignalFilter(
            instanceID: try Self.text("instance_id", values), zome: try Self.text("zome", values),
            name: try Self.text("name", values), kinds: try Self.kinds(values["kinds"], scope: scope))
        since = try Self.since(values, filter)
    }

    private static func text(_ key: String, _ values: [String: MessagePackValue]) throws(RPCFault) -> String? {
        switch values[key] {
        case nil, .null?: return nil
        case .string(let text)?:
            guard text.utf8.count <= Self.maximumNameBytes else {
                throw .bad(key, "is longer than \(Self.maximumNameBytes) bytes")
            }
            return text
        default: throw .notString(key)
        }
    }

    private static func kinds(_ value: MessagePackValue?, scope: APIScope) throws(RPCFault) -> SignalKinds? {
        let names: [MessagePackValue]
        switch value {
        case nil, .null?: return nil
        case .array(let elements)?: names = elements
        default: throw .bad("kinds", "has to be an array of strings")
        }
        var kinds = SignalKinds(user: false, system: [])
        for name in names {
            guard case .string(let text) = name else { throw .bad("kinds", "has to be an array of strings") }
            if text == "user" {
                kinds.user = true
            } else if let kind = SystemSignal.Kind(rawValue: text) {
                guard scope.isAdmin else {
                    throw RPCFault(
                        .invalidParams, "adminOnly", "`kinds` holds \"\(text)\", which is told on the admin port only",
                        hint: "an app hears the signals of its zomes")
                }
                kinds.system.insert(kind)
            } else {
                throw .bad("kinds", "holds a word that is no kind of signal", hint: "user, trace, consistency, stats")
            }
        }
        guard kinds.user || !kinds.system.isEmpty else { throw .bad("kinds", "is empty") }
        return kinds
    }

    private static func since(
        _ values: [String: MessagePackValue], _ filter: SignalFilter
    ) throws(RPCFault) -> Since? {
        let boot = try text("boot", values)
        let number: UInt64
        switch values["since"] {
        case nil, .null?:
            guard boot == nil else { throw .bad("boot", "comes with `since` only") }
            return nil
        case .int(let value)? where value >= 0: number = UInt64(value)
        case .uint(let value)?: number = value
        default: throw .bad("since", "has to be an integer, 0 or more")
        }
        guard let instanceID = filter.instanceID, filter.kinds.user else {
            throw .bad(
                "since", "needs `instance_id`: the signals of each instance have numbers of their own",
                hint: "subscribe once for each instance, with the last number seen of it")
        }
        return Since(instanceID: instanceID, boot: boot, number: number)
    }
}

/// What a socket is told of the signals that it asked to have again.
public struct SignalReplay: Sendable {
    /// Those that are still there, the oldest first.
    public var signals: [InstanceSignal]
    /// How many are not there any more, whatever filter they would have passed; nil: the conductor was started anew since,
    /// and nobody knows.
    public var missed: UInt64?

    /// A replay from its parts.
    public init(signals: [InstanceSignal], missed: UInt64?) {
        self.signals = signals
        self.missed = missed
    }
}
