import CZome
import HDK
import Integrity
import Testing

/// Functions that run by themselves, and what a zome asks for about them and about clones.
@Suite struct ScheduledTests {
    /// What a zome asked, in order; each request is answered with the next of the answers.
    private func asked(
        _ answers: [[UInt8]], _ body: @escaping @Sendable (Host) async throws -> Void
    ) throws -> [(operation: UInt32, bytes: [UInt8])] {
        let host = FakeHost(Zome("test") { Function("run", body) })
        var left = answers
        var asked: [(operation: UInt32, bytes: [UInt8])] = []
        host.answering = { request in
            guard !left.isEmpty else { return nil }
            asked.append((request.operation, request.bytes))
            return FakeHost.Reply(status: Int32(ZOME_OK), bytes: left.removeFirst())
        }
        host.start(1, .function, "run")
        host.run()
        #expect(host.reply(1)?.status == Int32(ZOME_OK))
        return asked
    }

    @Test func aScheduledFunctionIsToldItsScheduleAndAnswersTheNext() throws {
        let zome = Zome("test") {
            Scheduled("again") { schedule, _ in schedule }
            Scheduled("soon") { _ in .after(.milliseconds(1_500)) }
            Scheduled("never") { _ in nil }
            Function("never") { (_: Host) in 7 }
        }
        let host = FakeHost(zome)
        let cron = Schedule.cron("*/5 * * * *")
        host.start(1, .scheduled, "again", payload: cron.packed)
        host.start(2, .scheduled, "again")
        host.start(3, .scheduled, "soon", payload: cron.packed)
        host.start(4, .scheduled, "never")
        host.start(5, .scheduled, "unknown")
        host.start(6, .function, "again")
        host.run()
        #expect(host.reply(1)?.bytes == cron.packed)
        #expect(host.reply(2)?.bytes == [0xc0])
        let third = try #require(host.reply(3))
        #expect(try Schedule(packed: third.bytes) == .ephemeral(1_500_000))
        // A function of the same name is another one.
        #expect(host.reply(4)?.bytes == [0xc0])
        #expect(host.reply(5)?.status == Int32(ZOME_UNKNOWN_NAME))
        #expect(host.reply(6)?.status == Int32(ZOME_UNKNOWN_NAME))
    }

    @Test func schedulesHaveHolochainsShapes() throws {
        for (schedule, json) in [
            (Schedule.after(.seconds(90)), #"{"Ephemeral":{"secs":90,"nanos":0}}"#),
            (.after(.microseconds(2_000_003)), #"{"Ephemeral":{"secs":2,"nanos":3000}}"#),
            (.after(.seconds(-5)), #"{"Ephemeral":{"secs":0,"nanos":0}}"#),
            (.cron("0 3 * * *"), #"{"Persisted":"0 3 * * *"}"#),
        ] {
            let expected = try JSONText.messagePack(fromJSON: Array(json.utf8))
            #expect(schedule.packed == expected)
            #expect(try Schedule(packed: schedule.packed) == schedule)
        }
        let tooLong = Array(#"{"Ephemeral":{"secs":99999999999,"nanos":0}}"#.utf8)
        #expect(throws: PlasmidError.self) { try Schedule(packed: try JSONText.messagePack(fromJSON: tooLong)) }
    }

    @Test func whatIsAskedForIsWhatTheHostReads() throws {
        let clone = ClonedCell(
            clone: "room.0", role: "room", name: "Garden",
            cell: CellAddress(dna: Sample.dnaInfo.hash, agent: Sample.bob), networkSeed: "s", isEnabled: true)
        let requests = try asked([[0xc0], [0xc0], [0xc0], clone.packed, clone.packed, clone.packed, [0xc0], [0xc0]]) {
            try await $0.schedule("tidy", .cron("0 3 * * *"))
            try await $0.schedule("tidy")
            try await $0.unschedule("tidy")
            guard try await $0.createClone(of: "room", name: "Garden", networkSeed: "s", membraneProof: [1]) == clone
            else { throw ZomeError("another clone") }
            _ = try await $0.createClone(of: "room", properties: ["a": 1])
            _ = try await $0.enableClone("room.0")
            try await $0.disableClone("room.0")
            try await $0.deleteClone("room.0")
        }
        #expect(requests.map(\.operation) == [55, 55, 56, 51, 51, 52, 53, 54])
        #expect(
            try ScheduleRequest(packed: requests[0].bytes)
                == ScheduleRequest(function: "tidy", schedule: .persisted("0 3 * * *")))
        #expect(try ScheduleRequest(packed: requests[1].bytes) == ScheduleRequest(function: "tidy"))
        #expect(try UnscheduleRequest(packed: requests[2].bytes) == UnscheduleRequest(function: "tidy"))
        #expect(
            try CreateCloneRequest(packed: requests[3].bytes)
                == CreateCloneRequest(role: "room", name: "Garden", networkSeed: "s", membraneProof: [1]))
        #expect(
            try CreateCloneRequest(packed: requests[4].bytes)
                == CreateCloneRequest(role: "room", properties: [0x81, 0xa1, 0x61, 0x01]))
        for request in requests[5...] {
            #expect(try CloneIDRequest(packed: request.bytes) == CloneIDRequest(clone: "room.0"))
        }
    }
}
