import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("declarative rules through the real conductor", .timeLimit(.minutes(5)))
struct DeclaredRuleTests {
    private static func refused(_ words: String) -> Outcome {
        .err(kind: "ValidationFailed", code: "validationFailed", words: words)
    }

    private static let taken =
        "`slug` is taken: another 'ruled' of the same author has this value."

    @Test("§11.45 a refusal is a sentence about the field; nothing of the call is written")
    func refusals() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write_ruled", #"{"text":"good"}"#)
            let before = try await alice.length(conductor)
            let told = [
                (#"{"text":""}"#, "`text` must not be empty."),
                (#"{"text":"\#(String(repeating: "é", count: 51))"}"#, "`text` is too long: 102 bytes, at most 100."),
            ]
            for (entry, words) in told { #expect(await alice.outcome("write_ruled", entry) == Self.refused(words)) }
            let many = await alice.outcome("write_many_ruled", #"{"entries":[{"text":"a"},{"text":""}]}"#)
            #expect(many == Self.refused("`text` must not be empty."))
            #expect(try await alice.length(conductor) == before)
        }
    }

    @Test("what an entry names must be there, and be of the type")
    func references() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let page = try #require(try await alice.call("write", #"{"text":"page"}"#)["action"]?.text)
            let ruled = try #require(try await alice.call("write_ruled", #"{"text":"x","about":"\#(page)"}"#).text)
            let wrong = await alice.outcome("write_ruled", #"{"text":"x","about":"\#(ruled)"}"#)
            #expect(wrong == Self.refused("`about` must name a 'page', and names something else."))
            let nowhere = ActionHash(hashing: [1]).text
            let missing = await alice.outcome("write_ruled", #"{"text":"x","about":"\#(nowhere)"}"#)
            #expect(missing == Self.refused("it refers to \(nowhere), which is not held here"))
        }
    }

    @Test("who may change and delete, and who may link and unlink")
    func permissions() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let hash = try #require(try await alice.call("write_ruled", #"{"text":"mine"}"#).text)
            let change = #"{"hash":"\#(hash)","entry":{"text":"changed"}}"#
            #expect(await bob.outcome("change_ruled", change) == Self.refused("Only its author may change a 'ruled'."))
            try await alice.call("change_ruled", change)
            for person in [alice, bob] {
                let removed = await person.outcome("remove", #"{"hash":"\#(hash)"}"#)
                #expect(removed == Self.refused("A 'ruled' cannot be deleted."))
            }
            func link(_ type: String, _ base: String, _ target: String) -> String {
                #"{"base":"\#(base)","target":"\#(target)","type":"\#(type)","tag":""}"#
            }
            let key = bob.agent.entryHash.text
            #expect(!(await bob.outcome("link", link("sealed", key, hash)).isOK))
            let sealed = try #require(try await alice.call("link", link("sealed", key, hash)).text)
            let unsealed = await alice.outcome("unlink", #"{"hash":"\#(sealed)"}"#)
            #expect(unsealed == Self.refused("A link 'sealed' stands for good."))
            // What others hang on one's own entry one may take down.
            let hung = try #require(try await bob.call("link", link("hosted", hash, key)).text)
            let eve = try await conductor.install(Places.workshop, as: "eve")
            #expect(!(await eve.outcome("unlink", #"{"hash":"\#(hung)"}"#).isOK))
            try await alice.call("unlink", #"{"hash":"\#(hung)"}"#)
            // An entry that no other node will see is no such end on its author's node either.
            let diary = try await alice.call("write_private", #"{"text":"dear"}"#)
            let dear = try #require(diary["entry"]?.text)
            let hidden = await alice.outcome("link", link("hosted", dear, key))
            #expect(hidden.code == "validationFailed" && hidden.words.contains("not held"), "\(hidden)")
            #expect(await alice.outcome("link", link("any", dear, key)).isOK)
        }
    }

    @Test("32 writers of one unique value at once: one gets it, also after a restart, and another author too")
    func unique() async throws {
        let folder = try TestFolder()
        let entry = #"{"text":"x","slug":"one"}"#
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let calls = (0..<32).map { _ in alice.begin("write_ruled", entry) }
            var outcomes: [Outcome] = []
            for call in calls { outcomes.append(try await call.get()) }
            #expect(outcomes.filter(\.isOK).count == 1)
            for outcome in outcomes where !outcome.isOK { #expect(outcome == Self.refused(Self.taken)) }
            let bob = try await conductor.install(Places.workshop, as: "bob")
            #expect(await bob.outcome("write_ruled", entry).isOK)
            let twice = #"{"entries":[{"text":"a","slug":"two"},{"text":"b","slug":"two"}]}"#
            #expect(await bob.outcome("write_many_ruled", twice) == Self.refused(Self.taken))
        }
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(await alice.outcome("write_ruled", entry) == Self.refused(Self.taken))
            #expect(await alice.outcome("write_ruled", #"{"text":"x","slug":"two"}"#).isOK)
        }
    }
}
