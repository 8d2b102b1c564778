import Foundation
import Integrity
import NIOCore
import Testing

@testable import plasmid

/// dna/agreement: two agents sign the same terms before either commits, and no signature is good for anything else.
@Suite("agreements that both sign first", .timeLimit(.minutes(5)))
struct AgreementTests {
    private static let terms = "The boat is yours on Sundays."

    private func people(
        _ body: @escaping @Sendable (TestConductor, _ ada: Person, _ ben: Person) async throws -> Void
    ) async throws {
        try await TestConductor.with { conductor in
            let ada = try await conductor.install(Places.agreement, as: "ada")
            let ben = try await conductor.install(Places.agreement, as: "ben")
            try await body(conductor, ada, ben)
        }
    }

    private static func willing(_ person: Person, with other: Person, to terms: String = terms) async throws {
        try await person.call("agree_to", #"{"terms":"\#(terms)","with":"\#(other.agent)"}"#, zome: "agreement")
    }

    private static func propose(_ person: Person, to other: Person, _ terms: String = terms) async -> Outcome {
        await person.outcome("propose", #"{"to":"\#(other.agent)","terms":"\#(terms)"}"#, zome: "agreement")
    }

    /// A whole exchange; the agreement as both have it now.
    private static func agree(_ ada: Person, _ ben: Person, _ terms: String = terms) async throws -> MessagePackValue {
        try await willing(ben, with: ada, to: terms)
        let before = ben.frames.signals("agreed").count
        let hash = try #require(await propose(ada, to: ben, terms).value?.text)
        try await ben.frames.wait(for: "agreed", count: before + 1)
        return try await ada.call("read", #"{"hash":"\#(hash)"}"#, zome: "agreement")
    }

    private static func own(_ person: Person) async throws -> [MessagePackValue] {
        try await person.call("agreements", zome: "agreement").items
    }

    /// Enters an agreement with some of its fields changed.
    private static func record(
        _ person: Person, _ view: MessagePackValue, _ changes: [String: String] = [:]
    ) async throws -> Outcome {
        let agreement = try #require(view["agreement"])
        let fields = ["id", "terms", "proposer", "accepter", "proposerSignature", "accepterSignature"]
        let text = try fields.map { "\"\($0)\":\"\(try changes[$0] ?? #require(agreement[$0]?.text))\"" }
        return await person.outcome("record", "{\(text.joined(separator: ","))}", zome: "agreement")
    }

    @Test("the sample: each call ends as it says")
    func sample() async throws {
        let file = URL(fileURLWithPath: Places.root + "/dna/agreement/sample.json")
        let sample = try MessagePackValue(
            packed: try JSONText.messagePack(fromJSON: [UInt8](try Data(contentsOf: file))))
        try await people { _, ada, _ in
            for call in sample.items {
                let arguments = try JSONLines.text(try #require(call["args"]), indented: false)
                let outcome = await ada.outcome(
                    try #require(call["function"]?.text), arguments, zome: try #require(call["zome"]?.text))
                if let words = call["refused"]?.text {
                    #expect(outcome == .err(kind: "ValidationFailed", code: "validationFailed", words: words))
                } else {
                    #expect(outcome.isOK, "\(call): \(outcome)")
                }
            }
            #expect(sample.items.count >= 6)
        }
    }

    @Test("both sign before either commits; then both chains hold the same agreement")
    func both() async throws {
        try await people { conductor, ada, ben in
            let made = try await Self.agree(ada, ben)
            let (hers, his) = (try await Self.own(ada), try await Self.own(ben))
            #expect(hers.count == 1 && his.count == 1)
            #expect(
                hers.first?["agreement"] == his.first?["agreement"] && hers.first?["agreement"] == made["agreement"])
            #expect(hers.first?["author"]?.text == ada.agent.text && his.first?["author"]?.text == ben.agent.text)
            #expect(made["agreement"]?["terms"]?.text == Self.terms)
            #expect(ben.frames.signals("proposed").first?.arguments?["signed"] == .bool(true))
            // A second confirmation enters nothing.
            let length = try await ben.length(conductor)
            let again = try await ada.call(
                "confirm", #"{"hash":"\#(try #require(made["hash"]?.text))"}"#, zome: "agreement")
            #expect(again.text == his.first?["hash"]?.text)
            #expect(try await ben.length(conductor) == length)
        }
    }

    @Test("what was not agreed to is not signed: other terms, another agent, a second time, thought again")
    func unwilling() async throws {
        try await people { conductor, ada, ben in
            let eve = try await conductor.install(Places.agreement, as: "eve")
            #expect(await Self.propose(ada, to: ben).code == "notAgreed")
            #expect(ben.frames.signals("proposed").first?.arguments?["signed"] == .bool(false))
            try await Self.willing(ben, with: ada)
            #expect(await Self.propose(eve, to: ben).code == "notAgreed")
            #expect(await Self.propose(ada, to: ben, Self.terms + " And mine for ever.").code == "notAgreed")
            #expect(await Self.propose(ada, to: ben).isOK)
            #expect(await Self.propose(ada, to: ben).code == "notAgreed", "used up")
            let wish = try await ben.call(
                "agree_to", #"{"terms":"x","with":"\#(ada.agent)"}"#, zome: "agreement")
            try await ben.call("think_again", #"{"hash":"\#(try #require(wish.text))"}"#, zome: "agreement")
            #expect(await Self.propose(ada, to: ben, "x").code == "notAgreed")
            #expect(!(await Self.propose(ada, to: ada).isOK))
            #expect(try await Self.own(eve).isEmpty)
            #expect(try await Self.own(ada).count == 1)
        }
    }

    @Test("nobody is there: nothing is entered; later it goes on")
    func away() async throws {
        try await people { conductor, ada, ben in
            try await Self.willing(ben, with: ada)
            _ = try await conductor.admin("admin/instance/stop", #"{"id":"ben/agreement"}"#)
            #expect(await Self.propose(ada, to: ben).code == "peerUnreachable")
            #expect(try await Self.own(ada).isEmpty)
            _ = try await conductor.admin("admin/instance/start", #"{"id":"ben/agreement"}"#)
            #expect(await Self.propose(ada, to: ben).isOK)
            try await ben.frames.wait(for: "agreed")
        }
    }

    @Test("a signature is good for one agreement: these terms, this id, these two, these roles")
    func otherAgreements() async throws {
        try await people { conductor, ada, ben in
            let eve = try await conductor.install(Places.agreement, as: "eve")
            let boat = try await Self.agree(ada, ben)
            let house = try await Self.agree(ada, ben, "The house is yours as well.")
            let twin = try await Self.agree(ada, ben)
            #expect(try #require(twin["agreement"]?["id"]) != #require(boat["agreement"]?["id"]))
            func of(_ view: MessagePackValue, _ field: String) throws -> String {
                try #require(view["agreement"]?[field]?.text)
            }
            let fresh = String(repeating: "ab", count: 16)
            let accepters = "the accepter's signature is not one under these terms, this id and these two"
            let proposers = "the proposer's signature is not one under these terms, this id and these two"
            let cases: [(Person, [String: String], String)] = [
                // Ben's signature over the boat, under the house, and the other way round.
                (ada, ["id": fresh], proposers),
                (ada, ["id": fresh, "terms": try of(house, "terms")], proposers),
                (
                    ada, ["id": try Self.free(fresh), "accepterSignature": try of(house, "accepterSignature")],
                    proposers
                ),
                // Roles swapped, with their signatures.
                (
                    ben,
                    [
                        "id": fresh, "proposer": ben.agent.text, "accepter": ada.agent.text,
                        "proposerSignature": try of(boat, "accepterSignature"),
                        "accepterSignature": try of(boat, "proposerSignature"),
                    ], proposers
                ),
                // One signs for both.
                (ada, ["id": fresh, "accepterSignature": try of(boat, "proposerSignature")], proposers),
                // A third party enters what is none of hers, or writes herself into it.
                (eve, [:], "an agreement is entered by one of the two who made it"),
                (eve, ["accepter": eve.agent.text], proposers), (eve, ["proposer": eve.agent.text], proposers),
            ]
            for (person, changes, words) in cases {
                let outcome = try await Self.record(person, boat, changes)
                #expect(outcome == .err(kind: "ValidationFailed", code: "validationFailed", words: words), "\(changes)")
            }
            // The proposer's own signature is true; the accepter's is one over other terms.
            for other in [house, twin] {
                let forged = try await Self.forged(
                    conductor, ada, ben, accepterSignature: try of(other, "accepterSignature"))
                let outcome = try await Self.record(ada, forged)
                #expect(outcome == .err(kind: "ValidationFailed", code: "validationFailed", words: accepters))
            }
            #expect(try await Self.own(eve).isEmpty)
            #expect(try await Self.own(ada).count == 3)
        }
    }

    @Test("a signature under the bare bytes, in another zome or DNA is none; in the right domain it is one")
    func domains() async throws {
        try await people { conductor, ada, ben in
            let bytes = Self.signedBytes(Self.forgedID, Self.terms, ada, ben)
            let other = DnaHash(core: EntryHash(hashing: [1]).core)
            let messages = [
                bytes, SigningDomain.app(dna: ada.dna, zome: "agreement_integrity", data: bytes),
                SigningDomain.app(dna: other, zome: "agreement", data: bytes),
            ]
            for message in messages {
                let signature = try await conductor.sign(message, by: ben.agent)
                let forged = try await Self.forged(conductor, ada, ben, accepterSignature: signature.codableText)
                #expect(try await Self.record(ada, forged).code == "validationFailed")
            }
            let right = try await conductor.sign(
                SigningDomain.app(dna: ada.dna, zome: "agreement", data: bytes), by: ben.agent)
            let whole = try await Self.forged(conductor, ada, ben, accepterSignature: right.codableText)
            #expect(try await Self.record(ada, whole).isOK)
        }
    }

    // MARK: Forging

    private static let forgedID = String(repeating: "0f", count: 16)

    /// Another id that nothing was signed under.
    private static func free(_ id: String) throws -> String { String(id.reversed()) }

    /// An agreement under an id of its own, truly signed by its proposer.
    private static func forged(
        _ conductor: TestConductor, _ ada: Person, _ ben: Person, accepterSignature: String
    ) async throws -> MessagePackValue {
        let bytes = signedBytes(forgedID, terms, ada, ben)
        let signature = try await conductor.sign(
            SigningDomain.app(dna: ada.dna, zome: "agreement", data: bytes), by: ada.agent)
        return .map([
            "agreement": .map([
                "id": .string(forgedID), "terms": .string(terms), "proposer": .string(ada.agent.text),
                "accepter": .string(ben.agent.text), "proposerSignature": .string(signature.codableText),
                "accepterSignature": .string(accepterSignature),
            ])
        ])
    }

    /// Written down once more, so that a change of what is signed shows.
    private static func signedBytes(_ id: String, _ terms: String, _ ada: Person, _ ben: Person) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array("agreement".utf8), Array(id.utf8), Array(terms.utf8), ada.agent.bytes, ben.agent.bytes] {
            bytes += withUnsafeBytes(of: UInt32(part.count).bigEndian) { Array($0) } + part
        }
        return bytes
    }
}
