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

    /// A request by `provenance` to run `function`.
    public init(provenance: AgentPubKey, secret: CapSecret?, function: ZomeFunction) {
        self.provenance = provenance
        self.secret = secret
        self.function = function
    }
}

/// Why a call was not allowed.
public enum CapabilityRefusal: Hashable, Sendable {
    /// No secret was shown, and no open grant lists the function.
    case missing
    /// No grant in effect has this secret: it was never given, or it was revoked.
    case wrong
    /// The grant was given to others.
    case notAssigned
    /// The grant does not list the function, or only the author may call it.
    case notForFunction
}

/// The answer to a ``CapabilityRequest``.
public enum CapabilityVerdict: Hashable, Sendable {
    /// The caller is the author of the chain.
    case author
    /// The DNA opens the function to everyone.
    case open
    /// This grant allows it.
    case granted(ActionHash)
    /// Nothing allows it.
    case refused(CapabilityRefusal)

    /// Whether the call may run.
    public var allows: Bool {
        if case .refused = self { false } else { true }
    }
}

/// The one place that decides whether a call may run (DESIGN §8). Pure: it sees what it is handed.
public enum CapabilityCheck {
    /// Decides on `request` against the chain of `author`, whose grants in effect are `grants`; `access` is what the DNA says
    /// of the function. Only the author's own key is the author; a secret never is.
    public static func decide(
        _ request: CapabilityRequest, author: AgentPubKey, access: FunctionAccess, grants: GrantBook
    ) -> CapabilityVerdict {
        if request.provenance == author { return .author }
        switch access {
        case .public: return .open
        case .author: return .refused(request.secret == nil ? .missing : .notForFunction)
        case .granted: break
        }
        guard let secret = request.secret else {
            return grants.openGrant(for: request.function).map(CapabilityVerdict.granted) ?? .refused(.missing)
        }
        var refusal = CapabilityRefusal.wrong
        for grant in grants.grants(with: secret) {
            if let assignees = grant.assignees, !assignees.contains(request.provenance) {
                refusal = .notAssigned
            } else if let functions = grant.functions, !functions.contains(request.function) {
                refusal = .notForFunction
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
        }
    }

    /// The refusal as an error for the caller: it names the function and never a secret.
    public func error(_ function: ZomeFunction, caller: AgentPubKey) -> PlasmidError {
        let start = "\(caller) does not have Capability to call '\(function.function)' of zome '\(function.zome)'"
        return switch self {
        case .missing:
            PlasmidError(
                code, "\(start): no capability secret was shown.",
                hint: "ask the author for a capability, then call with its secret")
        case .wrong:
            PlasmidError(
                code, "\(start): no grant in effect has the secret that was shown.",
                hint: "it may have been revoked; ask the author for a new one")
        case .notAssigned:
            PlasmidError(
                code, "\(start): the capability was given to other agents.",
                hint: "an assigned capability works for the agents that it names")
        case .notForFunction:
            PlasmidError(
                code, "\(start): the capability that was shown does not cover this function.",
                hint: "ask the author for a grant that lists the function")
        }
    }
}
