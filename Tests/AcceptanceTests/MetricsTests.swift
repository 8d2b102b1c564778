import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

/// One sample line of Prometheus' text format, read strictly.
private struct Sample {
    var name: String
    var labels: [String: String]
    var value: Double

    init?(_ line: Substring) {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
            return nil
        }
        var head = line[..<space]
        labels = [:]
        if let open = head.firstIndex(of: "{") {
            guard head.last == "}" else { return nil }
            for pair in head[head.index(after: open)...].dropLast().split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[1].hasPrefix("\""), parts[1].hasSuffix("\"") else { return nil }
                labels[String(parts[0])] = String(parts[1].dropFirst().dropLast())
            }
            head = head[..<open]
        }
        guard head.allSatisfy({ $0.isLetter || $0 == "_" }) else { return nil }
        name = String(head)
        self.value = value
    }
}

@Suite("/metrics of the real conductor", .timeLimit(.minutes(5)))
struct MetricsTests {
    private func scrape(_ conductor: TestConductor) async throws -> String {
        let reply = try await RawHTTP.get("/metrics", port: conductor.ports.admin, token: conductor.adminToken)
        #expect(reply.status == 200)
        return reply.body
    }

    @Test(
        "calls, latencies, chains, storage and modules are counted; every line is well formed; no key or hash is in it")
    func counted() async throws {
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            // Another network of the same DNA has the same name.
            _ = try await conductor.install(Places.workshop, as: "other", params: #","network_seed":"another""#)
            try await alice.call("write", #"{"text":"one"}"#)
            #expect(await alice.outcome("write_twice_then_fail").code == "changedMyMind")
            try await alice.call("emit", #"{"name":"tick","count":3}"#)
            let text = try await scrape(conductor)
            var samples: [Sample] = []
            var families: Set<String> = []
            for line in text.split(separator: "\n") {
                if line.hasPrefix("# TYPE ") {
                    let name = String(line.split(separator: " ")[2])
                    #expect(families.insert(name).inserted, "\(name) stands twice")
                    #expect(name.hasPrefix("plasmid_"))
                } else if !line.hasPrefix("# HELP ") {
                    samples.append(try #require(Sample(line), "\(line)"))
                }
            }
            func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
                samples.first { sample in
                    sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
                }?.value
            }
            let mine = ["cell": "alice/main"]
            #expect(value("plasmid_calls_total", mine.merging(["result": "ok"]) { $1 }) == 2)
            #expect(value("plasmid_calls_total", mine.merging(["result": "app_error"]) { $1 }) == 1)
            #expect(value("plasmid_call_duration_seconds_count", mine) == 3)
            #expect(value("plasmid_call_duration_seconds_bucket", mine.merging(["le": "+Inf"]) { $1 }) == 3)
            let buckets = samples.filter {
                $0.name == "plasmid_call_duration_seconds_bucket" && $0.labels["cell"] == "alice/main"
            }.map(\.value)
            #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0 <= $1 })
            #expect(value("plasmid_cell_up", mine) == 1 && (value("plasmid_chain_actions", mine) ?? 0) > 3)
            #expect((value("plasmid_signals_total", mine) ?? 0) >= 3)
            #expect(value("plasmid_signals_total", mine) == value("plasmid_signal_buffer_signals"))
            #expect((value("plasmid_lmdb_file_bytes", ["space": "conductor"]) ?? 0) > 0)
            #expect((value("plasmid_journal_bytes") ?? 0) > 0 && value("plasmid_api_sockets") == 3)
            #expect(value("plasmid_module_crashes_total", ["of": "alice/main"]) == 0)
            #expect(!text.contains("uhCAk") && !text.contains(alice.dna.text) && !text.contains(conductor.adminToken))
            let series = samples.map { sample in
                sample.name + sample.labels.sorted { $0.key < $1.key }.map { "|\($0.key)=\($0.value)" }.joined()
            }
            #expect(Set(series).count == series.count, "Prometheus takes no series twice")
            #expect(samples.allSatisfy { $0.labels["instance"] == nil && $0.labels["job"] == nil })
            let health = try await RawHTTP.get("/healthz", port: conductor.ports.admin, token: nil)
            #expect(health.status == 200 && health.body == "ok")
        }
    }

    @Test("every metric that the dashboard asks for is one that the conductor tells")
    func dashboard() async throws {
        let path = Places.root + "/docs/grafana/plasmid.json"
        let board = try JSONLines.value([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        let panels = try #require(board["panels"]?.items)
        let queries = panels.flatMap { $0["targets"]?.items ?? [] }.compactMap { $0["expr"]?.text }
        #expect(queries.count >= 12)
        let told = try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.workshop, as: "alice")
            _ = await alice.outcome("no_such_function")
            _ = await alice.outcome("write_twice_then_fail")
            return try await scrape(conductor)
        }
        let names = Set(
            told.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != "{" && $0 != " " } })
        let labels = Set(told.matches(of: /[{,]([a-z_]+)="/).map { String($0.1) })
        for query in queries {
            for label in query.matches(of: /[{,] ?([a-z_]+)=~?"/) {
                #expect(labels.contains(String(label.1)), "\(query)")
            }
            for list in query.matches(of: /by \(([a-z_, ]+)\)/) {
                for label in list.1.split(separator: ",").map({ $0.filter { $0 != " " } }) {
                    #expect(labels.contains(String(label)), "\(label) of \(query)")
                }
            }
            for word in query.split(whereSeparator: { !($0.isLetter || $0 == "_") }) where word.hasPrefix("plasmid_") {
                // Told only of what befell.
                if ["plasmid_cell_fault", "plasmid_call_failures_total"].contains(word) { continue }
                #expect(names.contains(word), "\(word) of \(query)")
            }
        }
    }
}
