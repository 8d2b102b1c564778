import HDK

/// A call to a cell: one of `role`, `dna` and `agent`, `bridge`, or none for the own one.
struct CellCall: Decodable, Sendable {
    var role: String?
    var dna: DnaHash?
    var agent: AgentKey?
    var bridge: String?
    var zome: String
    var function: String
    var text: String?
    var secret: CapSecret?
    var stranger: Bool?

    var target: CallTarget {
        if let role { return .role(role) }
        if let bridge { return .bridge(bridge) }
        if let dna, let agent { return .cell(CellAddress(dna: dna, agent: agent)) }
        return .here
    }
}

/// How a call came in, as its callee sees it.
struct Visit: Encodable, Sendable {
    var caller: AgentKey?
    var instance: String?
    var dna: DnaHash?
    var bridge: String?
    var grant: ActionHash?
    var secretUsed: Bool

    enum CodingKeys: String, CodingKey {
        case caller, instance, dna, bridge, grant
        case secretUsed = "secret_used"
    }
}

struct Path: Codable, Sendable {
    /// Roles still to be visited, the next first.
    var roles: [String]
    var text: String
}

struct Nested: Decodable, Sendable {
    var texts: [String]
    /// The last of them is written by a function that then fails.
    var fails: Bool?
}

@ZomeBuilder
func cells() -> [ZomePart] {
    Function("visit") { (host: Host) in try await visit(host) }
    Function("visit_granted") { (host: Host) in try await visit(host) }
    Function("call_cell") { (call: CellCall, host: Host) in
        try await host.call(
            call.target, zome: call.zome, call.function, Text(text: call.text ?? ""), secret: call.secret,
            asStranger: call.stranger ?? false, as: MessagePackValue.self)
    }
    // Writes, goes on to the next role, and writes again.
    Function("travel") { (path: Path, host: Host) -> [String] in
        try await host.create(Page(text: "\(path.text) out"))
        guard let next = path.roles.first else { return [path.text] }
        let rest = Path(roles: Array(path.roles.dropFirst()), text: path.text + "+")
        return try await [path.text] + host.call(.role(next), zome: "workshop", "travel", rest, as: [String].self)
    }
    // The same, and what goes wrong on the way is told and not thrown.
    Function("wander") { (path: Path, host: Host) -> [String] in
        guard let next = path.roles.first else { return [path.text] }
        let rest = Path(roles: Array(path.roles.dropFirst()) + [next], text: path.text)
        do {
            return try await host.call(.role(next), zome: "workshop", "wander", rest, as: [String].self)
        } catch let error as ZomeError {
            return [error.code.rawValue]
        }
    }
    nested()
}

@ZomeBuilder
private func nested() -> [ZomePart] {
    // Each text is written by a call of its own within this one; the first and last by this one.
    Function("nested_writes") { (nested: Nested, host: Host) -> [String] in
        try await host.create(Page(text: "before"))
        var told: [String] = []
        for text in nested.texts {
            let isLast = text == nested.texts.last
            let function = nested.fails == true && isLast ? "write_emit_then_fail" : "write"
            do {
                let answer = try await host.call(
                    zome: "workshop", function, Text(text: text), as: MessagePackValue.self)
                told.append(answer == .null ? "null" : "written")
            } catch let error as ZomeError {
                told.append("\(error.code): \(error.message)")
            }
        }
        let seen = try await host.query(.entries(of: Page.self)).compactMap { try $0.value(Page.self)?.text }
        try await host.create(Page(text: "after"))
        return told + seen
    }
    Function("write_emit_then_fail") { (page: Text, host: Host) -> Void in
        try await host.create(Page(text: page.text))
        try await host.emitSignal("boast", page.text)
        throw ZomeError("changedMyMind", "not \(page.text)")
    }
    // A function that fails after its caller has written beside it: nothing of both may stay.
    Function("crossed_writes") { (host: Host) -> String in
        async let failing = host.call(
            zome: "workshop", "write_wait_then_fail", Text(text: "inner"), as: Bool?.self)
        for number in 0..<20 { try await host.create(Page(text: "outer \(number)")) }
        do {
            return try await failing == nil ? "no error" : "an answer"
        } catch {
            return "caught"
        }
    }
    Function("write_wait_then_fail") { (page: Text, host: Host) -> Void in
        try await host.create(Page(text: page.text))
        for _ in 0..<5 { _ = try await host.time() }
        throw ZomeError("changedMyMind", "not \(page.text)")
    }
    Function("recurse") { (host: Host) -> Int in
        try await host.call(zome: "workshop", "recurse", nil as Bool?, as: Int.self) + 1
    }
    // Two calls for each: many more than their depth.
    Function("branch") { (depth: Amount, host: Host) -> Int in
        guard depth.count > 0 else { return 1 }
        let less = ["count": depth.count - 1]
        return try await host.call(zome: "workshop", "branch", less, as: Int.self)
            + host.call(zome: "workshop", "branch", less, as: Int.self)
    }
}

private func visit(_ host: Host) async throws -> Visit {
    let info = try await host.callInfo()
    return Visit(
        caller: info.caller, instance: info.callerInstance, dna: info.callerCell?.dna, bridge: info.bridge,
        grant: info.grant, secretUsed: info.secretUsed)
}
