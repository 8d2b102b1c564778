import Integrity

extension Host {
    /// Calls a function of another cell of this conductor: of another role, of a clone, of any cell by its DNA and agent,
    /// or of what a bridge leads to.
    ///
    /// ```swift
    /// let profile = try await host.call(.role("profiles"), zome: "profiles", "mine", as: Profile.self)
    /// let room = try await host.call(.role("room.0"), zome: "chat", "say", line, as: ActionHash.self)
    /// let seen = try await host.call(.bridge("contacts"), zome: "contacts", "find", name, as: Contact?.self)
    /// ```
    /// The function sees this agent as its caller, and this cell in its ``callInfo()``. Roles of one app have one agent, so
    /// nothing has to be granted between them; a cell of another agent wants a grant for what is not public. A cell of another
    /// app of the same agent wants a bridge, or to be called as a stranger.
    ///
    /// A call to the own cell (`CallTarget.here`, or whatever else leads there) runs within this call: what it writes is
    /// committed together with what this call writes, and taken back when it throws. A call to another cell is a call of
    /// its own, committed when it returns, and not undone when this call fails afterwards.
    /// - Parameters:
    ///   - secret: what the other side granted; nil for functions that are public, or one's own.
    ///   - asStranger: gives the own rights up: the function has to be open to everyone.
    /// - Throws: `unknownInstance`, `unknownBridge`, `cellNotActive`, `capabilityMissing` and its like, `callTooDeep`,
    ///   `timeout`, or what the function threw.
    public func call<Input: Encodable, Output: Decodable>(
        _ target: CallTarget, zome: String, _ function: String, _ input: Input, secret: CapSecret? = nil,
        asStranger: Bool = false, timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        let request = CallCellRequest(
            target: target, zome: zome, function: function, payload: try ValueCodec.output(input), secret: secret,
            asStranger: asStranger, timeoutMilliseconds: timeout.wholeMilliseconds)
        return try ValueCodec.input(type, try await live.askRaw(.callCell, request))
    }

    /// The same for a function without input.
    public func call<Output: Decodable>(
        _ target: CallTarget, zome: String, _ function: String, secret: CapSecret? = nil, asStranger: Bool = false,
        timeout: Duration = .seconds(60), as type: Output.Type = Output.self
    ) async throws -> Output {
        try await call(
            target, zome: zome, function, nil as Bool?, secret: secret, asStranger: asStranger, timeout: timeout,
            as: type)
    }
}
