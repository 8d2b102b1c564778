import Integrity

extension Host {
    /// Tells the clients that listen to this cell. They hear it when the call has returned and is durable, and not at
    /// all when it throws.
    ///
    /// Does not wait for the conductor: more signals than one call may emit are told by one of the next ones, or fail the
    /// call when it returns.
    /// - Throws: `messageTooLarge` beyond 1 MiB; `overloaded` beyond 100,000 signals or 64 MiB in one call.
    public func emitSignal<Payload: Encodable>(_ name: String, _ payload: Payload) async throws {
        let bytes = try ValueCodec.output(payload)
        guard bytes.count <= Limits.signalBytes else {
            throw ZomeError(
                .messageTooLarge, "the signal has \(bytes.count) bytes, at most \(Limits.signalBytes)")
        }
        try await live.tell(.emitSignal, SignalRequest(name: name, payload: bytes))
    }

    /// Tells the clients of other agents of the same DNA, without an answer. It goes out when the call has returned and is
    /// durable, and not at all when it throws; it reaches those who are there then, and is kept for nobody. Their
    /// conductors hand it to the zome of the same name if that has a `Receive`, as a signal with this agent's id.
    ///
    /// Does not wait for the conductor: what is refused fails one of the next operations, or the call when it returns.
    /// - Throws: `messageTooLarge` beyond 1 MiB; `overloaded` beyond 1,000 agents at once, or 10,000 agents or 64 MiB
    ///   (the payload once for each agent) in one call.
    public func signal<Payload: Encodable>(to agents: [AgentKey], _ name: String, _ payload: Payload) async throws {
        let bytes = try ValueCodec.output(payload)
        guard bytes.count <= Limits.signalBytes else {
            throw ZomeError(
                .messageTooLarge, "the signal has \(bytes.count) bytes, at most \(Limits.signalBytes)")
        }
        try await live.tell(.remoteSignal, RemoteSignalRequest(to: agents, name: name, payload: bytes))
    }

    /// Sends a message to an agent of the same DNA who is there now, and waits for the reply of its `Receive`. The
    /// message is kept nowhere.
    /// - Throws: `timeout`, `peerUnreachable`, `noReceiver`, or what the other side's `Receive` threw.
    public func send<Message: Encodable, Reply: Decodable>(
        to agent: AgentKey, _ message: Message, timeout: Duration = .seconds(60), as type: Reply.Type = Reply.self
    ) async throws -> Reply {
        let request = SendRequest(
            to: agent, payload: try ValueCodec.output(message), timeoutMilliseconds: timeout.wholeMilliseconds)
        return try ValueCodec.input(type, try await live.askRaw(.send, request))
    }

    /// Calls a function of another agent of the same DNA, who is there now.
    /// - Parameters:
    ///   - zome: the zome's name; nil means this one.
    ///   - claim: what the other side granted; nil for functions that are public.
    /// - Throws: `capabilityDenied`, `timeout`, `peerUnreachable`, or what the function threw.
    public func call<Input: Encodable, Output: Decodable>(
        to agent: AgentKey, zome: String? = nil, _ function: String, _ input: Input, with claim: CapClaim? = nil,
        timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        try await call(
            to: agent, zome: zome, function, input, secret: claim?.secret, timeout: timeout, as: type)
    }

    /// Calls a function of another agent of the same DNA, who is there now, and shows a secret. See
    /// ``call(to:zome:_:_:with:timeout:as:)``.
    public func call<Input: Encodable, Output: Decodable>(
        to agent: AgentKey, zome: String? = nil, _ function: String, _ input: Input, secret: CapSecret?,
        timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        let request = CallRequest(
            to: agent, zome: zome ?? live.runtime.zome, function: function, payload: try ValueCodec.output(input),
            secret: secret, timeoutMilliseconds: timeout.wholeMilliseconds)
        return try ValueCodec.input(type, try await live.askRaw(.call, request))
    }

    /// Calls a function of another zome of this cell, or of this one. It runs within this call: what it writes is
    /// committed together with what this call writes, and taken back when it throws.
    /// - Throws: what the function threw; `callTooDeep` when it calls itself without end.
    public func call<Input: Encodable, Output: Decodable>(
        zome: String, _ function: String, _ input: Input, timeout: Duration = .seconds(60),
        as type: Output.Type = Output.self
    ) async throws -> Output {
        try await call(.here, zome: zome, function, input, timeout: timeout, as: type)
    }
}

extension Duration {
    /// Whole milliseconds as the host operations have them, at least 0.
    var wholeMilliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return .max }
        return UInt32(clamping: milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).partialValue)
    }
}
