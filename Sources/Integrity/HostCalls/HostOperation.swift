/// Why a zome module is invoked; the number crosses the zome boundary.
public enum InvocationKind: UInt8, Sendable, Hashable, CaseIterable {
    /// A function that someone called.
    case function = 0
    /// Judging ops.
    case validate = 1
    /// A message from another agent.
    case receive = 2
    /// `init`, once per cell.
    case initialize = 3
    /// The check of one's own membrane proof before joining.
    case genesisSelfCheck = 4
    /// After a commit became durable.
    case postCommit = 5
    /// A time that was asked for.
    case scheduled = 6
}

/// The one list of host operations: what a zome may ask its conductor for. The numbers cross the zome boundary and never
/// change their meaning.
public enum HostOperation: UInt32, Sendable, Hashable, CaseIterable {
    /// Adds an entry: ``CreateRequest`` → `ActionHash`.
    case create = 1
    /// Adds a new version of an entry: ``UpdateRequest`` → `ActionHash`.
    case update = 2
    /// Takes a create or update back: ``DeleteRequest`` → `ActionHash`.
    case delete = 3
    /// Looks up an address: ``GetRequest`` → `Record` or nil.
    case get = 4
    /// Reads the own chain: ``ChainQuery`` → `[Record]`.
    case query = 5
    /// Adds a link: ``CreateLinkRequest`` → `ActionHash`.
    case createLink = 6
    /// Takes a link back: ``DeleteLinkRequest`` → `ActionHash`.
    case deleteLink = 7
    /// Lists links: ``GetLinksRequest`` → ``LinkPage``.
    case getLinks = 8
    /// Who am I: ``NoInput`` → ``AgentInfo``.
    case agentInfo = 9
    /// Where am I: ``NoInput`` → ``DnaInfo``.
    case dnaInfo = 10
    /// Signs in the domain `app:dna:zome`: ``SignRequest`` → `Signature`.
    case sign = 11
    /// Checks such a signature: ``VerifyRequest`` → `Bool`.
    case verify = 12
    /// Hashes bytes: ``HashRequest`` → bytes.
    case hash = 13
    /// Random bytes: ``RandomBytesRequest`` → bytes.
    case randomBytes = 14
    /// The node's clock: ``NoInput`` → `Timestamp`.
    case time = 15
    /// Tells clients something: ``SignalRequest`` → nil.
    case emitSignal = 16
    /// Sends a direct message and waits for the reply: ``SendRequest`` → the reply's value.
    case send = 17
    /// Grants a capability: ``GrantRequest`` → ``GrantReceipt``.
    case commitCapabilityGrant = 18
    /// Keeps a capability that was granted: ``ClaimRequest`` → `ActionHash`.
    case commitCapabilityClaim = 19
    /// An entry that must be there: ``MustGetEntryRequest`` → `Entry`.
    case mustGetEntry = 20
    /// An action that must be there: ``MustGetActionRequest`` → `SignedAction`.
    case mustGetAction = 21
    /// A record that must be there and valid: ``MustGetActionRequest`` → `Record`.
    case mustGetValidRecord = 22
    /// The DNA's properties: ``NoInput`` → the value.
    case properties = 23
    /// Writes a line to the conductor's log: ``LogRequest`` → nil.
    case log = 24
    /// Calls a function of another agent's cell, or the own one: ``CallRequest`` → the result's value.
    case call = 25
    /// Takes a capability grant back: ``RevokeRequest`` → `ActionHash`.
    case revokeCapability = 26
    /// Who called: ``NoInput`` → ``CallInfo``.
    case callInfo = 27
    /// The public key with a name: ``KeystoreGetPublicKeyRequest`` → `AgentPubKey`.
    case keystoreGetPublicKey = 28
    /// Everything that is known of a record or an entry: ``GetRequest`` → ``Details`` or nil.
    case getDetails = 29
    /// Lists links with the actions that made and deleted them: ``GetLinksRequest`` → ``LinkDetailsPage``.
    case getLinksDetails = 30
    /// Counts links: ``GetLinksRequest`` (cursor and limit aside) → integer.
    case countLinks = 31
    /// Adds several links or none: ``CreateLinksRequest`` → `[ActionHash]`.
    case createLinks = 32
    /// How an agent's chain stands: ``AgentActivityRequest`` → ``AgentActivity``.
    case getAgentActivity = 33
    /// A part of a chain that must be there: ``MustGetAgentActivityRequest`` → ``MustGetAgentActivityAnswer``.
    case mustGetAgentActivity = 34
    /// The newest version: ``VersionRequest`` → `Record` or nil.
    case getLatest = 35
    /// All versions: ``VersionRequest`` → ``EntryHistory`` or nil.
    case getHistory = 36
    /// Encrypts to an agent: ``EncryptRequest`` → bytes.
    case encrypt = 37
    /// Decrypts what an agent encrypted to this one: ``DecryptRequest`` → bytes.
    case decrypt = 38
    /// Signs with a key that is forgotten at once: ``SignOneTimeRequest`` → ``OneTimeSignatures``.
    case signOneTime = 39
    /// Seals under a shared secret: ``SecretRequest`` → bytes.
    case seal = 40
    /// Opens what was sealed under a shared secret: ``SecretRequest`` → bytes.
    case unseal = 41
    /// What the manifest says of the zome that asks: ``NoInput`` → ``ZomeInfo``.
    case zomeInfo = 42
    /// Ends the chain: ``CloseChainRequest`` → `ActionHash`.
    case closeChain = 43
    /// Says which chain this one continues: ``OpenChainRequest`` → `ActionHash`.
    case openChain = 44

