import Chain
import Integrity
import Storage
import Validation
import ZomeRuntime

/// Shows ops of others to the modules' validators.
extension IncomingOps {
    /// Ops in one call of a validator.
    private static var shownAtOnce: Int { 128 }

    func show(_ requests: [JudgeRequest]) {
        toShow += requests
        showNext()
    }

    private func showNext() {
        guard !isShowing, let first = toShow.first else { return }
        isShowing = true
        var count = 1
        if first.run == .shared {
            count = toShow.prefix(Self.shownAtOnce).prefix { $0.run == .shared }.count
        }
        let shown = Array(toShow.prefix(count))
        toShow.removeFirst(count)
        let done: ([(ticket: DhtOpHash, outcome: JudgeOutcome)]) -> Void = { [self] answers in
            isShowing = false
            perform(pipeline.judged(answers, held: held, now: now))
            showNext()
        }
        if first.run == .fresh {
            showFresh(first, done)
        } else {
            showShared(shown, done)
        }
    }

    private func showShared(
        _ shown: [JudgeRequest], _ done: @escaping ([(ticket: DhtOpHash, outcome: JudgeOutcome)]) -> Void
    ) {
        guard let validators = space.validators else { return done(shown.map { ($0.ticket, .valid) }) }
        ask(shown, validators) { [self] result in
            switch result {
            case .success(let outcomes): done(Array(zip(shown.map(\.ticket), outcomes)))
            case .failure(let error):
                guard shown.count > 1 else { return done([(shown[0].ticket, .failed(error.message))]) }
                // One of them it was: half by half it is found, and the others have their verdicts.
                let half = shown.count / 2
                showShared(Array(shown.prefix(half))) { [self] first in
                    showShared(Array(shown.dropFirst(half))) { second in done(first + second) }
                }
            }
        }
    }

    /// In a process of its own, which ends with the answer.
    private func showFresh(
        _ request: JudgeRequest, _ done: @escaping ([(ticket: DhtOpHash, outcome: JudgeOutcome)]) -> Void
    ) {
        let handler = ValidatorModules(space)
        let runner = makeFreshValidators(handler)
        ask([request], runner) { result in
            runner.stop()
            withExtendedLifetime(handler) {
                switch result {
                case .success(let outcomes): done(Array(zip([request.ticket], outcomes)))
                case .failure(let error): done([(request.ticket, .failed(error.message))])
                }
            }
        }
    }

    private func ask(
        _ shown: [JudgeRequest], _ runner: any ZomeRunner,
        _ done: @escaping (Result<[JudgeOutcome], PlasmidError>) -> Void
    ) {
        runner.load { [self] result in
            do throws(PlasmidError) {
                let plan = try OpBatchPlan(
                    shown.map(\.op), dna: space.definition, modules: try result.get(),
                    reads: StagedReads(pipeline.content, over: held))
                ask(plan, runner, answers: [], done)
            } catch {
                done(.failure(error))
            }
        }
    }

    /// Zome after zome.
    private func ask(
        _ plan: OpBatchPlan, _ runner: any ZomeRunner, answers: [[ValidateOutcome]],
        _ done: @escaping (Result<[JudgeOutcome], PlasmidError>) -> Void
    ) {
        guard answers.count < plan.requests.count else {
            done(Result { () throws(PlasmidError) in try plan.fold(answers) })
            return
        }
        let request = plan.requests[answers.count]
        let call = conductor.nextModuleCall()
        space.views[call] = IncomingView(incoming: self)
        runner.invoke(
            call: call, zome: request.zomeIndex, kind: .validate, name: "validate",
            invocation: Invocation(caller: nil, payload: request.ops.packed),
            timeout: conductor.options.limits.callTimeout
        ) { [self] result in
            space.views[call] = nil
            do throws(PlasmidError) {
                let outcomes = try SpaceContext.outcomes(result, zome: request.zome)
                ask(plan, runner, answers: answers + [outcomes], done)
            } catch {
                done(.failure(error))
            }
        }
    }
}

