/// The files of a new package.
struct PackageTemplate {
    struct File {
        let path: String
        let text: String
        var isProgram = false
    }

    let name: PackageName
    /// Where dna.yaml stands: empty, or a folder with a slash at the end.
    let folderOfDna: String
    /// The checkout of Plasmid, as seen from the package.
    var plasmid = "../plasmid"
    /// Where git clones it from, if nobody has a checkout.
    var address: String?

    init(name: PackageName, folderOfDna: String) {
        self.name = name
        self.folderOfDna = folderOfDna
    }

    var files: [File] {
        [
            File(path: "Package.swift", text: fill(Self.manifest)),
            File(path: "Sources/\(name.camel)/\(name.camel).swift", text: fill(Self.coordinator)),
            File(path: "Sources/\(name.camel)Integrity/\(name.camel)Integrity.swift", text: fill(Self.integrity)),
            File(path: "Tests/\(name.camel)Tests/\(name.camel)Tests.swift", text: fill(Self.tests)),
            File(path: "\(folderOfDna)dna.yaml", text: fill(Self.dna)),
            File(path: "happ.yaml", text: fill(Self.happ)),
            File(path: "README.md", text: fill(Self.readme)),
            File(path: ".gitignore", text: ".build/\n.plasmid/\n.plasmid-dev/\n"),
            File(path: "ci", text: fill(Self.ci), isProgram: true),
        ]
    }

    private func fill(_ text: String) -> String {
        var filled = text
        for (key, value) in [
            "NAME": name.text, "SNAKE": name.snake, "CAMEL": name.camel, "DNA": folderOfDna, "PLASMID": plasmid,
            "ADDRESS": address ?? "",
        ] {
            filled = filled.replacing("<\(key)>", with: value)
        }
        return filled
    }

    private static let manifest = #"""
        // swift-tools-version: 6.2
        import PackageDescription

        // The HDK alone, out of a checkout of Plasmid: nothing else of it is built, and nothing is fetched.
        let plasmid = Context.environment["PLASMID_HOME"] ?? "<PLASMID>"

        let package = Package(
            name: "<NAME>",
            products: [
                .library(name: "<CAMEL>", type: .dynamic, targets: ["<CAMEL>"]),
                .library(name: "<CAMEL>Integrity", type: .dynamic, targets: ["<CAMEL>Integrity"]),
            ],
            dependencies: [.package(path: plasmid + "/hdk")],
            targets: [
                .target(name: "<CAMEL>", dependencies: [.product(name: "HDK", package: "hdk")]),
                .target(name: "<CAMEL>Integrity", dependencies: [.product(name: "HDK", package: "hdk")]),
                // It loads the two built modules as a conductor does, and so links neither.
                .testTarget(name: "<CAMEL>Tests", dependencies: [.product(name: "HDKTesting", package: "hdk")]),
            ]
        )

        """#

    private static let coordinator = #"""
        import HDK

        /// A note. `<CAMEL>Integrity` judges it with the same fields.
        struct Note: EntryValue {
            static let type: EntryTypeName = "note"
            var text: String
        }

        /// What `notes` answers for each note.
        struct Written: Encodable {
            var hash: ActionHash
            var author: AgentKey
            var text: String
        }

        struct Greeting: Decodable, Sendable {
            var to: AgentKey
            var text: String
        }

        let <SNAKE> = Zome("<SNAKE>") {
            Function("write") { (note: Note, host: Host) in
                try await host.create(note)
            }
            Function("notes") { (host: Host) in
                try await host.query(.entries(of: Note.self)).compactMap { record in
                    try record.value(Note.self).map {
                        Written(hash: record.signedAction.hash, author: record.action.header.author, text: $0.text)
                    }
                }
            }
            // A message to someone who is there, and the answer of their `Receive`.
            Function("greet") { (greeting: Greeting, host: Host) in
                try await host.send(to: greeting.to, greeting.text, timeout: .seconds(5), as: String.self)
            }
            // `from` is who really sent it: the conductor says so, not the sender.
            Receive { (from: AgentKey, text: String, host: Host) in
                try await host.emitSignal("greeted", text)
                return "thank you, \(from)"
            }
        }

