import Chain
import Foundation
import Integrity
import Sodium
import Synchronization
import Testing

@testable import plasmid

/// A clock that goes where a test sets it.
final class SetClock: Sendable {
    private let time: Mutex<Int64>

    /// Starts at some day in 2026.
    init(_ microseconds: Int64 = 1_790_000_000_000_000) { time = Mutex(microseconds) }

    var now: Timestamp { Timestamp(microseconds: time.withLock { $0 }) }

    func move(hours: Double) { time.withLock { $0 += Int64(hours * 3_600_000_000) } }

    func ahead(hours: Double) -> Int64 { now.microseconds + Int64(hours * 3_600_000_000) }

    var settings: TestSettings {
        var settings = TestSettings()
        settings.clock = { self.now }
        return settings
    }
}

extension Person {
    /// Grants functions of the workshop by its own zome; gives address and secret, as texts.
    func grants(
        _ access: String, to assignees: [AgentPubKey] = [], label: String = "t",
        functions: String = #"["workshop/write"]"#, uses: Int? = nil, expires: Int64? = nil
    ) async throws -> (address: String, secret: String) {
        let names = assignees.map { "\"\($0)\"" }.joined(separator: ",")
        let limits = [uses.map { #""uses":\#($0)"# }, expires.map { #""expires":\#($0)"# }].compactMap { $0 }
        let more = limits.map { ",\($0)" }.joined()
        let receipt = try await call(
            "grant",
            #"{"tag":"\#(label)","access":"\#(access)","assignees":[\#(names)],"functions":\#(functions)\#(more)}"#)
        return (try #require(receipt["address"]?.text), try #require(receipt["secret"]?.text))
    }

    /// Keeps a secret as a claim.
    func claims(_ secret: String, of grantor: Person, label: String = "t") async throws {
        try await call("claim", #"{"tag":"\#(label)","grantor":"\#(grantor.agent)","secret":"\#(secret)"}"#)
    }

    /// Writes on another agent's chain with the newest claim of a label.
    func writes(
        _ text: String, for owner: Person, label: String = "t", function: String = "write"
    ) async -> Outcome {
        await outcome(
            "call_claimed",
            #"{"to":"\#(owner.agent)","label":"\#(label)","function":"\#(function)","text":"\#(text)"}"#)
    }

    /// The texts on this agent's chain.
    func pages() async throws -> [String] { try await call("pages").items.compactMap(\.text) }

    /// Passes a claim on; gives what the other agent is to be sent.
    func passesOn(
        _ owner: Person, to agent: AgentPubKey, label: String = "t", more: String = ""
    ) async throws -> String {
        let passed = try await call(
            "pass_on", #"{"grantor":"\#(owner.agent)","label":"\#(label)","to":"\#(agent)"\#(more)}"#)
        return try #require(passed.text)
    }

    func keeps(_ passedOn: String, label: String = "t") async -> Outcome {
        await outcome("keep_passed_on", #"{"label":"\#(label)","claim":"\#(passedOn)"}"#)
    }
}

extension TestConductor {
    /// Two or more agents who run the workshop.
    func workshops(_ names: String...) async throws -> [Person] {
        var people: [Person] = []
        for name in names { people.append(try await install(Places.workshop, as: name)) }
        return people
    }
}
