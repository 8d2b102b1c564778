import ArgumentParser
import Integrity

/// `plasmid admin grants APP/CELL`
struct AdminGrants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grants", abstract: "List the capabilities that a cell grants: who else may call what.")

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Flag(name: .long, help: "Also list those that were revoked, and say which.")
    var revoked = false

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "ADDRESS:address", "TAG:tag", "ACCESS:access", "FUNCTIONS:functions", "FOR:assignees", "REVOKED:revoked",
        empty: "the cell grants nothing: its author alone may call what is not public")

    func run() async throws {
        let params = MessagePackValue.object([
            "instance_id": .string(try InstanceID(instance).text), "include_revoked": revoked ? .bool(true) : .null,
        ])
        let grants = try await conductor.connect().request("admin/grants", params)
        if output.json { return try Output.json(grants) }
        Output.line(AdminGrants.listing.text(grants, full: output.full))
    }
}

/// `plasmid admin grant APP/CELL ZOME/FUNCTION…`
struct AdminGrant: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let others call functions of a cell.",
        discussion: """
            With --for, only these agents may use the capability, and only with its secret; without it, whoever has \
            the secret may. The secret is shown once: hand it to the one who should call.
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(
        help: ArgumentHelp("The functions; 'all' means every one whose access is granted.", valueName: "zome/function"))
    var functions: [String]

    @Option(name: .long, help: "A word that says what the capability is for.")
    var tag: String = ""

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("An agent who may use it (may be given again).", valueName: "agent"))
    var agents: [String] = []

    @Flag(name: .customLong("public"), help: "Everyone may call these functions; there is no secret.")
    var everyone = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if everyone, !agents.isEmpty { throw ValidationError("--public and --for exclude each other") }
    }

    var access: String { everyone ? "public" : agents.isEmpty ? "transferable" : "assigned" }

    func params() throws -> MessagePackValue {
        .object([
            "instance_id": .string(try InstanceID(instance).text), "tag": .string(tag), "access": .string(access),
            "assignees": agents.isEmpty ? .null : .array(agents.map { .string($0) }),
            "functions": try grantedFunctions(),
        ])
    }

    private func grantedFunctions() throws -> MessagePackValue {
        if functions == ["all"] { return .string("all") }
        return .array(
            try functions.map { text in
                let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                    throw Failure.usage(
                        "\"\(Words.harmless(text))\" is no function", hint: "write zome/function, or all")
                }
                return .string(text)
            })
    }

    func run() async throws {
        let answer = try await conductor.connect().request("admin/grant", try params())
        if output.json { return try Output.json(answer) }
        Output.line("address: \(answer["address"]?.text ?? "-")")
        if let secret = answer["secret"]?.text { Output.line("secret:  \(secret)") }
    }
}

/// `plasmid admin revoke APP/CELL ADDRESS`
struct AdminRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a capability back: from the next call on, it opens nothing.")

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The address of the grant, whole, as 'plasmid admin grants --full' lists it.")
    var address: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        guard Words.isHash(address) else {
            throw Failure.usage(
                "\"\(Words.harmless(address))\" is no address", hint: "'plasmid admin grants --full' lists them whole")
        }
        let params = MessagePackValue.object([
            "instance_id": .string(try InstanceID(instance).text), "address": .string(address),
        ])
        let answer = try await conductor.connect().request("admin/revoke", params)
        if output.json { return try Output.json(answer) }
        Output.line("the capability is revoked")
    }
}
