import Chain
import Integrity
import Keystore
import Storage

/// The operations that read, and the pure ones.
extension Cell {
    func get(_ request: HostRequest) throws(PlasmidError) {
        let get = try request.decode(GetRequest.self)
        try answer(request, about: AnyLinkableHash(get.hash), local: get.local) { () throws(PlasmidError) in
            self.fixedHead(request.call)
            let found = try request.view().cascade.get(get.hash)
            return ReadAnswer(bytes: found.packed, isMissing: found == nil)
        }
    }

    /// Queries the caller's own chain as of the head that the order fixed for the call.
    func query(_ request: HostRequest) throws(PlasmidError) {
        let query = try request.decode(ChainQuery.self)
        let head = fixedHead(request.call)
        let view = try request.view().cascade
        guard let filter = try space.chainFilter(query, author: id.agent, view: view) else {
            return request.succeed([Record]().packed)
        }
        request.succeed(try view.query(filter, author: id.agent, head: head).packed)
    }

    func agentInfo(_ request: HostRequest) throws(PlasmidError) {
        request.succeed(AgentInfo(agent: id.agent, chainHead: fixedHead(request.call)).packed)
    }

    /// The head that the call stands on: that of its own writes, or the certain tail from now on. Fixed by every look at
    /// what a commit can change, so that a call which looks and then writes is run again if another came in between.
    @discardableResult
    func fixedHead(_ call: ActiveCall) -> ChainHead {
        if let head = call.scratch?.head { return head }
        begin(call)
        tell(.reads(call.run))
        return call.head ?? order.certainTail
    }

    func sign(_ request: HostRequest) throws(PlasmidError) {
        let sign = try request.decode(SignRequest.self)
        let message = SigningDomain.app(dna: id.dna, zome: zomes[request.step.zome].name, data: sign.data)
        request.succeed(try conductor.keystore.sign(message, by: id.agent).packed)
    }

    func randomBytes(_ request: HostRequest) throws(PlasmidError) {
        let count = try request.decode(RandomBytesRequest.self).count
        guard count <= 65_536 else {
            throw PlasmidError(.badInput, "\(count) random bytes at once are too many", hint: "at most 65,536")
        }
        var writer = MessagePackWriter()
        writer.writeBinary(conductor.options.randomBytes(Int(count)))
        request.succeed(writer.bytes)
    }

    /// Most signals that one call may emit: they are held in memory until its commit.
    private static var signalsPerCall: Int { 100_000 }

    /// Most bytes of them.
    private static var signalBytesPerCall: Int { 64 * Limits.signalBytes }

    /// Signals wait for the commit: a call that fails emits none.
    func emitSignal(_ request: HostRequest) throws(PlasmidError) {
        let signal = try request.decode(SignalRequest.self)
        guard signal.payload.count <= Limits.signalBytes else {
            throw PlasmidError(
                .messageTooLarge, "the signal has \(signal.payload.count) bytes, at most \(Limits.signalBytes)")
        }
        try keep(BufferedSignal(zome: request.step.zome, name: signal.name, payload: signal.payload), of: request)
    }

    /// Holds a signal until the call commits, within the bounds of one call.
    func keep(_ signal: BufferedSignal, of request: HostRequest) throws(PlasmidError) {
        let bytes = signal.payload.count * signal.copies
        guard request.call.signals.count < Self.signalsPerCall else {
            throw PlasmidError(
                .overloaded, "one call may emit \(Self.signalsPerCall) signals at most", hint: "emit fewer, larger ones"
            )
        }
        guard request.call.signalBytes + bytes <= Self.signalBytesPerCall else {
            throw PlasmidError(
                .overloaded, "one call may emit \(Self.signalBytesPerCall) bytes of signals at most",
                hint: "emit smaller ones, or split the work into several calls")
        }
        request.call.changed(in: request.moduleCall)
        request.call.signalBytes += bytes
        request.call.remoteSignals += signal.to?.count ?? 0
        request.call.signals.append(signal)
        request.succeed([0xc0])
    }

    func publicKey(_ request: HostRequest) throws(PlasmidError) {
        let wanted = try request.decode(KeystoreGetPublicKeyRequest.self)
        // A cell sees the key of its own app and those made for it, not the other apps': they would link the person.
        let own = wanted.id == "agent" ? id.agent : try conductor.keystore.publicKey("app:\(appID):\(wanted.id)")
        request.succeed(own.packed)
    }

    func log(_ request: HostRequest) throws(PlasmidError) {
        let line = try request.decode(LogRequest.self)
        conductor.zomeLog(line, cell: instanceID, zome: zomes[request.step.zome].name)
        request.succeed([0xc0])
    }
}
