import ConductorAPI
import Integrity
import Testing

@testable import Conductor
@testable import plasmid

@Suite("apps whose modules end badly again and again", .timeLimit(.minutes(5)))
struct FailureTests {
    @Test("after so many traps the app is disabled with the reason, now and after a restart; enabling brings it back")
    func disabled() async throws {
        let folder = try TestFolder()
        var settings = TestSettings()
        settings.failureBound = FailureBound(count: 3, windowMicroseconds: 600_000_000)
        try await TestConductor.with(settings, in: folder) { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let alice = try await conductor.install(Places.messenger, as: "alice")
            for _ in 0..<3 {
                // What answers in between does not make the traps fewer.
                #expect(await eve.outcome("echo", "1", zome: "hostile").isOK)
                #expect(await eve.outcome("trap", zome: "hostile").code == "moduleTrapped")
            }
            let info = try await Self.app("eve", conductor) { $0["status"]?.text == "disabled" }
            #expect(info["reason"]?.text?.contains("3 times") == true, "\(info)")
            #expect(info["reason"]?.text?.contains("trapped") == true)
            #expect(info["roles"]?.items.first?["fault"]?.text?.contains("3 times") == true)
            let outcome = await eve.outcome("echo", "1", zome: "hostile")
            let health = try await RawHTTP.get("/healthz", port: conductor.ports.admin, token: nil)
            #expect(health.status == 200 && health.body == "degraded: 1 of 2 cells do not run", "\(health.body)")
            #expect(outcome.code == "cellNotActive" && outcome.words.contains("3 times"), "\(outcome)")
            #expect(await alice.outcome("ping", zome: "messenger").isOK)
        }
        try await TestConductor.with(settings, in: folder) { conductor in
            let eve = try await conductor.person("eve")
            #expect(await eve.outcome("echo", "1", zome: "hostile").code == "cellNotActive")
            let enabled = try await conductor.admin("admin/app/enable", #"{"app_id":"eve"}"#)
            #expect(enabled["status"]?.text == "enabled" && enabled["reason"] == .null)
            #expect(await eve.outcome("echo", "1", zome: "hostile").isOK)
            #expect(try await RawHTTP.get("/healthz", port: conductor.ports.admin, token: nil).body == "ok")
        }
    }

    @Test("how many ends are too many can be said while the conductor runs: fewer, or none")
    func live() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            func bound(_ count: Int) async throws {
                let answer = try await conductor.admin(
                    "admin/config/set", #"{"key":"zomes.failures","value":"\#(count)"}"#)
                #expect(answer["live"]?.items == [.string("zomes.failures")])
            }
            try await bound(2)
            for _ in 0..<2 { #expect(await eve.outcome("trap", zome: "hostile").code == "moduleTrapped") }
            _ = try await Self.app("eve", conductor) { $0["status"]?.text == "disabled" }
            try await bound(0)
            _ = try await conductor.admin("admin/app/enable", #"{"app_id":"eve"}"#)
            for _ in 0..<3 { #expect(await eve.outcome("trap", zome: "hostile").code == "moduleTrapped") }
            #expect(await eve.outcome("echo", "1", zome: "hostile").isOK)
        }
    }

    /// The app's info, once it is as it should be; each look gives the conductor a turn.
    private static func app(
        _ appID: String, _ conductor: TestConductor, until isSo: (MessagePackValue) -> Bool
    ) async throws -> MessagePackValue {
        while true {
            let apps = try await conductor.admin("admin/app/list").items
            let app = try #require(apps.first { $0["app_id"]?.text == appID })
            if isSo(app) { return app }
        }
    }
}
