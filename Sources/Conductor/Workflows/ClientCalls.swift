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
    /// How the capability was passed on to the caller: a MessagePack array of certificates (docs/spec/data-model.md §4).
    public var certificates: [UInt8]?
    /// Who signed the call; nil means the app's own agent.
    public var provenance: ClientProvenance?

    /// A request of the cell's own agent.
    public init(
        app: String?, instanceID: String, zome: String, function: String, payload: [UInt8], secret: [UInt8]? = nil,
        certificates: [UInt8]? = nil, provenance: ClientProvenance? = nil
    ) {
        self.app = app
        self.instanceID = instanceID
        self.zome = zome
        self.function = function
        self.payload = payload
        self.secret = secret
        self.certificates = certificates
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
    /// nonce; the capability. What the call uses up by that (the nonce, a counted use) is durable before the function runs.
    /// The cell's `init` runs before its first call.
    /// - Parameter reply: called once, on the loop; after the commit is durable, and after the call's signals.
    public func call(_ request: ClientRequest, reply: @escaping (Result<ZomeOutcome, PlasmidError>) -> Void) {
        loop.assertInEventLoop()
        do {
            let cell = try cell(request.instanceID)
            try checkReach(request, cell)
            let secret = try Self.secret(request.secret)
            let certificates = try Self.certificates(request.certificates)
            let caller = try caller(of: request, cell: cell, secret: secret)
            let admission = try cell.authorise(
                CallWish(
                    zome: request.zome, function: request.function, caller: caller, secret: secret,
                    certificates: certificates, nonce: request.provenance.map(Self.nonce)))
            let step = CallStep(
                zome: admission.zome, kind: .function, name: request.function,
                invocation: Invocation(caller: caller, payload: request.payload))
            cell.startWhenInitialised(
                step: step, caller: caller, secret: secret != nil, origin: CallOrigin(admission: admission),
                reply: reply)
        } catch {
            let error = PlasmidError.from(error)
            refused(error)
            reply(.failure(error))
        }
    }

    /// An app's token reaches the cells of its own app, where it is the author, and of other cells those of a DNA that its
    /// app runs too: what the app's zomes reach as well, as the app's agent, who is a stranger there. The rest does not
    /// exist for it, not even where both apps have the same agent: the token of one app is no key to another's chain.
    private func checkReach(_ request: ClientRequest, _ cell: Cell) throws(PlasmidError) {
        guard let appID = request.app, appID != cell.appID else { return }
        let own = try app(appID)
        guard own.agent != cell.id.agent, own.roles.contains(where: { $0.dna == cell.id.dna }) else {
            throw PlasmidError(
                .unknownInstance, "unknown instance `\(request.instanceID)`",
                hint: "the token of app `\(appID)` is for its own instances; `info/instances` lists them")
        }
    }

    private static func secret(_ bytes: [UInt8]?) throws(PlasmidError) -> CapSecret? {
        guard let bytes else { return nil }
        guard let secret = CapSecret(bytes) else {
            throw PlasmidError(.badCapability, "a capability secret has 64 bytes, this one has \(bytes.count)")
        }
        return secret
    }

    /// What a client shows beside the secret. Nobody signs for it: each certificate is bound to the secret, which the
    /// signature covers.
    private static func certificates(_ bytes: [UInt8]?) throws(PlasmidError) -> [Delegation] {
        guard let bytes else { return [] }
        return try MessagePackReader.reading(bytes) {
            (r: inout MessagePackReader) throws(PlasmidError) -> [Delegation] in
            let count = try r.readArrayHeader()
            guard count <= Limits.delegationDepth else {
                throw PlasmidError(
                    .badCapability, "the call shows \(count) certificates; \(Limits.delegationDepth) are the most")
            }
            var certificates: [Delegation] = []
            for _ in 0..<count { certificates.append(try Delegation(from: &r)) }
            return certificates
        }
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

    private static func nonce(_ provenance: ClientProvenance) -> SpaceSpending.Nonce {
        SpaceSpending.Nonce(agent: provenance.agent, nonce: provenance.nonce, expires: provenance.expiresAt)
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
            NonceWindow.Use(agent: provenance.agent, nonce: provenance.nonce),
            byStranger: provenance.agent != cell.id.agent, expiresAt: provenance.expiresAt, now: options.clock())
        if let error = verdict.error { throw error }
        // What the window had no room for at the start is in storage all the same.
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
