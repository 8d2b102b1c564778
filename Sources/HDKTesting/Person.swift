import Integrity

/// An agent who runs the app under test.
public struct Person: Sendable {
    struct Role: Sendable {
        let name: String
        let instance: String
        let dna: String
    }

    /// The name given; the app's id in the conductor.
    public let name: String
    /// The key that names this person to others.
    public let agent: AgentPubKey
    let roles: [Role]
    let process: ConductorProcess

    /// Calls a zome function as this person, or as this person in `owner`'s cell.
    /// - Parameters:
    ///   - input: one `Encodable` value, as the function takes it.
    ///   - zome: the zome; nil for the one that bears the DNA's name.
    ///   - role: the app's role; nil for its first.
    /// - Throws: ``Refusal``: what the function threw, what a rule or validator said, or what befell the module.
    public func call<Output: Decodable>(
        _ function: String, _ input: some Encodable, zome: String? = nil, role: String? = nil, of owner: Person? = nil,
        as type: Output.Type
    ) async throws -> Output {
        try MessagePackDecoder().decode(
            Output.self, from: try await answer(function, input, zome: zome, role: role, of: owner).packed)
    }

    /// Calls a function that takes nothing.
    public func call<Output: Decodable>(
        _ function: String, zome: String? = nil, role: String? = nil, of owner: Person? = nil, as type: Output.Type
    ) async throws -> Output {
        try await call(function, [String: String](), zome: zome, role: role, of: owner, as: type)
    }

    /// Calls a function whose result does not matter.
    public func call(
        _ function: String, _ input: some Encodable, zome: String? = nil, role: String? = nil, of owner: Person? = nil
    ) async throws {
        _ = try await answer(function, input, zome: zome, role: role, of: owner)
    }

    /// Calls a function that takes nothing and whose result does not matter.
    public func call(_ function: String, zome: String? = nil, role: String? = nil, of owner: Person? = nil) async throws
    {
        try await call(function, [String: String](), zome: zome, role: role, of: owner)
    }

    /// The next signal of this name that a zome of this person emits, or emitted and nobody took yet. Waits for it.
    /// - Parameter seconds: how long at most. A test that passes never waits so long.
    /// - Throws: ``Refusal`` with `timeout`; `DecodingError` or `PlasmidError` if it is no `Payload`.
    public func signal<Payload: Decodable>(
        _ name: String, within seconds: Double = 10, as type: Payload.Type
    ) async throws -> Payload {
        let mine = Set(roles.map(\.instance))
        let frame = try await process.frame(
            within: seconds, what: "a signal `\(name)` for \(self.name)"
        ) { frame in
            guard let instance = frame["instance_id"]?.text else { return false }
            return mine.contains(instance) && frame["signal"]?["name"]?.text == name
        }
        let arguments = frame["signal"]?["arguments"]?.text ?? "null"
        return try MessagePackDecoder().decode(
            Payload.self, from: try JSONText.messagePack(fromJSON: Array(arguments.utf8)))
    }

    /// The chain of one role as the operator sees it, oldest action first: maps with `seq`, `type`, `hash` and more.
    public func chain(role: String? = nil) async throws -> [MessagePackValue] {
        let dump = try await process.request(
            "admin/dump", .map(["instance_id": .string(try self.role(role).instance)]))
        return dump["records"]?.items ?? []
    }

    private func role(_ name: String?) throws -> Role {
        guard let role = roles.first(where: { name == nil || $0.name == name }) else {
            throw Refusal(code: "unknownInstance", message: "\(self.name) has no role `\(name ?? "")`")
        }
        return role
    }

    private func answer(
        _ function: String, _ input: some Encodable, zome: String?, role: String?, of owner: Person?
    ) async throws -> MessagePackValue {
        let place = try (owner ?? self).role(role)
        let params: [MessagePackValue.Pair] = [
            .init("instance_id", .string(place.instance)), .init("zome", .string(zome ?? place.dna)),
            .init("function", .string(function)),
            .init("args", try MessagePackValue(packed: try MessagePackEncoder().encode(input))),
        ]
        let reply = try await process.request("call", .map(params), as: name)
        let text = Array((reply.text ?? "").utf8)
        let result = try MessagePackValue(packed: try JSONText.messagePack(fromJSON: text))
        if let value = result["Ok"] { return value }
        guard case .map(let pairs)? = result["Err"] else {
            throw Refusal(code: "internal", message: "the answer is neither Ok nor Err: \(reply)")
        }
        let code = result["Err"]?["code"]?.text ?? "internal"
        throw Refusal(code: code, message: pairs.first { $0.key != .string("code") }?.value.text ?? code)
    }
}
