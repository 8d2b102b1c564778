import Integrity

/// Who asks to call what, and what they show for it. The provenance was authenticated before: by a signature over the whole
/// call, by the connection, or by the conductor itself.
public struct CapabilityRequest: Sendable {
    /// Who calls.
    public let provenance: AgentPubKey
    /// The capability secret shown, if any.
    public let secret: CapSecret?
    /// The function that is to run.
    public let function: ZomeFunction
    /// The certificates by which the capability came to the caller, in the order in which it was passed on; empty where the
    /// grantor gave it to the caller directly.
    public let certificates: [Delegation]

    /// A request by `provenance` to run `function`.
    public init(
        provenance: AgentPubKey, secret: CapSecret?, function: ZomeFunction, certificates: [Delegation] = []
    ) {
        self.provenance = provenance
        self.secret = secret
        self.function = function
        self.certificates = certificates
    }
}

/// Why a call was not allowed.
public enum CapabilityRefusal: Hashable, Sendable {
    /// No secret was shown, and no open grant lists the function.
    case missing
    /// No grant in effect has this secret: it was never given, or it was revoked. Or a certificate does not fit.
    case wrong
    /// The grant was given to others.
    case notAssigned
    /// The grant does not list the function, or only the author may call it.
    case notForFunction
    /// The grant, or what was passed on of it, has ended.
    case expired
    /// All its uses were made.
    case spent
    /// It was passed on, and the grant is not a transferable one.
    case notTransferable
}

/// The answer to a ``CapabilityRequest``.
public enum CapabilityVerdict: Hashable, Sendable {
    /// The caller is the author of the chain.
    case author
    /// The DNA opens the function to everyone.
    case open
    /// This grant allows it.
    case granted(ActionHash)
    /// This grant allows it, by these certificates.
    case delegated(ActionHash, [Delegation])
    /// Nothing allows it.
    case refused(CapabilityRefusal)

    /// Whether the call may run.
    public var allows: Bool {
        if case .refused = self { false } else { true }
    }

    /// The grant that allows it; nil for the author and for what the DNA opens.
    public var grant: ActionHash? {
        switch self {
        case .granted(let grant), .delegated(let grant, _): grant
        case .author, .open, .refused: nil
        }
    }
}

/// The one place that decides whether a call may run (DESIGN §8). Pure: it sees what it is handed.
public enum CapabilityCheck {
    /// Decides on `request` at the time `now` against the chain of `author` in the space `dna`, whose grants are `grants`;
    /// `access` is what the DNA says of the function. Only the author's own key is the author; a secret never is, and a
    /// function whose access is `author` is opened by no grant.
    public static func decide(
        _ request: CapabilityRequest, author: AgentPubKey, dna: DnaHash, access: FunctionAccess, grants: GrantBook,
        now: Timestamp
    ) -> CapabilityVerdict {
        if request.provenance == author { return .author }
        switch access {
        case .public: return .open
        case .author: return .refused(request.secret == nil ? .missing : .notForFunction)
        case .granted: break
        }
        guard let secret = request.secret else { return grants.openGrant(for: request.function, now: now) }
        guard request.certificates.isEmpty else {
            return DelegationCheck.decide(request, shown: secret, author: author, dna: dna, grants: grants, now: now)
        }
        var refusal = CapabilityRefusal.wrong
        for grant in grants.grants(with: secret) {
            if let assignees = grant.assignees, !assignees.contains(request.provenance) {
                refusal = .notAssigned
            } else if let functions = grant.functions, !functions.contains(request.function) {
                refusal = .notForFunction
            } else if let ended = grants.refusal(of: grant, now: now) {
                refusal = ended
            } else {
                return .granted(grant.address)
            }
        }
        return .refused(refusal)
    }
}

extension CapabilityRefusal {
    /// The stable code of this refusal.
    public var code: PlasmidError.Code {
        switch self {
        case .missing: .capabilityMissing
        case .wrong: .capabilityWrong
        case .notAssigned: .capabilityNotAssigned
        case .notForFunction: .capabilityNotForFunction
        case .expired: .capabilityExpired
        case .spent: .capabilitySpent
        case .notTransferable: .capabilityNotTransferable
        }
    }

    /// The refusal as an error for the caller: it names the function and never a secret.
    public func error(_ function: ZomeFunction, caller: AgentPubKey) -> PlasmidError {
        let start = "\(caller) does not have Capability to call '\(function.function)' of zome '\(function.zome)'"
        return PlasmidError(code, "\(start): \(reason).", hint: hint)
    }

    private var reason: String {
        switch self {
        case .missing: "no capability secret was shown"
        case .wrong: "no grant in effect has the secret that was shown"
        case .notAssigned: "the capability was given to other agents"
        case .notForFunction: "the capability that was shown does not cover this function"
        case .expired: "the capability that was shown has expired"
        case .spent: "all uses of the capability that was shown were made"
        case .notTransferable: "the capability was passed on, and it is not a transferable one"
        }
    }

    private var hint: String {
        switch self {
        case .missing: "ask the author for a capability, then call with its secret"
        case .wrong: "it may have been revoked; ask the author for a new one"
        case .notAssigned: "an assigned capability works for the agents that it names"
        case .notForFunction: "ask the author for a grant that lists the function"
        case .expired, .spent: "ask the author for a new one"
        case .notTransferable: "ask the author for a capability of your own"
        }
    }
}
