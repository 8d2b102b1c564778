import Foundation
import Integrity
import TestKit
import Testing

/// Conductors that know of each other over loopback, each with its own storage, keys and modules.
@Suite("Conductors on a network", .timeLimit(.minutes(3)))
struct PeersTests {
    @Test("what one person writes is judged and held by the others' conductors")
    func publish() async throws {
        try await TestNetwork.run { network in
            let (ada, ben, cyd) = try await three(network)
            let page = try await ada.call("write", ["text": "to everybody"], as: Written.self)
            try await network.until([ada, ben, cyd], hold: page.action)
            let late = try await cyd.call("write", ["text": "from the third"], as: Written.self)
            try await network.until([ada, ben, cyd], hold: late.action)
        }
    }

    @Test("a message reaches receive() on another conductor with the sender's true key, and its reply comes back")
    func messages() async throws {
        try await TestNetwork.run { network in
            let (ada, ben, _) = try await three(network)
            for (from, to) in [(ada, ben), (ben, ada)] {
                try await network.until("\(from.name) knows \(to.name)") {
                    let order = ["to": to.agent.text, "order": "echo", "text": "hello"]
                    let reply = try? await from.call("say", order, as: String.self)
                    return reply?.contains("hello") == true
                }
            }
        }
    }

    @Test("who was away catches up on what was written meanwhile, and a message to it is refused at once")
    func away() async throws {
        try await TestNetwork.run { network in
            let (ada, ben, cyd) = try await three(network)
            let first = try await ada.call("write", ["text": "before"], as: Written.self)
            try await network.until([ben, cyd], hold: first.action)
            try await cyd.conductor.crash()
            var written: [Written] = []
            for number in 0..<20 {
                written.append(try await ada.call("write", ["text": "page \(number)"], as: Written.self))
            }
            let refused = await #expect(throws: Refusal.self) {
                try await ben.call("say", ["to": cyd.agent.text, "order": "echo", "text": ""], as: String.self)
            }
            #expect(refused?.code == "peerUnreachable")
            try await cyd.conductor.start()
            for page in written { try await network.until([cyd], hold: page.action) }
        }
    }

    @Test("who comes late gets everything that was written before")
    func late() async throws {
        try await TestNetwork.run { network in
            let north = try await network.conductor("north")
            let ada = try await network.person("ada", happ: workshop, on: north)
            var written: [Written] = []
            for number in 0..<50 {
                written.append(try await ada.call("write", ["text": "page \(number)"], as: Written.self))
            }
            let south = try await network.conductor("south")
            let ben = try await network.person("ben", happ: workshop, on: south)
            for page in written { try await network.until([ben], hold: page.action) }
        }
    }

    @Test("what is not here yet is asked of those who hold it: a read right after the write finds it everywhere")
    func reading() async throws {
        try await TestNetwork.run { network in
            let (ada, ben, cyd) = try await three(network)
            try await network.until("the three know each other") {
                for (one, other) in [(ada, ben), (ben, cyd), (cyd, ada)] {
                    let order = ["to": other.agent.text, "order": "echo", "text": ""]
                    guard (try? await one.call("say", order, as: String.self)) != nil else { return false }
                }
                return true
            }
            for number in 0..<10 {
                let page = try await ada.call("write", ["text": "page \(number)"], as: Written.self)
                for reader in [ben, cyd] {
                    let found = try await reader.call("get", ["hash": page.action.text], as: Read?.self)
                    #expect(found?.text == "page \(number)")
                }
            }
        }
    }

    private func three(_ network: TestNetwork) async throws -> (Person, Person, Person) {
        var people: [Person] = []
        for (place, name) in [("north", "ada"), ("south", "ben"), ("west", "cyd")] {
            let conductor = try await network.conductor(place)
            people.append(try await network.person(name, happ: workshop, on: conductor))
        }
        return (people[0], people[1], people[2])
    }
}

private struct Read: Decodable {
    var text: String
}
