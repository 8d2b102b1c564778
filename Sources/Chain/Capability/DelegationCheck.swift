import Integrity

/// A call with a capability that was passed on (docs/decisions/008): from the grant's own secret each certificate's secret
/// is derived in turn, and the last must be the one shown. So each certificate was made by somebody who had the secret
/// before it, and none of its words can have been changed since.
enum DelegationCheck {
    static func decide(
        _ request: CapabilityRequest, shown: CapSecret, author: AgentPubKey, dna: DnaHash, grants: GrantBook,
        now: Timestamp
    ) -> CapabilityVerdict {
        let certificates = request.certificates
        guard certificates.count <= Limits.delegationDepth, let first = certificates.first,
            let last = certificates.last
        else { return .refused(.wrong) }
        var refusal = CapabilityRefusal.wrong
        for grant in grants.grants(fingerprint: first.parent) {
            guard let secret = grant.secret,
                derives(shown, from: secret, certificates, author: author, dna: dna)
            else { continue }
            if grant.assignees != nil {
                refusal = .notTransferable
            } else if last.to != request.provenance {
                refusal = .notAssigned
            } else if !covers(request.function, grant, certificates) {
                refusal = .notForFunction
            } else if let ended = grants.refusal(of: grant, certificates, now: now) {
                refusal = ended
            } else {
                return .delegated(grant.address, certificates)
            }
        }
        return .refused(refusal)
    }

    /// Whether `shown` is what `secret` becomes by these certificates, and each was signed by whoever had the one before.
    private static func derives(
        _ shown: CapSecret, from secret: CapSecret, _ certificates: [Delegation], author: AgentPubKey, dna: DnaHash
    ) -> Bool {
        var secret = secret
        var holder: AgentPubKey?
        for certificate in certificates {
            guard certificate.parent == secret.fingerprint, certificate.grantor == author, certificate.dna == dna,
                certificate.salt.count == Delegation.saltBytes, holder.map({ $0 == certificate.from }) ?? true
            else { return false }
            secret = secret.derived(for: certificate)
            holder = certificate.to
        }
        // Signatures last: whoever does not know the secret costs no more than a few hashes.
        return secret == shown && certificates.allSatisfy { $0.signature.verifies($0.signedBytes, by: $0.from) }
    }

    private static func covers(
        _ function: ZomeFunction, _ grant: GrantBook.Grant, _ certificates: [Delegation]
    ) -> Bool {
        grant.functions.map { $0.contains(function) } ?? true
            && certificates.allSatisfy { $0.functions.map { $0.contains(function) } ?? true }
    }
}
