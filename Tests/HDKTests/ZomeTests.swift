import CZome
import HDK
import Integrity
import Testing

/// What a zome says of itself, and how values and errors pass its border.
@Suite struct ZomeTests {
    struct Input: Codable, Sendable, Equatable {
        var text: String
        var count: Int
        var bytes: [UInt8]
        var agent: AgentKey
        var note: Note?
    }

    private static let zome = Zome("test") {
        Function("echo") { (input: Input, _: Host) in input }
        Function("who") { (host: Host) in host.caller }
        Function("fail") { (text: String, _: Host) -> Void in throw ZomeError("myCode", text) }
        Function("trip") { (_: Host) -> Void in throw Plain() }
        Function("infinite") { (_: Host) in ["number": Double.infinity] }
        parts()
    }

    struct Plain: Error {}

    @ZomeBuilder
    private static func parts() -> [ZomePart] {
        Receive { (from: AgentKey, text: String, host: Host) in "seen by \(from): \(text)" }
        Init { _ in throw ZomeError("notToday", "no") }
        PostCommit { actions, host in
            try await host.emitSignal("committed", actions.count)
        }
    }

    @Test func aZomeDescribesItself() throws {
        let description = try FakeHost(Self.zome).describe()
        #expect(description.abi == 1)
        #expect(description.zome == "test")
        #expect(description.kind == .coordinator)
        #expect(description.functions == ["echo", "who", "fail", "trip", "infinite"])
        #expect(description.callbacks == ["receive", "init", "post_commit"])
    }

    @Test func valuesArriveAndReturnUnchanged() throws {
        let input = Input(
            text: "Grüße 👋", count: .max, bytes: [0, 255], agent: Sample.alice,
            note: Note(text: "", to: Sample.bob))
        #expect(try FakeHost(Self.zome).value(of: "echo", input) == input)
    }

    @Test(arguments: [
        (["count": 1] as [String: Int], "text"),
        (["text": 1], "text"),
    ])
    func anInputOfTheWrongShapeNamesItsField(input: [String: Int], field: String) throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "echo", payload: try MessagePackEncoder().encode(input))
        host.run()
        let error = try #require(host.error(1))
        #expect(error.code == "badInput")
        #expect(error.message.contains(field))
    }

    @Test func noInputWhereOneIsNeededIsBadInput() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "echo")
        host.start(2, .function, "echo", payload: [])
        host.start(3, .function, "echo", payload: [0xc1])
        host.run()
        #expect((1...3).allSatisfy { host.error($0)?.code == "badInput" })
    }

    @Test func theCallerIsWhoTheHostSays() throws {
        let host = FakeHost(Self.zome)
        let caller: AgentKey? = try host.value(of: "who", caller: Sample.bob)
        #expect(caller == Sample.bob)
        let nobody: AgentKey? = try host.value(of: "who")
        #expect(nobody == nil)
    }

    @Test func errorsKeepTheirCodeAndOthersGetOne() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .function, "fail", payload: [0xa2, 0x68, 0x69])
        host.start(2, .function, "trip")
        host.run()
        #expect(host.error(1) == ModuleError(code: "myCode", message: "hi"))
        #expect(host.error(2)?.code == "internal")
    }

    @Test func receiveGetsTheSenderAndTheMessage() throws {
        let host = FakeHost(Self.zome)
        host.start(1, .receive, payload: [0xa2, 0x68, 0x69], caller: Sample.bob)
        host.start(2, .receive, payload: [0xa2, 0x68, 0x69])
        host.run()
        let reply = try #require(host.reply(1))
        #expect(try MessagePackDecoder().decode(String.self, from: reply.bytes) == "seen by \(Sample.bob): hi")
        #expect(host.error(2)?.code == "badInput")
    }

    @Test func initFailsWithItsReason() {
        let host = FakeHost(Self.zome)
        host.start(1, .initialize)
        host.run()
        #expect(host.error(1) == ModuleError(code: "notToday", message: "no"))
    }

    @Test func postCommitGetsTheActions() throws {
        let host = FakeHost(Self.zome)
        let actions = [Sample.signed(.initZomesComplete), Sample.signed(.dna(Sample.dna))]
        host.start(1, .postCommit, payload: actions.packed)
        host.run()
        let request = try #require(host.nextRequest())
        #expect(try SignalRequest(packed: request.bytes) == SignalRequest(name: "committed", payload: [2]))
    }
}
