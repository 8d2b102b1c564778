import ArgumentParser
import Integrity

/// `plasmid admin peers [APP/ROLE]`
struct AdminPeers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "List the agents on other conductors that the spaces of this one know, and the connections to them.",
        discussion: """
            Without APP/ROLE of every space. An agent is known for as long as what it says of itself holds, half an hour at \
            most, connected or not. ARC is the share of the data that it keeps.
            """)

    @Argument(help: ArgumentHelp("A cell of the space.", valueName: "app/role"))
    var instance: String?

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "SPACE:dna_name", "AGENT:agent", "CONNECTED:connected", "ADDRESS:address", "SINCE:connected_at",
        ">RTT:rtt", "RELAYED:relayed", "ARC:share", ">SCORE:score", "KNOWN UNTIL:expires_at",
        empty: "no agent of another conductor is known; 'plasmid run --bootstrap ADDRESS' names one to ask")

    func run() async throws {
        let peers = try await conductor.connect().request("admin/network/peers", try NetworkRows.params(instance))
        if output.json { return try Output.json(peers) }
        Output.line(AdminPeers.listing.text(NetworkRows.shown(peers), full: output.full))
    }
}

/// `plasmid admin sync [APP/ROLE]`
struct AdminSync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "List what was reconciled with each peer that is connected.",
        discussion: """
            Two nodes compare what they hold when they meet, and now and then after that; what is new in between is pushed at \
            once. ROUNDS counts those that this side began. Without APP/ROLE of every space.
            """)

    @Argument(help: ArgumentHelp("A cell of the space.", valueName: "app/role"))
    var instance: String?

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "SPACE:dna_name", "AGENT:agent", "PEER:peer", "RUNNING:running", ">ROUNDS:rounds", "LAST ENDED:ended_at",
        ">OPS IN:ops_in", ">OPS OUT:ops_out", empty: "no other conductor is connected")

    func run() async throws {
        let rounds = try await conductor.connect().request("admin/network/sync", try NetworkRows.params(instance))
        if output.json { return try Output.json(rounds) }
        Output.line(AdminSync.listing.text(rounds, full: output.full))
    }
}

/// The answers of `admin/network/…` as people read them.
enum NetworkRows {
    static func params(_ instance: String?) throws -> MessagePackValue {
        guard let instance else { return .map([]) }
        return .object(["instance_id": .string(try InstanceID(instance).text)])
    }

    /// The rows with arcs as shares and times as milliseconds.
    static func shown(_ rows: MessagePackValue) -> MessagePackValue {
        .array(
            rows.items.map { row in
                guard case .map(var pairs) = row else { return row }
                if let arc = row["arc"] { pairs.append(.init("share", .string(share(arc)))) }
                if let time = row["rtt_us"]?.number { pairs.append(.init("rtt", .string(milliseconds(time)))) }
                return .map(pairs)
            })
    }

    /// How much of the ring an arc covers: `all`, `none`, `12.5%`.
    static func share(_ arc: MessagePackValue) -> String {
        guard let length = arc["length"]?.number, (0...1 << 32).contains(length) else { return "?" }
        if length == 0 { return "none" }
        if length == 1 << 32 { return "all" }
        let tenths = (length * 1_000) >> 32
        return tenths == 0 ? "<0.1%" : "\(tenths / 10).\(tenths % 10)%"
    }

    private static func milliseconds(_ microseconds: Int64) -> String {
        "\(microseconds / 1_000).\(microseconds % 1_000 / 100) ms"
    }
}
