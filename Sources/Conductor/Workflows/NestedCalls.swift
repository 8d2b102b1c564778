import Chain
import Integrity
import NIOCore
import ZomeRuntime

/// Where a call comes from, as far as its callee may know, and what bounds it.
struct CallOrigin {
    /// The cell whose zome calls; nil for clients and for the conductor itself.
    var cell: CellAddress?
    /// That cell's instance id, if it is one of this conductor.
    var instanceID: String?
    /// The handle of the bridge that the call came over.
    var bridge: String?
    /// What lets it run; nil for callbacks, and for what the conductor itself starts.
    var admission: Admission?
    /// The grant that allowed it.
    var grant: ActionHash? { admission?.grant }
    /// How many calls lie above this one.
    var depth = 0
    /// Shared by all calls that one call causes: a call that calls two that call two … would never end otherwise.
    var budget = CallBudget()
}

/// How many more calls a first call may cause.
final class CallBudget {
    private var left = Limits.callsPerCall

    /// Takes one, if there is one.
    func take() -> Bool {
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}

/// A function of the own cell that runs within a call.
///
/// It writes into the call's scratch: what the two write is one commit, under the one writer position that the call has or
/// asks for. So a call into the own cell never waits for itself (decision 009). What it wrote is taken back when it fails,
/// which is possible as long as nobody else wrote meanwhile; otherwise the whole call fails.
final class CallFrame {
    let step: CallStep
    let origin: CallOrigin
    let usedSecret: Bool
    /// The function that called it, by its number in the module.
    let parent: UInt64
    /// The actions, signals and changes of the schedule that were there when it began.
    let actions: Int
    let signals: Int
    let schedules: Int
    /// Whether it, or what it called, wrote or emitted anything.
    var hasChanged = false
    /// Whether another function did so while it ran.
    var isInterleaved = false

    init(step: CallStep, origin: CallOrigin, usedSecret: Bool, parent: UInt64, call: ActiveCall) {
        self.step = step
        self.origin = origin
        self.usedSecret = usedSecret
        self.parent = parent
        actions = call.scratch?.actions.count ?? 0
        signals = call.signals.count
        schedules = call.schedules.count
    }
}

extension ActiveCall {
    /// What runs under this number of the module's; nil when that is over.
    func step(of number: UInt64) -> CallStep? {
        if let frame = frames[number] { return frame.step }
        return number != 0 && number == moduleCall ? current : nil
    }

    func origin(of number: UInt64) -> CallOrigin { frames[number]?.origin ?? origin }

    /// Notes that the function of this number wrote or emitted.
    func changed(in number: UInt64) {
        guard !frames.isEmpty else { return }
        var line: Set<UInt64> = []
        var next: UInt64? = number
        while let number = next, line.insert(number).inserted { next = frames[number]?.parent }
        for (number, frame) in frames {
            if line.contains(number) { frame.hasChanged = true } else { frame.isInterleaved = true }
        }
    }

    /// Takes back what a failed function did.
    func undo(_ frame: CallFrame, because error: ModuleError) {
        guard frame.hasChanged else { return }
        guard !frame.isInterleaved else {
            doom =
                doom
                ?? ModuleError(
                    code: error.code,
                    message: "'\(frame.step.name)' failed while others wrote, so nothing of it all was kept: "
                        + error.message)
            return
        }
        if var mine = scratch {
            scratch = nil
            mine.truncate(to: frame.actions)
            scratch = mine
        }
        for signal in signals[min(frame.signals, signals.count)...] {
            signalBytes -= signal.payload.count * signal.copies
            remoteSignals -= signal.to?.count ?? 0
        }
        signals.removeSubrange(min(frame.signals, signals.count)...)
        schedules.removeSubrange(min(frame.schedules, schedules.count)...)
    }
}

extension Cell {
    /// Runs a function of this cell within the call that asks for it.
    func callWithin(_ request: HostRequest, _ wanted: CallCellRequest, origin: CallOrigin) throws(PlasmidError) {
        let caller = wanted.asStranger ? Self.nobody : id.agent
        var origin = origin
        let admission = try authorise(wish(wanted, caller))
        origin.admission = admission
        let step = CallStep(
            zome: admission.zome, kind: .function, name: wanted.function,
            invocation: Invocation(caller: caller, payload: wanted.payload))
        guard let spending = admission.spending else {
            run(step, within: request, wanted, origin)
            return
        }
        spend(spending) { [self] result in
            switch result {
            case .failure(let error): request.fail(error)
            case .success where !request.isCurrent: request.drop()
            case .success:
                if let refusal = withdrawal(of: admission) { return request.fail(refusal) }
                run(step, within: request, wanted, origin)
            }
        }
    }

