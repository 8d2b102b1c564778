import ArgumentParser
import Integrity

/// `plasmid admin regrant APP/CELL ADDRESS`, or `--label LABEL`
struct AdminRegrant: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regrant", abstract: "Replace a capability: from the next call on, the new one counts.",
        discussion: """
            One, by its address or its label. What is not said stays as it was, and of counted calls those that are \
            left; the secret is a new one unless --keep-secret. Example: seven days more, for those who have it
              plasmid admin regrant ada/blog --label guests --expires 7d --keep-secret
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The address of the grant, whole, as 'plasmid admin grants --full' lists it.")
    var address: String?

    @Option(name: .long, help: "The grant that has this label.")
    var label: String?

    @Option(name: .long, help: ArgumentHelp("Its label from now on.", valueName: "label"))
    var newLabel: String?

    @Option(
        name: .customLong("function"),
        help: ArgumentHelp(
            "What it opens from now on (may be given again); 'all' means every one whose access is granted.",
            valueName: "zome/function"))
    var functions: [String] = []

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("An agent who may use it from now on (may be given again).", valueName: "agent"))
    var agents: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("From when on it opens nothing: 90s, 30m, 2h or 7d from now.", valueName: "time"))
    var expires: String?

    @Option(name: .long, help: ArgumentHelp("How many calls it opens from now on.", valueName: "number"))
    var uses: UInt32?

    @Flag(name: .long, help: "It neither expires nor is it counted any more.")
    var unlimited = false

    @Flag(name: .long, help: "Let those who have the secret go on with it.")
    var keepSecret = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func validate() throws {
        if (address == nil) == (label == nil) {
            throw ValidationError("either an address or --label says what to replace")
        }
        if unlimited, expires != nil || uses != nil {
            throw ValidationError("--unlimited excludes --expires and --uses")
        }
        if uses == 0 { throw ValidationError("--uses takes 1 or more: with 0 it would open nothing") }
        _ = try AdminGrant.seconds(expires)
    }

    func params() throws -> MessagePackValue {
        .object([
            "instance_id": .string(try InstanceID(instance).text), "address": .optional(address),
            "label": .optional(label), "new_label": .optional(newLabel),
            "access": agents.isEmpty ? .null : .string("assigned"),
            "assignees": agents.isEmpty ? .null : .array(agents.map { .string($0) }),
            "functions": functions.isEmpty ? .null : try AdminGrant.granted(functions),
            "expiry_seconds": try AdminGrant.seconds(expires).map { .int(Int64($0)) } ?? .null,
            "uses": uses.map { .int(Int64($0)) } ?? .null, "unlimited": .bool(unlimited),
            "keep_secret": .bool(keepSecret),
        ])
    }

    func run() async throws {
        if let address, !Words.isHash(address) {
            throw Failure.usage(
                "\"\(Words.harmless(address))\" is no address", hint: "'plasmid admin grants --full' lists them whole")
        }
        let answer = try await conductor.connect().request("admin/grant/update", try params())
        if output.json { return try Output.json(answer) }
        Output.line("address: \(answer["address"]?.text ?? "-")")
        if let secret = answer["secret"]?.text { Output.line("secret:  \(secret)") }
    }
}
