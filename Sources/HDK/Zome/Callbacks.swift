import Integrity

/// Answers messages that other agents `send`. The sender's key is proved by the conductor before this runs.
public struct Receive: Sendable {
    let part: ZomePart

    /// Takes the sender and the message, returns the reply. What it throws reaches the sender as an error.
    public init<Message: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ body: @escaping @Sendable (_ from: AgentKey, _ message: Message, _ host: Host) async throws -> Reply
    ) {
        part = ZomePart(role: .callback(.receive, "receive")) { call, payload in
            let message = try ValueCodec.input(Message.self, payload)
            return try ValueCodec.output(try await body(try Self.sender(call), message, Host(call)))
        }
    }

    /// Takes the sender and the message; the reply is nil.
    public init<Message: Decodable & Sendable>(
        _ body: @escaping @Sendable (_ from: AgentKey, _ message: Message, _ host: Host) async throws -> Void
    ) {
        part = ZomePart(role: .callback(.receive, "receive")) { call, payload in
            let message = try ValueCodec.input(Message.self, payload)
            try await body(try Self.sender(call), message, Host(call))
            return ValueCodec.null
        }
    }

    private static func sender(_ call: LiveCall) throws(ZomeError) -> AgentKey {
        guard let sender = call.caller else { throw ZomeError(.badInput, "the message names no sender") }
        return sender
    }
}

/// Runs once in the life of a cell, before its first call. What it writes is committed with the mark that it ran; what
/// it throws fails that call, keeps nothing, and the next call tries again.
public struct Init: Sendable {
    let part: ZomePart

    /// What to do first.
    public init(_ body: @escaping @Sendable (_ host: Host) async throws -> Void) {
        part = ZomePart(role: .callback(.initialize, "init")) { call, _ in
            try await body(Host(call))
            return ValueCodec.null
        }
    }
}

/// Runs after a call of this zome was committed and is durable. It may read, signal, send and call, but not write.
/// Nobody waits for it, and what it throws is logged.
public struct PostCommit: Sendable {
    let part: ZomePart

    /// Takes the actions that were committed, in their order.
    public init(_ body: @escaping @Sendable (_ actions: [SignedAction], _ host: Host) async throws -> Void) {
        part = ZomePart(role: .callback(.postCommit, "post_commit")) { call, payload in
            try await body(try ValueCodec.packed([SignedAction].self, payload), Host(call))
            return ValueCodec.null
        }
    }
}
