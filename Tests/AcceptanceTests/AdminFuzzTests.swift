import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("administrative methods with odd parameters", .timeLimit(.minutes(5)))
struct AdminFuzzTests {
    /// Methods that touch nothing but the conductor's own folder, whatever they are told.
    private static let areas = [
        "admin/dna/", "admin/agent/", "admin/instance/", "admin/interface/", "admin/bridge/", "admin/ui/",
        "admin/ui_interface/", "admin/chain", "admin/grant", "admin/revoke", "admin/token/", "debug/", "test/",
        "signals/", "info/", "call",
    ]

    private static let keys = [
        "id", "path", "dna_id", "agent_id", "storage", "hash", "expected_hash", "properties", "copy", "uuid", "admin",
        "type",
        "port", "choose_free_port", "origins", "interface_id", "instance_id", "alias", "caller_id", "callee_id",
        "handle",
        "root_dir", "bundle", "dna_interface", "address", "name", "holo_remote_key", "from", "limit", "descending",
        "tag",
        "access", "assignees", "functions", "token", "expiry_seconds", "single_use", "app_id", "source_chain", "zome",
        "function", "args", "provenance", "nonce", "expires_at",
    ]

    private static let values = [
        "null", "true", "0", "-1", "65536", "9223372036854775807", "18446744073709551615", "1e308", "\"\"", #""alice""#,
        #""blog""#, #""al""#, #""web""#, #""../..""#, #""\u0000""#, #""🐢""#, #""uhCkkBAD""#, #""alice/main""#, "[]",
        "{}",
        "[[]]", #"["a",1]"#, #"{"a":{"b":null}}"#, #"["http://x"]"#, #""websocket""#, #""http""#, #""memory""#,
        #""all""#,
        #""assigned""#, "\"\(String(repeating: "x", count: 5_000))\"",
    ]

    @Test("3,000 random requests are answered, each under its id, and the conductor works on")
    func fuzz() async throws {
        let rounds = Fuzz("parameters of the admin API", rounds: 3_000)
        let seed = rounds.seed
        let methods =
            AdminMethod.all.filter { name in Self.areas.contains { name.hasPrefix($0) } }
            + ["call", "info/instances", "signals/subscribe"]
        try await TestConductor.with { conductor in
            try await InterfaceTests.prepare(conductor)
            var generator = FuzzGenerator(state: seed)
            for round in rounds {
                let request = Self.request(methods, &generator)
                do {
                    _ = try await conductor.admin.call(request.method, params: Array(request.params.utf8))
                } catch let error as PlasmidError {
                    // An answer too, but not the end of the connection, and no fault of the conductor's own making.
                    let lost = ["connectionLost", "badAnswer", "internal"].contains(error.code.rawValue)
                    #expect(!lost, "seed \(seed) round \(round): \(request) gave \(error)")
                }
            }
            try await conductor.installDna("still-works", more: #","uuid":"fuzz""#)
        }
    }

    private static func request(
        _ methods: [String], _ generator: inout FuzzGenerator
    ) -> (method: String, params: String) {
        let method = methods[Int.random(in: 0..<methods.count, using: &generator)]
        guard Int.random(in: 0..<20, using: &generator) > 0 else {
            return (method, values[Int.random(in: 18..<values.count, using: &generator)])
        }
        let members = keys.filter { _ in Int.random(in: 0..<3, using: &generator) > 0 }.map { key in
            "\"\(key)\":\(values[Int.random(in: 0..<values.count, using: &generator)])"
        }
        return (method, "{\(members.joined(separator: ","))}")
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct FuzzGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
