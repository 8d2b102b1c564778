import CZome
import Foundation
import HDK
import Integrity
import Testing

/// The modules of Plugins/, loaded as a conductor loads them.
@Suite struct SampleModuleTests {
    /// A host of a module that was built beside the tests.
    private func host(_ name: String) throws -> FakeHost {
        let path = try #require(Self.library(name), "lib\(name).so was not built")
        let library = try #require(dlopen(path, RTLD_NOW | RTLD_LOCAL), "\(String(cString: dlerror()))")
        let symbol = try #require(dlsym(library, ZOME_OPEN_SYMBOL))
        typealias Open = @convention(c) (UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>?
        let open = unsafeBitCast(symbol, to: Open.self)
        let host = FakeHost { open($0) }
        try #require(host.module != nil)
        return host
    }

    static func library(_ name: String) -> String? {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return nil
        }
        let folder = URL(fileURLWithPath: program).deletingLastPathComponent()
        let path = folder.appendingPathComponent("lib\(name).so").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    static let areBuilt = ["Messenger", "MessengerIntegrity", "Ghostwriter", "GhostwriterIntegrity"]
        .allSatisfy { library($0) != nil }

    private func failure(_ body: () throws -> Void) throws -> ModuleError? {
        do {
            try body()
            return nil
        } catch FakeHostError.failed(let error) {
            return error
        }
    }

    @Test(
        .enabled(if: areBuilt),
        arguments: [
            ("Messenger", "messenger"), ("MessengerIntegrity", "messenger_integrity"),
            ("Ghostwriter", "ghostwriter"), ("GhostwriterIntegrity", "ghostwriter_integrity"),
        ])
    func modulesOpenAndSayWhoTheyAre(module: String, zome: String) throws {
        let description = try host(module).describe()
        #expect(description.abi == ZOME_ABI)
        #expect(description.zome == zome)
    }

    @Test(.enabled(if: areBuilt)) func writingANoteLinksItToItsReaderAndToWhatItAnswers() throws {
        struct Draft: Encodable {
            var text = "hello"
            var to = Sample.bob
            var answers = [Sample.otherAction]
        }
        let host = try host("Messenger")
        var asked: [HostOperation] = []
        var links: [CreateLinkRequest] = []
        host.answering = { request in
            guard let operation = HostOperation(rawValue: request.operation) else { return nil }
            asked.append(operation)
            if let link = try? CreateLinkRequest(packed: request.bytes) { links.append(link) }
            return FakeHost.Reply(status: 0, bytes: Sample.action.packed)
        }
        #expect(try host.value(of: "write", Draft(), as: ActionHash.self) == Sample.action)
        #expect(asked == [.create, .createLink, .createLink])
        #expect(links.map(\.type) == ["inbox", "answers"])
        #expect(links.map(\.base) == [AnyLinkableHash(Sample.bob), AnyLinkableHash(Sample.otherAction)])
        #expect(links.allSatisfy { $0.target == AnyLinkableHash(Sample.action) })
    }

    @Test(.enabled(if: areBuilt)) func sayingSendsAndReceivingAnswersAndSignals() throws {
        struct Saying: Encodable {
            var to = Sample.bob
            var text = "hi"
            var timeoutMs = 250

            enum CodingKeys: String, CodingKey {
                case to, text
                case timeoutMs = "timeout_ms"
            }
        }
        let host = try host("Messenger")
        var sent: SendRequest?
        var signal: SignalRequest?
        host.answering = { request in
            switch HostOperation(rawValue: request.operation) {
            case .send:
                sent = try? SendRequest(packed: request.bytes)
                return FakeHost.Reply(status: 0, bytes: "seen".packed)
            case .emitSignal:
                signal = try? SignalRequest(packed: request.bytes)
                return FakeHost.Reply(status: 0, bytes: [0xc0])
            case .agentInfo:
                let head = ChainHead(hash: Sample.action, seq: 3, timestamp: Timestamp(seconds: 1))
                return FakeHost.Reply(status: 0, bytes: AgentInfo(agent: Sample.alice, chainHead: head).packed)
            default: return nil
            }
        }
        #expect(try host.value(of: "say", Saying(), as: String.self) == "seen")
        #expect(sent == SendRequest(to: Sample.bob, payload: "hi".packed, timeoutMilliseconds: 250))
        host.start(100, .receive, payload: "hi".packed, caller: Sample.bob)
        host.run()
        #expect(host.reply(100)?.bytes == "seen by \(Sample.alice) from \(Sample.bob)".packed)
        #expect(signal?.name == "heard")
    }

    @Test(.enabled(if: areBuilt)) func theRulesOfNotesSpeakPlainly() throws {
        let host = try host("MessengerIntegrity")
        let longest = Note(text: String(repeating: "é", count: 2_000), to: nil)
        let ops = try [Note(text: "", to: nil), longest, Note(text: longest.text + "!", to: nil)]
            .map { Op.createRecord(try Sample.record($0)) }
        host.answering = { _ in FakeHost.Reply(status: 0, bytes: Sample.dnaInfo.packed) }
        host.start(1, .validate, payload: ops.packed)
        host.run()
        #expect(
            try [ValidateOutcome](packed: try #require(host.reply(1)).bytes)
                == [
                    .invalid("a note needs a text"), .valid,
                    .invalid("a note has at most 4000 bytes of text, and this one has 4001"),
                ])
    }

    @Test(.enabled(if: areBuilt)) func linksLeadFromNotesToNotes() throws {
        let host = try host("MessengerIntegrity")
        let note = try Sample.record(Note(text: "x", to: nil))
        let memo = try Sample.record(Note(text: "x", to: nil), type: 1)
        host.answering = { request in
            switch HostOperation(rawValue: request.operation) {
            case .dnaInfo: return FakeHost.Reply(status: 0, bytes: Sample.dnaInfo.packed)
            case .mustGetValidRecord:
                let wanted = try? MustGetActionRequest(packed: request.bytes).hash
                guard let record = [note, memo].first(where: { $0.hash == wanted }) else { fallthrough }
                return FakeHost.Reply(status: 0, bytes: record.packed)
            default:
                let missing = ModuleError(code: "missingDependency", message: "not here")
                return FakeHost.Reply(status: 1, bytes: missing.packed)
            }
        }
        func link(to target: ActionHash) -> Op {
            .createLink(
                Sample.signed(
                    .createLink(
                        base: AnyLinkableHash(note.hash), target: AnyLinkableHash(target), zomeIndex: 0, linkType: 1,
                        tag: [])))
        }
        host.start(
            1, .validate, payload: [link(to: note.hash), link(to: memo.hash), link(to: Sample.otherAction)].packed)
        host.run()
        #expect(
            try [ValidateOutcome](packed: try #require(host.reply(1)).bytes)
                == [
                    .valid, .invalid("an answer is a note, and \(memo.hash) is something else"),
                    .unresolved([.action(Sample.otherAction)]),
                ])
    }

    @Test(.enabled(if: areBuilt)) func onlyTheInvitedMayAskToPost() throws {
        struct Invitation: Encodable {
            var writer = Sample.bob
        }
        struct Reply: Decodable {
            var secret: CapSecret?
            var refusal: String?
        }
        let host = try host("Ghostwriter")
        let invitation = try Sample.record(Invitation(), type: 1)
        var granted: GrantRequest?
        host.answering = { request in
            switch HostOperation(rawValue: request.operation) {
            case .query: return FakeHost.Reply(status: 0, bytes: [invitation].packed)
            case .get: return FakeHost.Reply(status: 0, bytes: invitation.packed)
            case .capabilityGrants: return FakeHost.Reply(status: 0, bytes: [CapabilityGrant]().packed)
            case .commitCapabilityGrant:
                granted = try? GrantRequest(packed: request.bytes)
                let receipt = GrantReceipt(address: Sample.action, secret: Sample.secret)
                return FakeHost.Reply(status: 0, bytes: receipt.packed)
            default: return nil
            }
        }
        func ask(_ call: UInt64, as agent: AgentPubKey) throws -> Reply {
            host.start(call, .receive, payload: "may I post for you?".packed, caller: agent)
            host.run()
            return try MessagePackDecoder().decode(Reply.self, from: try #require(host.reply(call)).bytes)
        }
        #expect(try ask(1, as: Sample.alice).refusal == "error: you are not invited")
        #expect(granted == nil)
        #expect(try ask(2, as: Sample.bob).secret == Sample.secret)
        #expect(granted?.access == .assigned && granted?.assignees == [Sample.bob])
        #expect(
            granted?.functions == .listed([ZomeFunction(zome: "ghostwriter", function: "post")]))
    }

    @Test(.enabled(if: areBuilt)) func postingForAnotherTakesAClaim() throws {
        struct Commission: Encodable {
            var owner = Sample.bob
            var text = "hello"
        }
        let host = try host("Ghostwriter")
        var claims: [CapabilityClaim] = []
        var called: CallRequest?
        host.answering = { request in
            switch HostOperation(rawValue: request.operation) {
            case .capabilityClaims: return FakeHost.Reply(status: 0, bytes: claims.packed)
            case .call:
                called = try? CallRequest(packed: request.bytes)
                return FakeHost.Reply(status: 0, bytes: Sample.action.packed)
            default: return nil
            }
        }
        let refused = try failure { _ = try host.value(of: "post_for", Commission(), as: ActionHash.self) }
        #expect(refused?.code == "noClaim")
        let claim = CapClaim(tag: "can_post", grantor: Sample.bob, secret: Sample.secret)
        claims = [CapabilityClaim(address: Sample.action, claim: claim)]
        #expect(try host.value(of: "post_for", Commission(), as: ActionHash.self) == Sample.action)
        #expect(called?.to == Sample.bob && called?.function == "post" && called?.secret == Sample.secret)
    }
}
