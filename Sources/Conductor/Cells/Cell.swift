import Chain
import Integrity
import NIOCore
import Validation
import ZomeRuntime

/// One agent in one DNA.
public struct CellID: Hashable, Sendable {
    /// The network.
    public let dna: DnaHash
    /// Whose chain.
    public let agent: AgentPubKey

    /// A cell's name from its parts.
    public init(dna: DnaHash, agent: AgentPubKey) {
        self.dna = dna
        self.agent = agent
    }
}

/// A running cell: its modules, the order of its calls, its grants.
///
/// Confined to the conductor loop.
final class Cell {
    enum Initialisation {
        case needed
        case running(ActiveCall?, waiting: [(Result<Void, PlasmidError>) -> Void])
        case done
    }

    let id: CellID
    let appID: String
    let instanceID: String
    let space: SpaceContext
    let conductor: Conductor
    private(set) var zomes: [CoordinatorZomeDef]
    /// The space's definition with this cell's own coordinator zomes: those may differ between apps of one DNA.
    private(set) var definition: DnaDefinition
    private(set) var rules: SystemRules
    let meter: CellMeter
    /// Runs what is called from now on; each call keeps the one that it began with. Set right after the cell is made, since
    /// the modules' requests come to the cell.
    var runner: (any ZomeRunner)?
    /// Runners whose modules were replaced while calls ran in them.
    private var superseded: [any ZomeRunner] = []
    var modules: CellModules?
    var order: CommitOrder
    var grants = GrantBook()
    var claims = ClaimBook()
    var initialisation = Initialisation.needed
    var calls: [UInt64: ActiveCall] = [:] {
        didSet { if !superseded.isEmpty { retireUnused() } }
    }
    var callOfModuleCall: [UInt64: ActiveCall] = [:]
    /// Messages and calls to other agents that wait for their answers.
    var messagesUnderWay = 0
    var isActive = true {
        didSet { if isActive != oldValue { conductor.settleNetwork() } }
    }
    /// Whether it came out of a backup and may not write yet.
    var isReadOnly: Bool
    /// Why the chain was last set back to what storage holds.
    var setBack: PlasmidError?
    private var events: [CommitOrder.Event] = []
    private var handlesEvents = false
    private var tickScheduled = false

    init(
        id: CellID, appID: String, instanceID: String, space: SpaceContext, conductor: Conductor,
        zomes: [CoordinatorZomeDef], head: ChainHead
    ) {
        self.id = id
        self.appID = appID
        self.instanceID = instanceID
        self.space = space
        self.conductor = conductor
        self.zomes = zomes
        var definition = space.definition
        definition.coordinator = zomes
        self.definition = definition
        rules = SystemRules(dna: definition, hash: id.dna)
        meter = conductor.meter(of: instanceID)
        isReadOnly = conductor.readOnly[id] != nil
        order = CommitOrder(
            tail: head,
            bounds: CommitOrder.Bounds(hold: UInt64(conductor.options.writerPositionMicroseconds)))
    }

    func zomeIndex(_ name: String) -> Int? {
        zomes.firstIndex { $0.name == name }
    }

    /// Takes other coordinator zomes up, between calls: those under way end in the modules that they began in.
    ///
    /// Zomes are known by their index while a call runs, so that the zomes so far have to come first.
    func replaceZomes(_ zomes: [CoordinatorZomeDef], runner: any ZomeRunner) {
        self.zomes = zomes
        definition.coordinator = zomes
        rules = SystemRules(dna: definition, hash: id.dna)
        if let old = self.runner { superseded.append(old) }
        self.runner = runner
        retireUnused()
    }

    private func retireUnused() {
        let idle = superseded.filter { runner in !calls.values.contains { $0.runner === runner } }
        guard !idle.isEmpty else { return }
        superseded.removeAll { runner in idle.contains { $0 === runner } }
        for runner in idle { conductor.retire(runner) }
    }

    /// Ends the modules, those of earlier versions too.
    func retireRunners() {
        for runner in superseded { conductor.retire(runner) }
        superseded = []
        conductor.retire(runner)
    }

