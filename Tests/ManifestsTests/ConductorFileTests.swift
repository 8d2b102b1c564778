import Testing

@testable import Manifests

@Suite("conductor.yaml")
struct ConductorFileTests {
    private func read(_ text: String) -> (config: ConductorConfig?, lines: [String]) {
        let result = ConductorFile.read(text: text, file: "conductor.yaml")
        return (result.config, result.diagnostics.map(\.text))
    }

    @Test("no key is needed", arguments: ["", "# nothing\n\n   # at all\n", "log: info"])
    func defaults(text: String) {
        let (config, lines) = read(text)
        #expect(lines.isEmpty)
        #expect(config == ConductorConfig())
    }

    @Test("every key is read")
    func all() throws {
        let (config, lines) = read(
            """
            data: somewhere/else
            interfaces:
              admin: { port: 0, auth: none, origins: ["http://localhost:3000"] }
              app: [ { port: 9200, origins: [] } ]
            zomes: { isolation: none, sandbox: required, call_timeout: 500ms, memory: 1GiB, failures: 3 }
            network:
              listen: [/ip4/0.0.0.0/tcp/4001, "/ip6/::/tcp/4002/ws"]
              bootstrap: [/dns4/example.org/tcp/4001]
              relay: never
            keystore: { passphrase: "credential:plasmid" }
            log: debug
            """)
        #expect(lines.isEmpty)
        let read = try #require(config)
        #expect(read.data == "somewhere/else")
        #expect(read.admin.port == 0 && read.admin.auth == .none && read.admin.origins == ["http://localhost:3000"])
        #expect(read.app.port == 9200)
        #expect(read.zomes.isolation == .none && read.zomes.sandbox == .required)
        #expect(read.zomes.callTimeoutMilliseconds == 500 && read.zomes.memoryBytes == 1 << 30)
        #expect(read.passphrase == .credential("plasmid"))
        #expect(read.network.listen == ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4002/ws"])
        #expect(read.network.bootstrap == ["/dns4/example.org/tcp/4001"] && read.network.relay == .never)
        #expect(read.log == .debug)
    }

    @Test(
        "faults name their place and what to do",
        arguments: [
            ("prot: 1", "conductor.yaml:1:1: error: the configuration has no key \"prot\" [unknownKey]"),
            ("network: { listn: [] }", "network has no key \"listn\" [unknownKey]\n    hint: did you mean \"listen\"?"),
            (
                "network: { listen: [127.0.0.1:4001] }",
                "1:21: error: the address \"127.0.0.1:4001\" is no address [unknownWord]\n    hint: write it as /ip4/"
            ),
            ("network: { relay: always }", "\"relay\" of network cannot be \"always\" [unknownWord]"),
            (
                "network: { relays: [/ip4/192.0.2.7/tcp/1] }",
                "1:21: error: the address \"/ip4/192.0.2.7/tcp/1\" does not name the relay's key [unknownWord]"
            ),
            ("network: { bootstrap: /ip4/192.0.2.7/tcp/1 }", "\"bootstrap\" of network must be a list"),
            (
                "network: { bootstrap: [/ip4/192.0.2.7/tcp/1, /ip4/192.0.2.7/tcp/1] }",
                "1:46: error: the address \"/ip4/192.0.2.7/tcp/1\" stands here twice [duplicateName]"
            ),
            ("network: { listen: [/ip4/127.0.0.1] }", "has no port"),
            ("privacy: {}", "conductor.yaml:1:1: error: \"privacy\" is not read yet"),
            ("log: loud", "1:6: error: \"log\" of the configuration cannot be \"loud\" [unknownWord]"),
            ("interfaces: { admin: { port: 70000 } }", "must lie between 0 and 65535 [outOfRange]"),
            ("interfaces: { admin: { port: 9101 } }", "both want port 9101 [duplicateName]"),
            ("interfaces: { admin: { origins: [\"*\"] } }", "\"*\" is not an origin [unknownWord]"),
            ("interfaces: { app: [ {}, {} ] }", "at most 1 fit [tooLong]"),
            (
                "zomes: { call_timeout: 30 }",
                "must be a length of time, \"30\" is not [wrongType]\n    hint: write it as 30s"
            ),
            ("zomes: { failures: -1 }", "failures"), ("zomes: { failures: 1001 }", "failures"),
            ("zomes: { failures: often }", "failures"),
            ("zomes: { call_timeout: 2h }", "must lie between 1ms and 1h [outOfRange]"),
            ("zomes: { memory: 4KiB }", "must lie between 16MiB and 64GiB [outOfRange]"),
            ("zomes: { memory: 99999999999999999GiB }", "must be a size"),
            (
                "keystore: { passphrase: \"credential:../key\" }",
                "does not say where the passphrase comes from [unknownWord]"
            ),
            ("- a", "the configuration must be a map, this is a list [wrongType]"),
        ])
    func faults(text: String, expected: String) {
        let (config, lines) = read(text)
        #expect(config == nil)
        #expect(lines.contains { $0.contains(expected) }, "\(lines)")
    }

    @Test("no list of addresses is loopback, an empty one is nowhere")
    func nowhere() {
        #expect(read("network:").config?.network.listen == ["/ip4/127.0.0.1/tcp/0"])
        #expect(read("network: { listen: [] }").config?.network.listen == [])
    }

    @Test("a passphrase written into the file is not repeated")
    func passphraseInFile() {
        let (_, lines) = read("keystore: { passphrase: correct-horse }")
        #expect(lines.count == 1)
        #expect(!lines.joined().contains("correct-horse"))
    }

    @Test("all faults of a file are found at once")
    func together() {
        let (_, lines) = read("log: loud\nzomes: { isolation: jail, memory: lots }\nextra: 1\n")
        #expect(lines.count == 4)
    }

    @Test("measures are written with the largest unit that fits")
    func measures() {
        #expect(Measure.time.parse("2m") == 120_000)
        #expect(
            Measure.time.parse("s") == nil && Measure.time.parse("-1s") == nil && Measure.size.parse("1 MiB") == nil)
        #expect(
            Measure.time.text(120_000) == "2m" && Measure.time.text(1_500) == "1500ms" && Measure.time.text(0) == "0ms")
        #expect(Measure.size.text(1 << 20) == "1MiB" && Measure.size.text(1_000) == "1000B")
    }
}
