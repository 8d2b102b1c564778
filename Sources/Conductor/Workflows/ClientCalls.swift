import Chain
import Integrity
import NIOCore
import Storage

/// A call as a client of the API makes it.
public struct ClientRequest: Sendable {
    /// The installed app whose token the connection showed; nil for the operator.
    public var app: String?
    /// `app/role`.
    public var instanceID: String
    /// Name of the zome.
    public var zome: String
    /// Name of the function.
    public var function: String
    /// One MessagePack value.
    public var payload: [UInt8]
    /// 64 bytes of a capability secret.
    public var secret: [UInt8]?
    /// Who signed the call; nil means the app's own agent.
    public var provenance: ClientProvenance?

    /// A request of the cell's own agent.
    public init(
        app: String?, instanceID: String, zome: String, function: String, payload: [UInt8], secret: [UInt8]? = nil,
        provenance: ClientProvenance? = nil
    ) {
        self.app = app
        self.instanceID = instanceID
        self.zome = zome
        self.function = function
        self.payload = payload
        self.secret = secret
        self.provenance = provenance
    }
}

/// The signature of a client's call.
public struct ClientProvenance: Sendable {
    /// Who claims to call.
    public var agent: AgentPubKey
    /// 64 bytes over the whole call (docs/spec/validation.md).
    public var signature: [UInt8]
    /// 32 bytes, used once.
    public var nonce: [UInt8]
    /// When the signature ends.
    public var expiresAt: Timestamp

    /// A provenance from its parts.
    public init(agent: AgentPubKey, signature: [UInt8], nonce: [UInt8], expiresAt: Timestamp) {
        self.agent = agent
        self.signature = signature
        self.nonce = nonce
        self.expiresAt = expiresAt
    }
}

extension Conductor {
    /// Runs a zome function for a client.
    ///
    /// Checked in this order: the instance, zome and function exist; the signature, if the call has one, its expiry and its
    /// nonce; the capability. The cell's `init` runs before its first call.
    /// - Parameter reply: called once, on the loop; after the commit is durable, and after the call's signals.
    public func call(_ request: ClientRequest, reply: @escaping (Result<ZomeOutcome, PlasmidError>) -> Void) {
        loop.assertInEventLoop()
        do {
            let cell = try cell(request.instanceID)
            let secret = try Self.secret(request.secret)
            let caller = try caller(of: request, cell: cell, secret: secret)
            let zome = try cell.authorise(
                zome: request.zome, function: request.function, caller: caller, secret: secret)
            let step = CallStep(
                zome: zome, kind: .function, name: request.function,
                invocation: Invocation(caller: caller, payload: request.payload))
            cell.startWhenInitialised(
                step: step, caller: caller, secret: secret != nil, nonce: request.provenance.map(Self.nonce),
                reply: reply)
        } catch {
            let error = PlasmidError.from(error)
            refused(error)
            reply(.failure(error))
        }
    }

    private static func secret(_ bytes: [UInt8]?) throws(PlasmidError) -> CapSecret? {
        guard let bytes else { return nil }
        guard let secret = CapSecret(bytes) else {
            throw PlasmidError(.badCapability, "a capability secret has 64 bytes, this one has \(bytes.count)")
        }
        return secret
    }

    /// The agent who calls: whoever signed; without a signature the agent of the app whose token the connection showed, and
    /// for the operator the cell's own.
    private func caller(
        of request: ClientRequest, cell: Cell, secret: CapSecret?
    ) throws(PlasmidError) -> AgentPubKey {
        if let provenance = request.provenance {
            try check(provenance, request, cell: cell, secret: secret)
            return provenance.agent
        }
        guard let appID = request.app, appID != cell.appID else { return cell.id.agent }
        return try app(appID).agent
    }

    private static func nonce(_ provenance: ClientProvenance) -> SpaceCommit.Nonce {
        SpaceCommit.Nonce(agent: provenance.agent, nonce: provenance.nonce, expires: provenance.expiresAt)
    }

    private func check(
        _ provenance: ClientProvenance, _ request: ClientRequest, cell: Cell, secret: CapSecret?
    ) throws(PlasmidError) {
        let call = ClientCall(
            dna: cell.id.dna, agent: cell.id.agent, zome: request.zome, function: request.function,
            payload: request.payload, nonce: provenance.nonce, expiresAt: provenance.expiresAt, secret: secret)
        guard let signature = Signature(provenance.signature) else {
            throw PlasmidError(.authenticationFailed, "a signature has 64 bytes", hint: "docs/api.md says what to sign")
        }
        try call.authenticate(signature, by: provenance.agent)
        let verdict = usedNonces.use(
            NonceWindow.Use(agent: provenance.agent, nonce: provenance.nonce), expiresAt: provenance.expiresAt,
            now: options.clock())
        if let error = verdict.error { throw error }
        // The window is empty after a start; what a call committed with its writes is not.
        if try cell.space.store.isUsed(Self.nonce(provenance)), let error = NonceWindow.Verdict.replayed.error {
            throw error
        }
    }

    /// The instances of an app, or all: `(app/role, DNA, agent)`.
    public func instances(of appID: String?) -> [(id: String, cell: CellID)] {
        loop.assertInEventLoop()
        return apps.values.filter { appID == nil || $0.appID == appID }.flatMap { app in
            app.roles.map { (app.instanceID($0), CellID(dna: $0.dna, agent: app.agent)) }
        }.sorted { $0.0 < $1.0 }
    }

    /// Registers for the signals of every cell; the number unregisters.
    public func hearSignals(_ listener: @escaping (UserSignal) -> Void) -> UInt64 {
        loop.assertInEventLoop()
        return signals.add(listener)
    }

    /// Ends a registration.
    public func stopHearing(_ number: UInt64) {
        loop.assertInEventLoop()
        signals.remove(number)
    }
}
