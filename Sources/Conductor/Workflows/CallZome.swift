import Chain
import Integrity
import ZomeRuntime

/// The way of a call through its module: invoked, served, returned.
extension Cell {
    /// Starts a call; `call.answer` gives its end.
    func start(_ call: ActiveCall) {
        calls[call.number] = call
        traceCall(call)
        invoke(call)
    }

    /// Invokes the present step of the present attempt.
    func invoke(_ call: ActiveCall) {
        guard let step = call.current else {
            finish(call)
            return
        }
        // Before its first step, at every attempt: what was revoked while it waited for the disk, for `init` or for another
        // call opens nothing any more.
        if call.step == 0, let refusal = withdrawal(of: call.origin.admission) {
            end(call, .failure(refusal))
            return
        }
        let moduleCall = conductor.nextModuleCall()
        call.moduleCall = moduleCall
        callOfModuleCall[moduleCall] = call
        call.runner?.invoke(
            call: moduleCall, zome: step.zome, kind: step.kind, name: step.name, invocation: step.invocation,
            timeout: conductor.options.limits.callTimeout
        ) { [self] result in
            guard callOfModuleCall.removeValue(forKey: moduleCall) != nil, call.moduleCall == moduleCall else { return }
            // What it called in its own cell and did not wait for ends with it.
            undoFrames(of: call)
            call.moduleCall = 0
            returned(call, result)
        }
    }

    private func returned(_ call: ActiveCall, _ result: Result<ModuleReply, PlasmidError>) {
        switch result {
        case .failure(let error):
            end(call, .failure(error))
        case .success(.appError(let error)):
            fail(call, error)
        case .success(.ok(let bytes)):
            call.outcome = .ok(bytes)
            call.step += 1
            invoke(call)
        }
    }

    /// The function threw: nothing that it wrote stays, and its words wait until all that it saw is certain.
    private func fail(_ call: ActiveCall, _ error: ModuleError) {
        call.outcome = .appError(error)
        call.scratch = nil
        call.signals = []
        call.schedules = []
        guard call.began else {
            release(call)
            return
        }
        tell(.returned(call.run, end: nil))
    }

    /// Ends a call that the conductor or its module broke off: nothing of it stays.
    func end(_ call: ActiveCall, _ result: Result<ZomeOutcome, PlasmidError>) {
        abandon(call)
        call.refusal = result
        if call.began {
            tell(.failed(call.run))
        } else {
            calls[call.number] = nil
            call.answer(result)
        }
    }

    /// The function returned. What it never asked of the chain needs no order; the rest goes into the line.
    private func finish(_ call: ActiveCall) {
        if let doom = call.doom {
            fail(call, doom)
            return
        }
        if let epilogue = call.epilogue {
            finish(call, with: epilogue)
            return
        }
        guard call.began else {
            release(call)
            return
        }
        tell(.returned(call.run, end: call.scratch.flatMap { $0.isEmpty ? nil : $0.head }))
    }

    private func finish(_ call: ActiveCall, with epilogue: @escaping ActiveCall.Epilogue) {
        withPosition(call) { [self] in
            do {
                guard var scratch = call.scratch else { return }
                call.scratch = nil
                defer { call.scratch = scratch }
                call.outcome = .ok(try epilogue(call, &scratch))
            } catch {
                end(call, .failure(PlasmidError.from(error)))
                return
            }
            tell(.returned(call.run, end: call.scratch?.head))
        }
    }

    /// Runs `write` once the call has the writer position: at once, or when its turn comes. If the call is run again
    /// instead, `drop` is called in its place: the module asks anew.
    func withPosition(_ call: ActiveCall, drop: @escaping () -> Void = {}, _ write: @escaping () -> Void) {
        if let refusal = writeRefusal {
            drop()
            end(call, .failure(refusal))
            return
        }
        if call.holdsPosition, call.outsideWaits == 0 {
            write()
            return
        }
        begin(call)
        call.waitingWrites.append(WaitingWrite(run: write, drop: drop))
        tell(.writes(call.run))
    }

    func begin(_ call: ActiveCall) {
        guard !call.began else { return }
        call.began = true
        tell(.began(call.run))
    }

    /// A call without writes: its signals go out, then its answer.
    func release(_ call: ActiveCall) {
        guard call.schedules.isEmpty else {
            let schedules = call.schedules
            call.schedules = []
            conductor.keep(schedules) { [self] result in
                if case .failure(let error) = result { return end(call, .failure(error)) }
                guard !call.isOver else { return conductor.takeBack(schedules) }
                conductor.take(schedules)
                release(call)
            }
            return
        }
        calls[call.number] = nil
        deliverSignals(call)
        call.answer(.success(call.outcome))
    }

    func deliverSignals(_ call: ActiveCall) {
        meter.counters.signals += UInt64(call.signals.count)
        for signal in call.signals {
            if let agents = signal.to {
                space.pass(signal, to: agents, from: id.agent, zome: zomes[signal.zome].name)
                continue
            }
            conductor.signals.deliver(
                UserSignal(
                    instanceID: instanceID, appID: appID, zome: zomes[signal.zome].name, name: signal.name,
                    payload: signal.payload, sequence: conductor.signals.nextNumber(of: instanceID)))
        }
        call.signals = []
    }
}
