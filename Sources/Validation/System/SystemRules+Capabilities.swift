import Integrity

/// Rules 29 and 32: capabilities, and what stands beside them.
extension SystemRules {
    /// Rule 29.
    func checkGrants(_ entry: RecordEntry, _ findings: inout Findings) {
        do throws(PlasmidError) {
            switch entry.entry {
            case .capGrant(let grant): try GrantRules.check(grant, dna: dna)
            case .capClaim(let claim): try GrantRules.check(claim)
            default: break
            }
        } catch {
            findings.reject(29, error.code, error.message)
        }
    }

    /// Rule 32, as far as everybody sees it: a note follows a capability, and stays as it is.
    func checkNotePlace(_ action: Action, after previous: Action, _ findings: inout Findings) {
        guard action.entryType == .capNote else { return }
        if action.type != .create {
            findings.reject(32, .badCapability, "What was noted beside a capability is not changed.")
        }
        if previous.entryType != .capGrant, previous.entryType != .capClaim {
            findings.reject(32, .badCapability, "A note beside a capability follows no capability.")
        }
    }

    /// Rule 32, on the entry: its author's node alone sees it.
    func checkNote(_ action: Action, _ entry: RecordEntry, _ findings: inout Findings) {
        guard action.entryType == .capNote, case .present(let content) = entry else { return }
        guard let note = try? CapNote(content) else {
            return findings.reject(32, .badCapability, "What stands beside a capability cannot be read.")
        }
        if note.about != action.prevAction {
            findings.reject(32, .badCapability, "A note is about another capability than the one that it follows.")
        }
        switch note {
        case .limits(_, let limits):
            if limits.isNone || limits.uses == 0 {
                findings.reject(32, .badCapability, "A capability is limited to nothing at all, or not at all.")
            }
        case .delegation(_, let certificates):
            if certificates.isEmpty || certificates.count > Limits.delegationDepth {
                findings.reject(
                    32, .badCapability,
                    "A capability was passed on \(certificates.count) times; 1 to \(Limits.delegationDepth) are possible."
                )
            }
            if certificates.last?.to != action.author {
                findings.reject(32, .badCapability, "A capability that was passed on to somebody else is claimed.")
            }
            if certificates.contains(where: { $0.dna != dnaHash }) {
                findings.reject(32, .badCapability, "A capability of another app is claimed.")
            }
        }
    }
}
