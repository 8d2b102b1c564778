import Integrity
import Manifests
import Testing

@testable import plasmid

@Suite("isolation", .timeLimit(.minutes(5)))
struct IsolationTests {
    @Test("modules in the conductor itself give the same answers as modules in processes of their own")
    func same() async throws {
        var inside = TestSettings()
        inside.isolation = .none
        let apart = try await TestConductor.with { try await Self.flow($0) }
        let within = try await TestConductor.with(inside) { try await Self.flow($0) }
        #expect(apart == within)
        #expect(apart.count > 20)
    }

    /// Two people who write, answer, read and talk: every answer as text, with names instead of addresses.
    private static func flow(_ conductor: TestConductor) async throws -> [String] {
        let alice = try await conductor.install(Places.messenger, as: "alice")
        let bob = try await conductor.install(Places.messenger, as: "bob")
        var lines: [String] = []
        var names = [alice.agent.text: "ALICE", bob.agent.text: "BOB"]
        func tell(_ outcome: Outcome) {
            lines.append(Self.text(outcome, names))
        }
        let note = await alice.outcome("write", #"{"text":"hello","to":"\#(bob.agent)"}"#, zome: "messenger")
        let hash = try #require(note.value?.text)
        names[hash] = "NOTE"
        tell(note)
        let answer = await bob.outcome("write", #"{"text":"and to you","answers":["\#(hash)"]}"#, zome: "messenger")
        names[try #require(answer.value?.text)] = "ANSWER"
        tell(answer)
        for (person, function, args) in [
            (bob, "inbox", nil), (alice, "answers", #"{"hash":"\#(hash)"}"#), (bob, "read", #"{"hash":"\#(hash)"}"#),
            (alice, "write", #"{"text":""}"#), (alice, "write", "{}"),
            (alice, "write", #"{"text":"\#(String(repeating: "x", count: 4_001))"}"#),
            (bob, "update", #"{"hash":"\#(hash)","text":"not mine"}"#), (bob, "delete", #"{"hash":"\#(hash)"}"#),
            (alice, "say", #"{"to":"\#(bob.agent)","text":"are you there?"}"#), (alice, "notes", nil),
            (bob, "notes", nil), (alice, "note_count", nil), (alice, "ping", nil), (alice, "fly", nil),
            (alice, "read", #"{"hash":"\#(ActionHash(hashing: [1]))"}"#), (alice, "delete", #"{"hash":"\#(hash)"}"#),
            (bob, "inbox", nil), (bob, "read", #"{"hash":"\#(hash)"}"#), (alice, "notes", nil),
        ] as [(Person, String, String?)] {
            tell(await person.outcome(function, args, zome: "messenger"))
        }
        let heard = try await bob.frames.wait(for: "heard")
        for frame in heard { lines.append(Self.text(.ok(frame.arguments ?? .null), names)) }
        for person in [alice, bob] { lines.append("\(try await person.length(conductor))") }
        return lines
    }

    /// An outcome with names for addresses, without what differs from run to run.
    private static func text(_ outcome: Outcome, _ names: [String: String]) -> String {
        var text: String
        switch outcome {
        case .ok(let value): text = (try? JSONLines.text(timeless(value), indented: false)) ?? "?"
        case .err(let kind, let code, let words): text = "\(kind) \(code) \(words)"
        case .refused(let error): text = "\(error.code) \(error.message)"
        }
        for (address, name) in names { text = text.replacing(address, with: name) }
        return text.count > 53 && text.hasPrefix("\"uhCkk") ? "an action" : text
    }

    private static func timeless(_ value: MessagePackValue) -> MessagePackValue {
        switch value {
        case .array(let items): .array(items.map(timeless))
        case .map(let pairs):
            .map(pairs.filter { $0.key != .string("timestamp") }.map { .init(key: $0.key, value: timeless($0.value)) })
        default: value
        }
    }
}
