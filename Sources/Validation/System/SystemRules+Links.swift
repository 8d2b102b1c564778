import Integrity

/// Rules 14, 15 and 24–28: links.
extension SystemRules {
    /// Rules 14 and 24–26.
    func checkCreateLink(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        guard case .createLink(let base, let target, let zome, let index, let tag) = action.data else { return }
        if tag.count > Limits.linkTagBytes {
            let words = "The tag of a link has \(tag.count) bytes; at most \(Limits.linkTagBytes) are allowed."
            findings.reject(14, .linkTagTooLarge, words)
        }
        guard let definition = linkType(zome: zome, index: index) else {
            return findings.reject(24, .unknownLinkType, "The app has no link type \(index) in its zome \(zome).")
        }
        let start = LinkSide(rule: 25, link: definition.name, verb: "start from", author: action.author)
        try checkEnd(definition.base, base, start, reads, &findings)
        let end = LinkSide(rule: 25, link: definition.name, verb: "lead to", author: action.author)
        try checkEnd(definition.target, target, end, reads, &findings)
        switch definition.create {
        case .author:
            let words = "Only the author of what a link '\(definition.name)' starts from may make it"
            try checkAuthor(base, action.author, words, reads, &findings)
        case .targetAuthor:
            let words = "Only the author of what a link '\(definition.name)' leads to may make it"
            try checkAuthor(target, action.author, words, reads, &findings)
        case .anyone, .baseAuthor, .nobody: break
        }
    }

    /// One end of a link that is being judged, for the sentences about it.
    struct LinkSide {
        let rule: Int
        let link: String
        let verb: StaticString
        let author: AgentPubKey

        func words(_ allowed: String) -> String { "A link '\(link)' can only \(verb) \(allowed)." }
    }

    private func checkEnd(
        _ wanted: LinkEnd, _ address: AnyLinkableHash, _ side: LinkSide, _ reads: some ValidationReads,
        _ findings: inout Findings
    ) throws(PlasmidError) {
        switch wanted {
        case .any: break
        case .external:
            if address.external == nil { findings.reject(side.rule, side.words("something outside the app's data")) }
        case .agent:
            guard let hash = address.entry else { return findings.reject(side.rule, side.words("an agent")) }
            // The author's own key needs no look: its chain could not have come this far without it.
            if hash == side.author.entryHash { return }
            guard let kind = try reads.kind(of: hash) else { return findings.miss(.entry(hash)) }
            if kind == .agent { return }
            findings.reject(side.rule, side.words("an agent"))
        case .entry(let type): try checkEntryEnd(type, address, side, reads, &findings)
        }
    }

    /// An action says of what type its entry is. An entry's own address does not: two types can hold the same bytes, and
    /// which actions brought them is not the same on every node; so it is only checked to be an app's entry.
    private func checkEntryEnd(
        _ type: String, _ address: AnyLinkableHash, _ side: LinkSide, _ reads: some ValidationReads,
        _ findings: inout Findings
    ) throws(PlasmidError) {
        if let hash = address.action {
            guard let action = try reads.action(hash) else { return findings.miss(.action(hash)) }
            if case .app(let app)? = action.entryType, entryType(app)?.name == type { return }
            findings.reject(side.rule, side.words("a '\(type)'"))
        } else if let hash = address.entry {
            guard let kind = try reads.kind(of: hash) else { return findings.miss(.entry(hash)) }
            if kind != .app { findings.reject(side.rule, side.words("a '\(type)'")) }
        } else {
            findings.reject(side.rule, side.words("a '\(type)'"))
        }
    }

    /// Rule 26: who wrote an end. An entry's address has no one author, so it never shows that it is the link's.
    private func checkAuthor(
        _ end: AnyLinkableHash, _ author: AgentPubKey, _ words: String, _ reads: some ValidationReads,
        _ findings: inout Findings
    ) throws(PlasmidError) {
        switch try isAuthor(author, of: end, reads) {
        case .yes: break
        case .no: findings.reject(26, .notAuthor, "\(words), by the author's key or an action.")
        case .unknown(let hash): findings.miss(hash)
        }
    }

    private enum Authorship {
        case yes
        case no
        case unknown(AnyDhtHash)
    }

    /// Whether an end of a link is an agent's own key or an action of theirs.
    private func isAuthor(
        _ agent: AgentPubKey, of end: AnyLinkableHash, _ reads: some ValidationReads
    ) throws(PlasmidError) -> Authorship {
        if end.entry == agent.entryHash { return .yes }
        guard let hash = end.action else { return .no }
        guard let action = try reads.action(hash) else { return .unknown(.action(hash)) }
        return action.author == agent ? .yes : .no
    }

    /// Rules 15, 27 and 28.
    func checkDeleteLink(
        _ action: Action, _ reads: some ValidationReads, _ findings: inout Findings
    ) throws(PlasmidError) {
        guard case .deleteLink(let base, let add) = action.data else { return }
        guard let made = try reads.action(add) else { return findings.miss(.action(add)) }
        guard case .createLink(let linkBase, _, let zome, let index, _) = made.data else {
            return findings.reject(15, "Only a link can be taken back; this names an action that made none.")
        }
        if linkBase != base {
            findings.reject(28, "A link is taken back from another base than the one it starts from.")
        }
        guard let definition = linkType(zome: zome, index: index) else { return }
        switch definition.delete {
        case .anyone, .targetAuthor: break
        case .author:
            if made.author == action.author { return }
            findings.reject(27, .notAuthor, "Only who made a link '\(definition.name)' may take it back.")
        case .nobody: findings.reject(27, .notAuthor, "A link '\(definition.name)' stands for good.")
        case .baseAuthor:
            if made.author == action.author { return }
            switch try isAuthor(action.author, of: linkBase, reads) {
            case .yes: break
            case .unknown(let hash): findings.miss(hash)
            case .no:
                findings.reject(
                    27, .notAuthor,
                    "Only who made a link '\(definition.name)', or the author of what it starts from, may take it back."
                )
            }
        }
    }
}
