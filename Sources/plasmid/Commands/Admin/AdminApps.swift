import ArgumentParser
import Integrity

/// `plasmid admin apps`
struct AdminApps: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apps", abstract: "List the installed apps, one line for each of their cells.")

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "APP:app_id", "STATUS:status", "CELL:instance_id", "DNA:dna_name", "DNA HASH:dna", "AGENT:agent",
        "INSTALLED:installed_at", "FAULT:fault", empty: "no app is installed; 'plasmid admin install PATH' installs one"
    )

    func run() async throws {
        let apps = try await conductor.connect().request("admin/app/list", .map([]))
        if output.json { return try Output.json(apps) }
        Output.line(AdminApps.listing.text(AdminApps.rows(apps), full: output.full))
    }

    /// One row for each cell, with what its app says; an app without cells keeps a row.
    static func rows(_ apps: MessagePackValue) -> MessagePackValue {
        .array(
            apps.items.flatMap { app -> [MessagePackValue] in
                guard case .map(let pairs) = app else { return [] }
                let roles = app["roles"]?.items ?? []
                guard !roles.isEmpty else { return [app] }
                return roles.map { role in
                    guard case .map(let more) = role else { return app }
                    return .map(pairs.filter { $0.key != .string("roles") } + more)
                }
            })
    }
}

/// `plasmid admin install PATH`
struct AdminInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Install an app from its hApp file or bundle and enable it.",
        discussion: "The app gets an agent of its own, whose key is made now, unless --agent names one.")

    @Argument(
        help: "The hApp file, a folder that holds one (….happ.yaml or happ.yaml), or a hApp bundle.",
        completion: .file(extensions: ["yaml", "happ"]))
    var path: String

    @Option(
        name: .long, help: ArgumentHelp("The name of the app here; by default the one in its file.", valueName: "name"))
    var appID: String?

    @Option(name: .long, help: "The agent whose app it is, as its public key.")
    var agent: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A text that makes this app's networks others than those of everyone else.", valueName: "seed"))
    var networkSeed: String?

    @OptionGroup var proofs: RoleProofs

    @Flag(name: .long, help: "Install only; 'plasmid admin enable' starts it later.")
    var disabled = false

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func params() throws -> MessagePackValue {
        .object([
            "path": .string(DataFolder.absolute(try ManifestPath.find(path, kind: "happ"))), "app_id": .optional(appID),
            "agent": .optional(agent),
            "network_seed": .optional(networkSeed), "enable": .bool(!disabled),
            "membrane_proofs": proofs.proofs.isEmpty ? .null : try proofs.value(),
        ])
    }

    func run() async throws {
        let app: MessagePackValue
        do {
            app = try await conductor.connect().request("admin/app/install", params())
        } catch let error as PlasmidError where error.code == .manifestInvalid {
            guard let beside = Self.happ(beside: path), error.message.contains("[wrongKind]") else { throw error }
            throw PlasmidError(
                error.code, error.message, hint: "the hApp file beside it is meant: plasmid admin install \(beside)",
                cause: error.cause)
        }
        if output.json { return try Output.json(app) }
        Output.line(AdminApps.listing.text(AdminApps.rows(.array([app])), full: output.full))
    }

    /// The one hApp file that lies in the folder of a path.
    static func happ(beside path: String) -> String? {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard let found = try? ManifestPath.find(folder, kind: "happ"), found != folder else { return nil }
        let beside = folder == "." && !path.hasPrefix("./") ? String(found.dropFirst(2)) : found
        return beside == path ? nil : beside
    }
}

/// What `enable`, `disable` and `uninstall` have in common: the name of an app in, a sentence out.
struct AppArgument: ParsableArguments {
    @Argument(help: "The app, as 'plasmid admin apps' lists it.")
    var app: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func ask(_ method: String, done: String) async throws {
        let answer = try await conductor.connect().request(method, .object(["app_id": .string(app)]))
        if output.json { return try Output.json(answer) }
        Output.line("\(Words.harmless(app)) is \(done)")
    }
}

/// `plasmid admin enable APP`
struct AdminEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Let an app run: its cells take calls again.")
    @OptionGroup var app: AppArgument
    func run() async throws { try await app.ask("admin/app/enable", done: "enabled") }
}

/// `plasmid admin disable APP`
struct AdminDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Stop an app; everything it wrote stays.")
    @OptionGroup var app: AppArgument
    func run() async throws { try await app.ask("admin/app/disable", done: "disabled") }
}

/// `plasmid admin uninstall APP`
struct AdminUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Remove an app from the conductor; its agent's key stays.")
    @OptionGroup var app: AppArgument
    func run() async throws { try await app.ask("admin/app/uninstall", done: "uninstalled") }
}

/// `plasmid admin token issue|revoke`
struct AdminToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Issue and revoke the tokens that let programs use an app.",
        subcommands: [AdminTokenIssue.self, AdminTokenRevoke.self])
}

/// `plasmid admin token issue APP`
struct AdminTokenIssue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue", abstract: "Make a token that opens the app port for one app.",
        discussion: "Whoever has the token can act as the app's agent. It is shown once.")

    @Argument(help: "The app, as 'plasmid admin apps' lists it.")
    var app: String?

    @Option(name: .long, help: ArgumentHelp("An interface in place of an app.", valueName: "id"))
    var interface: String?

    // Unconditional, so that -1 is a value and told as a wrong one.
    @Option(
        name: .long, parsing: .unconditional,
        help: ArgumentHelp("Until the token ends; 0 means never.", valueName: "seconds"))
    var expiry: Int = 0

    @Flag(name: .long, help: "The token opens one connection only.")
    var singleUse = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if expiry < 0 { throw ValidationError("--expiry takes a number from 0 up") }
        guard (app == nil) != (interface == nil) else {
            throw ValidationError("name an app, or an interface with --interface")
        }
    }

    func run() async throws {
        let params = MessagePackValue.object([
            "app_id": .optional(app), "interface_id": .optional(interface), "expiry_seconds": .int(Int64(expiry)),
            "single_use": .bool(singleUse),
        ])
        let answer = try await conductor.connect().request("admin/token/issue", params)
        if output.json { return try Output.json(answer) }
        Output.line(answer["token"]?.text ?? "-")
    }
}

/// `plasmid admin token revoke TOKEN`
struct AdminTokenRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Make a token useless from now on.")

    @Argument(help: "The token.")
    var token: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let answer = try await conductor.connect().request("admin/token/revoke", .object(["token": .string(token)]))
        if output.json { return try Output.json(answer) }
        Output.line("the token is revoked")
    }
}
