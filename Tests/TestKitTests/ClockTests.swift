import Foundation
import Integrity
import TestKit
import Testing

/// Conductors whose clocks do not agree: the one of the network, and the one that chains are written by.
@Suite("clocks that differ", .timeLimit(.minutes(3)))
struct ClockTests {
    private static func conductor(
        _ network: TestNetwork, _ name: String, ahead seconds: Int
    ) async throws -> TestConductor {
        var settings = TestConductor.Settings()
        settings.clockSkew = .seconds(seconds)
        return try await network.conductor(name, settings)
    }

    private static func say(_ from: Person, _ to: Person) async throws -> String {
        try await from.call("say", ["to": to.agent.text, "order": "echo", "text": "hello"], as: String.self)
    }

    // A minute less than an hour: what is said takes a while to arrive.
    @Test("an hour ahead or behind: publishing, messages, reading and catching up work both ways", arguments: [-1, 1])
    func anHour(sign: Int) async throws {
        try await TestNetwork.run { network in
            let here = try await Self.conductor(network, "here", ahead: 0)
            let there = try await Self.conductor(network, "there", ahead: sign * 3_540)
            let ada = try await network.person("ada", happ: workshop, on: here)
            let ben = try await network.person("ben", happ: workshop, on: there)
            for (one, other) in [(ada, ben), (ben, ada)] {
                try await network.until("\(one.name) reaches \(other.name)") {
                    (try? await Self.say(one, other))?.contains("hello") == true
                }
                let page = try await one.call("write", ["text": "by \(one.name)"], as: Written.self)
                try await network.until([ada, ben], hold: page.action)
            }
            // What was written while one was away.
            try await there.stop()
            let missed = try await ada.call("write", ["text": "meanwhile"], as: Written.self)
            try await there.start()
            try await network.until([ben], hold: missed.action)
            let back = try await ben.call("write", ["text": "back"], as: Written.self)
            try await network.until([ada], hold: back.action)
            // Nobody is held to be at fault.
            for person in [ada, ben] {
                let peers = try await person.conductor.admin("admin/network/peers").items
                #expect(!peers.isEmpty && peers.allSatisfy { $0["score"]?.number == 0 }, "\(peers)")
            }
        }
    }

    @Test("three hours apart: neither believes the other's record, and who sends is told why", arguments: [-3, 3])
    func threeHours(sign: Int) async throws {
        try await TestNetwork.run { network in
            let here = try await Self.conductor(network, "here", ahead: 0)
            let there = try await Self.conductor(network, "there", ahead: sign * 3_600)
            let ada = try await network.person("ada", happ: workshop, on: here)
            let ben = try await network.person("ben", happ: workshop, on: there)
            for (one, other) in [(ada, ben), (ben, ada)] {
                try await network.until("\(one.name) is told that the clocks differ") {
                    do {
                        _ = try await Self.say(one, other)
                        return false
                    } catch let refusal as Refusal {
                        return refusal.code == "agentRecordRefused" && refusal.message.contains("clock")
                    }
                }
            }
        }
    }
}
