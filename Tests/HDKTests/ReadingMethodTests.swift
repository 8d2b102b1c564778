import CZome
import HDK
import Integrity
import Testing

/// What the methods for details, versions, chains and secrets ask for, and what they make of the answers.
@Suite struct ReadingMethodTests {
    private typealias Asked = (operation: HostOperation, bytes: [UInt8])

    /// Runs `body` as a function of a zome, answers its requests in turn, and returns what was asked and how it ended.
    private func asked(
        _ answers: [UInt8]..., body: @escaping @Sendable (Host) async throws -> Void
    ) throws -> (asked: [Asked], error: ModuleError?) {
        let host = FakeHost(Zome("test") { Function("run", body) })
        var left = answers
        var asked: [Asked] = []
        host.answering = { request in
            guard let operation = HostOperation(rawValue: request.operation), !left.isEmpty else { return nil }
            asked.append((operation, request.bytes))
            return FakeHost.Reply(status: Int32(ZOME_OK), bytes: left.removeFirst())
        }
        host.start(1, .function, "run")
        host.run()
        #expect(host.replies(1).count == 1)
        return (asked, host.error(1))
    }

    private func request<Request: Packable & Equatable>(_ asked: [Asked], _ operation: HostOperation) throws -> Request
    {
        #expect(asked.map(\.operation) == [operation])
        return try Request(packed: try #require(asked.first).bytes)
    }

    @Test func versions() throws {
        let record = try Sample.record(Note(text: "hello", to: nil))
        var made = try asked(record.packed) { host in
            let note = try await host.getLatest(.action(Sample.action), as: Note.self, author: Sample.bob)
            #expect(note?.text == "hello")
        }
        #expect(
            try request(made.asked, .getLatest) == VersionRequest(hash: .action(Sample.action), author: Sample.bob))
        let history = EntryHistory(
            items: [EntryVersion(record: record, status: .live)],
            links: [VersionLink(from: Sample.action, to: Sample.otherAction)])
        made = try asked(history.packed) { host in
            let found = try await host.getHistory(.entry(Sample.entry))
            #expect(found == history)
        }
        #expect(try request(made.asked, .getHistory) == VersionRequest(hash: .entry(Sample.entry)))
        // The newest is looked for, then replaced: two requests, the second by its action.
        made = try asked(record.packed, Sample.action.packed) { host in
            try await host.updateLatest(.entry(Sample.entry), with: Note(text: "new", to: nil))
        }
        #expect(made.asked.map(\.operation) == [.getLatest, .update])
        #expect(try UpdateRequest(packed: made.asked[1].bytes).original == record.hash)
        made = try asked([0xc0]) { host in try await host.deleteLatest(.entry(Sample.entry)) }
        #expect(made.error?.code == "notFound")
    }

    @Test func detailsAndInitial() throws {
        let record = try Sample.record(Note(text: "hello", to: nil))
        let entry = try #require(record.entry.entry)
        let details = Details.entry(EntryDetails(entry: entry, actions: [record.signedAction], status: .dead))
        var made = try asked(details.packed, details.packed) { host in
            let found = try await host.details(Sample.entry)
            #expect(found?.status == .dead)
            let initial = try await host.getInitial(.entry(Sample.entry))
            #expect(initial == record)
        }
        #expect(made.asked.map(\.operation) == [.getDetails, .getDetails])
        let ofRecord = Details.record(RecordDetails(record: record, validationStatus: .rejected))
        made = try asked(ofRecord.packed, [0xc0]) { host in
            let found = try await host.details(Sample.action)
            #expect(found?.validationStatus == .rejected)
            let none = try await host.getInitial(.action(Sample.otherAction))
            #expect(none == nil)
        }
        #expect(made.error == nil)
    }

