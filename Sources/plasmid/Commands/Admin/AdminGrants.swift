import ArgumentParser
import Integrity

/// `plasmid admin grants APP/CELL`
struct AdminGrants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grants", abstract: "List the capabilities that a cell grants: who else may call what.")

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Option(name: .long, help: "Only those with this label.")
    var label: String?

    @Flag(name: .long, help: "Also list those that were revoked, and say which.")
    var revoked = false

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "ADDRESS:address", "LABEL:label", "ACCESS:access", "FUNCTIONS:functions", "FOR:assignees",
        "EXPIRES:expires_at", ">USED:used", ">OF:uses", "STATE:state",
        empty: "the cell grants nothing: its author alone may call what is not public")

    func run() async throws {
        let params = MessagePackValue.object([
            "instance_id": .string(try InstanceID(instance).text), "label": .optional(label),
            "include_revoked": revoked ? .bool(true) : .null,
        ])
        let grants = try await conductor.connect().request("admin/grants", params)
        if output.json { return try Output.json(grants) }
        if let label, grants.items.isEmpty {
            return Output.line("no grant of the cell has the label \"\(Words.harmless(label))\"")
        }
        Output.line(AdminGrants.listing.text(grants, full: output.full))
    }
}

/// `plasmid admin grant APP/CELL ZOME/FUNCTION…`
struct AdminGrant: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Let others call functions of a cell.",
        discussion: """
            With --for, only these agents may use the capability, and only with its secret; without it, whoever has \
            the secret may. The secret is shown once: hand it to the one who should call. A function that only the \
            author may call is opened by no capability. Example: three calls, within two hours
              plasmid admin grant ada/blog blog/post --for BEN'S-AGENT --expires 2h --uses 3
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(
        help: ArgumentHelp("The functions; 'all' means every one whose access is granted.", valueName: "zome/function"))
    var functions: [String]

    @Option(
        name: [.long, .customLong("tag")],
        help: "A name for the capability, by which 'grants' and 'revoke' find it.")
    var label: String = ""

    @Option(
        name: .long,
        help: ArgumentHelp("From when on it opens nothing: 90s, 30m, 2h or 7d from now.", valueName: "time"))
    var expires: String?

    @Option(
        name: .long,
        help: ArgumentHelp("How many calls it opens in all; a call counts even if it fails.", valueName: "number"))
    var uses: UInt32?

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
        if uses == 0 { throw ValidationError("--uses takes 1 or more: with 0 it would open nothing") }
        _ = try Self.seconds(expires)
    }

    /// `--expires` in seconds.
    static func seconds(_ expires: String?) throws -> Int? {
        guard let expires else { return nil }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = expires.last.flatMap({ units[$0] }), let number = Int(expires.dropLast()), number > 0,
            case (let seconds, false) = number.multipliedReportingOverflow(by: unit), seconds <= 3_155_760_000
        else { throw ValidationError("--expires takes a time from now, as 90s, 30m, 2h or 7d, at most 100 years") }
        return seconds
    }

    var access: String { everyone ? "public" : agents.isEmpty ? "transferable" : "assigned" }

    func params() throws -> MessagePackValue {
        .object([
            "instance_id": .string(try InstanceID(instance).text), "label": .string(label), "access": .string(access),
            "assignees": agents.isEmpty ? .null : .array(agents.map { .string($0) }),
            "functions": try Self.granted(functions),
            "expiry_seconds": try Self.seconds(expires).map { .int(Int64($0)) } ?? .null,
            "uses": uses.map { .int(Int64($0)) } ?? .null,
        ])
    }

    /// Texts of the form zome/function, or `all`.
    static func granted(_ functions: [String]) throws -> MessagePackValue {
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

/// `plasmid admin revoke APP/CELL ADDRESS`, or `--label LABEL`
struct AdminRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a capability back: from the next call on, it opens nothing.",
        discussion: "Either one, by its address, or every one with a label.")

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The address of the grant, whole, as 'plasmid admin grants --full' lists it.")
    var address: String?

    @Option(name: .long, help: "Take back every grant with this label.")
    var label: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if (address == nil) == (label == nil) {
            throw ValidationError("either an address or --label says what to revoke")
        }
    }

    func run() async throws {
        if let address, !Words.isHash(address) {
            throw Failure.usage(
                "\"\(Words.harmless(address))\" is no address", hint: "'plasmid admin grants --full' lists them whole")
        }
        let params = MessagePackValue.object([
            "instance_id": .string(try InstanceID(instance).text), "address": .optional(address),
            "label": .optional(label),
        ])
        let answer = try await conductor.connect().request("admin/revoke", params)
        if output.json { return try Output.json(answer) }
        let count = answer["revoked"]?.items.count ?? 1
        Output.line(count == 1 ? "the capability is revoked" : "\(count) capabilities are revoked")
    }
}