    private func run(
        _ step: CallStep, within request: HostRequest, _ wanted: CallCellRequest, _ origin: CallOrigin
    ) {
        let call = request.call
        let number = conductor.nextModuleCall()
        call.frames[number] = CallFrame(
            step: step, origin: origin, usedSecret: wanted.secret != nil, parent: request.moduleCall, call: call)
        callOfModuleCall[number] = call
        let timer = conductor.after(microseconds: Int64(wanted.timeoutMilliseconds) * 1_000) { [self] in
            guard callOfModuleCall.removeValue(forKey: number) != nil else { return }
            call.runner?.cancel(call: number)
            let words = "\(wanted.zome)/\(wanted.function): no answer within \(wanted.timeoutMilliseconds) ms"
            end(number, of: call, request, .failure(PlasmidError(.timeout, words)))
        }
        call.runner?.invoke(
            call: number, zome: step.zome, kind: .function, name: step.name, invocation: step.invocation, timeout: nil
        ) { [self] result in
            timer.cancel()
            guard callOfModuleCall.removeValue(forKey: number) != nil else { return }
            end(number, of: call, request, result)
        }
    }

    private func end(
        _ number: UInt64, of call: ActiveCall, _ request: HostRequest, _ result: Result<ModuleReply, PlasmidError>
    ) {
        undoFrames(of: call, below: number)
        guard let frame = call.frames.removeValue(forKey: number) else { return request.drop() }
        switch result {
        case .success(.ok(let bytes)): request.succeed(bytes)
        case .success(.appError(let error)):
            call.undo(frame, because: error)
            request.fail(PlasmidError(PlasmidError.Code(rawValue: error.code), error.message))
        case .failure(let error):
            call.undo(frame, because: ModuleError(error))
            request.fail(error)
        }
    }

    /// Ends what a function that has returned did not wait for, and takes back what that did.
    func undoFrames(of call: ActiveCall, below parent: UInt64? = nil) {
        guard !call.frames.isEmpty else { return }
        let parent = parent ?? call.moduleCall
        for number in call.frames.keys.filter({ call.frames[$0]?.parent == parent }).sorted(by: >) {
            undoFrames(of: call, below: number)
            guard let frame = call.frames.removeValue(forKey: number) else { continue }
            let error = ModuleError(code: "callOver", message: "nobody waited for '\(frame.step.name)'")
            call.undo(frame, because: error)
            callOfModuleCall[number] = nil
            call.runner?.cancel(call: number)
        }
    }

    /// Ends all of them, with an attempt that is given up.
    func dropFrames(of call: ActiveCall) {
        for number in call.frames.keys {
            callOfModuleCall[number] = nil
            call.runner?.cancel(call: number)
        }
        call.frames = [:]
    }

    func callInfo(_ request: HostRequest) {
        let (call, frame) = (request.call, request.call.frames[request.moduleCall])
        let origin = frame?.origin ?? call.origin
        request.succeed(
            CallInfo(
                caller: frame == nil ? call.caller : request.step.invocation.caller,
                zome: zomes[request.step.zome].name, function: request.step.name,
                secretUsed: frame?.usedSecret ?? call.usedSecret, callerCell: origin.cell,
                callerInstance: origin.instanceID, bridge: origin.bridge, grant: origin.grant
            ).packed)
    }
}