/// What validators may look at while they judge ops of others: what is in the works or here for whatever reason, by its hash, all of it
/// verified. What it leads to is the same on every node, as far as it is there.
struct IncomingView: ValidatorView {
    let incoming: IncomingOps

    func answerMustGet(_ operation: HostOperation, _ bytes: [UInt8]) throws(PlasmidError) -> [UInt8] {
        let reads = StagedReads(incoming.pipeline.content, over: incoming.held)
        switch operation {
        case .mustGetEntry:
            let hash = try MustGetEntryRequest(packed: bytes).hash
            guard let entry = try reads.entry(hash) else { throw CallView.missing(hash.text) }
            return entry.packed
        case .mustGetAction:
            let hash = try MustGetActionRequest(packed: bytes).hash
            guard let signed = try signed(hash) else { throw CallView.missing(hash.text) }
            return signed.packed
        case .mustGetAgentActivity:
            let wanted = try MustGetAgentActivityRequest(packed: bytes)
            let known = KnownChain(view: self, stored: StoredChain(space: incoming.space, reader: nil))
            return try CascadeView(layers: [], stored: known).mustGetActivity(of: wanted.author, wanted.filter).packed
        default:
            let hash = try MustGetActionRequest(packed: bytes).hash
            guard let record = try record(hash) else { throw CallView.missing(hash.text) }
            return record.packed
        }
    }

    func signed(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? {
        if let signed = incoming.pipeline.content.action(hash) { return signed }
        return try incoming.space.store.knownAction(hash)
    }

    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? {
        if let entry = incoming.pipeline.content.entry(hash) { return entry }
        return try incoming.space.store.knownEntry(hash)
    }

    /// With its entry, or not at all: a record whose entry comes later would else be another thing then.
    func record(_ hash: ActionHash) throws(PlasmidError) -> Record? {
        guard let signed = try signed(hash) else { return nil }
        guard let type = signed.action.entryType, let address = signed.action.entryHash else {
            return Record(signedAction: signed, entry: .notApplicable)
        }
        if type.visibility == .private { return Record(signedAction: signed, entry: .hidden) }
        guard let entry = try entry(address) else { throw CallView.missing(address.text) }
        return Record(signedAction: signed, entry: .present(entry))
    }
}

/// Stored data, behind what is in the works and together with what is kept as a dependency.
private struct KnownChain: ChainReads {
    let view: IncomingView
    let stored: StoredChain

    func record(_ hash: ActionHash) throws(PlasmidError) -> Record? { try view.record(hash) }
    func action(_ hash: ActionHash) throws(PlasmidError) -> SignedAction? { try view.signed(hash) }
    func entry(_ hash: EntryHash) throws(PlasmidError) -> Entry? { try view.entry(hash) }
    func creates(of entry: EntryHash) throws(PlasmidError) -> [SignedAction] { try stored.creates(of: entry) }
    func updates(of original: ActionHash) throws(PlasmidError) -> [SignedAction] { try stored.updates(of: original) }
    func deletes(of original: ActionHash) throws(PlasmidError) -> [SignedAction] { try stored.deletes(of: original) }
    func updates(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try stored.updates(ofEntry: original)
    }
    func deletes(ofEntry original: EntryHash) throws(PlasmidError) -> [SignedAction] {
        try stored.deletes(ofEntry: original)
    }
    func linkDeletes(of add: ActionHash) throws(PlasmidError) -> [SignedAction] { try stored.linkDeletes(of: add) }
    func links(
        _ filter: LinkFilter, behind position: LinkPosition?, newestFirst: Bool, limit: Int
    ) throws(PlasmidError) -> [Link] {
        try stored.links(filter, behind: position, newestFirst: newestFirst, limit: limit)
    }
    func countLinks(_ filter: LinkFilter) throws(PlasmidError) -> Int { try stored.countLinks(filter) }
    func chain(
        of author: AgentPubKey, in range: ClosedRange<UInt32>, descending: Bool, entriesOf: (Action) -> Bool,
        _ body: (Record) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        try stored.chain(of: author, in: range, descending: descending, entriesOf: entriesOf, body)
    }
}
