import ArgumentParser
import Foundation
import Integrity
import Keystore

/// `plasmid keys …`: the sealed file of keys.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make and list the keys that this machine's agents sign with.",
        subcommands: [KeysInit.self, KeysList.self, KeysPasswd.self])
}

/// Which keystore, and what opens it.
struct KeystoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The data folder. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Where the passphrase comes from: prompt, fd:N or credential:NAME.", valueName: "source"))
    var passphrase: String = "prompt"

    func source() throws -> PassphraseSource {
        do { return try PassphraseSource(passphrase) } catch {
            throw Failure(status: .usage, error: error)
        }
    }

    /// Opens what is there, under the passphrase that is given now.
    func open() throws -> Keystore {
        let folder = try DataFolder(option: data)
        let source = try source()
        guard FileManager.default.fileExists(atPath: folder.keystore) else {
            throw Failure(
                PlasmidError(
                    "keystoreMissing", "there is no keystore at \(folder.keystore)",
                    hint: "make one with: plasmid keys init"))
        }
        return try Passphrase.asking(source) {
            let passphrase = try source.read()
            return try ProgressBar.during("opening the keystore takes some seconds") {
                try Keystore.open(at: folder.keystore, passphrase: passphrase)
            }
        }
    }
}

/// How long it takes to try one passphrase.
enum CostName: String, ExpressibleByArgument, CaseIterable {
    case sensitive, moderate

    var cost: KeystoreCost { self == .sensitive ? .sensitive : .moderate }
}

/// `plasmid keys init`
struct KeysInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make the keystore, under a passphrase.",
        discussion: """
            'plasmid run' does this too where there is no keystore yet. A keystore is never overwritten. Whoever \
            loses the passphrase loses the keys: nobody can reset it.
            """)

    @OptionGroup var keystore: KeystoreOptions

    @Option(help: "What trying a passphrase costs: sensitive (1 GiB of memory, seconds) or moderate (256 MiB).")
    var cost = CostName.sensitive

    @Option(name: .long, help: ArgumentHelp("Also make a key for an agent of this name.", valueName: "name"))
    var agent: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try DataFolder(option: keystore.data)
        let source = try keystore.source()
        try folder.create()
        // Asked before anyone types a passphrase twice for nothing; `create` makes sure of it.
        guard !FileManager.default.fileExists(atPath: folder.keystore) else {
            throw Failure(
                PlasmidError(
                    .keystoreExists, "there is a keystore at \(folder.keystore) already",
                    hint: "a keystore is never overwritten; move it away first"))
        }
        let passphrase = try Passphrase.asking(source) { try source.read(confirming: true, for: "new keystore") }
        let made = try ProgressBar.during("making the keystore takes some seconds") {
            try Keystore.create(at: folder.keystore, passphrase: passphrase, cost: cost.cost)
        }
        let key = try agent.map { try made.newAgent(tag: $0) }
        if output.json {
            return try Output.json(.object(["path": .string(made.path), "agent": .optional(key?.text)]))
        }
        Output.line("made \(made.path)")
        if let agent, let key { Output.line("\(agent): \(key.text)") }
    }
}

/// `plasmid keys list`
struct KeysList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the agents whose keys the keystore holds; needs its passphrase.")

    @OptionGroup var keystore: KeystoreOptions
    @OptionGroup var output: ListingOptions

    static let listing = Listing(
        "NAME:name", "AGENT:agent", "CREATED:created_at",
        empty: "the keystore holds no keys yet; installing an app makes one")

    func run() throws {
        let opened = try keystore.open()
        let rows = MessagePackValue.array(
            opened.agents.map { agent in
                .object([
                    "name": .string(agent.tag), "agent": .string(agent.key.text),
                    "created_at": .int(agent.createdAt.microseconds),
                ])
            })
        if output.json { return try Output.json(rows) }
        Output.line(KeysList.listing.text(rows, full: output.full))
    }
}

/// `plasmid keys passwd`
struct KeysPasswd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwd", abstract: "Put the keystore under another passphrase; its keys stay.",
        discussion: """
            A copy of the file from before still opens with the old passphrase. Stop a running conductor first: it would \
            refuse to save keys into a file that was changed under it.
            """)

    @OptionGroup var keystore: KeystoreOptions

    @Option(
        name: .long,
        help: ArgumentHelp("Where the new passphrase comes from: prompt, fd:N or credential:NAME.", valueName: "source")
    )
    var new: String = "prompt"

    @Option(help: "What trying a passphrase costs: sensitive (1 GiB of memory, seconds) or moderate (256 MiB).")
    var cost = CostName.sensitive

    @OptionGroup var output: OutputOptions

    func run() throws {
        let source: PassphraseSource
        do { source = try PassphraseSource(new) } catch { throw Failure(status: .usage, error: error) }
        let opened = try keystore.open()
        let passphrase = try Passphrase.asking(source) {
            try source.read(confirming: true, for: "keystore from now on")
        }
        try ProgressBar.during("sealing the keystore takes some seconds") {
            try opened.changePassphrase(to: passphrase, cost: cost.cost)
        }
        if output.json { return try Output.json(.object(["path": .string(opened.path)])) }
        Output.line("\(opened.path) opens with the new passphrase now")
    }
}