    @Test func links() throws {
        let page = LinkDetailsPage(links: [
            LinkDetails(create: try Sample.record(Note(text: "", to: nil)).signedAction, deletes: [])
        ])
        var wanted = GetLinksRequest(base: AnyLinkableHash(Sample.bob))
        wanted.status = .all
        wanted.order = .newestFirst
        wanted.tag = []
        var made = try asked(page.packed) { [wanted] host in
            let found = try await host.linksDetails(wanted)
            #expect(found == page)
        }
        #expect(try request(made.asked, .getLinksDetails) == wanted)
        made = try asked(UInt64(7).packed) { host in
            let count = try await host.countLinks(from: Sample.bob, types: ["inbox"], status: .deleted)
            #expect(count == 7)
        }
        #expect(
            try request(made.asked, .countLinks)
                == GetLinksRequest(base: AnyLinkableHash(Sample.bob), types: ["inbox"], status: .deleted))
        made = try asked([Sample.action, Sample.otherAction].packed) { host in
            let both = try await host.linkBothWays("inbox", Sample.bob, Sample.entry, tag: [1], back: "outbox")
            #expect(both.there == Sample.action && both.back == Sample.otherAction)
        }
        let (bob, entry) = (AnyLinkableHash(Sample.bob), AnyLinkableHash(Sample.entry))
        #expect(
            try request(made.asked, .createLinks)
                == CreateLinksRequest(links: [
                    CreateLinkRequest(base: bob, target: entry, type: "inbox", tag: [1]),
                    CreateLinkRequest(base: entry, target: bob, type: "outbox", tag: [1]),
                ]))
    }

    @Test func chains() throws {
        let activity = AgentActivity(
            valid: [ActivityPlace(seq: 3, hash: Sample.action)],
            status: .closed(ActivityPlace(seq: 3, hash: Sample.action)),
            highestObserved: HighestObserved(seq: 3, hashes: [Sample.action]))
        var made = try asked(activity.packed) { host in
            let found = try await host.agentActivity(Sample.bob, ChainQuery(start: 1, limit: 2), full: false)
            #expect(found == activity)
        }
        #expect(
            try request(made.asked, .getAgentActivity)
                == AgentActivityRequest(agent: Sample.bob, query: ChainQuery(start: 1, limit: 2), full: false))
        made = try asked(MustGetAgentActivityAnswer(missing: Sample.otherAction).packed) { host in
            _ = try await host.mustGetAgentActivity(Sample.bob, from: Sample.action, .take(2), includeEntries: true)
        }
        #expect(made.error?.code == "missingDependency")
        #expect(
            try request(made.asked, .mustGetAgentActivity)
                == MustGetAgentActivityRequest(
                    author: Sample.bob,
                    filter: ActivityFilter(top: Sample.action, limit: .take(2), includeEntries: true)))
        let record = try Sample.record(Note(text: "x", to: nil))
        made = try asked([record].packed) { host in
            let found = try await host.queryResult(names: ["note", "b*"], start: 2, limit: 5, entries: true)
            let address = try #require(record.action.entryHash)
            let entry = try #require(record.entry.entry)
            #expect(found == .entries([QueryResult.EntryAt(address: address, entry: entry)]))
        }
        #expect(made.error == nil)
        #expect(
            try request(made.asked, .query)
                == ChainQuery(names: ["note", "b*"], includeEntries: true, descending: true, start: 2, limit: 5))
        made = try asked(Sample.action.packed) { host in try await host.closeChain() }
        #expect(try request(made.asked, .closeChain) == CloseChainRequest())
        made = try asked(Sample.action.packed) { host in
            try await host.openChain(from: .agent(Sample.bob), closeHash: Sample.otherAction)
        }
        #expect(
            try request(made.asked, .openChain)
                == OpenChainRequest(from: .agent(Sample.bob), closeHash: Sample.otherAction))
    }

    @Test func secrets() throws {
        let bin: [UInt8] = [0xc4, 2, 5, 6]
        var made = try asked(bin) { host in
            let bytes = try await host.encrypt([1], to: Sample.bob)
            #expect(bytes == [5, 6])
        }
        #expect(try request(made.asked, .encrypt) == EncryptRequest(to: Sample.bob, data: [1]))
        made = try asked(bin) { host in _ = try await host.decrypt([1], from: Sample.bob) }
        #expect(try request(made.asked, .decrypt) == DecryptRequest(from: Sample.bob, data: [1]))
        made = try asked(bin) { host in _ = try await host.seal([1], key: [2]) }
        #expect(try request(made.asked, .seal) == SecretRequest(key: [2], data: [1]))
        made = try asked(bin) { host in _ = try await host.unseal([1], key: [2]) }
        #expect(try request(made.asked, .unseal) == SecretRequest(key: [2], data: [1]))
        let signatures = OneTimeSignatures(key: Sample.bob, signatures: [Sample.signature])
        made = try asked(signatures.packed) { host in
            let found = try await host.signOneTime([[1], []])
            #expect(found == signatures)
        }
        #expect(try request(made.asked, .signOneTime) == SignOneTimeRequest(data: [[1], []]))
        let info = ZomeInfo(name: "test", index: 1, kind: "coordinator", entryTypes: ["note"], functions: ["run"])
        made = try asked(info.packed) { host in
            let found = try await host.zomeInfo()
            #expect(found == info)
        }
        #expect(made.asked.map(\.operation) == [.zomeInfo] && made.error == nil)
        let note = Note(text: "hello", to: nil)
        #expect(try note.entryHash() == Entry.app(try MessagePackEncoder().encode(note)).hash)
    }
}
