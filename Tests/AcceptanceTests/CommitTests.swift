import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("commits through the real conductor", .timeLimit(.minutes(5)))
struct CommitTests {
    @Test("§11.44 a committed entry has the address that was returned, and another agent gets it")
    func committed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let written = try await alice.call("write", #"{"text":"hello"}"#)
            let (action, entry) = (try #require(written["action"]?.text), try #require(written["entry"]?.text))
            let bytes = try JSONText.messagePack(fromJSON: Array(#"{"text":"hello"}"#.utf8))
            #expect(try EntryHash(entry) == Entry.app(bytes).hash)
            for (function, hash) in [("get", action), ("get_entry", entry)] {
                let got = try await bob.call(function, #"{"hash":"\#(hash)"}"#)
                #expect(got["text"]?.text == "hello")
                #expect(got["hash"]?.text == action)
                #expect(got["author"]?.text == alice.agent.text)
            }
        }
    }

    @Test("§11.45 an invalid entry changes nothing, and the caller reads the validator's words")
    func invalid() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"good"}"#)
            let before = try await alice.length(conductor)
            let outcome = await alice.outcome("write", #"{"text":"invalid"}"#)
            #expect(
                outcome
                    == .err(kind: "ValidationFailed", code: "validationFailed", words: "this page asks to be refused"))
            #expect(try await alice.length(conductor) == before)
            #expect(try await alice.call("pages").items == [.string("good")])
            try await alice.call("write", #"{"text":"next"}"#)
            #expect(try await alice.length(conductor) == before + 1)
        }
    }

    @Test("§11.46 an entry type that the manifest does not have is refused by name")
    func undeclared() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let before = try await eve.length(conductor)
            let outcome = await eve.outcome("create_undeclared", zome: "hostile")
            #expect(outcome.code == "unknownEntryType" && outcome.words.contains("undeclared"))
            // `init` ran before the call: its mark, and nothing else, is new.
            #expect(try await eve.length(conductor) == before + 1)
        }
    }

    @Test("§11.48 a removed entry is not got; its first record is still there; it cannot be updated")
    func removed() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let written = try await alice.call("write", #"{"text":"mistake"}"#)
            let action = try #require(written["action"]?.text)
            try await alice.call("remove", #"{"hash":"\#(action)"}"#)
            for reader in [alice, bob] {
                #expect(try await reader.call("get", #"{"hash":"\#(action)"}"#) == .null)
                let entry = try #require(written["entry"]?.text)
                #expect(try await reader.call("get_entry", #"{"hash":"\#(entry)"}"#) == .null)
                #expect(try await reader.call("initial", #"{"hash":"\#(action)"}"#)["text"]?.text == "mistake")
            }
            let before = try await alice.length(conductor)
            let update = await alice.outcome("change", #"{"hash":"\#(action)","text":"again"}"#)
            #expect(update.code == "notFound" && update.words.contains("deleted"))
            #expect(try await alice.length(conductor) == before)
        }
    }

    @Test("§11.53 a private entry is its author's: nobody else gets, queries or dumps it")
    func privateEntries() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let secret = "between me and me \(alice.agent)"
            let written = try await alice.call("write_private", #"{"text":"\#(secret)"}"#)
            let (action, entry) = (try #require(written["action"]?.text), try #require(written["entry"]?.text))
            #expect(try await alice.call("diaries").items.last == .string(secret))
            #expect(try await alice.call("must_get_entry", #"{"hash":"\#(entry)"}"#) != .null)
            // The action is public, what it created is not.
            let seen = try await bob.call("get", #"{"hash":"\#(action)"}"#)
            #expect(seen["author"]?.text == alice.agent.text && seen["text"] == .null)
            let byEntry = try await bob.call("get_entry", #"{"hash":"\#(entry)"}"#)
            #expect(byEntry == .null || byEntry["text"] == .null)
            let must = await bob.outcome("must_get_entry", #"{"hash":"\#(entry)"}"#)
            #expect(must.code == "missingDependency")
            #expect(try await bob.call("diaries").items.allSatisfy { $0.text != secret })
            // Through the functions that are public, on the author's own cell, either.
            #expect(try await bob.call("initial", #"{"hash":"\#(action)"}"#)["text"] == .null)
            let dump = try await conductor.admin("admin/dump", #"{"instance_id":"bob/main"}"#)
            #expect(!"\(dump)".contains(secret))
            // On disk it lies sealed.
            for name in conductor.folder.listing() {
                #expect(!conductor.folder.file(name, holds: secret), "\(name)")
            }
        }
    }

    @Test("§11.54 a call that commits twice and then fails leaves neither commit")
    func allOrNothing() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("who")
            let before = try await alice.length(conductor)
            let outcome = await alice.outcome("write_twice_then_fail")
            #expect(outcome.code == "changedMyMind")
            #expect(try await alice.length(conductor) == before)
            #expect(try await alice.call("pages").items.isEmpty)
            #expect(try await alice.call("diaries").items == [.string("opened")])
        }
    }

    @Test("§11.54 two parallel writers on one cell, and 32, give one linear chain with everything on it")
    func writers() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            var expected: [String] = []
            for writers in [2, 32] {
                let texts = (0..<writers).map { "\(writers) writers, number \($0)" }
                let calls = texts.map { alice.begin("write", #"{"text":"\#($0)"}"#) }
                var places: Set<Int64> = []
                for call in calls {
                    let written = try #require(try await call.get().value)
                    places.insert(try #require(written["seq"]?.number))
                }
                #expect(places.count == writers)
                expected += texts
            }
            #expect(Set(try await alice.call("pages").items.compactMap(\.text)) == Set(expected))
            try await Self.expectLinear(alice)
        }
    }

    /// Each action follows the one before it.
    private static func expectLinear(_ person: Person) async throws {
        let chain = try await person.chain()
        for (index, line) in chain.enumerated() {
            #expect(line["seq"]?.number == Int64(index))
            #expect(line["prev"] == (index == 0 ? .null : chain[index - 1]["hash"]))
        }
    }

    @Test("a call reads its own writes before it returns, and its head moves with them")
    func readYourWrites() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let seen = try await alice.call("read_own_write", #"{"text":"fresh"}"#)
            #expect(seen["text"]?.text == "fresh")
            for key in ["inQuery", "inLinks", "isGone"] { #expect(seen[key] == .bool(true), "\(key)") }
            #expect(seen["steps"]?.number == 3)
            try await Self.expectLinear(alice)
        }
    }

    @Test("init runs once in the life of a cell, whoever asks first and however often it is started")
    func initOnce() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let calls = (0..<8).map { _ in alice.begin("who") }
            for call in calls { #expect(try await call.get().isOK) }
            #expect(try await alice.call("diaries").items == [.string("opened")])
            #expect(alice.frames.signals("init").count == 1)
        }
        try await TestConductor.with(in: folder) { conductor in
            let alice = try await conductor.person("alice")
            #expect(try await alice.call("diaries").items == [.string("opened")])
            let types = try await alice.chain().compactMap { $0["type"]?.text }
            #expect(types == ["Dna", "AgentValidationPkg", "Create", "Create", "InitZomesComplete"])
            #expect(alice.frames.signals("init").isEmpty)
        }
    }

    @Test("post_commit runs after a commit with its actions, and not after a call that wrote nothing or failed")
    func postCommit() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("who")
            _ = await alice.outcome("write_twice_then_fail")
            let action = try await alice.call("write", #"{"text":"noted"}"#)["action"]
            let signals = try await alice.frames.wait(for: "post_commit", count: 2)
            // The first is that of `init`.
            #expect(signals.last?.arguments?["actions"]?.items == [action ?? .null])
            #expect(signals.allSatisfy { $0.arguments?["caller"] == .null })
        }
    }

    @Test("an entry beyond its type's size is refused with the two numbers, and nothing is written")
    func tooLarge() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write_large", #"{"count":2000}"#)
            let before = try await alice.length(conductor)
            for count in [2_048, 100_000, 5_000_000] {
                let outcome = await alice.outcome("write_large", #"{"count":\#(count)}"#)
                #expect(outcome.code == "entryTooLarge" && outcome.words.contains("2048"), "\(outcome)")
            }
            #expect(try await alice.length(conductor) == before)
        }
    }

    @Test("addresses that lead nowhere, of the wrong kind or with a flipped character are errors that say so")
    func unknownAddresses() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let nowhere = ActionHash(hashing: [1, 2, 3])
            #expect(try await alice.call("get", #"{"hash":"\#(nowhere)"}"#) == .null)
            for function in ["change", "remove", "unlink", "revoke"] {
                let outcome = await alice.outcome(function, #"{"hash":"\#(nowhere)","text":"x"}"#)
                #expect(outcome.code == "notFound" && outcome.words.contains(nowhere.text), "\(function): \(outcome)")
            }
            #expect(await alice.outcome("initial", #"{"hash":"\#(nowhere)"}"#).code == "missingDependency")
            let flipped = String(nowhere.text.dropLast()) + (nowhere.text.hasSuffix("A") ? "B" : "A")
            for text in [alice.agent.text, flipped, "uhCkk", "", "hello"] {
                let outcome = await alice.outcome("get", #"{"hash":"\#(text)"}"#)
                #expect(outcome.code == "badInput" && outcome.words.contains("hash"), "\(text): \(outcome)")
            }
        }
    }
}
