import Testing

@testable import Manifests

@Suite("the configuration as text")
struct ConductorKeysTests {
    private static var odd: ConductorConfig {
        var config = ConductorConfig()
        config.data = "a \"folder\" with \\ and: # things\n"
        (config.admin.port, config.admin.auth) = (0, .none)
        config.admin.origins = ["http://localhost:3000", "https://x.example"]
        config.app.port = 65_535
        config.app.origins = ["http://[::1]:80"]
        (config.zomes.isolation, config.zomes.sandbox) = (.none, .required)
        (config.zomes.callTimeoutMilliseconds, config.zomes.memoryBytes) = (90_001, (16 << 20) + 1)
        config.network.listen = ["/ip4/0.0.0.0/tcp/1", "/ip6/::1/tcp/65535/ws"]
        (config.network.bootstrap, config.network.relay) = (["/dns6/x.example/tcp/443/ws"], .never)
        config.network.relays = ["/ip4/192.0.2.7/tcp/1/p2p/12D3KooWGBfKqTqgxJ6mYGyK5SVGDFJGcKKQzWVyDPqYQ4qNEzEG"]
        config.passphrase = .credential("plasmid.key")
        (config.signals.trace, config.signals.statistics) = (true, true)
        (config.log, config.logFormat) = (.trace, .json)
        return config
    }

    @Test("what is written reads back the same, defaults and oddities")
    func roundTrip() {
        for config in [ConductorConfig(), Self.odd] {
            let (read, diagnostics) = ConductorFile.read(text: ConductorFile.text(config), file: "conductor.yaml")
            #expect(read == config, "\(diagnostics.text)")
        }
    }

    @Test("every key can be set to the value that it has, one by one, and nothing else changes")
    func eachKey() throws {
        for setting in Self.odd.settings where !setting.value.hasPrefix("\"") {
            let text = try #require(ConductorFile.text(ConductorConfig(), setting: setting.key, to: setting.value))
            let (read, diagnostics) = ConductorFile.read(text: text, file: "conductor.yaml")
            let changed = try #require(read, "\(setting.key): \(diagnostics.text)")
            #expect(Set(ConductorConfig().changes(to: changed).map(\.key)).isSubset(of: [setting.key]))
            #expect(changed.settings.first { $0.key == setting.key } == setting)
        }
        #expect(ConductorFile.text(ConductorConfig(), setting: "no.such", to: "1") == nil)
    }

    @Test("no value can add a key or leave its place")
    func injection() throws {
        for value in ["info\nlog_format: json", "info # x", "{a: b}", "[info]", "*x", "!!int 1", "\"", "\u{1}", ""] {
            let text = try #require(ConductorFile.text(ConductorConfig(), setting: "log", to: value))
            #expect(ConductorFile.read(text: text, file: "conductor.yaml").config == nil, "\(value)")
        }
    }
}
