import CZome
import HDK
import Integrity
import Testing

/// What every method of `Host` asks for, and what it makes of the answer.
@Suite struct HostOperationTests {
    private typealias Asked = (operation: HostOperation, bytes: [UInt8])

    /// Runs `body` as a function of a zome, answers every request with `answers` in turn, and returns what was asked.
    private func asked(
        _ answers: [UInt8]..., body: @escaping @Sendable (Host) async throws -> Void
    ) throws -> [Asked] {
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
        if let error = host.error(1) { throw error }
        #expect(host.reply(1)?.status == Int32(ZOME_OK))
        return asked
    }

    /// The one request that was made, as the shape that its operation has.
    private func one<Request: Packable>(
        _ asked: [Asked], _ operation: HostOperation, as _: Request.Type = Request.self
    ) throws -> Request {
        #expect(asked.count == 1)
        let first = try #require(asked.first)
        #expect(first.operation == operation)
        return try Request(packed: first.bytes)
    }

    @Test func writes() throws {
        let note = Note(text: "hello", to: Sample.bob)
        let bytes = try MessagePackEncoder().encode(note)
        var request = try asked(Sample.action.packed) { check(try await $0.create(note) == Sample.action) }
        #expect(try one(request, .create) == CreateRequest(entryType: "note", entry: bytes))
        request = try asked(Sample.action.packed) { try await $0.create(note, publishing: .unsigned) }
        #expect(try one(request, .create, as: CreateRequest.self).publishing == .unsigned)
        request = try asked(Sample.action.packed) { try await $0.update(Sample.otherAction, with: note) }
        #expect(try one(request, .update) == UpdateRequest(original: Sample.otherAction, entry: bytes))
        request = try asked(Sample.action.packed) { try await $0.delete(Sample.otherAction) }
        #expect(try one(request, .delete) == DeleteRequest(address: Sample.otherAction))
        request = try asked(Sample.action.packed) {
            try await $0.createLink("inbox", from: Sample.bob, to: Sample.action, tag: [1, 2])
        }
        #expect(
            try one(request, .createLink)
                == CreateLinkRequest(
                    base: AnyLinkableHash(Sample.bob), target: AnyLinkableHash(Sample.action), type: "inbox",
                    tag: [1, 2]))
        request = try asked(Sample.action.packed) { try await $0.deleteLink(Sample.otherAction) }
        #expect(try one(request, .deleteLink) == DeleteLinkRequest(address: Sample.otherAction))
    }

    @Test func reads() throws {
        let note = Note(text: "hello", to: nil)
        let record = try Sample.record(note)
        var request = try asked(record.packed) { check(try await $0.get(Sample.action, as: Note.self) == note) }
        #expect(try one(request, .get) == GetRequest(hash: .action(Sample.action)))
        request = try asked([0xc0]) { check(try await $0.get(Sample.entry) == nil) }
        #expect(try one(request, .get) == GetRequest(hash: .entry(Sample.entry)))
        request = try asked([record, record].packed) {
            check(try await $0.query(.entries(of: Note.self, descending: true)).count == 2)
        }
        #expect(
            try one(request, .query)
                == ChainQuery(entryTypes: ["note"], includeEntries: true, descending: true))
        request = try asked(Entry.app([1]).packed) { check(try await $0.mustGetEntry(Sample.entry) == .app([1])) }
        #expect(try one(request, .mustGetEntry) == MustGetEntryRequest(hash: Sample.entry))
        request = try asked(record.signedAction.packed) {
            check(try await $0.mustGetAction(Sample.action) == record.signedAction)
        }
        #expect(try one(request, .mustGetAction) == MustGetActionRequest(hash: Sample.action))
        request = try asked(record.packed) { check(try await $0.mustGetValidRecord(Sample.action) == record) }
        #expect(try one(request, .mustGetValidRecord) == MustGetActionRequest(hash: Sample.action))
    }

    @Test func linksComeInPagesAndAllAtOnce() throws {
        let link = try #require(
            Link(
                Sample.signed(
                    .createLink(
                        base: AnyLinkableHash(Sample.bob), target: AnyLinkableHash(Sample.action), zomeIndex: 0,
                        linkType: 0, tag: [1]))))
        let page = LinkPage(links: [link, link], next: [9])
        var requests = try asked(page.packed) {
            let page = try await $0.links(
                from: Sample.bob, types: ["inbox"], tagPrefix: [1], author: Sample.alice, limit: 2)
            #expect(page.links == [link, link] && page.next == [9])
        }
        #expect(
            try one(requests, .getLinks)
                == GetLinksRequest(
                    base: AnyLinkableHash(Sample.bob), types: ["inbox"], tagPrefix: [1], author: Sample.alice,
                    limit: 2))
        requests = try asked(page.packed, page.packed, LinkPage(links: [link]).packed) {
            check(try await $0.allLinks(from: Sample.entry).count == 5)
        }
        #expect(try requests.map { try GetLinksRequest(packed: $0.bytes).cursor } == [nil, [9], [9]])
    }

    @Test func facts() throws {
        let info = AgentInfo(
            agent: Sample.alice, chainHead: ChainHead(hash: Sample.action, seq: 3, timestamp: Timestamp(seconds: 1)))
        var requests = try asked(info.packed) {
            // The second time it is known.
            check(try await [$0.me, $0.me] == [Sample.alice, Sample.alice])
        }
        _ = try one(requests, .agentInfo, as: NoInput.self)
        requests = try asked(Sample.dnaInfo.packed) { check(try await $0.dnaInfo() == Sample.dnaInfo) }
        _ = try one(requests, .dnaInfo, as: NoInput.self)
        requests = try asked(Sample.dnaInfo.properties) {
            check(try await $0.properties(as: [String: Int].self) == ["a": 1])
        }
        _ = try one(requests, .properties, as: NoInput.self)
        requests = try asked(Timestamp(seconds: 2).packed) {
            check(try await $0.time() == Timestamp(seconds: 2))
        }
        _ = try one(requests, .time, as: NoInput.self)
        let call = CallInfo(caller: Sample.bob, zome: "test", function: "run", secretUsed: true)
        requests = try asked(call.packed) { check(try await $0.callInfo() == call) }
        _ = try one(requests, .callInfo, as: NoInput.self)
        requests = try asked([0xc0]) { try await $0.log(.warning, "careful") }
        #expect(try one(requests, .log) == LogRequest(level: "warning", message: "careful"))
    }

    @Test func cryptography() throws {
        var requests = try asked(Sample.signature.packed) {
            check(try await $0.sign([1, 2]) == Sample.signature)
        }
        #expect(try one(requests, .sign) == SignRequest(data: [1, 2]))
        requests = try asked([0xc3]) {
            check(try await $0.verify(Sample.signature, of: [1], by: Sample.bob, zome: "other"))
        }
        #expect(
            try one(requests, .verify)
                == VerifyRequest(agent: Sample.bob, signature: Sample.signature, data: [1], zome: "other"))
        requests = try asked([0xc4, 2, 5, 6]) { check(try await $0.hash([1]) == [5, 6]) }
        #expect(try one(requests, .hash) == HashRequest(kind: "blake2b256", data: [1]))
        requests = try asked([0xc4, 2, 5, 6]) { check(try await $0.randomBytes(2) == [5, 6]) }
        #expect(try one(requests, .randomBytes) == RandomBytesRequest(count: 2))
        requests = try asked(Sample.bob.packed) {
            check(try await $0.keystoreGetPublicKey("work") == Sample.bob)
        }
        #expect(try one(requests, .keystoreGetPublicKey) == KeystoreGetPublicKeyRequest(id: "work"))
    }

    @Test func messagesSignalsAndCalls() throws {
        var requests = try asked([0xc0]) { try await $0.emitSignal("N", ["a": 1]) }
        #expect(try one(requests, .emitSignal) == SignalRequest(name: "N", payload: [0x81, 0xa1, 0x61, 1]))
        requests = try asked([0xc0]) { try await $0.signal(to: [Sample.bob, Sample.alice], "N", 5) }
        #expect(
            try one(requests, .remoteSignal)
                == RemoteSignalRequest(to: [Sample.bob, Sample.alice], name: "N", payload: [5]))
        requests = try asked([0xa2, 0x68, 0x69]) {
            let reply = try await $0.send(to: Sample.bob, "x", timeout: .milliseconds(1_500), as: String.self)
            #expect(reply == "hi")
        }
        #expect(
            try one(requests, .send)
                == SendRequest(to: Sample.bob, payload: [0xa1, 0x78], timeoutMilliseconds: 1_500))
        let claim = CapClaim(tag: "t", grantor: Sample.bob, secret: Sample.secret)
        requests = try asked([7]) {
            let result = try await $0.call(
                to: Sample.bob, "post", 3, with: claim, timeout: .seconds(1), as: Int.self)
            #expect(result == 7)
        }
        #expect(
            try one(requests, .call)
                == CallRequest(
                    to: Sample.bob, zome: "test", function: "post", payload: [3], secret: Sample.secret,
                    timeoutMilliseconds: 1_000))
    }

    @Test func cells() throws {
        let cell = CellAddress(dna: Sample.dnaInfo.hash, agent: Sample.bob)
        for target in [CallTarget.here, .role("room.0"), .cell(cell), .bridge("office")] {
            let requests = try asked([7]) {
                let result = try await $0.call(
                    target, zome: "blog", "post", 3, secret: Sample.secret, timeout: .seconds(1), as: Int.self)
                check(result == 7)
            }
            #expect(
                try one(requests, .callCell)
                    == CallCellRequest(
                        target: target, zome: "blog", function: "post", payload: [3], secret: Sample.secret,
                        timeoutMilliseconds: 1_000))
        }
        let requests = try asked([7], [8]) {
            check(try await $0.call(zome: "blog", "post", 3, as: Int.self) == 7)
            check(try await $0.call(.role("a"), zome: "blog", "post", asStranger: true, as: Int.self) == 8)
        }
        let shapes = try requests.map { try CallCellRequest(packed: $0.bytes) }
        #expect(shapes.map(\.target) == [.here, .role("a")] && shapes.map(\.asStranger) == [false, true])
        #expect(shapes[1].payload == [0xc0])
    }

    @Test func capabilities() throws {
        let receipt = GrantReceipt(address: Sample.action, secret: Sample.secret)
        var requests = try asked(receipt.packed) {
            let grant = try await $0.commitCapabilityGrant(
                label: "t", to: .assigned([Sample.bob]), functions: ["post"])
            #expect(grant == receipt)
        }
        #expect(
            try one(requests, .commitCapabilityGrant)
                == GrantRequest(
                    tag: "t", access: .assigned, assignees: [Sample.bob],
                    functions: .listed([ZomeFunction(zome: "test", function: "post")])))
        requests = try asked(Sample.action.packed) { try await $0.revokeCapability(Sample.otherAction) }
        #expect(try one(requests, .revokeCapability) == RevokeRequest(address: Sample.otherAction))
        requests = try asked(Sample.action.packed) {
            try await $0.commitCapabilityClaim(label: "t", grantor: Sample.bob, secret: Sample.secret)
        }
        #expect(
            try one(requests, .commitCapabilityClaim)
                == ClaimRequest(tag: "t", grantor: Sample.bob, secret: Sample.secret))
    }

    @Test func limitedAndReplacedGrants() throws {
        let receipt = GrantReceipt(address: Sample.action, secret: Sample.secret)
        let end = Timestamp(microseconds: 9)
        var requests = try asked(receipt.packed) {
            _ = try await $0.commitCapabilityGrant(
                label: "t", to: .transferable, functions: .all, expires: end, uses: 3)
        }
        #expect(
            try one(requests, .commitCapabilityGrant)
                == GrantRequest(
                    tag: "t", access: .transferable, functions: .all, limits: GrantLimits(expiresAt: end, uses: 3)))
        requests = try asked(receipt.packed) {
            check(
                try await $0.updateCapabilityGrant(label: "t", to: .assigned([Sample.bob]), keepingSecret: true)
                    == receipt)
        }
        #expect(
            try one(requests, .updateCapabilityGrant)
                == GrantUpdate(
                    original: .label("t"), access: .assigned, assignees: [Sample.bob], keepsSecret: true))
        requests = try asked(receipt.packed) {
            _ = try await $0.updateCapabilityGrant(Sample.action, label: "u", limits: GrantLimits.none)
        }
        #expect(
            try one(requests, .updateCapabilityGrant)
                == GrantUpdate(original: .address(Sample.action), label: "u", limits: GrantLimits.none))
        requests = try asked([Sample.action].packed) {
            check(try await $0.revokeCapabilities(label: "t") == [Sample.action])
        }
        #expect(try one(requests, .revokeCapabilities) == RevokeLabelRequest(label: "t"))
    }

    @Test func grantsAndClaimsAreLookedUp() throws {
        let grant = CapabilityGrant(
            address: Sample.action,
            grant: ZomeCallCapGrant(
                tag: "t", access: .assigned(secret: Sample.secret, assignees: [Sample.bob]), functions: .all),
            limits: GrantLimits(uses: 2), used: 1)
        var requests = try asked([grant].packed) { check(try await $0.capabilityGrants(label: "t") == [grant]) }
        #expect(try one(requests, .capabilityGrants) == GrantsQuery(label: "t"))
        let claim = CapabilityClaim(
            address: Sample.action, claim: CapClaim(tag: "t", grantor: Sample.bob, secret: Sample.secret))
        requests = try asked([claim].packed) {
            check(try await $0.capabilityClaims(grantor: Sample.bob, label: "t") == [claim])
        }
        #expect(try one(requests, .capabilityClaims) == ClaimsQuery(grantor: Sample.bob, label: "t"))
        requests = try asked([claim].packed, [7]) {
            check(try await $0.call(to: Sample.bob, "post", 3, claimed: "t", as: Int.self) == 7)
        }
        #expect(requests.map(\.operation) == [.capabilityClaims, .call])
        #expect(try CallRequest(packed: requests[1].bytes).secret == Sample.secret)
        let refused = #expect(throws: ModuleError.self) {
            try asked([CapabilityClaim]().packed) {
                _ = try await $0.call(to: Sample.bob, "post", 3, claimed: "t", as: Int.self)
            }
        }
        #expect(refused?.code == "noClaim")
        let info = CapabilityInfo(
            grant: Sample.action, label: "t", limits: GrantLimits(uses: 2), used: 1, passedOnBy: [Sample.bob])
        requests = try asked(info.packed) { check(try await $0.capabilityInfo() == info) }
        #expect(try one(requests, .capabilityInfo) == NoInput())
        _ = try asked([0xc0]) { check(try await $0.capabilityInfo() == nil) }
    }

    @Test func claimsArePassedOn() throws {
        let claim = CapabilityClaim(
            address: Sample.action, claim: CapClaim(tag: "t", grantor: Sample.bob, secret: Sample.secret))
        let passedOn = DelegatedClaim(grantor: Sample.bob, secret: Sample.secret, certificates: [])
        let only = [ZomeFunction(zome: "test", function: "post")]
        var requests = try asked(passedOn.packed) {
            check(try await $0.delegate(claim, to: Sample.alice, functions: only, uses: 1) == passedOn)
        }
        #expect(
            try one(requests, .delegate)
                == DelegateRequest(
                    secret: Sample.secret, to: Sample.alice, functions: only, limits: GrantLimits(uses: 1)))
        requests = try asked(Sample.action.packed) {
            try await $0.commitCapabilityClaim(label: "mine", passedOn)
        }
        #expect(
            try one(requests, .commitCapabilityClaim)
                == ClaimRequest(tag: "mine", grantor: Sample.bob, secret: Sample.secret))
    }
}

/// An expectation inside a zome's function: the macro would hide from the compiler that the function throws.
private func check(_ holds: Bool, at location: SourceLocation = #_sourceLocation) {
    #expect(holds, sourceLocation: location)
}
