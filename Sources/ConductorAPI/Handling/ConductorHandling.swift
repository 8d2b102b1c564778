import Integrity

/// What the service needs of a conductor, and all that the two know of each other.
///
/// Every method is called on the conductor loop, and every reply must be given on it, exactly once, at once or later. Nothing
/// here may block. A reply that comes after its client has gone is dropped by the service; the work itself goes on.
public protocol ConductorHandling: AnyObject {
    /// True if `test/*` methods may be used (`--test-mode`).
    var isTestMode: Bool { get }

    /// Whether `token` opens the admin port. The comparison must take the same time wherever the two differ; with
    /// `auth: none` any token, the empty one included, is right.
    func adminTokenMatches(_ token: String) -> Bool

    /// The app that `token` stands for, or nil if it is unknown, expired or revoked. Asking consumes a single-use token:
    /// the service asks once for each WebSocket and once for each HTTP request.
    func appToken(_ token: String) -> APIScope?

    /// Whether `token` opens an interface that is none of the two fixed ones. Asking consumes a single-use token.
    func tokenOpens(_ token: String, interface: String) -> Bool

    /// The web origins that may use such an interface from a browser.
    func origins(ofInterface interface: String) -> [String]

    /// Whether an instance is mounted on such an interface, under any name.
    func isMounted(_ instanceID: String, on interface: String) -> Bool

    /// What a page finds under `/_dna_connections.json`: one JSON value.
    func connections(ofPages id: String) -> [UInt8]

    /// The instances that a connection of this scope may call: all of them for `.admin`, those of its app or interface
    /// otherwise.
    func instances(_ scope: APIScope) -> [InstanceInfo]

    /// Runs a zome function. A failure here is a refusal or fault of the conductor (unknown instance, no capability, trap);
    /// what the app itself answered, good or bad, is a `CallOutcome`. The call's signals must have gone to `signalReceiver`
    /// before the reply is given.
    func call(_ request: ZomeCallRequest, reply: @escaping (Result<CallOutcome, PlasmidError>) -> Void)

    /// Everything that is counted, now: what `/metrics` shows besides what the service counts itself.
    func metrics() -> [Metric]

    /// How the conductor fares: what `/healthz` says.
    func health() -> Health

    /// Runs one of `AdminMethod.all`. `params` is a map whose keys and types were checked against the method's list.
    func admin(
        _ method: String, params: MessagePackValue, reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void)

    /// Set by the service when it starts and cleared when it stops; the conductor calls it for each user signal, in order,
    /// after the commit of the call that emitted it.
    var signalReceiver: ((InstanceSignal) -> Void)? { get set }

    /// Set by the service when it starts and cleared when it stops; the conductor calls it when a token opens nothing any more
    /// before its time. What it opened is then closed.
    var accessReceiver: ((EndedAccess) -> Void)? { get set }

    /// Names this run of the conductor, within which the signals of each instance are numbered.
    var bootID: String { get }

    /// The signals of an instance with numbers above `since`, as far as they are kept, and how many are not.
    /// - Parameter boot: the run in which `since` was seen; nil: the present one.
    func replay(of instanceID: String, since: UInt64, boot: String?) -> SignalReplay

    /// Set by the service when it starts and cleared when it stops; the conductor calls it for each signal of its own.
    var systemSignalReceiver: ((SystemSignal) -> Void)? { get set }

    /// The kinds of its own signals that some socket wants from now on: others need not be made.
    func wantSystemSignals(_ kinds: Set<SystemSignal.Kind>)
}

/// What opens nothing any more.
public enum EndedAccess: Sendable, Hashable {
    /// A token that was revoked.
    case token(String)
    /// Every token of an app that is not installed any more: another may be installed under its id.
    case app(String)
}

/// Whose connection it is.
public enum APIScope: Hashable, Sendable {
    /// The operator: everything.
    case admin
    /// One installed app, by its app id.
    case app(String)
    /// An interface with its mounted instances; with `isAdmin` its connections are the operator's.
    case interface(id: String, isAdmin: Bool)

    /// Whether administrative methods may be used.
    public var isAdmin: Bool {
        switch self {
        case .admin: true
        case .app: false
        case .interface(_, let isAdmin): isAdmin
        }
    }
}

