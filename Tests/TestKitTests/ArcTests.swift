import Foundation
import Gossip
import Integrity
import TestKit
import Testing

/// More conductors than an op needs holders: each keeps a part, and all of them together everything.
@Suite("Conductors that hold parts", .timeLimit(.minutes(4)))
struct ArcTests {
    private static let holders = 3

    @Test("arcs shrink, ops lie with enough holders and not with all, and who holds nothing of an op reads it")
    func parts() async throws {
        try await TestNetwork.run(holders: Self.holders) { network in
            let crowd = try await Crowd.gather(8, in: network)
            try await crowd.untilParted()
            let pages = try await crowd.write(32)
            try await crowd.untilHeld(pages)
            // What everybody held at first is dropped, and so are ops that were pushed while arcs still shrank: but for its author
            // nobody holds what lies outside of their arc.
            try await network.until("nobody holds what is not theirs", within: 60) {
                for page in pages {
                    let held = try await crowd.holders(of: page)
                    let claimed = try await crowd.claimants(of: page)
                    if held.subtracting(claimed).count > 1 { return false }
                }
                return true
            }
            var outside = 0
            for page in pages {
                let held = try await crowd.holders(of: page)
                #expect(held.count >= Self.holders && held.count < crowd.people.count, "\(held.sorted())")
                for person in crowd.people where !held.contains(person.name) {
                    let found = try await person.call("get", ["hash": page.action.text], as: Page?.self)
                    #expect(found != nil, "\(person.name) does not find what \(held.sorted()) hold")
                    outside += 1
                }
            }
            #expect(outside > 0)
            // What reading brought is no part of anybody's arc and goes again.
            network.clock.advance(by: .seconds(660))
            try await network.until("visitors have gone", within: 60) {
                for page in pages {
                    let held = try await crowd.holders(of: page)
                    if held.subtracting(try await crowd.claimants(of: page)).count > 1 { return false }
                }
                return true
            }
            try await crowd.untilHeld(pages)
        }
    }

    @Test("who is connected with few goes to the holders of what they write and read")
    func few() async throws {
        try await TestNetwork.run(holders: Self.holders) { network in
            var settings = TestConductor.Settings()
            settings.members = 2
            let crowd = try await Crowd.gather(8, in: network, settings)
            try await crowd.untilParted()
            let pages = try await crowd.write(16)
            try await crowd.untilHeld(pages)
            for (number, page) in pages.enumerated() {
                let reader = crowd.people[(number + 3) % crowd.people.count]
                let found = try await reader.call("get", ["hash": page.action.text], as: Page?.self)
                #expect(found != nil, "\(reader.name) does not find page \(number)")
            }
        }
    }

    @Test(
        "a holder dies: others take its part, and have all of it before they say so; it comes back with what it lacks")
    func death() async throws {
        try await TestNetwork.run(holders: Self.holders) { network in
            let crowd = try await Crowd.gather(8, in: network)
            try await crowd.untilParted()
            let pages = try await crowd.write(24)
            try await crowd.untilHeld(pages)
            var living = crowd
            for name in ["p2", "p5"] {
                let dead = try #require(living.people.first { $0.name == name })
                try await dead.conductor.crash()
                living.people.removeAll { $0.name == name }
                try await living.untilHeld(pages, keepingTheirWord: true)
            }
            let later = try await living.people[0].call("write", ["text": "meanwhile"], as: Written.self)
            for person in crowd.people where ["p2", "p5"].contains(person.name) { try await person.conductor.start() }
            try await crowd.untilHeld(pages + [later], keepingTheirWord: true)
            try await crowd.untilParted()
            try await crowd.checkWords(pages + [later])
        }
    }
}

/// People, each on a conductor of their own.
private struct Crowd {
    var people: [Person]
    let network: TestNetwork

    static func gather(
        _ count: Int, in network: TestNetwork, _ settings: TestConductor.Settings = .init()
    ) async throws -> Crowd {
        var people: [Person] = []
        for number in 0..<count {
            let conductor = try await network.conductor("c\(number)", settings)
            people.append(try await network.person("p\(number)", happ: workshop, on: conductor))
        }
        return Crowd(people: people, network: network)
    }

    func write(_ count: Int) async throws -> [Written] {
        var pages: [Written] = []
        for number in 0..<count {
            let writer = people[number % people.count]
            pages.append(try await writer.call("write", ["text": "page \(number)"], as: Written.self))
        }
        return pages
    }

    /// What a person's conductor has announced.
    func arc(of person: Person) async throws -> Arc {
        let spaces = try await person.conductor.admin("admin/stats")["spaces"]?.items ?? []
        for arc in spaces.flatMap({ $0["network"]?["arcs"]?.items ?? [] }) where arc["agent"]?.text == person.agent.text
        {
            guard let start = arc["arc"]?["start"]?.number, let length = arc["arc"]?["length"]?.number else { continue }
            return Arc(start: UInt32(start), length: UInt64(length))
        }
        return .empty
    }

    /// Nobody holds everything any more.
    func untilParted() async throws {
        try await network.until("everybody holds a part", within: 60) {
            for person in people {
                let arc = try await arc(of: person)
                if arc.isFull || arc.isEmpty { return false }
            }
            return true
        }
    }

    func holders(of page: Written) async throws -> Set<String> {
        var names: Set<String> = []
        for person in people where try await person.holds(AnyDhtHash(page.action)) { names.insert(person.name) }
        return names
    }

    func claimants(of page: Written) async throws -> Set<String> {
        let location = AnyDhtHash(page.action).location
        var names: Set<String> = []
        for person in people where try await arc(of: person).contains(location) { names.insert(person.name) }
        return names
    }

    /// Every page is held by as many as shall hold it.
    /// - Parameter keepingTheirWord: meanwhile everybody must hold what they have announced.
    func untilHeld(_ pages: [Written], keepingTheirWord: Bool = false) async throws {
        try await network.until("every page has its holders", within: 60) {
            if keepingTheirWord { try await checkWords(pages) }
            for page in pages {
                let names = try await holders(of: page).intersection(try await claimants(of: page))
                if names.count < network.holders { return false }
            }
            return true
        }
    }

    /// Whoever has announced a page's location holds it.
    func checkWords(_ pages: [Written]) async throws {
        for person in people {
            let before = try await arc(of: person)
            var missing: [Written] = []
            for page in pages where before.contains(AnyDhtHash(page.action).location) {
                if try await !person.holds(AnyDhtHash(page.action)) { missing.append(page) }
            }
            // Unless it was given up between the two questions.
            let after = try await arc(of: person)
            let broken = missing.filter { after.contains(AnyDhtHash($0.action).location) }
            #expect(broken.isEmpty, "\(person.name) claims \(broken.count) pages that it does not hold")
        }
    }
}

private struct Page: Decodable {
    var text: String
}
