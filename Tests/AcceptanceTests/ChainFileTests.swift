import Chain
import ConductorAPI
import Foundation
import Integrity
import Keystore
import NIOCore
import Sodium
import Testing

@testable import plasmid

/// Chains dumped to a file and brought back; and everything that must not be taken for one.
@Suite("dumps of chains", .timeLimit(.minutes(5)))
struct ChainFileTests {
    /// A dump as its lines: the first, one for each action, the last.
    private struct Dump {
        var lines: [String]

        /// With a digest that fits whatever the lines say.
        func text(sealed: Bool = true) throws -> String {
            let before = lines.map { $0 + "\n" }.joined()
            let footer = try ChainText.footer(lines.count - 1, Array(before.utf8))
            return before + footer + "\n"
        }
    }

    private static func dump(_ person: Person, _ conductor: TestConductor, secret: Bool = true) async throws -> Dump {
        let file = conductor.folder.path + "/dump-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let address = RPCAddress(port: conductor.ports.admin, token: conductor.adminToken)
        try await ChainDump(cell: person.instance, includesPrivate: secret).write(
            to: file, from: RPCConnection(address))
        var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        lines.removeLast()
        return Dump(lines: lines)
    }

    /// A folder with the keystore of another, and nothing else.
    private static func twin(of folder: TestFolder) throws -> TestFolder {
        let twin = try TestFolder()
        try FileManager.default.copyItem(atPath: folder.path + "/keystore", toPath: twin.path + "/keystore")
        return twin
    }

