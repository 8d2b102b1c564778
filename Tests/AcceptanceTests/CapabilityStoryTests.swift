import Chain
import Integrity
import Sodium
import Testing

@testable import plasmid

/// Two stories from practice, told from beginning to end.
@Suite("capabilities in practice", .timeLimit(.minutes(5)))
struct CapabilityStoryTests {
    @Test("a doctor whose access ends: after the agreed visits, after the agreed day, or when the patient says so")
    func doctor() async throws {
        let (folder, clock) = (try TestFolder(), SetClock())
        let shown = try await TestConductor.with(clock.settings, in: folder) { conductor in
            let people = try await conductor.workshops("patient", "doctor")
            let (patient, doctor) = (people[0], people[1])

            // The patient lets the doctor write into her file: three times, within two days.
            let grant = try await patient.grants(
                "assigned", to: [doctor.agent], label: "doctor", uses: 3, expires: clock.ahead(hours: 48))
            try await doctor.claims(grant.secret, of: patient, label: "patient")
            for visit in 1...3 {
                #expect(await doctor.writes("visit \(visit)", for: patient, label: "patient").isOK)
            }
            // The fourth is one too many, by the doctor's cell and by his own hand over the open connection.
            #expect(await doctor.writes("visit 4", for: patient, label: "patient").code == "capabilitySpent")
            #expect(try await Self.byHand(doctor, patient, grant.secret, clock, conductor).code == "capabilitySpent")
            #expect(try await patient.pages() == ["visit 1", "visit 2", "visit 3"])

            // She agrees to more visits until the day after tomorrow: a new secret, the old one is worth nothing.
            let renewed = try await patient.call(
                "regrant", #"{"label":"doctor","uses":10,"expires":\#(clock.ahead(hours: 48))}"#)
            let secret = try #require(renewed["secret"]?.text)
            #expect(await doctor.writes("visit 4", for: patient, label: "patient").code == "capabilityWrong")
            try await doctor.claims(secret, of: patient, label: "patient")
            #expect(await doctor.writes("visit 4", for: patient, label: "patient").isOK)

            // The day comes.
            clock.move(hours: 48)
            #expect(await doctor.writes("late", for: patient, label: "patient").code == "capabilityExpired")
            #expect(try await Self.byHand(doctor, patient, secret, clock, conductor).code == "capabilityExpired")
            return [grant.secret, secret]
        }
        // After a restart it is no other, even with a clock that was set back into the agreed days.
        clock.move(hours: -24)
        try await TestConductor.with(clock.settings, in: folder) { conductor in
            let (patient, doctor) = (try await conductor.person("patient"), try await conductor.person("doctor"))
            #expect(await doctor.writes("late", for: patient, label: "patient").code == "capabilityExpired")
            #expect(try await Self.byHand(doctor, patient, shown[1], clock, conductor).code == "capabilityExpired")
            #expect(try await Self.byHand(doctor, patient, shown[0], clock, conductor).code == "capabilityWrong")

            // Another illness: without an end, until she says so. It ends with the next call, over the open connection too.
            let again = try await patient.call("regrant", #"{"label":"doctor","uses":1000}"#)
            try await doctor.claims(try #require(again["secret"]?.text), of: patient, label: "patient")
            #expect(await doctor.writes("visit 5", for: patient, label: "patient").isOK)
            #expect(try await patient.call("revoke_label", #"{"label":"doctor"}"#).number == 1)
            #expect(await doctor.writes("visit 6", for: patient, label: "patient").code == "capabilityWrong")
            #expect(try await patient.pages() == ["visit 1", "visit 2", "visit 3", "visit 4", "visit 5"])
        }
        try await TestConductor.with(clock.settings, in: folder) { conductor in
            let (patient, doctor) = (try await conductor.person("patient"), try await conductor.person("doctor"))
            #expect(await doctor.writes("visit 6", for: patient, label: "patient").code == "capabilityWrong")
            let lines = try await patient.call("grants_by_label", #"{"label":"doctor","revoked":true}"#).items
            #expect(lines.map { $0["state"]?.text } == ["revoked", "revoked", "revoked"])
        }
    }

    /// The doctor signs the call himself and shows the secret.
    private static func byHand(
        _ doctor: Person, _ patient: Person, _ secret: String, _ clock: SetClock, _ conductor: TestConductor
    ) async throws -> Outcome {
        var call = SignedCall(
            owner: patient, function: "write", args: #"{"text":"by hand"}"#, secret: try CapSecret.from(secret))
        call.expiresAt = Timestamp(microseconds: clock.ahead(hours: 0.1))
        return try await call.outcome(by: doctor.agent, over: doctor, conductor)
    }

    @Test("a group whose members change: who left is refused with the next call, who came may call, old secrets do not")
    func group() async throws {
        let folder = try TestFolder()
        try await TestConductor.with(in: folder) { conductor in
            let people = try await conductor.workshops("choir", "anna", "ben", "carl")
            let (choir, anna, ben, carl) = (people[0], people[1], people[2], people[3])
            let first = try await choir.grants("assigned", to: [anna.agent, ben.agent], label: "members")
            for singer in [anna, ben] {
                try await singer.claims(first.secret, of: choir)
                #expect(await singer.writes("sung", for: choir).isOK)
            }
            // Carl heard the secret from a friend. It does not help him.
            try await carl.claims(first.secret, of: choir)
            #expect(await carl.writes("sung", for: choir).code == "capabilityNotAssigned")

            // Anna leaves and Carl comes; there is a new secret for those who stay.
            let second = try await choir.call(
                "regrant", #"{"label":"members","assignees":["\#(ben.agent)","\#(carl.agent)"]}"#)
            let secret = try #require(second["secret"]?.text)
            #expect(secret != first.secret)
            for singer in [anna, ben, carl] {
                #expect(await singer.writes("old", for: choir).code == "capabilityWrong")
            }
            for singer in [anna, ben, carl] { try await singer.claims(secret, of: choir) }
            #expect(await anna.writes("new", for: choir).code == "capabilityNotAssigned")
            #expect(await ben.writes("new", for: choir).isOK)
            #expect(await carl.writes("new", for: choir).isOK)

            // Ben leaves as well; Carl need not be told a new secret for that.
            let third = try await choir.call(
                "regrant", #"{"label":"members","assignees":["\#(carl.agent)"],"keep":true}"#)
            #expect(third["secret"]?.text == secret)
            #expect(await ben.writes("kept", for: choir).code == "capabilityNotAssigned")
            #expect(await carl.writes("kept", for: choir).isOK)
        }
        try await TestConductor.with(in: folder) { conductor in
            let choir = try await conductor.person("choir")
            let (anna, ben) = (try await conductor.person("anna"), try await conductor.person("ben"))
            let carl = try await conductor.person("carl")
            for singer in [anna, ben] {
                #expect(await singer.writes("after", for: choir).code == "capabilityNotAssigned")
            }
            #expect(await carl.writes("after", for: choir).isOK)
            #expect(try await choir.pages() == ["sung", "sung", "new", "new", "kept", "after"])
            let lines = try await choir.call("grants_by_label", #"{"label":"members","revoked":true}"#).items
            #expect(lines.map { $0["state"]?.text } == ["revoked", "revoked", "in_effect"])
        }
    }
}
