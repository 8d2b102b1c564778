import Integrity
import Testing

@testable import plasmid

@Suite("every filter, order and status of links, through the real conductor", .timeLimit(.minutes(5)))
struct LinkPageTests {
    /// An agent with links `a`, `b`, `A`, … on its own key, and somebody else who reads.
    private struct Shelf {
        let alice: Person
        let bob: Person
        let base: String
        var made: [String: String] = [:]

        init(_ conductor: TestConductor, tags: [String]) async throws {
            alice = try await conductor.install(Places.workshop, as: "alice")
            bob = try await conductor.install(Places.workshop, as: "bob")
            base = EntryHash(core: alice.agent.core).text
            for tag in tags { made[tag] = try await link(tag) }
        }

        func link(_ tag: String, type: String = "any", by person: Person? = nil) async throws -> String {
            let args = #"{"base":"\#(base)","target":"\#(base)","type":"\#(type)","tag":"\#(tag)"}"#
            return try #require(try await (person ?? alice).call("link", args).text)
        }

        func unlink(_ tag: String) async throws {
            try await alice.call("unlink", #"{"hash":"\#(try #require(made[tag]))"}"#)
        }

        /// Every page, each with its tags.
        func pages(_ filter: String, limit: Int = 2) async throws -> [[String]] {
            var pages: [[String]] = []
            var cursor = ""
            repeat {
                let page = try await bob.call(
                    "link_page", #"{"base":"\#(base)","limit":\#(limit)\#(filter)\#(cursor)}"#)
                pages.append((page["tags"]?.items ?? []).compactMap(\.text))
                cursor = page["next"]?.text.map { #","cursor":"\#($0)""# } ?? ""
            } while !cursor.isEmpty && pages.count < 20
            return pages
        }

        func count(_ filter: String) async throws -> Int64? {
            try await bob.call("link_count", #"{"base":"\#(base)"\#(filter)}"#).number
        }
    }

    @Test(
        "§11.49 Exactly(a), Any; Live, Deleted, All; both directions; pages of two are full; counts fit; `A` is not `a`"
    )
    func everything() async throws {
        try await TestConductor.with { conductor in
            var shelf = try await Shelf(conductor, tags: ["a", "b", "A", "ab", "c", "d", "e"])
            for tag in ["b", "d"] { try await shelf.unlink(tag) }
            let again = try await shelf.link("a", type: "other", by: shelf.bob)
            shelf.made["a2"] = again
            let oldest = #","order":"oldest""#
            let newest = #","order":"newest""#
            #expect(try await shelf.pages(oldest) == [["a", "A"], ["ab", "c"], ["e", "a"]])
            #expect(try await shelf.pages(newest) == [["a", "e"], ["c", "ab"], ["A", "a"]])
            for (filter, tags) in [
                (#","tag":"a""#, ["a", "a"]), (#","tag":"A""#, ["A"]), (#","tag":"""#, []),
                (#","prefix":"a""#, ["a", "ab", "a"]), (#","status":"deleted""#, ["b", "d"]),
                (#","status":"all""#, ["a", "b", "A", "ab", "c", "d", "e", "a"]), (#","tag":"b""#, []),
                (#","tag":"b","status":"deleted""#, ["b"]), (#","types":["other"]"#, ["a"]),
                (#","types":["any"],"status":"all","prefix":"a""#, ["a", "ab"]),
                (#","author":"\#(shelf.bob.agent.text)""#, ["a"]), (#","before":1"#, []),
                (#","after":9000000000000000"#, []),
            ] {
                let rising = try await shelf.pages(filter + oldest)
                #expect(rising.flatMap { $0 } == tags, "\(filter)")
                #expect(rising.dropLast().allSatisfy { $0.count == 2 }, "\(filter)")
                #expect(try await shelf.pages(filter + newest).flatMap { $0 } == tags.reversed(), "\(filter)")
                #expect(try await shelf.pages(filter).flatMap { $0 }.sorted() == tags.sorted(), "\(filter)")
                #expect(try await shelf.count(filter) == Int64(tags.count), "\(filter)")
            }
            let details = try await shelf.bob.call(
                "link_details", #"{"base":"\#(shelf.base)","status":"all"\#(oldest)}"#)
            #expect(details.items.compactMap { $0["deletes"]?.number } == [0, 1, 0, 0, 0, 1, 0, 0])
            let wrong = await shelf.bob.outcome(
                "link_page", #"{"base":"\#(shelf.base)","order":"oldest","cursor":[1,2,3]}"#)
            #expect(wrong.code == "badInput")
        }
    }

    @Test("§11.49 a call sees its own links and deletions under every order and status, and counts them")
    func ownWrites() async throws {
        try await TestConductor.with { conductor in
            let shelf = try await Shelf(conductor, tags: ["p", "q"])
            let args = #"{"base":"\#(shelf.base)","gone":"\#(try #require(shelf.made["p"]))"}"#
            let found = try await shelf.alice.call("links_of_this_call", args).items.map { $0.items.compactMap(\.text) }
            #expect(
                found == [
                    ["q", "x", "z"], ["q", "x", "z"], ["z", "x", "q"], ["3"],
                    ["p", "y"], ["p", "y"], ["y", "p"], ["2"],
                    ["p", "q", "x", "y", "z"], ["p", "q", "x", "y", "z"], ["z", "y", "x", "q", "p"], ["5"],
                ])
            #expect(try await shelf.pages("").flatMap { $0 } == ["q", "x", "z"])
        }
    }

    @Test(
        "§11.49 pages go on from call to call, whichever of the calls wrote links, added or taken back meanwhile",
        arguments: [
            ("tag", ["a", "aa", "c", "d", "f"]), ("oldest", ["a", "b", "c", "d", "f", "aa", "bb"]),
            ("newest", ["aa", "f", "e", "d", "c", "a"]),
        ])
    func acrossCalls(order: String, expected: [String]) async throws {
        try await TestConductor.with { conductor in
            let shelf = try await Shelf(conductor, tags: ["a", "b", "c", "d", "e", "f"])
            let question = #"{"base":"\#(shelf.base)","order":"\#(order)","limit":2"#
            var seen: [String] = []
            var cursor: String?
            // Made in the call that asks for the page; taken back after it: the link that ended it, too.
            for (make, gone) in [("aa", ["b"]), (nil, ["d", "e"]), ("bb", []), (nil, [])] as [(String?, [String])] {
                let more = make.map { #","make":"\#($0)""# } ?? ""
                let from = cursor.map { #","cursor":"\#($0)""# } ?? ""
                let page = try await shelf.alice.call("link_page", question + more + from + "}")
                seen += (page["tags"]?.items ?? []).compactMap(\.text)
                for tag in gone { try await shelf.unlink(tag) }
                cursor = page["next"]?.text
                if cursor == nil { break }
            }
            #expect(seen == expected)
            #expect(cursor == nil)
        }
    }

    @Test("a cursor of another order or base, of a link that was never made, and mangled ones are refused")
    func wrongCursors() async throws {
        try await TestConductor.with { conductor in
            let shelf = try await Shelf(conductor, tags: ["a", "b", "c"])
            let other = EntryHash(core: shelf.bob.agent.core).text
            for tag in ["x", "y"] {
                try await shelf.alice.call(
                    "link", #"{"base":"\#(other)","target":"\#(other)","type":"any","tag":"\#(tag)"}"#)
            }
            func next(_ base: String, _ order: String) async throws -> String {
                let page = try await shelf.alice.call(
                    "link_page", #"{"base":"\#(base)","order":"\#(order)","limit":1}"#)
                return "\"" + (try #require(page["next"]?.text)) + "\""
            }
            let cursors: [(order: String, cursor: String)] = [
                ("tag", try await next(shelf.base, "newest")), ("oldest", try await next(shelf.base, "tag")),
                ("tag", try await next(other, "tag")),
                ("tag", "\"\(Base64.encode([0x74] + ActionHash(hashing: [1]).bytes))\""), ("tag", "[]"),
                ("tag", "[1,2,3]"),
            ]
            for make in ["", #","make":"z""#] {
                for (order, cursor) in cursors {
                    let outcome = await shelf.alice.outcome(
                        "link_page", #"{"base":"\#(shelf.base)","order":"\#(order)","cursor":\#(cursor)\#(make)}"#)
                    #expect(outcome.code == "badInput", "\(order) \(cursor) \(make)")
                }
            }
            #expect(try await shelf.count("") == 3)
        }
    }

    @Test("§11.51 links both ways: when one cannot be made neither is, even if the zome goes on")
    func bothWays() async throws {
        try await TestConductor.with { conductor in
            let shelf = try await Shelf(conductor, tags: [])
            let page = try #require(try await shelf.alice.call("write", #"{"text":"page"}"#)["action"]?.text)
            let nowhere = ActionHash(hashing: [9]).text
            func both(_ other: String, back: String, shrugs: Bool) async -> Outcome {
                await shelf.alice.outcome(
                    "link_both_ways",
                    #"{"one":"\#(shelf.base)","other":"\#(other)","back":"\#(back)","shrugs":\#(shrugs)}"#)
            }
            for shrugs in [false, true] {
                let undeclared = await both(page, back: "undeclared", shrugs: shrugs)
                #expect(shrugs ? undeclared.value == .bool(false) : undeclared.code == "unknownLinkType")
                let missing = await both(nowhere, back: "other", shrugs: shrugs)
                #expect(shrugs ? missing.value == .bool(false) : missing.code == "notFound")
                #expect(try await shelf.pages("") == [[]])
                #expect(try await shelf.bob.call("link_count", #"{"base":"\#(page)"}"#).number == 0)
            }
            #expect(await both(page, back: "other", shrugs: false).isOK)
            #expect(try await shelf.pages(#","types":["any"]"#) == [["both"]])
            #expect(try await shelf.bob.call("link_count", #"{"base":"\#(page)","types":["other"]}"#).number == 1)
        }
    }
}
