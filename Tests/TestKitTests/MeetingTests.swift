import Integrity
import TestKit
import Testing

@Suite("at a server of somebody's", .timeLimit(.minutes(3)))
struct MeetingTests {
    @Test(
        "conductors that know a server only find each other, and speak",
        arguments: [Meeting.bootstrap, .kad])
    func meets(_ meeting: Meeting) async throws {
        try await TestNetwork.run(meeting: meeting) { network in
            let ada = try await network.person("ada", happ: workshop, on: network.conductor("north"))
            let ben = try await network.person("ben", happ: workshop, on: network.conductor("south"))
            try await network.until("they know of each other", within: 90) {
                do {
                    _ = try await ada.call(
                        "say", ["to": ben.agent.text, "order": "echo", "text": "a"], as: String.self)
                    _ = try await ben.call(
                        "say", ["to": ada.agent.text, "order": "echo", "text": "b"], as: String.self)
                    return true
                } catch let refusal as Refusal where ["agentNotFound", "peerUnreachable"].contains(refusal.code) {
                    return false
                }
            }
            let heard = try await ada.call(
                "say", ["to": ben.agent.text, "order": "echo", "text": "hello"], as: String.self)
            #expect(heard.contains("hello"))
        }
    }
}
