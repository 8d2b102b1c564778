import Chain
import Integrity
import Storage
import ZomeRuntime

/// How a zome call ended, as far as the app goes: faults of the conductor are `PlasmidError`s instead.
public enum ZomeOutcome: Sendable {
    /// The function's result, one MessagePack value.
    case ok([UInt8])
    /// The function threw, or its writes were refused (`code == "validationFailed"`, the validator's words).
    case appError(ModuleError)
}

/// One step of a call: a callback or function of one zome. Most calls have one; `init` runs every zome's, and what the
/// operator writes (a grant) has none.
struct CallStep {
    let zome: Int
    let kind: InvocationKind
    let name: String
    let invocation: Invocation
}

/// A signal that waits for its call's commit.
struct BufferedSignal {
    let zome: Int
    let name: String
    let payload: [UInt8]
    /// Whose clients are told; nil for the own ones.
    var to: [AgentPubKey]?

    /// What it counts for in the bounds of a call.
    var copies: Int { to?.count ?? 1 }
}

/// A write that waits for the writer position, and what is done if the attempt ends before its turn.
struct WaitingWrite {
    let run: () -> Void
    let drop: () -> Void
}

/// A counted grant that is replaced by one with what is left of it.
struct GrantReplacement {
    let old: ActionHash
    let new: ActionHash
    /// Uses of the old one that were reckoned when the new one was written.
    let used: UInt32
}

/// One call of a cell, from its first invocation to its answer, over all its attempts.
///
/// Confined to the conductor loop. `CommitOrder` decides when it may write, whether it is run again and when it commits;
/// this object holds what that needs: the scratch, the buffered signals, the answer.
final class ActiveCall {
    /// Writes into the scratch that was taken out of the call.
    typealias Epilogue = (ActiveCall, inout Scratch) throws(PlasmidError) -> [UInt8]

    let number: UInt64
    let cell: Cell
    /// The modules that it runs in from its beginning to its end, over all attempts, whatever the cell takes up meanwhile.
    let runner: (any ZomeRunner)?
    let steps: [CallStep]
    /// Whoever calls: nil for callbacks that nobody called (`init`, `post_commit`).
    let caller: AgentPubKey?
    let usedSecret: Bool
    /// Where it comes from and what lets it run: another cell, a bridge, a grant, and how many calls lie above it.
    let origin: CallOrigin
    /// Whether it is the cell's `init`: then the conductor ends it with `InitZomesComplete`, in the same commit.
    let isInit: Bool
    /// What the conductor itself writes once every step has returned; its bytes are the call's result.
    let epilogue: Epilogue?
    /// When it was taken, on the conductor's monotonic clock.
    let startedAt: UInt64
    private var reply: ((Result<ZomeOutcome, PlasmidError>) -> Void)?

    var run: CallRun
    /// Number under which the module knows the present attempt and step.
    var moduleCall: UInt64 = 0
    var step = 0
    var began = false
    var scratch: Scratch?
    /// Scratches of calls that this one builds on and that are not committed yet, oldest first.
    var speculation: [Scratch] = []
    var signals: [BufferedSignal] = []
    /// Their bytes, each once for whoever is told.
    var signalBytes = 0
    /// How many other agents are told, each as often as it is.
    var remoteSignals = 0
    /// What it asks of the schedule; in effect when it has committed.
    var schedules: [ScheduleChange] = []
    /// Grants that it replaces by others with the uses that were left, and how many had been made then.
    var replacements: [GrantReplacement] = []
    /// What the last step answered.
    var outcome = ZomeOutcome.ok([0xc0])
    /// Operations that wait for the writer position, in the order in which the module asked.
    var waitingWrites: [WaitingWrite] = []
    var holdsPosition = false
    /// The head that the order fixed for its reads.
    var head: ChainHead?
    /// What the caller will hear if the order refuses the call.
    var refusal: Result<ZomeOutcome, PlasmidError>?
    /// Waits for other agents under way.
    var outsideWaits = 0
    /// What ends those waits at once, when nobody waits for their answers any more.
    var giveUpWaits: [Int: () -> Void] = [:]
    var lastWait = 0
    /// Functions of the own cell that run within this call, by the number under which the module knows them.
    var frames: [UInt64: CallFrame] = [:]
    /// Why nothing of the call may stay, whatever its function answers.
    var doom: ModuleError?

    init(
        number: UInt64, cell: Cell, steps: [CallStep], caller: AgentPubKey?, usedSecret: Bool = false,
        origin: CallOrigin = CallOrigin(), isInit: Bool = false,
        epilogue: Epilogue? = nil,
        reply: @escaping (Result<ZomeOutcome, PlasmidError>) -> Void
    ) {
        self.number = number
        self.cell = cell
        runner = cell.runner
        self.steps = steps
        self.caller = caller
        self.usedSecret = usedSecret
        self.origin = origin
        self.isInit = isInit
        self.epilogue = epilogue
        self.reply = reply
        startedAt = cell.conductor.monotonicMicroseconds
        run = CallRun(call: number)
    }

    /// The step that runs now; nil when all have returned.
    var current: CallStep? { step < steps.count ? steps[step] : nil }

    var isOver: Bool { reply == nil }

    /// Whether the module may still ask on behalf of the present attempt.
    var isRunning: Bool { moduleCall != 0 && !isOver }

    /// Forgets all that an attempt did, before the next one.
    func startOver() {
        step = 0
        scratch = nil
        head = nil
        speculation = []
        signals = []
        signalBytes = 0
        remoteSignals = 0
        schedules = []
        replacements = []
        outcome = .ok([0xc0])
        doom = nil
        dropWaitingWrites()
        holdsPosition = false
    }

    /// Answers the writes that will not be done: a request of a module is answered once, whatever becomes of its call.
    func dropWaitingWrites() {
        let writes = waitingWrites
        waitingWrites = []
        for write in writes { write.drop() }
    }

    /// Answers the caller; only the first answer counts.
    func answer(_ result: Result<ZomeOutcome, PlasmidError>) {
        guard let reply else { return }
        self.reply = nil
        cell.meter.ended(self, result, now: cell.conductor.monotonicMicroseconds)
        dropWaitingWrites()
        cell.traceReturn(self, result)
        reply(result)
    }
}