        /// The one symbol that the conductor looks for.
        @c(plasmid_zome_open)
        public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
            Module(<SNAKE>).export(to: host)
        }

        """#

    private static let integrity = #"""
        import HDK

        struct Note: EntryValue {
            static let type: EntryTypeName = "note"
            var text: String
        }

        // Every node asks these rules about everything it is given: the same question has to have the same answer everywhere.
        let rules = IntegrityZome("<SNAKE>_integrity") {
            Validate(Note.self) { note, op in
                guard !note.text.isEmpty else { throw Invalid("a note needs a text") }
            }
            ValidateDelete(Note.self) { op in
                guard op.author == op.originalAuthor else { throw Invalid("only its author may delete a note") }
            }
        }

        @c(plasmid_zome_open)
        public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
            Module(rules).export(to: host)
        }

        """#

    private static let tests = #"""
        import HDKTesting
        import Integrity
        import Testing

        struct Written: Decodable {
            var author: AgentPubKey
            var text: String
        }

        @Suite struct <CAMEL>Tests {
            @Test func aNoteStandsOnTheChainOfWhoWroteIt() async throws {
                try await TestConductor.run { conductor in
                    let ada = try await conductor.person("ada")
                    try await ada.call("write", ["text": "hello"])
                    let notes = try await ada.call("notes", as: [Written].self)
                    #expect(notes.map(\.text) == ["hello"])
                    #expect(notes.first?.author == ada.agent)
                }
            }

            @Test func anEmptyNoteIsRefusedInTheRulesWords() async throws {
                try await TestConductor.run { conductor in
                    let ada = try await conductor.person("ada")
                    let refusal = await #expect(throws: Refusal.self) { try await ada.call("write", ["text": ""]) }
                    #expect(refusal?.code == "validationFailed")
                    #expect(refusal?.message.contains("a note needs a text") == true)
                    #expect(try await ada.call("notes", as: [Written].self).isEmpty)
                }
            }

            @Test func aGreetingArrivesAndIsAnsweredWithTheSendersKey() async throws {
                try await TestConductor.run { conductor in
                    let ada = try await conductor.person("ada")
                    let ben = try await conductor.person("ben")
                    let greeting = ["to": ben.agent.text, "text": "good morning"]
                    let answer = try await ada.call("greet", greeting, as: String.self)
                    #expect(answer == "thank you, \(ada.agent)")
                    #expect(try await ben.signal("greeted", as: String.self) == "good morning")
                }
            }

            @Test func whatWasWrittenSurvivesAPowerCut() async throws {
                try await TestConductor.run { conductor in
                    let ada = try await conductor.person("ada")
                    try await ada.call("write", ["text": "before"])
                    try await conductor.crash()
                    #expect(try await ada.call("notes", as: [Written].self).map(\.text) == ["before"])
                }
            }
        }

        """#

    private static let dna = #"""
        manifest_version: "1"
        name: <SNAKE>

        integrity:                      # change anything in here and it is another network
          network_seed: ""
          entry_types:
            - { name: note, visibility: public, max_bytes: 4096 }
          zomes:
            - name: <SNAKE>_integrity
              module: <CAMEL>Integrity
              sources: Sources/<CAMEL>Integrity

        coordinator:                    # free to change
          zomes:
            - name: <SNAKE>
              module: <CAMEL>
              functions:                # access: author (the default), granted (needs a capability), public
                - { name: write }
                - { name: notes, access: public }
                - { name: greet }
              callbacks: [receive]

        """#

    private static let happ = #"""
        manifest_version: "1"
        name: <SNAKE>
        roles:
          - { name: main, dna: { path: <DNA>dna.yaml } }

        """#

    private static let readme = #"""
        # <NAME>

        A Plasmid app. The rules that every node holds are in `Sources/<CAMEL>Integrity`, what people can do with it in
        `Sources/<CAMEL>`; `<DNA>dna.yaml` and `happ.yaml` say what belongs together.

        It needs Swift 6.3 or later, libsodium and a built checkout of Plasmid. Where that is, `Package.swift` says; the variable
        `PLASMID_HOME` says otherwise.

            export PATH="$(cd "${PLASMID_HOME:-<PLASMID>}" && pwd)/.build/debug:$PATH"
            swift test                  # real conductors, thrown away afterwards
            plasmid dev .               # a conductor that takes up every change when you save it
            ./ci                        # all that must hold, from a bare checkout

        With `plasmid dev .` running, in another terminal:

            plasmid call <SNAKE>/main <SNAKE> write '{"text":"hello"}' --data .plasmid-dev
            plasmid call <SNAKE>/main <SNAKE> notes --data .plasmid-dev

        Change a coordinator, and the running app has it after a second: chains stay. Change anything below `integrity:` or in the
        integrity zome's sources, and it is another network: everyone begins a new chain there.

        """#

    private static let ci = #"""
        #!/usr/bin/env bash
        # Everything that must hold, on any machine with Swift and git (as root on Debian, C libraries are installed).
        # PLASMID_HOME names a checkout of Plasmid; without one it is cloned from PLASMID_URL.
        set -euo pipefail

        cd "$(dirname "$0")"
        export PLASMID_HOME=${PLASMID_HOME:-<PLASMID>}
        if [ ! -e "$PLASMID_HOME/hdk/Package.swift" ]; then
            url=${PLASMID_URL:-<ADDRESS>}
            if [ -z "$url" ]; then
                echo "error: no Plasmid in $PLASMID_HOME; name a checkout in PLASMID_HOME, or an address in PLASMID_URL" >&2
                exit 1
            fi
            PLASMID_HOME=$PWD/.plasmid
            git clone --quiet --depth 1 -- "$url" "$PLASMID_HOME"
        fi
        [ -x "$PLASMID_HOME/.build/debug/plasmid" ] || make -C "$PLASMID_HOME" build
        export PLASMID="$(cd "$PLASMID_HOME" && pwd)/.build/debug/plasmid"

        swift build
        "$PLASMID" happ check . --modules .build/debug
        swift test

        """#
}
