import ArgumentParser
import Integrity

/// `plasmid admin agents`
struct AdminAgents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents", abstract: "List the agents whose keys this conductor holds.",
        subcommands: [AdminAgentsList.self, AdminAgentsAdd.self], defaultSubcommand: AdminAgentsList.self)
}

/// `plasmid admin agents list`
struct AdminAgentsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the agents whose keys this conductor holds.")

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "ID:id", "NAME:name", "AGENT:public_address", "TEST:test_agent",
        "CREATED:created_at", empty: "this conductor holds no keys yet")

    func run() async throws {
        let agents = try await conductor.connect().request("admin/agent/list", .map([]))
        if output.json { return try Output.json(agents) }
        Output.line(AdminAgentsList.listing.text(agents, full: output.full))
    }
}

/// `plasmid admin agents add ID`
struct AdminAgentsAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make a key for another agent and save it.")

    @Argument(help: "A name for the key, unique in this conductor.")
    var id: String

    @Option(name: .long, help: "The agent's name; by default the same.")
    var name: String?

    @Flag(
        name: .long, help: "A throwaway agent for tests, never saved: anyone can sign for it. Needs 'run --test-mode'.")
    var test = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let params = MessagePackValue.object(["id": .string(id), "name": .string(name ?? id)])
        let answer = try await conductor.connect().request(test ? "test/agent/add" : "admin/agent/add", params)
        if output.json { return try Output.json(answer) }
        Output.line(answer["agent_address"]?.text ?? "-")
    }
}

/// `plasmid admin chain APP/CELL`
struct AdminChain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chain", abstract: "List what an agent did in one app: its chain of signed actions.")

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Option(name: .long, help: ArgumentHelp("The number to begin at.", valueName: "number"))
    var from: Int?

    @Option(
        name: .long, help: ArgumentHelp("How many actions to list, at most 10000. Default: 100.", valueName: "count"))
    var limit: Int?

    @Flag(name: .long, help: "Newest first.")
    var newest = false

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        ">NO:seq", "ACTION:type", "HASH:hash", "WHEN:timestamp", "ENTRY TYPE:entry_type", "ENTRY HASH:entry_hash",
        "ENTRY:entry", "LINK TYPE:link_type", "BASE:base", "TARGET:target", "TAG:tag", "UPDATES:updates",
        "DELETES:deletes", empty: "the chain is empty")

    func validate() throws {
        if let from, from < 0 { throw ValidationError("--from takes a number from 0 up") }
        if let limit, limit < 1 { throw ValidationError("--limit takes a number from 1 up") }
    }

    func run() async throws {
        let params = MessagePackValue.object([
            "instance_id": .string(try InstanceID(instance).text), "from": from.map { .int(Int64($0)) } ?? .null,
            "limit": limit.map { .int(Int64($0)) } ?? .null, "descending": newest ? .bool(true) : .null,
        ])
        let chain = try await conductor.connect().request("admin/chain", params)
        if output.json { return try Output.json(chain) }
        if let from, chain.items.isEmpty {
            return Output.line("there is no action \(newest ? "up to" : "from") number \(from)\(newest ? "" : " on")")
        }
        Output.line(AdminChain.listing.text(chain, full: output.full))
    }
}
