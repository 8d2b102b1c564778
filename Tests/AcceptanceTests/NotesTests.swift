import Foundation
import Integrity
import NIOCore
import Testing

@testable import plasmid

/// dna/notes: what its page does not show. The rules of the manifest are enforced by the real conductor.
@Suite("notes, and declarative rules through the real conductor", .timeLimit(.minutes(5)))
struct NotesTests {
    private static func note(_ title: String, _ more: String = "") -> String {
        #"{"title":"\#(title)","text":"x"\#(more)}"#
    }

    private static let taken =
        "`title` is taken: another 'note' of the same author has this value."

    @Test("the sample: each call ends as it says")
    func sample() async throws {
        let file = URL(fileURLWithPath: Places.root + "/dna/notes/sample.json")
        let sample = try MessagePackValue(
            packed: try JSONText.messagePack(fromJSON: [UInt8](try Data(contentsOf: file))))
        try await TestConductor.with { conductor in
            let ada = try await conductor.install(Places.notes, as: "ada")
            for call in sample.items {
                let arguments = try #require(call["args"])
                let outcome = await ada.outcome(
                    try #require(call["function"]?.text), try JSONLines.text(arguments, indented: false),
                    zome: try #require(call["zome"]?.text))
                if let words = call["refused"]?.text {
                    #expect(outcome == .err(kind: "ValidationFailed", code: "validationFailed", words: words))
                } else {
                    #expect(outcome.isOK, "\(call): \(outcome)")
                }
            }
            #expect(sample.items.count >= 8)
        }
    }

    @Test("§11.45 a rule of the manifest refuses before the validator is asked; nothing is written")
    func refused() async throws {
        try await TestConductor.with { conductor in
            let ada = try await conductor.install(Places.notes, as: "ada")
            try await ada.call("list", zome: "notes")
            let before = try await ada.length(conductor)
            // The validator would speak of the title's spaces.
            let long = String(repeating: " ", count: 121)
            let outcome = await ada.outcome("write", Self.note(long), zome: "notes")
            #expect(
                outcome
                    == .err(
                        kind: "ValidationFailed", code: "validationFailed",
                        words: "`title` is too long: 121 bytes, at most 120."))
            #expect(await ada.outcome("write", Self.note(" x"), zome: "notes").words.hasPrefix("a title neither"))
            #expect(try await ada.length(conductor) == before)
        }
    }

    @Test("32 writers of one title at once: one gets it, also after a restart and for another author")
    func oneTitle() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let ada = try await conductor.install(Places.notes, as: "ada")
            let calls = (0..<32).map { _ in ada.begin("write", Self.note("Title"), zome: "notes") }
            var outcomes: [Outcome] = []
            for call in calls { outcomes.append(try await call.get()) }
            #expect(outcomes.filter(\.isOK).count == 1)
            for outcome in outcomes where !outcome.isOK { #expect(outcome.words == Self.taken) }
            let ben = try await conductor.install(Places.notes, as: "ben")
            #expect(await ben.outcome("write", Self.note("Title"), zome: "notes").isOK)
        }
        try await TestConductor.with(in: folder) { conductor in
            let ada = try await conductor.person("ada")
            #expect(await ada.outcome("write", Self.note("Title"), zome: "notes").words == Self.taken)
            // Private notes are another type; the app itself keeps the names apart.
            let secret = await ada.outcome("write", Self.note("Title", #","private":true"#), zome: "notes")
            #expect(secret.code == "titleTaken")
            try await ada.call("remove", #"{"title":"Title"}"#, zome: "notes")
            #expect(await ada.outcome("write", Self.note("Title"), zome: "notes").isOK)
        }
    }

    @Test("a shared note opens for one person, that note alone, as it is then; a removed one opens for nobody")
    func sharing() async throws {
        try await TestConductor.with { conductor in
            let ada = try await conductor.install(Places.notes, as: "ada")
            let ben = try await conductor.install(Places.notes, as: "ben")
            let eve = try await conductor.install(Places.notes, as: "eve")
            for title in ["One", "Two"] {
                try await ada.call("write", Self.note(title, #","private":true"#), zome: "notes")
            }
            try await ada.call("share", #"{"title":"One","with":"\#(ben.agent)"}"#, zome: "notes")
            func open(_ person: Person, _ title: String) async -> Outcome {
                await person.outcome("open", #"{"title":"\#(title)","from":"\#(ada.agent)"}"#, zome: "notes")
            }
            #expect(await open(ben, "One").value?["text"]?.text == "x")
            #expect(await open(ben, "Two").code == "noClaim")
            #expect(await open(eve, "One").code == "noClaim")
            try await ada.call("change", #"{"title":"One","text":"newer"}"#, zome: "notes")
            #expect(await open(ben, "One").value?["text"]?.text == "newer")
            #expect(await open(ben, "One").value?["versions"]?.number == 2)
            // Whoever it was not made for has no use for the function.
            #expect(!(await eve.outcome("shared_note", zome: "notes", of: ada).isOK))
            try await ada.call("remove", #"{"title":"One"}"#, zome: "notes")
            try await ada.call("write", Self.note("One", #","private":true"#), zome: "notes")
            #expect(!(await open(ben, "One").isOK), "the new note of that name is another one")
        }
    }

    @Test("of two notes whose titles look alike, sharing one does not open the other")
    func alike() async throws {
        try await TestConductor.with { conductor in
            let ada = try await conductor.install(Places.notes, as: "ada")
            let ben = try await conductor.install(Places.notes, as: "ben")
            for (title, text) in [(#"caf\u00e9"#, "for ben"), (#"cafe\u0301"#, "for nobody")] {
                try await ada.call(
                    "write", #"{"title":"\#(title)","text":"\#(text)","private":true}"#, zome: "notes")
            }
            try await ada.call("share", #"{"title":"caf\u00e9","with":"\#(ben.agent)"}"#, zome: "notes")
            let opened = await ben.outcome("open", #"{"title":"caf\u00e9","from":"\#(ada.agent)"}"#, zome: "notes")
            #expect(opened.value?["text"]?.text == "for ben")
            try await ada.call("remove", #"{"title":"caf\u00e9"}"#, zome: "notes")
            #expect(try await ada.call("list", zome: "notes").items.compactMap { $0["text"]?.text } == ["for nobody"])
        }
    }
}