    private static func restore(_ text: String, in conductor: TestConductor, happ: String? = Places.workshop)
        async throws -> MessagePackValue
    {
        let file = try conductor.folder.write(text, to: "chain.jsonl")
        let more = happ.map { #","happ":\#(quoted($0))"# } ?? ""
        return try await conductor.admin("admin/chain/import", #"{"path":\#(quoted(file))\#(more)}"#)
    }

    private static func code(_ text: String, in conductor: TestConductor, happ: String? = Places.workshop) async
        -> PlasmidError.Code?
    {
        do {
            _ = try await restore(text, in: conductor, happ: happ)
            return nil
        } catch {
            return (error as? PlasmidError)?.code
        }
    }

    /// A conductor in which alice wrote something of everything, and her dump.
    private static func written() async throws -> (folder: TestFolder, agent: AgentPubKey, dump: Dump, open: Dump) {
        let folder = try TestFolder()
        return try await TestConductor.running(in: folder) { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"page"}"#)
            try await alice.call("write_private", #"{"text":"diary"}"#)
            try await alice.call("read_own_write", #"{"text":"linked"}"#)
            return (
                folder, alice.agent, try await dump(alice, conductor), try await dump(alice, conductor, secret: false)
            )
        }
    }

    @Test("a dump comes back where the chain is not: the same chain, private entries too, read-only at first")
    func wayBack() async throws {
        let (folder, agent, dump, open) = try await Self.written()
        #expect(open.lines.count == dump.lines.count && open.lines != dump.lines)
        #expect(!open.lines.contains { $0.contains("sealed") })
        let twin = try Self.twin(of: folder)
        let text = try dump.text()
        try await TestConductor.running(in: twin) { conductor in
            let answer = try await Self.restore(try dump.text(), in: conductor)
            #expect(answer["length"]?.number == Int64(dump.lines.count - 1))
            #expect(answer["private_missing"]?.number == 0 && answer["instance_id"] == .some(.null))
            let alice = try await conductor.install(
                Places.workshop, as: "alice", params: #","agent":"\#(agent.text)""#)
            let again = try await Self.dump(alice, conductor)
            #expect(again.lines == dump.lines)
            let diaries = try await alice.call("diaries")
            #expect(diaries.items == [.string("opened"), .string("diary")])
            #expect(await alice.outcome("write", #"{"text":"early"}"#).code == "readOnlyAfterRestore")
            // Once is enough.
            #expect(await Self.code(text, in: conductor) == .chainExists)
            _ = try await conductor.admin("admin/restored/release", #"{"alone":true}"#)
            #expect(await alice.outcome("write", #"{"text":"on"}"#).isOK)
            #expect(await Self.code(text, in: conductor) == .chainExists)
        }
    }

    @Test("a dump without private entries comes back without them; where nobody knows the DNA or the key it does not")
    func withoutPrivate() async throws {
        let (folder, agent, dump, open) = try await Self.written()
        let sealed = dump.lines.count { $0.contains("\"sealed\"") }
        let text = try open.text()
        try await TestConductor.running(in: try Self.twin(of: folder)) { conductor in
            #expect(await Self.code(text, in: conductor, happ: nil) == .dnaMismatch)
            #expect(await Self.code(text, in: conductor, happ: Places.messenger) == .dnaMismatch)
            let answer = try await Self.restore(try open.text(), in: conductor)
            #expect(sealed > 0 && answer["private_missing"]?.number == Int64(sealed))
            let alice = try await conductor.install(
                Places.workshop, as: "alice", params: #","agent":"\#(agent.text)""#)
            #expect(try await alice.call("pages").items.first == .string("page"))
        }
        try await TestConductor.with { conductor in
            #expect(await Self.code(text, in: conductor) == .keyNotFound)
            #expect(conductor.folder.listing("spaces").isEmpty)
        }
    }

    @Test("a flipped bit at any offset, a cut at any line, a wrong author: refused, and nothing is changed")
    func hostile() async throws {
        let (folder, agent, dump, _) = try await Self.written()
        let good = Array(try dump.text().utf8)
        for at in good.indices {
            var bytes = good
            bytes[at] ^= 1 << UInt8(at % 8)
            #expect(ChainText.code(bytes) == .dumpInvalid, "offset \(at)")
        }
        for count in stride(from: 0, to: good.count, by: 7) {
            #expect(ChainText.code(Array(good[..<count])) == .dumpInvalid)
        }
        var texts: [String] = []
        // With digests that fit: each byte of an action, a line left out, two changed places, another author.
        for line in [1, 5] {
            let value = try JSONLines.value(dump.lines[line])
            let action = try #require(value["action"]?.text.flatMap { Base64.decode($0) })
            for at in action.indices {
                var bytes = action
                bytes[at] ^= 1 << UInt8(at % 8)
                var changed = dump
                changed.lines[line] = dump.lines[line].replacingOccurrences(
                    of: Base64.encode(action), with: Base64.encode(bytes))
                let bad = ChainText.code(Array(try changed.text().utf8))
                #expect(bad == .dumpInvalid, "line \(line), byte \(at)")
            }
        }
        let withEntry = try #require(dump.lines.firstIndex { $0.contains(#""entry":"#) })
        for change in [
            { $0.lines.remove(at: 4) }, { $0.lines.swapAt(3, 4) }, { $0.lines.append($0.lines[5]) },
            { $0.lines[0] = $0.lines[0].replacingOccurrences(of: agent.text, with: AgentPubKey(hashing: [1]).text) },
            {
                $0.lines[withEntry] = $0.lines[withEntry].replacingOccurrences(
                    of: "\"entry\":\"", with: "\"entry\":\"AAAA")
            },
            { $0.lines[withEntry] = $0.lines[withEntry].replacingOccurrences(of: "\"entry\"", with: "\"sealed\"") },
            { $0.lines[2] = $0.lines[2].replacingOccurrences(of: "}", with: ",\"more\":1}") },
        ] as [(inout Dump) -> Void] {
            var changed = dump
            change(&changed)
            #expect(changed.lines != dump.lines)
            texts.append(try changed.text())
        }
        try await TestConductor.running(in: try Self.twin(of: folder)) { [texts] conductor in
            for (number, text) in texts.enumerated() {
                #expect(await Self.code(text, in: conductor) == .dumpInvalid, "change \(number)")
                #expect(conductor.folder.listing("spaces").isEmpty)
            }
            #expect(try await conductor.admin("admin/restored/list").items.isEmpty)
            let again = try await Self.restore(try dump.text(), in: conductor)
            #expect(again["success"] == .bool(true))
        }
    }

    @Test("a long chain comes back through kills in between: never half a chain that runs, and whole in the end")
    func longChain() async throws {
        let folder = try TestFolder()
        let place = folder.path + "/data"
        let file = folder.path + "/chain.jsonl"
        let conductor = try ConductorProcess(folder: place, programs: Places.products, cost: .forTests)
        defer { conductor.stop() }
        try conductor.start()
        var client = AppClient(socket: try await conductor.connect())
        let happ = MessagePackValue.string(Places.workshop)
        let app = try await client.request(
            "admin/app/install", .object(["path": happ, "app_id": .string("alice")]))
        let agent = try #require(app["agent"]?.text)
        let instance = try #require(app["roles"]?.items.first?["instance_id"]?.text)
        let text = String(repeating: "x", count: 400_000)
        for _ in 0..<30 {
            _ = try await client.call(instance, "workshop", "write_private", .object(["text": .string(text)]))
        }
        let data = try DataFolder(option: place)
        let address = RPCAddress(port: try data.readPorts().admin, token: try data.readAdminToken())
        try await ChainDump(cell: instance, includesPrivate: true).write(to: file, from: RPCConnection(address))
        conductor.kill()
        for name in try FileManager.default.contentsOfDirectory(atPath: place)
        where !["keystore", "credentials"].contains(name) {
            try FileManager.default.removeItem(atPath: "\(place)/\(name)")
        }
        let asked = Array(#"{"path":\#(quoted(file)),"happ":\#(quoted(Places.workshop))}"#.utf8)
        var unfinished = 0
        for _ in 0..<5 {
            try conductor.start()
            client = AppClient(socket: try await conductor.connect())
            let answer = client.socket.request("admin/chain/import", params: asked)
            var marks: [MessagePackValue] = []
            // Dies as soon as it says that some of the chain is there.
            while marks.isEmpty { marks = try await client.request("admin/restored/list").items }
            conductor.kill()
            _ = try? await answer.get()
            if marks.first?["unfinished"] == .bool(true) { unfinished += 1 }
        }
        #expect(unfinished > 0)
        try conductor.start()
        client = AppClient(socket: try await conductor.connect())
        let marks = try await client.request("admin/restored/list").items
        let again = try? await client.socket.request("admin/chain/import", params: asked).get()
        #expect(again != nil || marks.first?["unfinished"] == .bool(false))
        _ = try await client.request(
            "admin/app/install",
            .object(["path": happ, "app_id": .string("alice"), "agent": .string(agent)]))
        #expect(try await client.request("admin/restored/list").items.first?["unfinished"] == .bool(false))
        // The thirty, and the one that `init` writes.
        let diaries = try await client.call(instance, "workshop", "diaries").items
        #expect(diaries.count == 31)
        await client.socket.close()
    }

    @Test("a chain that its own agent signed against the rules, and one that forks what is here, are refused")
    func forged() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            try await alice.call("write", #"{"text":"mine"}"#)
            let before = try await Self.dump(alice, conductor)
            let mallory = try await conductor.stranger("mallory")
            for (author, expected) in [(mallory, PlasmidError.Code.dumpInvalid), (alice.agent, .chainForked)] {
                var scratch = try Genesis.scratch(
                    dna: alice.dna, agent: author, membraneProof: nil, now: Timestamp(microseconds: SignedCall.now))
                let unknown = EntryType.app(AppEntryDef(entryIndex: 99, zomeIndex: 7, visibility: .public))
                try scratch.create(unknown, .app([0xc0]), now: Timestamp(microseconds: SignedCall.now))
                let text = try await Self.text(of: scratch, alice.dna, author, conductor)
                #expect(await Self.code(text, in: conductor, happ: nil) == expected)
            }
            let after = try await Self.dump(alice, conductor)
            #expect(after.lines == before.lines)
            #expect(try await conductor.admin("admin/restored/list").items.isEmpty)
        }
    }

    /// A dump of a chain that only the test wrote.
    private static func text(
        of scratch: Scratch, _ dna: DnaHash, _ author: AgentPubKey, _ conductor: TestConductor
    ) async throws -> String {
        var lines: [String] = []
        for pending in scratch.actions {
            let signature = try await conductor.sign(pending.actionBytes, by: author)
            let signed = SignedAction(action: pending.action, hash: pending.hash, signature: signature)
            lines.append(
                try ChainText.line(signed.packed, pending.entry?.packed))
        }
        let head = try #require(scratch.head)
        let header = try ChainText.header(dna, author, lines.count, head.hash)
        return try Dump(lines: [header] + lines).text()
    }
}
