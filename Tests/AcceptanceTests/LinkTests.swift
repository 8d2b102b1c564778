import Integrity
import Testing

@testable import plasmid

@Suite("links through the real conductor", .timeLimit(.minutes(5)))
struct LinkTests {
    @Test("§11.49 links by tag and type: exact sets in the order of time, full pages, `A` is not `a`, live ones only")
    func sets() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let base = EntryHash(core: alice.agent.core).text
            let target = try #require(try await alice.call("write", #"{"text":"target"}"#)["action"]?.text)
            var made: [String: String] = [:]
            for (type, tag) in [
                ("any", "a"), ("any", "b"), ("any", "A"), ("other", "a1"), ("any", "a2"), ("any", "a3"), ("any", "c"),
            ] {
                let link = try await alice.call(
                    "link", #"{"base":"\#(base)","target":"\#(target)","type":"\#(type)","tag":"\#(tag)"}"#)
                made[tag] = link.text
            }
            try await Self.expect(["a", "a2", "a3"], bob, base, #","types":["any"],"prefix":"a""#)
            try await Self.expect(["A"], bob, base, #","prefix":"A""#)
            try await Self.expect(["a1"], bob, base, #","types":["other"]"#)
            try await Self.expect(["a", "b", "A", "a1", "a2", "a3", "c"], bob, base, "")
            try await Self.expect([], bob, base, #","prefix":"zzz""#)
            let tags = ["a", "b", "A", "a1", "a2", "a3", "c"]
            for (newest, expected) in [(false, tags), (true, tags.reversed())] {
                let found = try await bob.call("links_in_order", #"{"base":"\#(base)","newest":\#(newest)}"#).items
                #expect(found.compactMap(\.text) == expected)
            }
            // What is taken back is gone from every page, and pages stay full.
            try await alice.call("unlink", #"{"hash":"\#(try #require(made["a2"]))"}"#)
            try await Self.expect(["a", "a3"], bob, base, #","types":["any"],"prefix":"a""#)
            let pages = try await Self.pages(bob, base, limit: 2)
            #expect(pages.map(\.count) == [2, 2, 2])
            #expect(Set(pages.joined()) == ["a", "b", "A", "a1", "a3", "c"])
        }
    }

    private static func expect(
        _ tags: [String], _ reader: Person, _ base: String, _ filter: String,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let page = try await reader.call("links", #"{"base":"\#(base)"\#(filter)}"#)
        let found = (page["tags"]?.items ?? []).compactMap(\.text)
        #expect(found.sorted() == tags.sorted(), sourceLocation: location)
        #expect(page["next"] == .null, sourceLocation: location)
    }

    private static func pages(_ reader: Person, _ base: String, limit: Int) async throws -> [[String]] {
        var pages: [[String]] = []
        var cursor = ""
        repeat {
            let page = try await reader.call("links", #"{"base":"\#(base)","limit":\#(limit)\#(cursor)}"#)
            pages.append((page["tags"]?.items ?? []).compactMap(\.text))
            cursor = page["next"]?.text.map { #","cursor":"\#($0)""# } ?? ""
        } while !cursor.isEmpty && pages.count < 20
        return pages
    }

    @Test("§11.50 a link from or to what is not there, or of an undeclared type, is an error and writes nothing")
    func faulty() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let here = try #require(try await alice.call("write", #"{"text":"here"}"#)["action"]?.text)
            let nowhere = ActionHash(hashing: [9]).text
            let noEntry = EntryHash(hashing: [9]).text
            let before = try await alice.length(conductor)
            for (base, target, type, code) in [
                (nowhere, here, "any", "notFound"), (here, nowhere, "any", "notFound"),
                (noEntry, here, "any", "notFound"), (here, here, "undeclared", "unknownLinkType"),
            ] {
                let outcome = await alice.outcome(
                    "link", #"{"base":"\#(base)","target":"\#(target)","type":"\#(type)","tag":""}"#)
                #expect(outcome.code == code, "\(outcome)")
            }
            let long = String(repeating: "t", count: 1_001)
            let tag = await alice.outcome(
                "link", #"{"base":"\#(here)","target":"\#(here)","type":"any","tag":"\#(long)"}"#)
            #expect(tag.code == "linkTagTooLarge")
            #expect(try await alice.length(conductor) == before)
        }
    }

    @Test("§11.50 taking back a link a second time succeeds and changes nothing that anyone sees")
    func removedTwice() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let base = EntryHash(core: alice.agent.core).text
            let link = try await alice.call("link", #"{"base":"\#(base)","target":"\#(base)","type":"any","tag":"x"}"#)
            let hash = #"{"hash":"\#(try #require(link.text))"}"#
            let foreign = await bob.outcome("unlink", hash)
            #expect(foreign.code == "validationFailed")
            try await Self.expect(["x"], bob, base, "")
            try await alice.call("unlink", hash)
            try await Self.expect([], bob, base, "")
            let again = await alice.outcome("unlink", hash)
            #expect(again.isOK, "\(again)")
            try await Self.expect([], bob, base, "")
        }
    }
}
