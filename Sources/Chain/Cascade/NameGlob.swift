import Integrity

/// A pattern for names, as 2019's `query` had them: `/` parts a name, `*` stands for anything within a part, `**` for
/// anything at all, `?` for one character of a part, `[abc]`, `[a-z]` and `[!abc]` for one character of a set, `{a,b}` for
/// either. Everything else stands for itself. Bytes of UTF-8 are compared, a character of a set is one Unicode scalar.
public struct NameGlob: Sendable, Hashable {
    private enum Piece: Hashable {
        case scalar(Unicode.Scalar)
        case anyOne
        case anyInPart
        case anything
        case set([ClosedRange<Unicode.Scalar>], negated: Bool)

        /// Whether it stands for this one character.
        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .scalar(let wanted): scalar == wanted
            case .set(let ranges, let negated):
                scalar != "/" && ranges.contains { $0.contains(scalar) } != negated
            case .anyOne, .anyInPart, .anything: scalar != "/"
            }
        }
    }

    /// One for each way to choose among `{a,b}`.
    private let choices: [[Piece]]
    /// Whether it is a plain name.
    public let isPlain: Bool

    /// Most ways to choose that a pattern may have.
    private static let choicesMaximum = 16

    /// Reads a pattern.
    /// - Throws: `badInput` for a bracket that is not closed, a set without characters, or too many choices.
    public init(_ text: String) throws(PlasmidError) {
        guard text.utf8.count <= Limits.nameBytes * 2 else { throw Self.faulty(text, "is too long") }
        choices = try Self.expanded(Array(text.unicodeScalars), text).map { scalars throws(PlasmidError) in
            try Self.pieces(scalars, text)
        }
        isPlain = choices.count == 1 && choices[0].allSatisfy { if case .scalar = $0 { true } else { false } }
    }

    /// Whether the pattern stands for this name.
    public func matches(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        return choices.contains { Self.matches($0, scalars) }
    }

    /// Goes through pattern and name side by side, with all places in the name that the pattern so far may have reached: no
    /// pattern takes longer than its length times the name's.
    private static func matches(_ pieces: [Piece], _ name: [Unicode.Scalar]) -> Bool {
        var reached = [Bool](repeating: false, count: name.count + 1)
        reached[0] = true
        for piece in pieces {
            switch piece {
            case .anything:
                guard let first = reached.firstIndex(of: true) else { return false }
                for place in first...name.count { reached[place] = true }
            case .anyInPart:
                for place in name.indices where reached[place] && name[place] != "/" { reached[place + 1] = true }
            case .scalar, .anyOne, .set:
                for place in name.indices.reversed() { reached[place + 1] = reached[place] && piece.takes(name[place]) }
                reached[0] = false
            }
        }
        return reached[name.count]
    }

    private static func faulty(_ text: String, _ why: String) -> PlasmidError {
        PlasmidError(.badInput, "the pattern `\(text)` \(why)", hint: "for example post, blog/*, [!%]* or **")
    }

    /// Every way to choose among the first `{…}` and all behind it. One inside another is not known.
    private static func expanded(_ scalars: [Unicode.Scalar], _ text: String) throws(PlasmidError) -> [[Unicode.Scalar]]
    {
        guard let open = scalars.firstIndex(of: "{") else {
            guard !scalars.contains("}") else { throw faulty(text, "closes a bracket that it never opened") }
            return [scalars]
        }
        guard let close = scalars[open...].firstIndex(of: "}") else { throw faulty(text, "does not close its `{`") }
        let tails = try expanded(Array(scalars[(close + 1)...]), text)
        var all: [[Unicode.Scalar]] = []
        for choice in scalars[(open + 1)..<close].split(separator: ",", omittingEmptySubsequences: false) {
            guard !choice.contains("{") else { throw faulty(text, "has a `{` inside another") }
            for tail in tails { all.append(Array(scalars[..<open]) + choice + tail) }
            guard all.count <= choicesMaximum else { throw faulty(text, "has too many choices") }
        }
        return all
    }

    private static func pieces(_ scalars: [Unicode.Scalar], _ text: String) throws(PlasmidError) -> [Piece] {
        var pieces: [Piece] = []
        var at = 0
        while at < scalars.count {
            switch scalars[at] {
            case "*":
                let isDouble = at + 1 < scalars.count && scalars[at + 1] == "*"
                pieces.append(isDouble ? .anything : .anyInPart)
                at += isDouble ? 2 : 1
            case "?":
                pieces.append(.anyOne)
                at += 1
            case "[":
                guard let close = scalars[(at + 1)...].dropFirst().firstIndex(of: "]") else {
                    throw faulty(text, "does not close its `[`")
                }
                pieces.append(try set(Array(scalars[(at + 1)..<close]), text))
                at = close + 1
            default:
                pieces.append(.scalar(scalars[at]))
                at += 1
            }
        }
        return pieces
    }

    private static func set(_ scalars: [Unicode.Scalar], _ text: String) throws(PlasmidError) -> Piece {
        let negated = scalars.first == "!"
        let members = negated ? Array(scalars.dropFirst()) : scalars
        guard !members.isEmpty else { throw faulty(text, "has a set without characters") }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var at = 0
        while at < members.count {
            if at + 2 < members.count, members[at + 1] == "-" {
                guard members[at] <= members[at + 2] else { throw faulty(text, "has a range that runs backwards") }
                ranges.append(members[at]...members[at + 2])
                at += 3
            } else {
                ranges.append(members[at]...members[at])
                at += 1
            }
        }
        return .set(ranges, negated: negated)
    }
}
