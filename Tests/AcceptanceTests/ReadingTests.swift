import Integrity
import Testing

@testable import plasmid

@Suite("details, versions, chains and names through the real conductor", .timeLimit(.minutes(5)))
struct ReadingTests {
    private func pair(_ body: @Sendable @escaping (TestConductor, Person, Person) async throws -> Void) async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await body(conductor, alice, try await conductor.install(Places.workshop, as: "bob"))
        }
    }

    private func at(_ hash: String) -> String { #"{"hash":"\#(hash)"}"# }

    @Test("§11.44 the address that a value would have is the one that its entry gets")
    func entryAddress() async throws {
        try await pair { _, alice, bob in
            let written = try await alice.call("write", #"{"text":"addressed"}"#)
            #expect(try await bob.call("page_address", #"{"text":"addressed"}"#) == written["entry"])
            #expect(try await bob.call("page_address", #"{"text":"other"}"#) != written["entry"])
        }
    }

    @Test("§11.47 post, update, update: any version leads to the latest, initial is that version, history has three")
    func versions() async throws {
        try await pair { _, alice, bob in
            let written = try await alice.call("write", #"{"text":"one"}"#)
            let first = try #require(written["action"]?.text)
            var addresses = [first, try #require(written["entry"]?.text)]
            for text in ["two", "three"] {
                // Whichever version is named, the newest is replaced, as `update_entry` did.
                let hash = try #require(
                    try await alice.call("change_latest", #"{"hash":"\#(first)","text":"\#(text)"}"#).text)
                addresses += [hash, try #require(try await bob.call("page_address", #"{"text":"\#(text)"}"#).text)]
            }
            for (index, address) in addresses.enumerated() {
                let own = ["one", "two", "three"][index / 2]
                #expect(try await bob.call("latest", at(address))["text"]?.text == "three")
                #expect(try await bob.call("get_initial", at(address))["text"]?.text == own)
            }
            let history = try await bob.call("history", at(first))
            #expect(history["texts"]?.items.compactMap(\.text) == ["one", "two", "three"])
            #expect(history["status"]?.items.compactMap(\.text) == ["modified", "modified", "live"])
            #expect(history["links"]?.number == 2)
            // `get` says of each version what it is: an update takes nothing away.
            #expect(try await bob.call("get", at(first))["text"]?.text == "one")
            let details = try await bob.call("details", at(first))
            #expect(details["kind"]?.text == "record" && details["updates"]?.number == 1)
        }
    }

    @Test("§11.48 removed by any version: the latest is null, initial still returns it, updating and removing fail")
    func removed() async throws {
        try await pair { conductor, alice, bob in
            let written = try await alice.call("write", #"{"text":"one"}"#)
            let first = try #require(written["action"]?.text)
            let second = try #require(
                try await alice.call("change_latest", #"{"hash":"\#(first)","text":"two"}"#).text)
            try await alice.call("remove_latest", at(first))
            for address in [first, second, try #require(written["entry"]?.text)] {
                #expect(try await bob.call("latest", at(address)) == .null)
            }
            #expect(try await bob.call("get_initial", at(second))["text"]?.text == "two")
            #expect(try await bob.call("history", at(first))["status"]?.items.last?.text == "deleted")
            let before = try await alice.length(conductor)
            #expect(await alice.outcome("change_latest", #"{"hash":"\#(first)","text":"three"}"#).code == "notFound")
            #expect(await alice.outcome("remove_latest", at(second)).code == "notFound")
            #expect(await alice.outcome("change", #"{"hash":"\#(second)","text":"three"}"#).code == "notFound")
            #expect(try await alice.length(conductor) == before)
            let details = try await bob.call("details", at(second))
            #expect(details["deletes"]?.number == 1 && details["status"]?.text == "Valid")
            let entry = try #require(try await bob.call("page_address", #"{"text":"two"}"#).text)
            let dead = try await bob.call("details", at(entry))
            #expect(dead["kind"]?.text == "entry" && dead["status"]?.text == "Dead" && dead["actions"]?.number == 1)
        }
    }

    @Test("§11.52 names, lists, patterns and all, newest first, with start and limit; four shapes of the answer")
    func names() async throws {
        try await pair { _, alice, bob in
            // `init` wrote a diary, before everything else.
            let page = try await alice.call("write", #"{"text":"a page"}"#)
            let diary = try await alice.call("write_private", #"{"text":"a diary"}"#)
            let last = try await alice.call("write", #"{"text":"another page"}"#)
            let base = EntryHash(core: alice.agent.core).text
            let link = try await alice.call("link", #"{"base":"\#(base)","target":"\#(base)","type":"any","tag":""}"#)
            func found(_ args: String, _ person: Person? = nil) async throws -> [String?] {
                try await (person ?? alice).call("query_names", args)["addresses"]?.items.map(\.text) ?? []
            }
            let pages = [last["entry"]?.text, page["entry"]?.text]
            let own = [last["entry"]?.text, diary["entry"]?.text, page["entry"]?.text]
            func recent(_ args: String) async throws -> [String?] {
                let all = try await found(args)
                #expect(all.count == 4)
                return Array(all.prefix(3))
            }
            #expect(try await found(#"{"names":["page"]}"#) == pages)
            #expect(try await recent(#"{"names":["diary","page"]}"#) == own)
            #expect(try await recent(#"{"names":["[!%]*"]}"#) == own)
            #expect(try await found(#"{"names":["p*","%link_add"]}"#) == [link.text] + pages)
            #expect(try await found(#"{"names":["[!%]*"],"start":1,"limit":1}"#) == [diary["entry"]?.text])
            #expect(try await found(#"{"names":["%nothing*"]}"#).isEmpty)
            let all = try await found(#"{"names":[]}"#)
            #expect(all.count == 9 && all.first == link.text && all.dropFirst().first == last["entry"]?.text)
            for any in [#"[""]"#, #"["**"]"#] { #expect(try await found(#"{"names":\#(any)}"#) == all) }
            #expect(try await found(#"{"names":["page"]}"#, bob).isEmpty)
            for (headers, entries, shape) in [
                (false, false, "addresses"), (true, false, "headers"), (false, true, "entries"),
                (true, true, "headersWithEntries"),
            ] {
                let answer = try await alice.call(
                    "query_names", #"{"names":["page"],"headers":\#(headers),"entries":\#(entries)}"#)
                #expect(answer["shape"]?.text == shape)
                #expect(answer["addresses"]?.items.count == 2)
            }
            #expect(await alice.outcome("query_names", #"{"names":["pagge"]}"#).code == "unknownEntryType")
            #expect(await alice.outcome("query_names", #"{"names":["p["]}"#).code == "badInput")
            let many = Array(repeating: #""p*""#, count: 33).joined(separator: ",")
            #expect(await alice.outcome("query_names", #"{"names":[\#(many)]}"#).code == "badInput")
        }
    }

    @Test("§11.52 a query between two actions, and of so many up to one; nothing for actions of another chain")
    func windows() async throws {
        try await pair { _, alice, bob in
            var hashes: [String] = []
            for index in 0..<4 {
                let written = try await alice.call("write", #"{"text":"page \#(index)"}"#)
                hashes.append(try #require(written["action"]?.text))
            }
            func seqs(_ args: String, _ person: Person? = nil) async throws -> [Int64?] {
                try await (person ?? alice).call("query_window", args).items.map(\.number)
            }
            // Genesis has three actions, init two.
            #expect(try await seqs(#"{"first":"\#(hashes[0])","last":"\#(hashes[2])"}"#) == [5, 6, 7])
            #expect(try await seqs(#"{"last":"\#(hashes[1])","preceding":2}"#) == [4, 5, 6])
            #expect(try await seqs(#"{"last":"\#(hashes[0])","preceding":99}"#) == [0, 1, 2, 3, 4, 5])
            #expect(try await seqs(#"{"first":"\#(hashes[2])","last":"\#(hashes[0])"}"#) == [])
            #expect(try await seqs(#"{"last":"\#(hashes[1])","preceding":2}"#, bob) == [])
        }
    }
}

@Suite("chains of agents through the real conductor", .timeLimit(.minutes(5)))
struct ChainReadingTests {
    @Test("anyone sees how a chain stands and what is on it; a stranger's is empty; after closing nothing can follow")
    func activity() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let top = try #require(try await alice.call("write", #"{"text":"page"}"#)["action"]?.text)
            let agent = alice.agent.text
            for reader in [alice, bob] {
                let seen = try await reader.call("activity", #"{"agent":"\#(agent)","take":2}"#)
                #expect(seen["status"]?.text == "valid" && seen["seqs"]?.items.compactMap(\.number) == [5, 4])
                let must = try await reader.call("must_get_activity", #"{"agent":"\#(agent)","top":"\#(top)"}"#)
                #expect(must.items.compactMap(\.number) == [5, 4, 3, 2, 1, 0])
            }
            let nobody = try await conductor.stranger("nobody").text
            #expect(try await bob.call("activity", #"{"agent":"\#(nobody)"}"#)["status"]?.text == "empty")
            let away = ActionHash(hashing: [9]).text
            let missing = await bob.outcome("must_get_activity", #"{"agent":"\#(agent)","top":"\#(away)"}"#)
            #expect(missing.code == "missingDependency")
            let none = await bob.outcome("must_get_activity", #"{"agent":"\#(agent)","top":"\#(top)","take":0}"#)
            #expect(none.code == "badInput")
            try await alice.call("close")
            #expect(try await bob.call("activity", #"{"agent":"\#(agent)","take":1}"#)["status"]?.text == "closed")
            let after = await alice.outcome("write", #"{"text":"too late"}"#)
            #expect(after.code == "validationFailed" && after.words.contains("closed"), "\(after)")
            #expect(try await alice.call("about_me") == .bool(true))
        }
    }

    @Test("a validator looks back along the author's chain; what it misses is named, whatever it makes of the error")
    func validators() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let third = #"{"text":"the third page"}"#
            let early = await alice.outcome("write", third)
            #expect(early.code == "validationFailed" && early.words.contains("0 are before it"), "\(early)")
            for text in ["first", "second"] { try await alice.call("write", #"{"text":"\#(text)"}"#) }
            #expect(await alice.outcome("write", third).isOK)
            #expect(await alice.outcome("write", third).words.contains("3 are before it"))
            let waits = await alice.outcome("write", #"{"text":"waits for nobody"}"#)
            #expect(waits.code == "validationFailed")
            #expect(waits.words.contains(ActionHash(hashing: [9]).text), "\(waits)")
        }
    }
}

@Suite("what agents encrypt, through the real conductor", .timeLimit(.minutes(5)))
struct SecretTests {
    private func args(_ peer: AgentPubKey, _ data: [UInt8]) -> String {
        #"{"peer":"\#(peer.text)","data":[\#(data.map(String.init).joined(separator: ","))]}"#
    }

    private func bytes(_ value: MessagePackValue) throws -> [UInt8] {
        try #require(value.text.flatMap { Base64.decode($0) })
    }

    @Test("§11.58 Bob encrypts for Carol: she decrypts, Alice gets an error, as do a flipped bit and three bytes")
    func boxes() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            let bob = try await conductor.install(Places.workshop, as: "bob")
            let carol = try await conductor.install(Places.workshop, as: "carol")
            let plain = Array("for Carol".utf8)
            let sealed = try bytes(try await bob.call("encrypt", args(carol.agent, plain)))
            #expect(sealed.count == plain.count + 40)
            #expect(try bytes(try await carol.call("decrypt", args(bob.agent, sealed))) == plain)
            #expect(try bytes(try await bob.call("decrypt", args(carol.agent, sealed))) == plain)
            #expect(try bytes(try await bob.call("encrypt", args(carol.agent, plain))) != sealed)
            for (reader, sender) in [(alice, bob.agent), (carol, alice.agent), (alice, carol.agent)] {
                #expect(await reader.outcome("decrypt", args(sender, sealed)).code == "decryptionFailed")
            }
            for index in [0, 23, 24, 40, sealed.count - 1] {
                var flipped = sealed
                flipped[index] ^= 1
                #expect(await carol.outcome("decrypt", args(bob.agent, flipped)).code == "decryptionFailed")
            }
            for cut in [[], [1, 2, 3], Array(sealed.dropLast())] as [[UInt8]] {
                #expect(await carol.outcome("decrypt", args(bob.agent, cut)).code == "decryptionFailed")
            }
            // To oneself, as the `encrypt` of 2019 was meant.
            let own = try bytes(try await bob.call("encrypt", args(bob.agent, plain)))
            #expect(try bytes(try await bob.call("decrypt", args(bob.agent, own))) == plain)
            #expect(await carol.outcome("decrypt", args(bob.agent, own)).code == "decryptionFailed")
        }
    }

    @Test("§11.61 a key of an unknown name is an error; one-time keys sign for themselves alone; shared secrets open")
    func others() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            #expect(try await alice.call("key_of", #"{"text":"agent"}"#).text == alice.agent.text)
            for name in ["", "nobody", "app:bob"] {
                #expect(await alice.outcome("key_of", #"{"text":"\#(name)"}"#).code == "keyNotFound", "\(name)")
            }
            let first = try await alice.call("sign_one_time", #"{"text":"ballot"}"#)
            let second = try await alice.call("sign_one_time", #"{"text":"ballot"}"#)
            #expect(first["verified"] == .bool(true))
            #expect(first["otherTextVerified"] == .bool(false) && first["otherKeyVerified"] == .bool(false))
            #expect(first["key"] != second["key"] && first["key"]?.text != alice.agent.text)
            #expect(try await alice.call("seal_and_unseal", #"{"text":"shared"}"#).text == "shared")
            #expect(try await alice.call("cap_secret").number == 66)
        }
    }
}
