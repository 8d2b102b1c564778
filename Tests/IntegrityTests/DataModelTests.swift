import Integrity
import Sodium
import Testing

@Suite("data model")
struct DataModelTests {
    @Test("reference §2.2: the derived Dna action, its address and its ops")
    func dnaAction() throws {
        let action = Samples.action(0, .dna(Samples.dnaHash))
        let bytes = action.packed
        #expect(bytes.count == 166)
        #expect(hexText(bytes).hasPrefix("82a668656164657284a6617574686f72c42784202401"))
        #expect(hexText(bytes).contains("cf00060a24181e4000"))
        #expect(action.hash.text == "uhCkksya-N90Vh8PO76ql2QS_8szZQE3cFG7G2OXU2bEKrUfX57rJ")
        let ops = ChainOp.ops(for: Record(signedAction: Samples.signed(action), entry: .notApplicable))
        #expect(ops.map(\.type) == [.createRecord, .agentActivity])
        #expect(ops[0].hash.text == "uhCQkGi83EEzfwVIB20VIntRNWByoZJu-HCszsaN1aV3NHrL1VZ2G")
        #expect(ops[1].hash.text == "uhCQkObVysMqe_NhZbjvDtVj8hQMMYrHBlO4jK8Lb_uHG_QgKVv-R")
        #expect(ops[0].basis == .action(action.hash))
        #expect(ops[1].basis == .entry(Samples.author.entryHash))
    }

    @Test("reference §2.2 and the published vector: entries and their addresses")
    func entries() throws {
        #expect(hexText(Samples.bar.packed) == "82aa656e7472795f74797065a3417070a5656e747279c404a3626172")
        #expect(Samples.bar.hash.text == "uhCEkn9WJ4Nm3VEf9nJphdFvcg9-cihhIxiQL5N0N2Mfl0Fs814SE")
        #expect(Entry.app(hex("a3666f6f")).hash.text == "uhCEkPjYXxw4ztKx3wBsxzm-q3Rfoy1bXWbIQohifqC3_HNle3-SO")
        #expect(Entry.agent(Samples.author).hash == Samples.author.entryHash)
        #expect(Samples.bar.matches(Samples.appType))
        #expect(!Samples.bar.matches(.agentPubKey))
        #expect(Entry.counterSign(session: [0xC0], bytes: []).matches(Samples.appType))
    }

