import Integrity

/// What is left of the room in an answer: entries are large, and ten thousand of them would not fit into memory.
struct AnswerBudget {
    private var left = Limits.answerBytes

    /// Takes a record's share.
    /// - Throws: `tooLarge` once the answer is full.
    mutating func spend(_ entry: Entry?) throws(PlasmidError) {
        // An action and its signature have a few hundred bytes; a membrane proof or a tag a few more.
        left -= 640 + Self.bytes(entry)
        guard left >= 0 else {
            throw PlasmidError(
                .tooLarge, "the answer would have more than \(Limits.answerBytes) bytes",
                hint: "ask for fewer records at a time, or without their entries")
        }
    }

    /// Takes the shares of actions without their entries.
    /// - Throws: `tooLarge` once the answer is full.
    mutating func spend(actions: Int) throws(PlasmidError) {
        for _ in 0..<actions { try spend(nil) }
    }

    private static func bytes(_ entry: Entry?) -> Int {
        switch entry {
        case nil, .agent: 0
        case .app(let bytes), .counterSign(_, let bytes): bytes.count
        // A grant may name ten thousand agents.
        case .capGrant, .capClaim: entry?.packed.count ?? 0
        }
    }
}
