import Chain
import Integrity
import Keystore
import Logging
import Storage
import Validation

/// From a returned call to durable actions: system rules, the modules' validators, signatures, storage, answer.
extension Cell {
    /// Checks the call's actions with the code that other nodes will use, and tells the order the verdict.
    func validate(_ call: ActiveCall) {
        let run = call.run
        if conductor.options.skipsOwnChecks { return tell(.validated(run, valid: true)) }
        do {
            let view = try CallView(call: call)
            let records = try view.records(of: call)
            switch try judge(records, view) {
            case .valid: break
            case .rejected(let violation): return refuse(call, violation.message)
            case .missing(let hashes): return refuse(call, Self.missing(hashes))
            }
            space.validate(records, view: view) { [self] verdict in
                guard call.run == run, !call.isOver else { return }
                switch verdict {
                case .success(.valid): tell(.validated(run, valid: true))
                case .success(.invalid(let words)): refuse(call, words)
                case .success(.unresolved(let hashes)): refuse(call, Self.missing(hashes))
                case .failure(let error): fail(call, error)
                }
            }
        } catch {
            fail(call, PlasmidError.from(error))
        }
    }

    private static func missing(_ hashes: [AnyDhtHash]) -> String {
        "it refers to \(hashes.map { "\($0)" }.joined(separator: ", ")), which is not held here"
    }

    private func fail(_ call: ActiveCall, _ error: PlasmidError) {
        call.refusal = .failure(error)
        tell(.failed(call.run))
    }

    private func refuse(_ call: ActiveCall, _ words: String) {
        let code = PlasmidError.Code.validationFailed.rawValue
        call.refusal = .success(.appError(ModuleError(code: code, message: words)))
        tell(.validated(call.run, valid: false))
    }

    /// Signs and hands the actions to storage. The caller hears of it after the sync; the next call builds on it now.
    func commit(_ call: ActiveCall) {
        guard let scratch = call.scratch else {
            release(call)
            return
        }
        do {
            let commit = try conductor.spaceCommit(of: scratch, agent: id.agent)
            // From here on the next call meets the new grants, and none that is revoked.
            grants.follow(scratch)
            claims.follow(scratch)
            // In the journal before the grants that they are counted for, or with them.
            if let carried = spending([], carriedUses(call, scratch)) { space.store.spend(carried) { _ in } }
            let actions = commit.records.map(\.signedAction)
            let done = whenKept(call) { [self] result in
                // Not before the sync: peers must never hold what a crash here could take back.
                if case .success = result { space.network?.authored(commit) }
                committed(call, actions, result)
            }
            space.store.commit(commit, completion: done)
        } catch {
            chainBroke(call, PlasmidError.from(error))
        }
    }

    /// Uses that were made of a grant between the reckoning of what is left of it and now, counted for its replacement.
    private func carriedUses(_ call: ActiveCall, _ scratch: Scratch) -> [CountedUse] {
        call.replacements.compactMap { replaced in
            let used = grants.used(replaced.old.core).used
            guard used > replaced.used, scratch.action(replaced.new) != nil else { return nil }
            return grants.carry(used - replaced.used, to: replaced.new)
        }
    }

    /// Hands what the call schedules to storage; `done` comes when that and the commit itself are durable.
    private func whenKept(
        _ call: ActiveCall, _ done: @escaping (Result<Void, PlasmidError>) -> Void
    ) -> (Result<Void, PlasmidError>) -> Void {
        guard !call.schedules.isEmpty else { return done }
        var kept: Result<Void, PlasmidError>?
        var committed: Result<Void, PlasmidError>?
        let check = {
            guard let kept, let committed else { return }
            done(committed.flatMap { kept })
        }
        conductor.keep(call.schedules) { result in
            kept = result
            check()
        }
        return { result in
            committed = result
            check()
        }
    }

    private func committed(_ call: ActiveCall, _ actions: [SignedAction], _ result: Result<Void, PlasmidError>) {
        switch result {
        case .success:
            calls[call.number] = nil
            meter.committed(actions: actions.count)
            traceCommit(actions)
            conductor.take(call.schedules)
            deliverSignals(call)
            call.answer(.success(call.outcome))
            forgetOrphans()
            postCommit(call, actions)
        case .failure(let error):
            conductor.takeBack(call.schedules)
            chainBroke(call, error)
        }
    }

    /// Storage did not take a commit: nothing after it can stand, so the chain goes back to what storage holds.
    private func chainBroke(_ call: ActiveCall, _ error: PlasmidError) {
        calls[call.number] = nil
        call.answer(.failure(error))
        conductor.logger.error(
            "a commit failed", metadata: ["cell": "\(instanceID)", "code": "\(error.code.rawValue)"])
        do {
            guard let head = try space.store.head(of: id.agent) else {
                throw PlasmidError(.chainMissing, "the chain of \(id.agent) is not in storage any more")
            }
            try loadCapabilities()
            setBack = error
            tell(.reset(tail: head))
        } catch {
            isActive = false
            conductor.faults[instanceID] = PlasmidError.from(error)
        }
    }

    /// Runs `post_commit` of the zome that was called (of every zome after `init`), in the background.
    private func postCommit(_ call: ActiveCall, _ actions: [SignedAction]) {
        let indices = call.isInit ? Array(zomes.indices) : call.steps.map(\.zome)
        for zome in indices where zomes[zome].callbacks.contains(.postCommit) {
            var writer = MessagePackWriter()
            writer.writeArrayHeader(actions.count)
            for action in actions { action.pack(into: &writer) }
            let step = CallStep(
                zome: zome, kind: .postCommit, name: "post_commit",
                invocation: Invocation(caller: nil, payload: writer.bytes))
            // As deep as the call that committed: one that writes and calls itself from here would never end.
            let origin = CallOrigin(depth: call.origin.depth, budget: call.origin.budget)
            let background = ActiveCall(
                number: conductor.nextCall(), cell: self, steps: [step], caller: nil, origin: origin
            ) { [self] result in
                if case .failure(let error) = result {
                    conductor.logger.warning(
                        "post_commit failed",
                        metadata: [
                            "cell": "\(instanceID)", "zome": "\(zomes[zome].name)", "code": "\(error.code.rawValue)",
                        ])
                }
            }
            start(background)
        }
    }
}

extension Conductor {
    /// What storage takes of a signed scratch: private entries sealed for their author, public ones as they are.
    func spaceCommit(
        of scratch: Scratch, agent: AgentPubKey
    ) throws(PlasmidError) -> SpaceCommit {
        var records: [CommittedRecord] = []
        records.reserveCapacity(scratch.actions.count)
        for pending in scratch.actions {
            var publicBytes: [UInt8]?
            var sealed: [UInt8]?
            if let bytes = pending.entryBytes, let hash = pending.action.entryHash {
                if pending.action.entryType?.visibility == .private {
                    sealed = try keystore.seal(bytes, by: agent, context: hash.bytes)
                } else {
                    publicBytes = bytes
                }
            }
            records.append(
                CommittedRecord(
                    signedAction: try signed(pending), actionBytes: pending.actionBytes, entryBytes: publicBytes,
                    sealedEntry: sealed))
        }
        return SpaceCommit(author: agent, records: records)
    }

    /// A pending action with its author's signature: made now if it was not made yet.
    private func signed(_ pending: PendingAction) throws(PlasmidError) -> SignedAction {
        if let signed = pending.signedAction { return signed }
        let signature = try keystore.sign(pending.actionBytes, by: pending.action.author)
        return SignedAction(action: pending.action, hash: pending.hash, signature: signature)
    }
}
