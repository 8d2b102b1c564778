import Integrity
import NIOCore
import Testing

@testable import plasmid

@Suite("modules that misbehave, in a real conductor", .timeLimit(.minutes(5)))
struct ModuleTests {
    /// A manifest of one zome without rules of its own.
    private static func manifest(
        _ module: String, functions: [String], callbacks: String = "", in folder: TestFolder
    ) throws -> String {
        let lines = functions.map { "        - { name: \($0), access: public }" }.joined(separator: "\n")
        _ = try folder.write(
            """
            manifest_version: "1"
            name: \(module.lowercased())
            integrity:
              network_seed: ""
              properties: {}
              entry_types: []
              link_types: []
              zomes: []
            coordinator:
              zomes:
                - name: odd
                  module: \(module)
                  functions:
            \(lines)
                  callbacks: [\(callbacks)]

            """, to: "\(module).dna.yaml")
        return try folder.write(
            """
            manifest_version: "1"
            name: \(module.lowercased())
            description: A module that is none.
            roles:
              - name: main
                provisioning: { strategy: create, deferred: false }
                dna:
                  path: \(module).dna.yaml
                  modifiers: { network_seed: "", properties: {} }
                  clone_limit: 0

            """, to: "\(module).happ.yaml")
    }

    @Test("a module that is not built keeps the app from being installed, by name, and nothing is left behind")
    func missing() async throws {
        let manifests = try TestFolder()
        try await TestConductor.with { conductor in
            let before = conductor.folder.listing("modules")
            let path = try Self.manifest("NoSuchModule", functions: ["f"], in: manifests)
            let error = await #expect(throws: PlasmidError.self) {
                try await conductor.install(path, as: "odd")
            }
            #expect(error?.message.contains("NoSuchModule") == true && error?.message.contains("odd") == true)
            #expect(try await conductor.admin("admin/app/list").items.isEmpty)
            #expect(conductor.folder.listing("modules") == before)
            let agents = try await conductor.admin("admin/agent/list").items
            #expect(agents.isEmpty)
        }
    }

    @Test(
        "what is no module, of another ABI, describes itself with garbage or lacks what the manifest names is not installed",
        arguments: [
            ("NotAModule", "f", "notAModule"), ("BadABI", "f", "moduleABI"), ("Garbage", "f", "moduleDescribe"),
            ("Messenger", "fly", "moduleDescribe"), ("Ghostwriter", "ask", "moduleDescribe"),
        ])
    func refused(module: String, function: String, code: String) async throws {
        let manifests = try TestFolder()
        try await TestConductor.with { conductor in
            let alice = try await conductor.install(Places.messenger, as: "alice")
            let before = conductor.folder.listing()
            let path = try Self.manifest(
                module, functions: [function], callbacks: module == "Ghostwriter" ? "init" : "", in: manifests)
            for _ in 0..<2 {
                let error = await #expect(throws: PlasmidError.self) {
                    try await conductor.install(path, as: "odd")
                }
                #expect(
                    error?.code.rawValue == code && error?.message.contains("odd") == true,
                    "\(String(describing: error))")
                if module == "Messenger" { #expect(error?.message.contains("fly") == true) }
            }
            // No app, no space, no copy of the module, no key.
            #expect(conductor.folder.listing() == before)
            #expect(try await conductor.admin("admin/app/list").items.count == 1)
            #expect(try await conductor.admin("admin/agent/list").items.count == 1)
            #expect(await alice.outcome("ping", zome: "messenger").isOK)
        }
    }

    @Test("a module that answers garbage, twice or with an unknown status costs its caller at most an error")
    func garbage() async throws {
        let manifests = try TestFolder()
        try await TestConductor.with { conductor in
            let path = try Self.manifest(
                "AnswersTwice", functions: ["twice", "garbage", "status", "asks"], in: manifests)
            let odd = try await conductor.install(path, as: "odd")
            let alice = try await conductor.install(Places.messenger, as: "alice")
            // The first answer counts, the second is dropped.
            for _ in 0..<3 { #expect(await odd.outcome("twice", zome: "odd") == .ok(.int(1))) }
            for function in ["garbage", "status"] {
                let outcome = await odd.outcome(function, zome: "odd")
                #expect(!outcome.isOK, "\(function)")
                #expect(outcome.words.contains("odd") || outcome.words.contains(function), "\(outcome)")
            }
            #expect(await odd.outcome("asks", zome: "odd") == .ok(.int(1)))
            #expect(await odd.outcome("twice", zome: "odd") == .ok(.int(1)))
            #expect(await alice.outcome("ping", zome: "messenger").isOK)
        }
    }

    @Test(
        "a module that traps, overflows its stack or takes all memory costs its caller an error and nobody else anything",
        arguments: ["trap", "recurse", "allocate", "create_then_trap"])
    func trapping(function: String) async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let alice = try await conductor.install(Places.messenger, as: "alice")
            try await eve.call("create", #""before""#, zome: "hostile")
            let before = try await eve.length(conductor)
            let outcome = await eve.outcome(function, zome: "hostile")
            guard case .refused(let error) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let code = function == "allocate" ? "moduleOutOfMemory" : "moduleTrapped"
            #expect(error.code.rawValue == code, "\(error)")
            #expect(error.message.hasPrefix("Zome function failure: "))
            // One line of its last words, and not the stack behind them.
            #expect(error.cause?.contains("\n") != true && error.cause?.contains("stack trace") != true, "\(error)")
            #expect(error.message.contains("'hostile'") && error.message.contains("'\(function)'"))
            #expect(await alice.outcome("write", #"{"text":"undisturbed"}"#, zome: "messenger").isOK)
            try await eve.call("create", #""after""#, zome: "hostile")
            #expect(try await eve.length(conductor) == before + 1)
        }
    }

    @Test("a module that loops, or waits for what never comes, is ended at its deadline; others go on")
    func looping() async throws {
        var settings = TestSettings()
        settings.callTimeoutMilliseconds = 2_000
        try await TestConductor.with(settings) { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let alice = try await conductor.install(Places.messenger, as: "alice")
            try await eve.call("echo", "1", zome: "hostile")
            for function in ["loop", "hang"] {
                let held = eve.begin(function, zome: "hostile")
                #expect(await alice.outcome("ping", zome: "messenger").isOK)
                let outcome = try await held.get()
                #expect(outcome.code == "moduleTimedOut", "\(outcome)")
                #expect(outcome.words.contains("'hostile'") && outcome.words.contains("'\(function)'"))
            }
            #expect(try await eve.call("echo", "2", zome: "hostile") == .int(2))
        }
    }

    @Test("an answer beyond every bound is an error, and the next call works")
    func flood() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let large = try await eve.call("flood", #"{"count":4000000}"#, zome: "hostile")
            #expect(large.text?.utf8.count == 4_000_000)
            let outcome = await eve.outcome("flood", #"{"count":40000000}"#, zome: "hostile")
            #expect(!outcome.isOK && !outcome.words.isEmpty)
            #expect(try await eve.call("echo", "3", zome: "hostile") == .int(3))
        }
    }

    @Test("a module may work on threads of the Swift runtime for longer than the runtime takes to look at them")
    func elsewhere() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            // The threads are looked at once a second.
            try await eve.call("slow_elsewhere", #"{"ms":2500}"#, zome: "hostile")
            #expect(try await eve.call("echo", "3", zome: "hostile") == .int(3))
        }
    }

    @Test("a module that writes after its call has returned writes nothing")
    func afterTheCall() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            try await eve.call("echo", "1", zome: "hostile")
            let before = try await eve.length(conductor)
            try await eve.call("linger", zome: "hostile")
            // Each of these gives the module's own tasks time on its one thread.
            for _ in 0..<50 { try await eve.call("ask", #"{"count":10}"#, zome: "hostile") }
            #expect(try await eve.length(conductor) == before)
        }
    }

    @Test("two cells of one DNA share no globals of a module")
    func globals() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            let mallory = try await conductor.install(Places.hostile, as: "mallory")
            for number in 1...3 { #expect(try await eve.call("count", zome: "hostile") == .int(Int64(number))) }
            #expect(try await mallory.call("count", zome: "hostile") == .int(1))
        }
    }

    @Test(
        "a validator that traps, throws or answers garbage gives no verdict: the call fails, nothing is written, the next works",
        arguments: ["trap in rule", "throws in rule", "garbage in rule", "too few in rule", "allocate in rule"])
    func validators(text: String) async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            try await eve.call("create", #""good""#, zome: "hostile")
            let before = try await eve.length(conductor)
            let outcome = await eve.outcome("create", #""\#(text)""#, zome: "hostile")
            #expect(!outcome.isOK && outcome.code != "validationFailed", "\(outcome)")
            #expect(outcome.words.contains("hostile_integrity"), "\(outcome)")
            #expect(try await eve.length(conductor) == before)
            try await eve.call("create", #""good again""#, zome: "hostile")
            #expect(try await eve.length(conductor) == before + 1)
        }
    }

    @Test("a validator may not write: the host refuses it, and the operation is judged all the same")
    func writingValidator() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            try await eve.call("echo", "1", zome: "hostile")
            let before = try await eve.length(conductor)
            #expect(await eve.outcome("create", #""writes in rule""#, zome: "hostile").isOK)
            #expect(try await eve.length(conductor) == before + 1)
        }
    }

    @Test("a call that writes good and bad entries is refused as a whole")
    func goodAndBad() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.hostile, as: "eve")
            try await eve.call("echo", "1", zome: "hostile")
            let before = try await eve.length(conductor)
            let outcome = await eve.outcome("create_good_and_invalid", zome: "hostile")
            #expect(outcome.words == "this mark asks to be refused" && outcome.code == "validationFailed")
            #expect(try await eve.length(conductor) == before)
        }
    }

    @Test("an init that fails says why to every caller and begins nothing; it is tried again")
    func failingInit() async throws {
        try await TestConductor.with { conductor in
            let eve = try await conductor.install(Places.failingInit, as: "eve")
            for _ in 0..<2 {
                let outcome = await eve.outcome("echo", "1", zome: "hostile")
                #expect(outcome.code == "initFailed", "\(outcome)")
                #expect(outcome.words.contains("the properties ask this init to fail"))
            }
            #expect(try await eve.length(conductor) == 3)
        }
    }
}
