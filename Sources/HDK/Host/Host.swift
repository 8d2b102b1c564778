import Integrity

/// What a zome may ask the conductor on behalf of the call that it serves.
///
/// Every method throws `ZomeError` with the code of what went wrong; nothing is thrown for what is merely not there
/// (that is nil or empty). What a call writes is visible to its own reads at once, and to everybody else when the call
/// has returned: all of it, or nothing when the call throws. After the call has returned its host answers nothing any
/// more.
public struct Host: Sendable {
    let live: LiveCall

    init(_ live: LiveCall) {
        self.live = live
    }

    /// Who calls: the proved key of the agent behind the call. In `Receive` the sender; nil in `Init` and `PostCommit`.
    public var caller: AgentKey? { live.caller }

    /// The agent whose cell this is. Asked once, then remembered.
    public var me: AgentKey {
        get async throws {
            if let agent = live.runtime.facts.agent { return agent }
            let agent = try await agentInfo().agent
            live.runtime.learn { $0.agent = agent }
            return agent
        }
    }
}

extension LiveCall {
    /// Asks the host and reads the answer.
    func ask<Request: Packable, Answer: Packable>(
        _ operation: HostOperation, _ request: Request, _: Answer.Type = Answer.self
    ) async throws(ZomeError) -> Answer {
        let bytes = try await askRaw(operation, request)
        do {
            return try Answer(packed: bytes)
        } catch {
            throw ZomeError(.malformedMessagePack, "the host's answer to `\(operation)`: \(error.message)")
        }
    }

    /// Asks the host; the answer is one MessagePack value.
    func askRaw<Request: Packable>(
        _ operation: HostOperation, _ request: Request
    ) async throws(ZomeError) -> [UInt8] {
        let answer = await self.request(operation.rawValue, request.packed)
        guard answer.status != 0 else { return answer.bytes }
        throw Self.error(answer, operation)
    }

    /// Tells the host something, and does not wait until it is done: see ``post(_:_:)``.
    func tell<Request: Packable>(_ operation: HostOperation, _ request: Request) async throws(ZomeError) {
        guard let failure = await post(operation.rawValue, request.packed) else { return }
        throw Self.error(failure, operation)
    }

    /// Waits for what the host was told; throws the first failure that nobody was told of.
    func settled() async throws(ZomeError) {
        guard let failure = await settle() else { return }
        throw Self.error(failure, .emitSignal)
    }

    private static func error(_ answer: HostAnswer, _ operation: HostOperation) -> ZomeError {
        if answer.status == HostAnswer.cancelled.status { return .cancelled }
        guard let error = try? ModuleError(packed: answer.bytes) else {
            return ZomeError(
                .malformedMessagePack, "the host answered `\(operation)` with status \(answer.status) and no reason")
        }
        return ZomeError(ZomeError.Code(rawValue: error.code), error.message)
    }
}
