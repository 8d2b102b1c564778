import Foundation
import Integrity
import Testing

@testable import Manifests

@Suite("configurations of 2019")
struct LegacyConfigTests {
    static let whole = """
        persistence_dir = "/srv/holochain"   # where everything lay

        [[agents]]
        id = "alice"
        name = "Alice \\"A.\\" \\u00c5"
        public_address = "HcSCjUNP6TtxqfdmgeIm3gqhVn7UhvidaAVjyDvNn6km5o3qkJqk9P8nkC9j78i"
        keystore_file = 'keys/alice'
        [[agents]]
        id = "bob"
        name = "Bob"
        public_address = "HcScJhCTAB58mkeen7oKZrgxga457b69h7fV8A9BTXdTvjdx74fTp33tpcjitgz"
        keystore_file = "keys/bob"
        test_agent = true

        [[dnas]]
        id = "blog"
        file = "blog.dna.yaml"
        hash = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"
        [[dnas]]
        id = "chat"
        file = "chat.dna.yaml"
        uuid = "one"

        [[instances]]
        id = "alice-blog"
        dna = "blog"
        agent = "alice"
        [instances.storage]
        type = "file"
        path = "storage/alice"
        [[instances]]
        id = "bob-chat"
        dna = "chat"
        agent = "bob"
        storage = { type = "memory" }

        [[interfaces]]
        id = "web"
        [interfaces.driver]
        type = "websocket"
        port = 8_888
        [[interfaces.instances]]
        id = "alice-blog"
        alias = "blog"
        [[interfaces.instances]]
        id = "bob-chat"
        [[interfaces]]
        id = "ops"
        admin = true
        choose_free_port = true
        instances = []
        driver = { type = "http", port = 0 }

        [[bridges]]
        caller_id = "alice-blog"
        callee_id = "bob-chat"
        handle = "chat"

        [[ui_bundles]]
        id = "site"
        root_dir = "ui"
        [[ui_interfaces]]
        id = "site-port"
        bundle = "site"
        port = 3000
        dna_interface = "web"

        [signals]
        trace = false
        consistency = true
        """

    private static func read(_ text: String) -> (config: LegacyConfig?, faults: [LegacyFault]) {
        LegacyConfigFile.read(text: text, file: "c.toml")
    }

    @Test("§11.40 every section is read; written out and read again it is equal, whatever its texts hold")
    func whole() throws {
        let (config, faults) = Self.read(Self.whole)
        #expect(faults.isEmpty, "\(faults.map(\.text))")
        var read = try #require(config)
        #expect(read.agents.map(\.name) == ["Alice \"A.\" Å", "Bob"] && read.agents[1].isTest)
        #expect(read.instances.map(\.storage) == ["file", "memory"] && read.instances[0].path == "storage/alice")
        #expect(read.interfaces[0].port == 8_888 && read.interfaces[0].instances[0].alias == "blog")
        #expect(read.interfaces[1].isAdmin && read.interfaces[1].choosesFreePort)
        #expect(read.signals == LegacyConfig.Signals(trace: false, consistency: true))
        #expect(Self.read(read.text).config == read)
        read.agents[0].name = "tab\t, bell \u{7}, quote ' \" \\ 🐢\nnew line"
        read.bundles[0].folder = ""
        #expect(Self.read(read.text).config == read)
        #expect(Self.read(LegacyConfig().text).config == LegacyConfig())
    }

    @Test("§11.40 each part that means nothing here is named with its line, and the rest is read")
    func unsupported() throws {
        let text = """
            agents = []
            signing_service_uri = "http://x"
            [logger]
            type = "debug"
            [[logger.rules.rules]]
            pattern = ".*"
            [network]
            type = "sim2h"
            sim2h_url = "ws://x"
            [passphrase_service]
            type = "cmd"
            [dpki]
            instance_id = "x"
            init_params = "{}"
            [tracing]
            type = "none"
            [metric_publisher]
            type = "logger"
            """
        let (config, faults) = Self.read(text)
        #expect(config != nil)
        #expect(faults.allSatisfy { $0.isWarning && $0.kind == .unknownKey })
        #expect(faults.map(\.line) == [2, 3, 7, 10, 12, 15, 17])
        let (none, misspelt) = Self.read("agents = []\ninterface = []\n")
        #expect(none == nil && misspelt.first?.line == 2 && misspelt.first?.hint?.contains("interfaces") == true)
    }

