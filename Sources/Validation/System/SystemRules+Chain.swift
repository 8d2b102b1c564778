import Integrity

/// Rules 1–8: how an action stands in its chain.
extension SystemRules {
    /// Rule 1, which needs the action alone.
    func checkPlace(_ action: Action, _ findings: inout Findings) {
        let isDna = action.type == .dna
        if isDna, action.actionSeq != 0 || action.prevAction != nil {
            findings.reject(1, "The action that names the DNA can only be the first of a source chain.")
        } else if !isDna, action.actionSeq == 0 || action.prevAction == nil {
            findings.reject(1, "A source chain can only begin with the action that names the DNA.")
        }
    }

    /// Rules 2–8, which need the action before.
    func checkChain(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        if case .dna(let named) = action.data, named != dnaHash {
            findings.reject(2, .dnaMismatch, "The source chain was begun for another DNA, \(named), than \(dnaHash).")
        }
        guard let hash = action.prevAction else { return }
        guard let previous = try reads.action(hash) else { return findings.miss(.action(hash)) }
        if previous.author != action.author {
            findings.reject(4, "An action by \(action.author) continues the source chain of \(previous.author).")
        }
        if action.timestamp < previous.timestamp {
            findings.reject(5, "An action's time lies before the time of the action that it follows.")
        }
        if previous.actionSeq == .max || action.actionSeq != previous.actionSeq + 1 {
            findings.reject(
                6, "An action has number \(action.actionSeq), yet the one that it follows has \(previous.actionSeq).")
        }
        checkNeighbours(previous, action, &findings)
        checkNotePlace(action, after: previous, &findings)
    }

    private func checkNeighbours(_ previous: Action, _ action: Action, _ findings: inout Findings) {
        let afterProof = previous.type == .agentValidationPkg
        let isKey = action.entryType == .agentPubKey
        if afterProof, !isKey {
            findings.reject(
                7, "The membrane proof must be followed by the agent's key, and is followed by something else.")
        } else if isKey, !afterProof {
            findings.reject(7, "An agent's key must follow a membrane proof, and follows something else.")
        }
        if previous.type == .closeChain {
            findings.reject(8, .chainClosed, "The source chain of \(action.author) was closed; nothing may follow.")
        }
    }
}
