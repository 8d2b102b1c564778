import CZome
import HDK
import Integrity
import Testing

/// How operations find their rule, and how a rule's end becomes a verdict.
@Suite struct ValidationTests {
    private static let zome = IntegrityZome("rules") {
        Validate(Note.self) { note, op in
            guard !note.text.isEmpty else { throw Invalid("a note needs a text") }
            if note.text == "confused" { throw ZomeError("confused", "no verdict") }
            if note.text == "needs" { _ = try await op.host.mustGetAction(Sample.action) }
            if note.text == "needs quietly" { _ = try? await op.host.mustGetAction(Sample.action) }
            if note.text == "needs a chain" {
                _ = try? await op.host.mustGetAgentActivity(Sample.alice, from: Sample.action, .toGenesis)
            }
            if note.text == "needs valid" { _ = try await op.host.mustGetValidRecord(Sample.action) }
            if case .update(let original, _) = op.change {
                guard original == Sample.action else { throw Invalid("updates \(original)") }
            }
        }
        ValidateDelete(Note.self) { op in
            guard op.author == op.originalAuthor else { throw Invalid("only its author deletes a note") }
        }
        ValidateLink("answers") { link, op in
            if op.change == .delete, op.author != link.author { throw Invalid("only its author") }
            if link.tag == [1] { throw Invalid("no such tag") }
        }
        ValidateActivity { action, _ in
            if action.action.actionSeq == 13 { throw Invalid("unlucky") }
        }
        GenesisSelfCheck { proof, agent, host in
            guard proof == [1, 2, 3] else { throw Invalid("\(agent) has no ticket") }
        }
    }

    /// Judges operations; `known` are the actions that the node holds, `refused` is how it answers for all others.
    private func judge(
        _ ops: [Op], known: [SignedAction] = [], refused code: String = "missingDependency"
    ) throws -> [ValidateOutcome] {
        let host = FakeHost(Self.zome)
        host.answering = { request in
            switch HostOperation(rawValue: request.operation) {
            case .dnaInfo: return FakeHost.Reply(status: 0, bytes: Sample.dnaInfo.packed)
            case .mustGetAction, .mustGetValidRecord:
                let wanted = try? MustGetActionRequest(packed: request.bytes).hash
                if let action = known.first(where: { $0.hash == wanted }) {
                    return FakeHost.Reply(status: 0, bytes: action.packed)
                }
                return FakeHost.Reply(status: 1, bytes: ModuleError(code: code, message: "not here").packed)
            case .mustGetAgentActivity:
                return FakeHost.Reply(
                    status: 0, bytes: MustGetAgentActivityAnswer(missing: Sample.otherAction).packed)
            default: return nil
            }
        }
        host.start(1, .validate, payload: ops.packed)
        host.run()
        let reply = try #require(host.reply(1))
        if reply.status != 0 { throw try ModuleError(packed: reply.bytes) }
        return try [ValidateOutcome](packed: reply.bytes)
    }

    private func ops(_ text: String, type: UInt8 = 0) throws -> [Op] {
        let record = try Sample.record(Note(text: text, to: nil), type: type)
        return [
            .createRecord(record),
            .createEntry(action: record.signedAction, entry: try #require(record.entry.entry)),
            .agentActivity(record.signedAction, cachedEntry: nil),
        ]
    }

    @Test func theRulesDescribeThemselves() throws {
        let description = try FakeHost(Self.zome).describe()
        #expect(description.kind == .integrity)
        #expect(description.callbacks == ["validate", "genesis_self_check"])
        #expect(description.validates == ["note"])
        #expect(description.validatesLinks == ["answers"])
        #expect(description.validatesActivity)
    }

    @Test func aGoodNoteIsValidInAllItsOperations() throws {
        #expect(try judge(ops("hello")) == [.valid, .valid, .valid])
        #expect(try judge([]).isEmpty)
    }

    @Test func aBadNoteIsInvalidInTheRulesOwnWords() throws {
        let bad = ValidateOutcome.invalid("a note needs a text")
        #expect(try judge(ops("")) == [bad, bad, .valid])
        #expect(try judge(ops("") + ops("fine")) == [bad, bad, .valid, .valid, .valid, .valid])
    }

    @Test func anEntryThatIsNoNoteIsInvalidAndItsFieldIsNamed() throws {
        let record = try Sample.record(["txt": "hello"])
        guard case .invalid(let reason) = try #require(try judge([.createRecord(record)]).first) else {
            Issue.record("it was accepted")
            return
        }
        #expect(reason.contains("`note`") && reason.contains("text"))
    }

    @Test func typesWithoutARuleAreValid() throws {
        #expect(try judge(ops("", type: 1)) == [.valid, .valid, .valid])
        #expect(try judge(ops("", type: 200)) == [.valid, .valid, .valid])
    }

    @Test func aPrivateEntryThatIsNotHereIsNotJudged() throws {
        var record = try Sample.record(Note(text: "", to: nil))
        record.entry = .hidden
        #expect(try judge([.createRecord(record)]) == [.valid])
    }