    /// Feeds an event to the order and carries out what it decides. Events that arise meanwhile wait until all effects of
    /// the ones before are carried out: the order and what is stored then agree whenever the order is asked.
    func tell(_ event: CommitOrder.Event) {
        events.append(event)
        guard !handlesEvents else { return }
        handlesEvents = true
        var next = 0
        while next < events.count {
            let effects = order.handle(events[next], now: conductor.monotonicMicroseconds)
            next += 1
            for effect in effects { carryOut(effect) }
        }
        events.removeAll(keepingCapacity: true)
        handlesEvents = false
        scheduleTick()
    }

    private func scheduleTick() {
        guard !tickScheduled, let deadline = order.nextDeadline else { return }
        tickScheduled = true
        let now = conductor.monotonicMicroseconds
        let wait = deadline > now ? Int64(deadline - now) : 0
        conductor.after(microseconds: wait) { [self] in
            tickScheduled = false
            tell(.tick)
            scheduleTick()
        }
    }

    private func carryOut(_ effect: CommitOrder.Effect) {
        switch effect {
        case .headFixed(let run, let head):
            live(run)?.head = head
        case .grantPosition(let run, let head):
            guard let call = live(run) else { return }
            granted(call, head: head)
        case .abandon(let run):
            guard let call = calls[run.call] else { return }
            abandon(call)
        case .rerun(let run, let head, _):
            guard let call = calls[run.call] else { return }
            call.run = run
            call.startOver()
            granted(call, head: head)
            // The order wants to hear of the attempt's first write: until then it may give the position to another.
            call.holdsPosition = false
            invoke(call)
        case .beginValidation(let run):
            // After what this turn of the loop still answers: the next writer's function goes on meanwhile.
            conductor.loop.assumeIsolated().execute { [self] in
                guard let call = live(run) else { return }
                validate(call)
            }
        case .commit(let run):
            guard let call = live(run) else { return }
            commit(call)
        case .release(let run):
            guard let call = live(run) else { return }
            release(call)
        case .refuse(let run, let why):
            guard let call = calls[run.call] else { return }
            refuse(call, why)
        }
    }

    private func live(_ run: CallRun) -> ActiveCall? {
        guard let call = calls[run.call], call.run == run else { return nil }
        return call
    }

    private func granted(_ call: ActiveCall, head: ChainHead) {
        call.holdsPosition = true
        // An empty scratch may be that of an earlier grant, on a head that has moved since.
        if call.scratch?.isEmpty != false {
            call.speculation = order.speculation.compactMap { calls[$0.call]?.scratch }
            call.scratch = Scratch(author: id.agent, head: head)
        }
        let writes = call.waitingWrites
        call.waitingWrites = []
        for write in writes { write.run() }
    }

    /// Stops the module's work on the present attempt; its late answers find no call.
    func abandon(_ call: ActiveCall) {
        dropFrames(of: call)
        if call.moduleCall != 0 {
            callOfModuleCall[call.moduleCall] = nil
            call.runner?.cancel(call: call.moduleCall)
            call.moduleCall = 0
        }
        call.dropWaitingWrites()
        call.holdsPosition = false
        let waits = call.giveUpWaits
        call.giveUpWaits = [:]
        for giveUp in waits.values { giveUp() }
    }

    private func refuse(_ call: ActiveCall, _ why: CommitOrder.Refusal) {
        abandon(call)
        calls[call.number] = nil
        let fallback: PlasmidError
        switch why {
        case .headMoved:
            fallback = PlasmidError(
                .headMoved,
                "the chain of \(instanceID) moved while the call waited for another agent, and it had already reached outside",
                hint: "nothing was written; call again if that is what you want")
        case .chainReset:
            fallback = PlasmidError(
                setBack?.code ?? .storageFailed,
                "a write before this call's could not be kept, so nothing of this call was: \(setBack?.message ?? "")",
                hint: setBack?.hint ?? "see the conductor's log")
        case .invalid, .failed:
            fallback = PlasmidError(.internal, "the call was refused without a reason", hint: "please report this")
        }
        if why == .headMoved || why == .chainReset {
            call.answer(.failure(fallback))
        } else {
            call.answer(call.refusal ?? .failure(fallback))
        }
    }
}