    @Test("§11.41 an unknown agent, DNA or instance, one path twice and one id twice are refused, each with its ids")
    func references() {
        for (from, to, words) in [
            ("agent = \"alice\"", "agent = \"carol\"", ["alice-blog", "carol"]),
            ("dna = \"chat\"", "dna = \"none\"", ["bob-chat", "none"]),
            ("{ type = \"memory\" }", "{ type = \"file\", path = \"storage/alice\" }", ["alice-blog", "bob-chat"]),
            ("id = \"alice-blog\"\nalias", "id = \"gone\"\nalias", ["web", "gone"]),
            ("callee_id = \"bob-chat\"", "callee_id = \"x\"", ["bridge", "x"]),
            ("bundle = \"site\"", "bundle = \"y\"", ["site-port", "y"]),
            ("dna_interface = \"web\"", "dna_interface = \"z\"", ["site-port", "z"]),
            ("id = \"bob\"", "id = \"alice\"", ["agents", "alice", "twice"]),
            ("type = \"websocket\"", "type = \"domainsocket\"", ["web", "domainsocket"]),
            ("port = 8_888", "port = 70000", ["web", "65535"]), ("type = \"file\"", "type = \"tape\"", ["tape"]),
            ("name = \"Bob\"", "", ["bob", "name"]), ("port = 3000", "port = \"3000\"", ["site-port"]),
        ] {
            let text = Self.whole.replacing(from, with: to)
            #expect(text != Self.whole)
            let (config, faults) = Self.read(text)
            #expect(config == nil, "\(to)")
            let all = faults.map(\.text).joined(separator: "\n")
            for word in words { #expect(all.contains(word), "\(to): \(all)") }
        }
    }

    @Test(
        "text that is no TOML is refused with its line",
        arguments: [
            ("agents = [", 1), ("a = 1\na = 2", 2), ("[a]\n[a]", 2), ("a = \"x", 1), ("a = 'x\ny'", 1), ("a = 01", 1),
            ("a = 1 b = 2", 1), ("= 1", 1), ("[a", 1), ("[[a]]\n[a]", 2), ("a = 1979-05-27", 1), ("a = \"\\q\"", 1),
            ("a = nan", 1), ("\n\na.b = 1\na = 2", 4), ("a = {b = 1}\n[a]", 2), ("a = \"\\ud800\"", 1),
            ("a = \u{1}", 1),
            ("# \u{0}", 1), ("a = 99999999999999999999999999", 1),
        ])
    func broken(_ text: String, _ line: Int) {
        let (config, faults) = Self.read(text)
        #expect(config == nil)
        #expect(faults.first?.kind == .syntax || faults.contains { !$0.isWarning }, "\(text)")
        #expect(faults.contains { $0.line == line }, "\(text): \(faults.map(\.text))")
    }

    @Test("10,000 mutations of a configuration: faults or a value that is written and read alike, never a trap")
    func mutations() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = LegacyGenerator(state: seed)
        let base = Array(Self.whole.utf8)
        let odd: [[UInt8]] = [
            Array("[[".utf8), Array("\"\"\"".utf8), Array("'''".utf8), [0], [0xFF], Array("\\u12".utf8),
            Array("= {".utf8),
            [UInt8](repeating: UInt8(ascii: "["), count: 500), Array("a.b.c.d".utf8), [0x0D], Array("1e999".utf8),
        ]
        for round in 0..<10_000 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...127, using: &generator)
                case 1:
                    bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &generator)))
                case 2: bytes.insert(contentsOf: odd[Int.random(in: 0..<odd.count, using: &generator)], at: place)
                default: bytes.removeSubrange(place...)
                }
                if bytes.isEmpty { bytes = [0x0A] }
            }
            let (config, faults) = Self.read(String(decoding: bytes, as: UTF8.self))
            #expect(config != nil || !faults.isEmpty, "seed \(seed) round \(round)")
            if let config { #expect(Self.read(config.text).config == config, "seed \(seed) round \(round)") }
        }
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct LegacyGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