    @Test(arguments: ["missingDependency", "notFound"], ["needs", "needs quietly"])
    func whatIsMissingMakesTheOperationWait(code: String, text: String) throws {
        let waits = ValidateOutcome.unresolved([.action(Sample.action)])
        #expect(try judge(ops(text), refused: code) == [waits, waits, .valid])
    }

    @Test func aChainThatIsNotWholeMakesTheOperationWaitForWhatIsMissing() throws {
        let waits = ValidateOutcome.unresolved([.action(Sample.otherAction)])
        #expect(try judge(ops("needs a chain")) == [waits, waits, .valid])
    }

    @Test func whatNeedsAnInvalidRecordIsInvalid() throws {
        let outcomes = try judge(ops("needs valid"), refused: "validationFailed")
        guard case .invalid(let reason) = try #require(outcomes.first) else {
            Issue.record("it was not refused")
            return
        }
        #expect(reason.contains("\(Sample.action)"))
    }

    @Test func anErrorThatIsNoVerdictFailsTheCall() throws {
        #expect(throws: ModuleError(code: "confused", message: "no verdict")) { try judge(ops("confused")) }
        #expect(throws: ModuleError.self) { try judge(ops("needs"), refused: "storageFailed") }
    }

    @Test func updatesAreJudgedWithTheirOriginal() throws {
        let entry = Entry.app(try MessagePackEncoder().encode(Note(text: "x", to: nil)))
        func update(_ original: ActionHash) -> Op {
            .update(
                update: Sample.signed(
                    .update(
                        originalAction: original, originalEntry: Sample.entry, entryType: Sample.type(0),
                        entryHash: entry.hash)),
                newEntry: entry)
        }
        #expect(
            try judge([update(Sample.action), update(Sample.otherAction)])
                == [.valid, .invalid("updates \(Sample.otherAction)")])
    }

    @Test func deletionsAreJudgedWithWhatTheyDelete() throws {
        let note = try Sample.record(Note(text: "x", to: nil)).signedAction
        func delete(by author: AgentPubKey) -> Op {
            .delete(Sample.signed(.delete(deletesAction: note.hash, deletesEntry: Sample.entry), by: author))
        }
        #expect(
            try judge([delete(by: Sample.alice), delete(by: Sample.bob)], known: [note])
                == [.valid, .invalid("only its author deletes a note")])
        #expect(try judge([delete(by: Sample.alice)]) == [.unresolved([.action(note.hash)])])
    }

    @Test func linksAndTheirDeletionsAreJudged() throws {
        func link(_ type: UInt8, tag: [UInt8]) -> SignedAction {
            Sample.signed(
                .createLink(
                    base: AnyLinkableHash(Sample.action), target: AnyLinkableHash(Sample.otherAction), zomeIndex: 0,
                    linkType: type, tag: tag))
        }
        let good = link(1, tag: [])
        func delete(by author: AgentPubKey) -> SignedAction {
            Sample.signed(.deleteLink(base: AnyLinkableHash(Sample.action), linkAdd: good.hash), by: author)
        }
        let ops: [Op] = [
            .createLink(good), .createLink(link(1, tag: [1])), .createLink(link(0, tag: [1])),
            .deleteLink(delete(by: Sample.alice), createLink: good.action),
            .deleteLink(delete(by: Sample.bob), createLink: good.action),
            .createRecord(Record(signedAction: delete(by: Sample.bob), entry: .notApplicable)),
        ]
        #expect(
            try judge(ops, known: [good])
                == [
                    .valid, .invalid("no such tag"), .valid, .valid, .invalid("only its author"),
                    .invalid("only its author"),
                ])
    }

    @Test func everyActionPassesTheActivityRule() throws {
        let action = Sample.signed(.initZomesComplete, seq: 13)
        #expect(
            try judge([
                .agentActivity(action, cachedEntry: nil),
                .createRecord(Record(signedAction: action, entry: .notApplicable)),
            ])
                == [.invalid("unlucky"), .valid])
    }

    @Test func genesisIsCheckedBeforeAnythingIsWritten() throws {
        func check(_ proof: [UInt8]?) throws -> ValidateOutcome {
            var writer = MessagePackWriter()
            writer.writeMapHeader(2)
            writer.writeString("membrane_proof")
            if let proof { writer.writeBinary(proof) } else { writer.writeNil() }
            writer.writeString("agent_key")
            writer.write(Sample.alice)
            let host = FakeHost(Self.zome)
            host.start(1, .genesisSelfCheck, payload: writer.bytes)
            host.run()
            return try ValidateOutcome(packed: try #require(host.reply(1)).bytes)
        }
        #expect(try check([1, 2, 3]) == .valid)
        #expect(try check(nil) == .invalid("\(Sample.alice) has no ticket"))
    }

    @Test func opsThatCannotBeReadAreBadInput() {
        let host = FakeHost(Self.zome)
        host.start(1, .validate, payload: [0x91, 0xc0])
        host.run()
        #expect(host.error(1)?.code == "badInput")
    }
}
