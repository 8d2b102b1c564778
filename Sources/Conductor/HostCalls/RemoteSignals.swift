import Integrity

/// `remoteSignal`: how a zome tells the clients of other agents of its space, without an answer.
extension Cell {
    /// Agents that one call may tell, each as often as it does.
    private static var remoteSignalsPerCall: Int { 10_000 }

    /// Remote signals wait for the commit like the others: a call that fails sends none.
    func remoteSignal(_ request: HostRequest) throws(PlasmidError) {
        let signal = try request.decode(RemoteSignalRequest.self)
        try SpaceContext.checkSignal(name: signal.name, bytes: signal.payload.count)
        guard signal.to.count <= Limits.signalRecipients else {
            throw PlasmidError(
                .overloaded, "a signal goes to \(Limits.signalRecipients) agents at most, not \(signal.to.count)",
                hint: "split it into several")
        }
        var seen: Set<AgentPubKey> = []
        let agents = signal.to.filter { seen.insert($0).inserted }
        guard request.call.remoteSignals + agents.count <= Self.remoteSignalsPerCall else {
            throw PlasmidError(
                .overloaded, "one call may signal \(Self.remoteSignalsPerCall) times to other agents at most",
                hint: "signal to fewer of them")
        }
        let buffered = BufferedSignal(
            zome: request.step.zome, name: signal.name, payload: signal.payload, to: agents)
        try keep(buffered, of: request)
    }
}

extension SpaceContext {
    /// Lets a committed call's signal out to other agents, each where it is. Never waits.
    func pass(_ signal: BufferedSignal, to agents: [AgentPubKey], from: AgentPubKey, zome: String) {
        for agent in agents {
            let signal = DirectSignal(
                from: from, to: agent, zome: zome, name: signal.name, payload: signal.payload)
            if cells[agent] != nil { deliver(signal) } else { peers?.signal(signal) }
        }
    }

    /// Hands a signal to the clients of an agent who is here, from another cell or from the network, which has proved who
    /// sent it. What is not wanted is left out without a word: nobody waits for an answer, and a sender is told nothing of
    /// who is here.
    func deliver(_ signal: DirectSignal) {
        guard let cell = cells[signal.to], cell.isActive, let zome = cell.zomeIndex(signal.zome),
            // Who takes messages from any member takes signals too; nobody else is spoken to unasked.
            cell.zomes[zome].callbacks.contains(.receive),
            (try? arrives(from: signal.from, to: signal.to)) == true,
            (try? Self.checkSignal(name: signal.name, bytes: signal.payload.count)) != nil,
            Self.isOneValue(signal.payload),
            signalGate.admit(
                from: signal.from, to: signal.to, bytes: signal.payload.count, now: conductor.monotonicMicroseconds)
        else { return }
        conductor.signals.deliver(
            UserSignal(
                instanceID: cell.instanceID, appID: cell.appID, zome: signal.zome, name: signal.name,
                payload: signal.payload, sequence: conductor.signals.nextNumber(of: cell.instanceID),
                from: signal.from))
    }

    /// What came from elsewhere has to be something that clients can be shown.
    private static func isOneValue(_ payload: [UInt8]) -> Bool {
        (try? MessagePackReader.reading(payload) { (r: inout MessagePackReader) throws(PlasmidError) in try r.skip() })
            != nil
    }

    /// The same bounds where it is sent and where it arrives.
    static func checkSignal(name: String, bytes: Int) throws(PlasmidError) {
        guard name.utf8.count <= Limits.signalNameBytes, bytes <= Limits.signalBytes else {
            throw PlasmidError(
                .messageTooLarge,
                "the signal has \(bytes) bytes and a name of \(name.utf8.count), at most \(Limits.signalBytes) and "
                    + "\(Limits.signalNameBytes)")
        }
    }
}
