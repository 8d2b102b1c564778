import Foundation
import Integrity
import TestKit
import Testing

/// Where the sources stand. Symbolic links are followed, since a digest of sources refuses them.
private let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
let workshop = root + "/Tests/Modules/manifests/workshop.happ.yaml"

@Suite("a network of conductors in one test", .timeLimit(.minutes(3)))
struct NetworkTests {
    @Test("people on one conductor hear of each other, and all hold what one wrote")
    func people() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            let ben = try await network.person("ben", happ: workshop)
            #expect(ada.agent != ben.agent)
            let page = try await ada.call("write", ["text": "hello"], as: Written.self)
            try await network.until([ada, ben], hold: page.action)
            let said = try await ada.call(
                "say", ["to": ben.agent.text, "order": "keep", "text": "kept for you"], as: String.self)
            #expect(said == "kept")
            #expect(try await ben.signal("kept", as: Caller.self).caller == ada.agent)
            #expect(try await ben.call("pages", as: [String].self) == ["kept for you"])
        }
    }

    @Test("a wait that nothing fulfils ends with the words of what was waited for; nothing sleeps meanwhile")
    func late() async throws {
        try await TestNetwork.run { network in
            let error = await #expect(throws: Refusal.self) {
                try await network.until("the moon", within: 0.05) { false }
            }
            #expect(error?.code == "timeout" && error?.message.contains("the moon") == true)
        }
    }

    @Test("two conductors that are not connected know nothing of each other, and that is said at once, not waited for")
    func apart() async throws {
        try await TestNetwork.run(connected: false) { network in
            let north = try await network.conductor("north")
            let south = try await network.conductor("south")
            let ada = try await network.person("ada", happ: workshop, on: north)
            let ben = try await network.person("ben", happ: workshop, on: south)
            let page = try await ada.call("write", ["text": "up here"], as: Written.self)
            let together = await #expect(throws: Refusal.self) {
                try await network.until([ada, ben], hold: page.action)
            }
            #expect(together?.code == "notSupported")
            #expect(try await !ben.holds(AnyDhtHash(page.action)))
            let call = await #expect(throws: Refusal.self) { try await ada.call("pages", of: ben, as: [String].self) }
            #expect(call?.code == "notSupported")
            await #expect(throws: Refusal.self) {
                try await ada.call("say", ["to": ben.agent.text, "order": "echo", "text": ""], as: String.self)
            }
        }
    }

    @Test("the clock is the test's: actions bear its time, and it may be moved")
    func clock() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            let start = network.clock.now
            try await ada.call("write", ["text": "at noon"])
            network.clock.advance(by: .seconds(86_400 * 365))
            try await ada.call("write", ["text": "a year later"])
            let times = try await ada.chain().compactMap { $0["timestamp"]?.number }
            #expect(times.first == start.microseconds)
            #expect(times.last == start.microseconds + 86_400 * 365 * 1_000_000)
        }
    }

    @Test("what was scheduled for next week runs at once when the clock is there")
    func schedules() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            struct Plan: Encodable {
                var function = "once"
                var seconds = 7 * 86_400
            }
            try await ada.call("schedule", Plan())
            network.clock.advance(by: .seconds(6 * 86_400))
            #expect(try await ada.call("pages", as: [String].self).isEmpty)
            #expect(!network.transcript.lines.contains { $0.contains("ticked") })
            network.clock.advance(by: .seconds(2 * 86_400))
            #expect(try await ada.signal("ticked", as: Bool.self))
            #expect(try await ada.call("pages", as: [String].self) == ["once"])
        }
    }

    @Test("what was acknowledged before a crash is there after it; a call under way is told that the conductor is gone")
    func crash() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            let ben = try await network.person("ben", happ: workshop)
            for number in 0..<20 { try await ada.call("write", ["text": "\(number)"]) }
            let hanging = Task {
                try await ada.call("say", ["to": ben.agent.text, "order": "hang", "text": ""], as: String.self)
            }
            _ = try await ben.signal("init", as: Caller.self)
            try await ada.conductor.crash()
            let told = await #expect(throws: Refusal.self) { _ = try await hanging.value }
            #expect(told?.code == "connectionLost")
            let down = await #expect(throws: Refusal.self) { try await ada.call("pages", as: [String].self) }
            #expect(down?.code == "connectionLost")
            try await ada.conductor.start()
            #expect(try await ada.call("pages", as: [String].self) == (0..<20).map { "\($0)" })
            try await ada.call("write", ["text": "after"])
        }
    }

    @Test("a broken disk acknowledges nothing, and the next start has all that was acknowledged")
    func brokenDisk() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            try await ada.call("write", ["text": "kept"])
            ada.conductor.breakDisk()
            let refusal = await #expect(throws: Refusal.self) { try await ada.call("write", ["text": "lost"]) }
            #expect(refusal?.code.hasPrefix("storage") == true, "\(String(describing: refusal))")
            try await ada.conductor.stop()
            try await ada.conductor.start()
            #expect(try await ada.call("pages", as: [String].self) == ["kept"])
        }
    }

    @Test("a full disk refuses with diskFull, keeps what it took, and goes on when there is room")
    func fullDisk() async throws {
        try await TestNetwork.run { network in
            var settings = TestConductor.Settings()
            settings.diskBytes = 512 << 10
            let small = try await network.conductor("small", settings)
            let ada = try await network.person("ada", happ: workshop, on: small)
            var written = 0
            var refusal: Refusal?
            while refusal == nil, written < 5_000 {
                do {
                    try await ada.call("write", ["text": String(repeating: "x", count: 1_500)])
                    written += 1
                } catch let error as Refusal {
                    refusal = error
                }
            }
            #expect(refusal?.code == "diskFull", "\(written) written, then \(String(describing: refusal))")
            try await small.stop()
            small.setDisk(bytes: nil)
            try await small.start()
            #expect(try await ada.call("pages", as: [String].self).count == written)
            try await ada.call("write", ["text": "room again"])
        }
    }

    @Test("modules that are killed cost a call, and the next one finds new ones")
    func killedModules() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            try await ada.call("write", ["text": "before"])
            #expect(try await ada.conductor.killModules(of: ada))
            try await network.until("the modules are back") {
                do {
                    return try await ada.call("pages", as: [String].self) == ["before"]
                } catch let refusal as Refusal where refusal.code.hasPrefix("module") {
                    return false
                }
            }
        }
    }

    @Test("a lost message is never answered, a refused one at once, and when the way is clear both arrive")
    func messages() async throws {
        struct Say: Encodable {
            var to: AgentPubKey
            var order = "echo"
            var text = "hello"
            var timeoutMs = 100

            enum CodingKeys: String, CodingKey {
                case to, order, text
                case timeoutMs = "timeout_ms"
            }
        }
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            let ben = try await network.person("ben", happ: workshop)
            let say = Say(to: ben.agent)
            #expect(try await ada.call("say", say, as: String.self).contains("hello"))
            network.messages.lose(from: ada, to: ben)
            let lost = await #expect(throws: Refusal.self) { try await ada.call("say", say) }
            #expect(lost?.code == "timeout")
            network.messages.clear()
            network.messages.refuse(to: ben)
            let away = await #expect(throws: Refusal.self) { try await ada.call("say", say) }
            #expect(away?.code == "peerUnreachable")
            #expect(try await ben.call("say", Say(to: ada.agent), as: String.self).contains("hello"))
            network.messages.clear()
            #expect(try await ada.call("say", say, as: String.self).contains("hello"))
        }
    }

    @Test("a session is what its transcript says; another is told apart by its first line")
    func transcript() async throws {
        try await TestNetwork.run { network in
            let ada = try await network.person("ada", happ: workshop)
            let ben = try await network.person("ben", happ: workshop)
            try await ada.call("write_and_emit", ["text": "hello"])
            try await ada.call("say", ["to": ben.agent.text, "order": "keep", "text": "for ben"])
            try await ben.call("pages")
            _ = try? await ben.call("write", ["text": "not his"], of: ada, as: Written.self)
            try await network.until("everything is told") {
                network.transcript.lines.count { $0.contains("post_commit") } == 4
            }
            let file = root + "/Tests/TestKitTests/Transcripts/session.txt"
            try network.transcript.compare(with: file)
            try await ben.call("pages")
            guard ProcessInfo.processInfo.environment["PLASMID_TRANSCRIPTS"] == nil else { return }
            let other = #expect(throws: TranscriptMismatch.self) { try network.transcript.compare(with: file) }
            #expect(other?.seen?.contains("ben → workshop.pages") == true)
        }
    }
}

struct Written: Decodable {
    var action: ActionHash
}

private struct Caller: Decodable {
    var caller: AgentPubKey?
}
