import Chain
import ConductorAPI
import Glibc
import Integrity
import NIOCore
import Sodium
import Testing

@testable import plasmid

/// How a call ended.
enum Outcome: Sendable, Equatable {
    /// `{"Ok":…}`
    case ok(MessagePackValue)
    /// `{"Err":…}`: kind, code and words.
    case err(kind: String, code: String, words: String)
    /// A JSON-RPC error.
    case refused(PlasmidError)

    var code: String? {
        switch self {
        case .ok: nil
        case .err(_, let code, _): code
        case .refused(let error): error.code.rawValue
        }
    }

    var words: String {
        switch self {
        case .ok: ""
        case .err(_, _, let words): words
        case .refused(let error): error.message
        }
    }

    var value: MessagePackValue? {
        if case .ok(let value) = self { return value }
        return nil
    }

    var isOK: Bool { value != nil }
}

/// An app of one agent, with a socket on the app port.
struct Person: Sendable {
    let appID: String
    let instance: String
    let agent: AgentPubKey
    let dna: DnaHash
    let token: String
    let socket: RPCSocket
    let frames: Frames

    /// Calls a function of the zome that bears the DNA's name, or another, and says how it ended.
    func outcome(
        _ function: String, _ args: String? = nil, zome: String = "workshop", of owner: Person? = nil,
        more: String = ""
    ) async -> Outcome {
        await outcome(params: params(function, args, zome: zome, of: owner, more: more))
    }

    func outcome(params: String) async -> Outcome {
        do {
            return try Self.read(try await socket.call("call", params: Array(params.utf8)))
        } catch let error as PlasmidError {
            return .refused(error)
        } catch {
            return .refused(PlasmidError(.internal, "\(error)"))
        }
    }

    /// Calls a function that has to succeed.
    @discardableResult
    func call(
        _ function: String, _ args: String? = nil, zome: String = "workshop", of owner: Person? = nil,
        at location: SourceLocation = #_sourceLocation
    ) async throws -> MessagePackValue {
        let outcome = await outcome(function, args, zome: zome, of: owner)
        return try #require(outcome.value, "\(function): \(outcome)", sourceLocation: location)
    }

    /// Starts a call and does not wait for it.
    func begin(_ function: String, _ args: String? = nil, zome: String = "workshop") -> EventLoopFuture<Outcome> {
        let params = params(function, args, zome: zome, of: nil, more: "")
        return socket.request("call", params: Array(params.utf8)).flatMapThrowing { try Self.read($0) }
            .flatMapErrorThrowing { error in
                guard let error = error as? PlasmidError else { throw error }
                return .refused(error)
            }
    }

    private func params(
        _ function: String, _ args: String?, zome: String, of owner: Person?, more: String
    ) -> String {
        let instance = (owner ?? self).instance
        let given = args.map { #","args":\#($0)"# } ?? ""
        return #"{"instance_id":"\#(instance)","zome":"\#(zome)","function":"\#(function)"\#(given)\#(more)}"#
    }

    static func read(_ result: [UInt8]) throws -> Outcome {
        switch try CallReply(result: result) {
        case .ok(let json): return .ok(try JSONLines.value(json))
        case .err(let json):
            let value = try JSONLines.value(json)
            guard case .map(let pairs) = value, let first = pairs.first(where: { $0.key != .string("code") }),
                case .string(let kind) = first.key
            else { return .err(kind: "", code: "", words: "") }
            return .err(kind: kind, code: value["code"]?.text ?? "", words: first.value.text ?? "")
        }
    }

    /// The whole chain, as its own zome sees it.
    func chain(zome: String = "workshop") async throws -> [MessagePackValue] {
        try await call("chain", zome: zome).items
    }

    /// The number of actions on the chain, as the operator sees it.
    func length(_ conductor: TestConductor) async throws -> Int64 {
        try #require(try await conductor.admin("admin/dump", #"{"instance_id":"\#(instance)"}"#)["length"]?.number)
    }
}

/// A call that an agent signs, and every way to get that wrong.
struct SignedCall: Sendable {
    var owner: Person
    var zome = "workshop"
    var function: String
    var args = "{}"
    var secret: CapSecret?
    var nonce = SystemRandom.bytes(32)
    var expiresAt = Timestamp(microseconds: SignedCall.now + 60_000_000)

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }

    /// Signed by the agent whose key the keystore holds.
    func signed(by agent: AgentPubKey, in conductor: TestConductor) async throws -> Signature {
        let call = ClientCall(
            dna: owner.dna, agent: owner.agent, zome: zome, function: function,
            payload: try JSONText.messagePack(fromJSON: Array(args.utf8)), nonce: nonce, expiresAt: expiresAt,
            secret: secret)
        return try await conductor.sign(call.signedBytes, by: agent)
    }

    /// The parameters of `call`, with `agent` named as the caller.
    func params(as agent: AgentPubKey, _ signature: Signature) -> String {
        let token = secret.map { #","token":"\#(Base64.encode(Array($0.packed.suffix(64))))""# } ?? ""
        return #"{"instance_id":"\#(owner.instance)","zome":"\#(zome)","function":"\#(function)","args":\#(args)"#
            + #","provenance":["\#(agent.text)","\#(Base64.encode(signature.bytes.array))"]"#
            + #","nonce":"\#(Base64.encode(nonce))","expires_at":\#(expiresAt.microseconds)\#(token)}"#
    }

    /// Signed by an agent and sent over a socket.
    func outcome(by agent: AgentPubKey, over person: Person, _ conductor: TestConductor) async throws -> Outcome {
        await person.outcome(params: params(as: agent, try await signed(by: agent, in: conductor)))
    }
}

extension CapSecret {
    /// From the base64 text of an answer.
    static func from(_ text: String?) throws -> CapSecret {
        try #require(text.flatMap { Base64.decode($0) }.flatMap { CapSecret($0) })
    }
}
