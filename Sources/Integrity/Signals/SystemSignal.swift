/// What a conductor tells operators besides the signals of zomes, on admin sockets that asked for it (reference
/// `holochain-2019.md` §2).
public enum SystemSignal: Sendable, Hashable {
    /// One step of a cell: what happened, in the words of 2019.
    case trace(Trace)
    /// One step on the way to where all who hold something hold it.
    case consistency(Consistency)
    /// How each cell fares, every half second while somebody listens.
    case statistics([InstanceStatistics])

    /// The kinds, under the names that `signals/subscribe` takes.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// ``SystemSignal/trace(_:)``.
        case trace
        /// ``SystemSignal/consistency(_:)``.
        case consistency
        /// ``SystemSignal/statistics(_:)``.
        case statistics = "stats"
    }

    /// Which kind it is.
    public var kind: Kind {
        switch self {
        case .trace: .trace
        case .consistency: .consistency
        case .statistics: .statistics
        }
    }

    /// One step of a cell. It names functions, types and hashes; never arguments, entries or secrets.
    public struct Trace: Sendable, Hashable {
        /// The cell.
        public var instanceID: String
        /// `SignalZomeFunctionCall`, `ReturnZomeFunctionResult` or `Commit`.
        public var actionType: String
        /// A map whose keys belong to the action type.
        public var data: MessagePackValue
        /// Names the step within this run of the conductor.
        public var id: String

        /// A step from its parts.
        public init(instanceID: String, actionType: String, data: MessagePackValue, id: String) {
            self.instanceID = instanceID
            self.actionType = actionType
            self.data = data
            self.id = id
        }
    }

    /// Something happened, and these things follow from it before all is settled.
    public struct Consistency: Sendable, Hashable {
        /// One thing that is still to come.
        public struct Pending: Sendable, Hashable {
            /// What will be told when it has come.
            public var event: String
            /// Who it concerns: `Source` or `Validators`.
            public var group: String

            /// A pending event from its parts.
            public init(event: String, group: String) {
                self.event = event
                self.group = group
            }
        }

        /// The cell.
        public var instanceID: String
        /// What happened.
        public var event: String
        /// What is still to come because of it.
        public var pending: [Pending]

        /// An event from its parts.
        public init(instanceID: String, event: String, pending: [Pending]) {
            self.instanceID = instanceID
            self.event = event
            self.pending = pending
        }
    }

    /// The numbers of one cell.
    public struct InstanceStatistics: Sendable, Hashable {
        /// The cell.
        public var instanceID: String
        /// Public entries held for the network.
        public var heldEntries: UInt64
        /// Operations held for the network.
        public var heldAspects: UInt64
        /// Operations that wait to be judged.
        public var pendingValidations: UInt64
        /// Operations whose judgement waits for something that is missing.
        public var delayedValidations: UInt64
        /// Calls under way.
        public var runningCalls: UInt64
        /// True when the cell takes no calls.
        public var isOffline: Bool

        /// Numbers from their parts.
        public init(
            instanceID: String, heldEntries: UInt64, heldAspects: UInt64, pendingValidations: UInt64,
            delayedValidations: UInt64, runningCalls: UInt64, isOffline: Bool
        ) {
            self.instanceID = instanceID
            self.heldEntries = heldEntries
            self.heldAspects = heldAspects
            self.pendingValidations = pendingValidations
            self.delayedValidations = delayedValidations
            self.runningCalls = runningCalls
            self.isOffline = isOffline
        }
    }
}
