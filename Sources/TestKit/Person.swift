import Conductor
import Integrity

/// An agent in a ``TestNetwork``, with one cell: the first role of the app.
public struct Person: Sendable {
    /// The name given; the app's id in the conductor.
    public let name: String
    /// The key that names this person to others.
    public let agent: AgentPubKey
    /// `app/role`, as calls name the cell.
    public let instance: String
    /// Where this person is.
    public let conductor: TestConductor
    let dna: String
    let network: TestNetwork

    init(
        name: String, agent: AgentPubKey, instance: String, dna: String, conductor: TestConductor, network: TestNetwork
    ) {
        self.name = name
        self.agent = agent
        self.instance = instance
        self.conductor = conductor
        self.dna = dna
        self.network = network
    }

    /// Calls a zome function as this person, in this person's cell or `owner`'s.
    /// - Parameters:
    ///   - zome: the zome; nil for the one that bears the DNA's name.
    ///   - secret: a capability's 64 bytes.
    /// - Throws: ``Refusal``: what the function threw, what a rule or validator said, or what befell the module.
    public func call<Output: Decodable>(
        _ function: String, _ input: some Encodable & Sendable, zome: String? = nil, of owner: Person? = nil,
        secret: [UInt8]? = nil, as type: Output.Type
    ) async throws -> Output {
        let bytes = try await answer(
            function, try MessagePackEncoder().encode(input), zome: zome, of: owner, secret: secret)
        return try MessagePackDecoder().decode(Output.self, from: bytes)
    }

    /// Calls a function that takes nothing.
    public func call<Output: Decodable>(
        _ function: String, zome: String? = nil, of owner: Person? = nil, secret: [UInt8]? = nil, as type: Output.Type
    ) async throws -> Output {
        try await call(function, [String: String](), zome: zome, of: owner, secret: secret, as: type)
    }

    /// Calls a function whose result does not matter.
    public func call(
        _ function: String, _ input: some Encodable & Sendable, zome: String? = nil, of owner: Person? = nil,
        secret: [UInt8]? = nil
    ) async throws {
        _ = try await answer(function, try MessagePackEncoder().encode(input), zome: zome, of: owner, secret: secret)
    }

    /// Calls a function that takes nothing and whose result does not matter.
    public func call(
        _ function: String, zome: String? = nil, of owner: Person? = nil, secret: [UInt8]? = nil
    ) async throws {
        try await call(function, [String: String](), zome: zome, of: owner, secret: secret)
    }

    /// The next signal of this name from this person's cell, one that is there already or the next that comes.
    /// - Parameter seconds: how long at most, in real time.
    /// - Throws: ``Refusal`` with `timeout`; an error of decoding if it is no `Payload`.
    public func signal<Payload: Decodable>(
        _ name: String, within seconds: Double = 10, as type: Payload.Type
    ) async throws -> Payload {
        let found = Found()
        try await network.until("a signal `\(name)` for \(self.name)", within: seconds) {
            guard
                let signal = conductor.takeSignal({ $0.instanceID == instance && $0.name == name })
            else { return false }
            found.set(signal.payload)
            return true
        }
        return try MessagePackDecoder().decode(Payload.self, from: found.bytes)
    }

    /// Whether this person's conductor holds an action or entry of the space.
    public func holds(_ hash: AnyDhtHash) async throws -> Bool { try await conductor.holds(hash, in: instance) }

    /// This person's chain, oldest action first, as `admin/dump` of docs/api.md shows it: maps with `seq`, `hash`, `type`,
    /// `timestamp` and more.
    public func chain() async throws -> [MessagePackValue] {
        let dump = try await conductor.admin("admin/dump", .map(["instance_id": .string(instance)]))
        return dump["records"]?.items ?? []
    }

    private func answer(
        _ function: String, _ payload: [UInt8], zome: String?, of owner: Person?, secret: [UInt8]?
    ) async throws -> [UInt8] {
        let place = owner ?? self
        let request = ClientRequest(
            app: name, instanceID: place.instance, zome: zome ?? place.dna, function: function, payload: payload,
            secret: secret)
        do {
            guard place.conductor === conductor else {
                throw Refusal(
                    code: "notSupported",
                    message: "\(name) and \(place.name) are on two conductors, and a client is connected to one")
            }
            switch try await place.conductor.call(request) {
            case .ok(let bytes):
                network.transcript.called(self, request, .success(bytes))
                return bytes
            case .appError(let error): throw Refusal(code: error.code, message: error.message)
            }
        } catch let refusal as Refusal {
            network.transcript.called(self, request, .failure(refusal))
            throw refusal
        }
    }
}
