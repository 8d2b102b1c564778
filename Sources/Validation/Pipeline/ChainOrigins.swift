import Integrity

/// For which DNA the chains were begun that ops are of, as far as it can be seen here: by the hashes of the actions before an action, back
/// to the one that names the DNA. Nothing else ties an action to a space: the same key may have chains in several, and whoever has
/// seen one of them could bring its ops here.
///
/// What was walked over is remembered, so that an action costs a look at the one before it, and a chain is walked once.
struct ChainOrigins: Sendable {
    enum Origin: Hashable, Sendable {
        /// Begun for this DNA.
        case here
        /// Begun for another, or for none.
        case elsewhere
        /// The actions before it are not all here, or more than are looked at in one go.
        case unseen
    }

    private enum Mark: Sendable {
        case known(Origin)
        /// Whatever is true of this earlier action.
        case likeEarlier(ActionHash)
    }

    private var marks: [ActionHash: Mark] = [:]

    /// Actions that are looked at for one answer.
    private static let stepsMaximum = 256
    /// Actions that are remembered.
    private static let marksMaximum = 20_000

    /// The origin of an action that is of true hash.
    /// - Throws: what `reads` throws.
    mutating func origin(
        of hash: ActionHash, _ action: Action, dna: DnaHash, reads: some ValidationReads
    ) throws(PlasmidError) -> Origin {
        var walked: [ActionHash] = []
        var at = hash.unplaced
        var found: Origin?
        while found == nil, walked.count < Self.stepsMaximum {
            switch marks[at] {
            case .known(let origin): found = origin
            case .likeEarlier(let earlier):
                walked.append(at)
                at = earlier
            case nil:
                guard let seen = walked.isEmpty ? action : try reads.action(at) else {
                    return remember(walked, .likeEarlier(at), .unseen)
                }
                walked.append(at)
                if case .dna(let named) = seen.data {
                    found = named == dna && seen.prevAction == nil ? .here : .elsewhere
                } else if let previous = seen.prevAction {
                    at = previous.unplaced
                } else {
                    found = .elsewhere
                }
            }
        }
        guard let found else { return remember(walked, .likeEarlier(at), .unseen) }
        return remember(walked, .known(found), found)
    }

    private mutating func remember(_ walked: [ActionHash], _ mark: Mark, _ origin: Origin) -> Origin {
        if marks.count + walked.count > Self.marksMaximum { marks = [:] }
        for hash in walked {
            // An action that is not here says nothing of itself yet.
            if case .likeEarlier(let earlier) = mark, earlier == hash { continue }
            marks[hash] = mark
        }
        return origin
    }
}
