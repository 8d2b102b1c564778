import Conductor
import Foundation
import Integrity
import Synchronization

/// What was done in a network and what came of it, in words that are the same in the next run: the calls in the order in
/// which they were answered, then each person's signals in theirs.
///
///     ada → workshop.write {"text":"hello"}
///       = <action 1>
///     ada → workshop.remove {"hash":"<action 1>"}
///       ✗ capabilityMissing: …
///     ben ← kept {"caller":"<ada>"}
///
/// Agents show their names, other addresses are numbered in the order in which they first appear, and keys are sorted.
public final class Transcript: Sendable {
    fileprivate struct State {
        var calls: [String] = []
        /// Who heard it, and what.
        var signals: [(person: String, line: String)] = []
        var names: [String: String] = [:]
        var people: [String: String] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// The lines so far.
    public var lines: [String] {
        let state = state.withLock { $0 }
        var naming = Naming(names: state.names)
        let people = state.signals.map(\.person).reduce(into: Set<String>()) { $0.insert($1) }.sorted()
        let signals = people.flatMap { person in state.signals.filter { $0.person == person }.map(\.line) }
        return (state.calls + signals).map { naming.shown($0) }
    }

    /// Compares what was recorded with a file, or writes the file where the environment variable `PLASMID_TRANSCRIPTS` is
    /// `record`; read the difference before you keep it.
    /// - Throws: ``TranscriptMismatch`` with the first line that differs; an error of the file.
    public func compare(with file: String) throws {
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["PLASMID_TRANSCRIPTS"] == "record" {
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            return
        }
        let expected = try String(contentsOfFile: file, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        let seen = lines
        for index in 0..<max(expected.count, seen.count) {
            let (old, new) = (expected.dropFirst(index).first, seen.dropFirst(index).first)
            if old != new { throw TranscriptMismatch(line: index + 1, expected: old, seen: new) }
        }
    }

    func know(_ person: Person) {
        state.withLock { state in
            state.names[person.agent.text] = "<\(person.name)>"
            state.people[person.instance] = person.name
        }
    }

    func called(_ person: Person, _ request: ClientRequest, _ result: Result<[UInt8], Refusal>) {
        let at = request.instanceID == person.instance ? "" : " of \(request.instanceID)"
        let call = "\(person.name) → \(request.zome).\(request.function)\(at) \(Self.json(request.payload))"
        let end =
            switch result {
            case .success(let bytes): "  = \(Self.json(bytes))"
            case .failure(let refusal): "  ✗ \(refusal)"
            }
        state.withLock { $0.calls += [call, end] }
    }

    func heard(_ signal: UserSignal) {
        let arguments = Self.json(signal.payload)
        state.withLock { state in
            let person = state.people[signal.instanceID] ?? signal.instanceID
            state.signals.append((person, "\(person) ← \(signal.name) \(arguments)"))
        }
    }

    private static func json(_ packed: [UInt8]) -> String {
        guard let value = try? MessagePackValue(packed: packed),
            let json = try? JSONText.json(fromMessagePack: value.sorted.packed)
        else { return "<no JSON>" }
        return String(decoding: json, as: UTF8.self)
    }
}

/// Names in the place of addresses.
private struct Naming {
    private static var address: Regex<Substring> { /uhC[kE0A][0kA-Za-z0-9_-]{49}/ }

    var names: [String: String]
    private var counts: [String: Int] = [:]

    init(names: [String: String]) { self.names = names }

    mutating func shown(_ line: String) -> String {
        var shown = ""
        var rest = line[...]
        while let match = rest.firstMatch(of: Self.address) {
            shown += rest[..<match.range.lowerBound] + name(of: String(match.output))
            rest = rest[match.range.upperBound...]
        }
        return shown + rest
    }

    private mutating func name(of address: String) -> String {
        if let known = names[address] { return known }
        let kind =
            switch address.prefix(5) {
            case "uhCkk": "action"
            case "uhCEk": "entry"
            case "uhCAk": "agent"
            default: "dna"
            }
        counts[kind, default: 0] += 1
        let name = "<\(kind) \(counts[kind, default: 0])>"
        names[address] = name
        return name
    }
}

/// The first place where a session went otherwise than it was recorded.
public struct TranscriptMismatch: Error, Sendable, Hashable, CustomStringConvertible {
    /// Its number, from 1.
    public let line: Int
    /// What is written; nil where the file has ended.
    public let expected: String?
    /// What was seen; nil where the session has ended.
    public let seen: String?

    /// Both lines, one below the other.
    public var description: String {
        "line \(line):\n  written: \(expected ?? "the end")\n  seen:    \(seen ?? "the end")"
    }
}
