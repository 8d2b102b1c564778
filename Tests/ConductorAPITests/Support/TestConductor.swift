import ConductorAPI
import Integrity

/// A conductor of a few lines: one app `app` with the instance `app/role`, another app `other`. Confined to its loop.
final class TestConductor: ConductorHandling {
    var isTestMode = false
    var signalReceiver: ((InstanceSignal) -> Void)?
    var systemSignalReceiver: ((SystemSignal) -> Void)?
    var accessReceiver: ((EndedAccess) -> Void)?
    var systemKinds: Set<SystemSignal.Kind> = []
    let bootID = "b00t"
    var healthNow = Health.ok
    var metricsNow = [Metric("plasmid_test_total", "A \\ test.", .counter, [.init(3, ["of": "a\"b\\c\nd"])])]
    /// What `emit` sent, for replays; those before `forgotten` are gone.
    var emitted: [InstanceSignal] = []
    var forgotten: UInt64 = 0
    var calls: [ZomeCallRequest] = []
    var adminCalls: [(method: String, params: MessagePackValue)] = []
    /// Replies of `late` calls that nobody has given yet.
    var late: [(Result<CallOutcome, PlasmidError>) -> Void] = []
    var usedTokens: [String] = []
    private var sequence: UInt64 = 0

    func adminTokenMatches(_ token: String) -> Bool { token == "admin-token" }

    func appToken(_ token: String) -> APIScope? {
        usedTokens.append(token)
        return ["app-token": .app("app"), "other-token": .app("other")][token]
    }

    /// Instances mounted on the interface `shop`, by name.
    var mounted: [String: String] = [:]
    var interfaceOrigins: [String] = []

    func tokenOpens(_ token: String, interface: String) -> Bool {
        usedTokens.append(token)
        return token == "\(interface)-token"
    }

    func origins(ofInterface interface: String) -> [String] { interfaceOrigins }

    func isMounted(_ instanceID: String, on interface: String) -> Bool { mounted.values.contains(instanceID) }

    func connections(ofPages id: String) -> [UInt8] { Array(#"{"dna_interface":{"id":"shop"}}"#.utf8) }

    func instances(_ scope: APIScope) -> [InstanceInfo] {
        let all = ["app", "other"].compactMap { app -> InstanceInfo? in
            guard let agent = try? AgentPubKey(TestConductor.agent), let dna = try? DnaHash(TestConductor.dna) else {
                return nil
            }
            return InstanceInfo(id: "\(app)/role", dna: dna, agent: agent)
        }
        switch scope {
        case .admin: return all
        case .app(let app): return all.filter { $0.id == "\(app)/role" }
        case .interface: return all.filter { isMounted($0.id, on: "shop") }
        }
    }

    func call(_ request: ZomeCallRequest, reply: @escaping (Result<CallOutcome, PlasmidError>) -> Void) {
        calls.append(request)
        guard request.instanceID == "app/role" else {
            return reply(.failure(PlasmidError(.unknownInstance, "unknown instance '\(request.instanceID)'")))
        }
        guard request.zome == "z" else {
            return reply(.failure(PlasmidError(.unknownZome, "Zome '\(request.zome)' not found", hint: "it has z")))
        }
        switch request.function {
        case "echo": reply(.success(.ok(request.args)))
        case "fail": reply(.success(.err(kind: .internal, code: "tooTired", message: "I \"quit\"\n")))
        case "invalid":
            reply(.success(.err(kind: .validationFailed, code: "validationFailed", message: "too long")))
        case "timeout": reply(.success(.err(kind: .timeout, code: "timeout", message: "no reply")))
        case "late": late.append(reply)
        case "signal":
            emit("N", [0x81, 0xA1, 0x61, 0x01])
            reply(.success(.ok([0xC0])))
        case "guarded":
            reply(.failure(PlasmidError(.capabilityDenied, "Source does not have Capability for function 'guarded'")))
        default:
            reply(
                .failure(
                    PlasmidError(
                        .unknownFunction, "Zome function '\(request.function)' not found in Zome '\(request.zome)'")))
        }
    }

    func admin(
        _ method: String, params: MessagePackValue, reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) {
        adminCalls.append((method, params))
        switch method {
        case "admin/app/list": reply(.success(.array([.string("app"), .string("other")])))
        case "admin/app/install": reply(.failure(PlasmidError(.manifestUnreadable, "no file there", hint: "look")))
        case "admin/token/issue":
            reply(.failure(PlasmidError("badParameter", "`expiry_seconds` makes no sense")))
        case "test/agent/add": reply(.success(.map(["agent_address": .string(TestConductor.agent)])))
        default: reply(.success(.map(["success": .bool(true)])))
        }
    }

    /// Sends a signal of `app/role` to every socket that wants it.
    func emit(
        _ name: String, _ arguments: [UInt8], app: String = "app", zome: String = "z", from: String? = nil
    ) {
        sequence += 1
        let signal = InstanceSignal(
            app: app, instanceID: "\(app)/role", zome: zome, name: name, arguments: arguments, sequence: sequence,
            from: from)
        emitted.append(signal)
        signalReceiver?(signal)
    }

    func replay(of instanceID: String, since: UInt64, boot: String?) -> SignalReplay {
        let isSameRun = boot == nil || boot == bootID
        let from = isSameRun ? since : 0
        let after = emitted.filter { $0.instanceID == instanceID && $0.sequence > from }
        let kept = after.filter { $0.sequence > forgotten }
        return SignalReplay(signals: kept, missed: isSameRun ? UInt64(after.count - kept.count) : nil)
    }

    func metrics() -> [Metric] { metricsNow }

    func health() -> Health { healthNow }

    func wantSystemSignals(_ kinds: Set<SystemSignal.Kind>) { systemKinds = kinds }

    static let agent = AgentPubKey(hashing: Array("alice".utf8)).text
    static let dna = DnaHash(hashing: Array("dna".utf8)).text
}
