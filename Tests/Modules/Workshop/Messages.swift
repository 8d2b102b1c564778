import HDK

struct Saying: Decodable, Sendable {
    var to: AgentKey
    var order: String
    var text: String
    var timeoutMs: Int?

    enum CodingKeys: String, CodingKey {
        case to, order, text
        case timeoutMs = "timeout_ms"
    }
}

/// A message: what the receiver shall do, and a text.
struct Order: Codable, Sendable {
    var order: String
    var text: String
}

struct Repeated: Decodable, Sendable {
    var name: String
    var count: Int
}

@ZomeBuilder
func messages() -> [ZomePart] {
    Function("say") { (saying: Saying, host: Host) in try await say(saying, host) }
    // Writes, waits for the other agent, writes again.
    Function("write_say_write") { (saying: Saying, host: Host) in
        try await host.create(Page(text: "before " + saying.text))
        let reply = try await say(saying, host)
        try await host.create(Page(text: "after " + saying.text))
        return reply
    }
    Function("emit") { (signal: Repeated, host: Host) in
        for number in 0..<signal.count { try await host.emitSignal(signal.name, Number(number: number)) }
    }
    Function("emit_then_fail") { (signal: Repeated, host: Host) -> Void in
        try await host.emitSignal(signal.name, Number(number: 0))
        throw ZomeError("itDidNot", "no signal of this call may be heard")
    }
    Function("write_and_emit") { (page: Text, host: Host) in
        try await host.emitSignal("wrote", page)
        return try await host.create(Page(text: page.text))
    }
    Function("signal_to") { (signal: RemoteSignal, host: Host) in
        for number in 0..<(signal.count ?? 1) {
            let text = String(repeating: "x", count: signal.length ?? 0)
            try await host.signal(to: signal.to, signal.name, Numbered(number: number, text: text))
        }
    }
    Function("write_and_signal") { (signal: RemoteSignal, host: Host) in
        try await host.signal(to: signal.to, signal.name, "written")
        return try await host.create(Page(text: signal.name))
    }
    Receive { (from: AgentKey, order: Order, host: Host) in try await obey(order, from, host) }
    Init { host in
        try await host.create(Diary(text: "opened"))
        try await host.emitSignal("init", Called(caller: try await host.callInfo().caller))
    }
    PostCommit { actions, host in
        try await host.emitSignal(
            "post_commit", Committed(caller: try await host.callInfo().caller, actions: actions.map(\.hash)))
    }
}

struct RemoteSignal: Decodable, Sendable {
    var to: [AgentKey]
    var name: String
    var count: Int?
    var length: Int?
}

struct Numbered: Encodable, Sendable {
    var number: Int
    var text: String
}

struct Number: Encodable, Sendable {
    var number: Int
}

struct Called: Encodable, Sendable {
    var caller: AgentKey?
}

struct Committed: Encodable, Sendable {
    var caller: AgentKey?
    var actions: [ActionHash]
}

private func say(_ saying: Saying, _ host: Host) async throws -> String {
    try await host.send(
        to: saying.to, Order(order: saying.order, text: saying.text),
        timeout: .milliseconds(saying.timeoutMs ?? 20_000), as: String.self)
}

private func obey(_ order: Order, _ from: AgentKey, _ host: Host) async throws -> String {
    let back = Order(order: "echo", text: order.text)
    switch order.order {
    case "echo": return "\(from) said \(order.text)"
    // Commits and tells.
    case "keep":
        try await host.create(Page(text: order.text))
        try await host.emitSignal("kept", Called(caller: from))
        return "kept"
    // Asks the sender, who waits for this very answer.
    case "ask_back": return try await host.send(to: from, back, as: String.self)
    // Makes the sender commit while its own call waits.
    case "make_write":
        return try await host.send(to: from, Order(order: "keep", text: order.text), as: String.self)
    // Back and forth until the text is used up.
    case "ping_pong":
        guard let shorter = order.text.dropFirst().isEmpty ? nil : String(order.text.dropFirst()) else { return "end" }
        return try await host.send(to: from, Order(order: "ping_pong", text: shorter), as: String.self)
    // Answers long after the sender has given up.
    case "late":
        let nobody = try? await host.send(
            to: from, Order(order: "hang", text: ""), timeout: .milliseconds(1_000), as: String.self)
        try await host.emitSignal("late", Called(caller: from))
        return nobody ?? "late"
    case "hang":
        try await host.emitSignal("hanging", Called(caller: from))
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        return ""
    case "trap":
        let empty = [String]()
        return empty[order.text.utf8.count + 1_000]
    case "length": return "\(order.text.utf8.count)"
    default: throw ZomeError("refused", "I will not \(order.order)")
    }
}