    @Test("which ops an action gives, in which order, for which holders")
    func opOrder() throws {
        let expected: [String: [ChainOpType]] = [
            "Dna": [.createRecord, .agentActivity], "AgentValidationPkg": [.createRecord, .agentActivity],
            "AgentValidationPkgProof": [.createRecord, .agentActivity],
            "CreateAgent": [.createRecord, .agentActivity, .createEntry],
            "InitZomesComplete": [.createRecord, .agentActivity],
            "Create": [.createRecord, .agentActivity, .createEntry],
            "CreatePrivate": [.createRecord, .agentActivity],
            "Update": [.createRecord, .agentActivity, .createEntry, .updateEntry, .updateRecord],
            "Delete": [.createRecord, .agentActivity, .deleteRecord, .deleteEntry],
            "CreateLink": [.createRecord, .agentActivity, .createLink],
            "DeleteLink": [.createRecord, .agentActivity, .deleteLink],
            "CloseChain": [.createRecord, .agentActivity], "OpenChain": [.createRecord, .agentActivity],
        ]
        for (name, action) in Samples.actions {
            #expect(ChainOpType.produced(by: action) == expected[name], "\(name)")
            for type in ChainOpType.allCases {
                let produced = ChainOpType.produced(by: action).contains(type)
                // A private create has a basis for CreateEntry and still gives no such op.
                if produced { #expect(type.basis(of: action, hash: action.hash) != nil, "\(name) \(type)") }
            }
        }
        let update = Samples.actions.first { $0.name == "Update" }
        let action = try #require(update?.action)
        #expect(ChainOpType.updateEntry.basis(of: action, hash: action.hash) == .entry(Samples.entry4))
        #expect(ChainOpType.updateRecord.basis(of: action, hash: action.hash) == .action(Samples.action5))
        #expect(ChainOpType.createEntry.basis(of: action, hash: action.hash) == .entry(Samples.bar.hash))
        #expect(ChainOpType.deleteLink.basis(of: action, hash: action.hash) == nil)
    }

    @Test("a private entry leaves in no op, even when the record holds it")
    func privateEntries() throws {
        let action = Samples.action(5, .create(entryType: Samples.privateType, entryHash: Samples.bar.hash))
        let ops = ChainOp.ops(for: Record(signedAction: Samples.signed(action), entry: .present(Samples.bar)))
        #expect(ops.map(\.entry) == [.hidden, .actionOnly])
        let secret = hexText(hex("a3626172"))
        #expect(ops.allSatisfy { !hexText($0.packed).contains(secret) })
        let open = Samples.action(4, .create(entryType: Samples.appType, entryHash: Samples.bar.hash))
        let openOps = ChainOp.ops(for: Record(signedAction: Samples.signed(open), entry: .present(Samples.bar)))
        #expect(openOps.map(\.entry) == [.present(Samples.bar), .actionOnly, .present(Samples.bar)])
    }

    @Test("the nine ops of one action have nine addresses, and none covers signature or entry")
    func opHashes() {
        let action = Samples.action(6, .delete(deletesAction: Samples.action5, deletesEntry: Samples.entry4))
        let signature = Signature(Samples.sequence64)
        let hashes = ChainOpType.allCases.map { ChainOp(type: $0, action: action, signature: signature).hash }
        #expect(Set(hashes).count == 9)
        let other = ChainOp(type: .createRecord, action: action, signature: Signature(Bytes64()), entry: .hidden)
        #expect(other.hash == hashes[0])
    }

    @Test("signatures are over the action's bytes, by its author or by the key it closes towards")
    func signatures() {
        let seed = SecretBytes.random(count: 32)
        guard let key = SecretKey(seed: seed) else {
            Issue.record("a seed of 32 bytes was refused")
            return
        }
        var action = Samples.action(4, .create(entryType: Samples.appType, entryHash: Samples.bar.hash))
        action.header.author = AgentPubKey(core: key.publicKey)
        var signed = SignedAction(action: action, signature: Signature(key.sign(action.packed)))
        #expect(signed.hasTrueSignature && signed.hasTrueHash)
        signed.action.header.actionSeq += 1
        #expect(!signed.hasTrueSignature && !signed.hasTrueHash)
        var closing = Samples.action(9, .closeChain(.agent(AgentPubKey(core: key.publicKey))))
        let closer = key.publicKey
        #expect(closing.signer.core == closer)
        #expect(SignedAction(action: closing, signature: Signature(key.sign(closing.packed))).hasTrueSignature)
        closing.data = .closeChain(MigrationTarget.dna(Samples.dnaHash))
        #expect(closing.signer == Samples.author)
    }

    @Test("§11.68 §11.69 §11.70 a grant opens to whom and for what it says, and with a secret only what takes one")
    func grants() {
        let secret = CapSecret(Samples.sequence64)
        let other = CapSecret(Bytes64())
        let stranger = AgentPubKey(core: Bytes32(repeating: 77))
        let say = (zome: "messenger", function: "say")
        func allows(_ grant: ZomeCallCapGrant, _ who: AgentPubKey, _ shown: CapSecret?, _ function: String = "say")
            -> Bool
        {
            grant.allows(caller: who, secret: shown, zome: say.zome, function: function)
        }
        #expect(allows(Samples.grant, Samples.author, secret))
        #expect(!allows(Samples.grant, stranger, secret))
        #expect(!allows(Samples.grant, Samples.author, other))
        #expect(!allows(Samples.grant, Samples.author, nil))
        #expect(!allows(Samples.grant, Samples.author, secret, "write"))
        let open = ZomeCallCapGrant(tag: "", access: .unrestricted, functions: .all)
        #expect(allows(open, stranger, nil, "anything"))
        #expect(!allows(open, stranger, secret))
        let passed = ZomeCallCapGrant(tag: "", access: .transferable(secret: secret), functions: .all)
        #expect(allows(passed, stranger, secret))
        #expect(!allows(passed, stranger, nil))
        #expect("\(secret)" == "CapSecret(…)")
    }

    @Test("no message of any signing domain is, or begins as, an action; and none is one of another domain")
    func domains() {
        var random = Seeded("signing domains")
        var seen: [[UInt8]: SigningDomain] = [:]
        let names = SigningDomain.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { !$0.utf8.contains(0) })
        for domain in SigningDomain.allCases {
            for _ in 0..<50 {
                let parts = (0..<Int.random(in: 0...3, using: &random)).map { _ in random.bytes(0...20) }
                let message = domain.message(parts)
                #expect(message.first == UInt8(ascii: "p"))
                #expect(throws: PlasmidError.self) { try Action(packed: message) }
                if let before = seen[message] { #expect(before == domain) }
                seen[message] = domain
            }
        }
        for _ in 0..<200 { #expect(random.action().packed.first == 0x82) }
        #expect(SigningDomain.call.message([[1], [2]]) != SigningDomain.call.message([[1, 2]]))
        #expect(SigningDomain.call.message([[], [1]]) != SigningDomain.call.message([[1], []]))
        let app = SigningDomain.app(dna: Samples.dnaHash, zome: "z", data: [1, 2])
        #expect(app == SigningDomain.message(.app, [Samples.dnaHash.bytes, [0x7A], [1, 2]]))
    }

    @Test("which callback may use which host operation")
    func operations() {
        // A number never changes its meaning.
        let numbers = HostOperation.allCases.map(\.rawValue)
        #expect(numbers.prefix(28) == Array(1...28)[...])
        let validate = HostOperation.allCases.filter { $0.allowed(in: .validate) }.map(\.rawValue)
        #expect(validate == [10, 12, 13, 20, 21, 22, 23, 24, 34])
        let genesis = HostOperation.allCases.filter { $0.allowed(in: .genesisSelfCheck) }.map(\.rawValue)
        #expect(genesis == [10, 12, 13, 23, 24])
        #expect(
            HostOperation.allCases.filter { !$0.allowed(in: .postCommit) }
                == HostOperation.allCases.filter { $0.isWrite || $0.changesApp })
        for kind in [InvocationKind.function, .receive, .initialize, .scheduled] {
            #expect(HostOperation.allCases.allSatisfy { $0.allowed(in: kind) })
        }
    }
}