    /// Tells other agents' clients something, without an answer: ``RemoteSignalRequest`` → nil.
    case remoteSignal = 45

    // 50 to 59: other cells of the conductor, clones, schedules.

    /// Calls a function of this cell, of another role, of any cell here, or over a bridge: ``CallCellRequest`` → the
    /// result's value.
    case callCell = 50
    /// Makes a clone of a role of the own app: ``CreateCloneRequest`` → ``ClonedCell``.
    case createClone = 51
    /// Lets a clone take calls again: ``CloneIDRequest`` → ``ClonedCell``.
    case enableClone = 52
    /// Takes a clone out of service: ``CloneIDRequest`` → ``ClonedCell``.
    case disableClone = 53
    /// Takes a disabled clone out of the app: ``CloneIDRequest`` → nil.
    case deleteClone = 54
    /// Lets a scheduled function run by itself: ``ScheduleRequest`` → nil.
    case schedule = 55
    /// Takes that back: ``UnscheduleRequest`` → nil.
    case unschedule = 56

    // 60 to 69: capabilities.

    /// Looks up grants on the own chain: ``GrantsQuery`` → `[CapabilityGrant]`.
    case capabilityGrants = 60
    /// Looks up claims by grantor and label: ``ClaimsQuery`` → `[CapabilityClaim]`.
    case capabilityClaims = 61
    /// The grant by which this call runs: ``NoInput`` → ``CapabilityInfo`` or nil.
    case capabilityInfo = 62
    /// Replaces a grant: ``GrantUpdate`` → ``GrantReceipt``.
    case updateCapabilityGrant = 63
    /// Takes back every grant with a label: ``RevokeLabelRequest`` → `[ActionHash]`.
    case revokeCapabilities = 64
    /// Passes a claim on: ``DelegateRequest`` → ``DelegatedClaim``.
    case delegate = 65

    /// The name in messages and logs.
    public var name: String { "\(self)" }

    /// True when it adds to the source chain.
    public var isWrite: Bool {
        switch self {
        case .create, .update, .delete, .createLink, .createLinks, .deleteLink, .commitCapabilityGrant,
            .commitCapabilityClaim, .revokeCapability, .closeChain, .openChain,
            .updateCapabilityGrant, .revokeCapabilities:
            true
        default: false
        }
    }

    /// True when it makes or unmakes cells, or what runs by itself, which a callback after a commit may not.
    public var changesApp: Bool {
        switch self {
        case .createClone, .enableClone, .disableClone, .deleteClone, .schedule, .unschedule: true
        default: false
        }
    }

    /// True when it acts outside the conductor, so that the call may not be run again.
    public var hasOutsideEffect: Bool {
        switch self {
        case .send, .call, .callCell, .emitSignal, .remoteSignal, .createClone, .enableClone, .disableClone,
            .deleteClone:
            true
        default: false
        }
    }

    /// Whether a callback of this kind may use it. Checked by the host, never by the module.
    public func allowed(in kind: InvocationKind) -> Bool {
        switch kind {
        case .function, .receive, .initialize, .scheduled: true
        case .postCommit: !isWrite && !changesApp
        case .validate:
            switch self {
            case .dnaInfo, .verify, .hash, .mustGetEntry, .mustGetAction, .mustGetValidRecord, .mustGetAgentActivity,
                .properties, .log:
                true
            default: false
            }
        case .genesisSelfCheck:
            switch self {
            case .dnaInfo, .verify, .hash, .properties, .log: true
            default: false
            }
        }
    }
}