/// One line of `info/instances`.
public struct InstanceInfo: Hashable, Sendable {
    /// `app/role`, or the id of `admin/instance/add`: the `instance_id` of calls, unless there is an alias.
    public var id: String
    /// The network it belongs to.
    public var dna: DnaHash
    /// Whose chain it is.
    public var agent: AgentPubKey
    /// The ids that an instance of `admin/instance/add` was made of; the line then shows these, as in 2019.
    public var registered: RegisteredIDs?
    /// The name under which the interface knows it, if not its id.
    public var alias: String?

    /// The ids of `admin/dna/list` and `admin/agent/list`.
    public struct RegisteredIDs: Hashable, Sendable {
        /// The DNA's id.
        public var dna: String
        /// The agent's id.
        public var agent: String

        /// The two ids.
        public init(dna: String, agent: String) {
            self.dna = dna
            self.agent = agent
        }
    }

    /// A line from its parts.
    public init(
        id: String, dna: DnaHash, agent: AgentPubKey, registered: RegisteredIDs? = nil, alias: String? = nil
    ) {
        self.id = id
        self.dna = dna
        self.agent = agent
        self.registered = registered
        self.alias = alias
    }
}

/// A zome call as it came in, shapes checked, nothing else: who may call what is the conductor's to decide.
public struct ZomeCallRequest: Sendable {
    /// The connection it came over.
    public var scope: APIScope
    /// `app/role`.
    public var instanceID: String
    /// Name of the zome.
    public var zome: String
    /// Name of the function.
    public var function: String
    /// One MessagePack value; missing or null arguments are an empty map.
    public var args: [UInt8]
    /// 64 bytes, if the call shows a capability secret.
    public var capSecret: [UInt8]?
    /// How the capability was passed on to the caller: a MessagePack array of certificates.
    public var certificates: [UInt8]?
    /// Who signed the call; nil means the app's own agent.
    public var provenance: CallProvenance?

    /// A request from its parts.
    public init(
        scope: APIScope, instanceID: String, zome: String, function: String, args: [UInt8], capSecret: [UInt8]? = nil,
        certificates: [UInt8]? = nil, provenance: CallProvenance? = nil
    ) {
        self.scope = scope
        self.instanceID = instanceID
        self.zome = zome
        self.function = function
        self.args = args
        self.capSecret = capSecret
        self.certificates = certificates
        self.provenance = provenance
    }
}

/// A caller's signature over a call; the shapes are checked, the signature is not.
public struct CallProvenance: Hashable, Sendable {
    /// The agent who claims to call.
    public var agent: AgentPubKey
    /// 64 bytes, Ed25519 in the signing domain `call`.
    public var signature: [UInt8]
    /// 32 bytes, to be used once.
    public var nonce: [UInt8]
    /// When the signature ends, in microseconds since 1970.
    public var expiresAt: Int64

    /// A provenance from its parts.
    public init(agent: AgentPubKey, signature: [UInt8], nonce: [UInt8], expiresAt: Int64) {
        self.agent = agent
        self.signature = signature
        self.nonce = nonce
        self.expiresAt = expiresAt
    }
}

/// What the app answered to a call that ran.
public enum CallOutcome: Sendable, Hashable {
    /// One MessagePack value: becomes `{"Ok":…}`.
    case ok([UInt8])
    /// An error of the app or its validators: becomes `{"Err":{"Internal":message,"code":code}}` and so on.
    case err(kind: CallErrorKind, code: String, message: String)
}

/// The error names of 2019 that clients look for inside `Err`.
public enum CallErrorKind: String, Sendable, Hashable {
    /// The function threw, or its input did not fit.
    case `internal` = "Internal"
    /// A validator refused the commit.
    case validationFailed = "ValidationFailed"
    /// A `send` or `call` inside the function found no answer in time.
    case timeout = "Timeout"
}

/// A user signal on its way to sockets.
public struct InstanceSignal: Sendable, Hashable {
    /// App id: decides which app sockets may see it.
    public var app: String
    /// `app/role` that emitted it.
    public var instanceID: String
    /// Zome that emitted it.
    public var zome: String
    /// The name given to `emitSignal`.
    public var name: String
    /// One MessagePack value.
    public var arguments: [UInt8]
    /// Number within the instance, rising by one.
    public var sequence: UInt64
    /// The key of the other agent who sent it, as text; nil for a signal of the instance itself.
    public var from: String?

    /// A signal from its parts.
    public init(
        app: String, instanceID: String, zome: String, name: String, arguments: [UInt8], sequence: UInt64,
        from: String? = nil
    ) {
        self.app = app
        self.instanceID = instanceID
        self.zome = zome
        self.name = name
        self.arguments = arguments
        self.sequence = sequence
        self.from = from
    }
}
