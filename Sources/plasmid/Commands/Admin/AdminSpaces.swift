import ArgumentParser
import Integrity

/// `plasmid admin spaces`
struct AdminSpaces: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spaces",
        abstract: "List the networks that this conductor keeps data of, one for each DNA in use.",
        discussion: """
            Each holds what the cells of this conductor wrote, and its share of what others did. PEERS are the agents on other \
            conductors, HELD the ops that are kept, PARKED those that wait for others, REJECTED those that broke a rule (100 means \
            that many or more).
            """)

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "NAME:name", "DNA HASH:dna", "CELLS:cells", ">PEERS:peers", ">CONNECTED:connected", "ARC:share",
        ">HELD:held_ops",
        ">PARKED:ops_waiting", ">REJECTED:ops_rejected", ">FILE:file_bytes", ">ROWS:rows", ">WAITING:waiting_bytes",
        empty: "no app is installed, so there is no space")

    func run() async throws {
        let spaces = AdminSpaces.rows(try await conductor.connect().request("admin/stats", .map([])))
        if output.json { return try Output.json(spaces) }
        Output.line(AdminSpaces.listing.text(AdminSpaces.shown(spaces), full: output.full))
    }

    /// The rows with sizes as people read them.
    static func shown(_ rows: MessagePackValue) -> MessagePackValue {
        .array(
            rows.items.map { row in
                guard case .map(let pairs) = row else { return row }
                let sized = pairs.map { pair -> MessagePackValue.Pair in
                    guard pair.key.text?.hasSuffix("_bytes") == true, let bytes = pair.value.number else {
                        return pair
                    }
                    return .init(key: pair.key, value: .string(Words.size(bytes)))
                }
                guard let arcs = row["arcs"]?.items, !arcs.isEmpty else { return .map(sized) }
                let shares = arcs.map { MessagePackValue.string(NetworkRows.share($0["arc"] ?? .null)) }
                return .map(sized + [.init("share", .array(shares))])
            })
    }

    /// One row for each space, with its cells.
    static func rows(_ stats: MessagePackValue) -> MessagePackValue {
        let instances = stats["instances"]?.items ?? []
        return .array(
            (stats["spaces"]?.items ?? []).map { space in
                let cells = instances.filter { $0["dna"] == space["dna"] }.compactMap { $0["instance_id"] }
                return .object([
                    "name": space["name"] ?? .null, "dna": space["dna"] ?? .null, "cells": .array(cells),
                    "file_bytes": space["storage"]?["file_bytes"] ?? .null, "rows": space["storage"]?["rows"] ?? .null,
                    "waiting_bytes": space["storage"]?["waiting_bytes"] ?? .null,
                    "peers": space["network"]?["peers"] ?? .null,
                    "connected": space["network"]?["connected"] ?? .null,
                    "held_ops": space["network"]?["held_ops"] ?? .null, "ops_waiting": space["ops_waiting"] ?? .null,
                    "ops_rejected": space["ops_rejected"] ?? .null,
                    "arcs": space["network"]?["arcs"] ?? .null,
                ])
            })
    }
}

/// `plasmid admin ops APP/ROLE [HASH]`
struct AdminOps: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ops", abstract: "List the ops that a cell's space holds, or what is held about one address.",
        discussion: """
            An action becomes ops, each kept at an address where others look for it. Without HASH the ops are listed by \
            those addresses, the first 1,000; with it the actions and ops about one of them. With --state those of the space \
            that stand in one way: waiting (for what they depend on), rejected (with the reason), unpublished (own ones that \
            not enough others hold), own (the newest, with the number of nodes that have judged them), warrants (proofs \
            that an agent broke a rule: --agent, or any).
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The address of an entry, an action or an agent.")
    var hash: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only ops that stand like this: waiting, rejected, unpublished, own or warrants.", valueName: "state"))
    var state: String?

    @Option(name: .long, help: ArgumentHelp("Whom warrants are against.", valueName: "key"))
    var agent: String?

    @Option(name: .long, help: "With --state: at most so many. Default: 100.")
    var limit: Int?

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing("KEPT AT:basis", "OP:op", empty: "nothing is held yet")
    static let stateListing = Listing(
        "OP:op", "TYPE:type", "KIND:kind", "AGAINST:warrantee", "AUTHOR:author", "ISSUED:issued_at", ">SEQ:seq",
        "SINCE:since_at", "JUDGED:judged_at",
        "WAITS FOR:missing", ">RECEIPTS:receipts", ">REFUSED BY:refused_by", "REASON:reason",
        empty: "there is none")
    static let aboutListing = Listing("WHAT:what", "HASH:hash", empty: "nothing is held about it")

    func validate() throws {
        if state != nil, hash != nil { throw ValidationError("give --state or an address, not both") }
        if agent != nil, state != "warrants" { throw ValidationError("--agent belongs to --state warrants") }
        if limit != nil, state == nil || state == "warrants" {
            throw ValidationError("--limit belongs to --state, and not to warrants")
        }
    }

    func run() async throws {
        let cell = MessagePackValue.string(try InstanceID(instance).text)
        let connection = try conductor.connect()
        if let state {
            var params: [MessagePackValue.Pair] = [.init("instance_id", cell), .init("state", .string(state))]
            let isWarrants = state == "warrants"
            if isWarrants {
                params.removeLast()
                if let agent { params.append(.init("agent", .string(agent))) }
            } else if let limit {
                params.append(.init("limit", .int(Int64(limit))))
            }
            let method = isWarrants ? "admin/warrants" : "admin/network/ops"
            let ops = try await connection.request(method, .map(params))
            if output.json { return try Output.json(ops) }
            return Output.line(AdminOps.stateListing.text(ops, full: output.full))
        }
        guard let hash else {
            let dump = try await connection.request(
                "debug/state_dump",
                .object([
                    "instance_id": cell, "source_chain": .bool(false), "queued_holding_workflows": .bool(false),
                ]))
            let rows = AdminOps.rows(dump["held_aspects"] ?? .null)
            if output.json { return try Output.json(rows) }
            return Output.line(AdminOps.listing.text(rows, full: output.full))
        }
        let meta = try await connection.request(
            "admin/instance/get_meta", .object(["id": cell, "hash": .string(hash)]))
        if output.json { return try Output.json(meta) }
        Output.line(AdminOps.aboutListing.text(AdminOps.about(meta), full: output.full))
        Output.line(
            "links added here: \(meta["link_add_count"]?.number ?? 0), removed: \(meta["link_remove_count"]?.number ?? 0)"
        )
    }

    /// One row for each op, by the address it is kept at.
    static func rows(_ held: MessagePackValue) -> MessagePackValue {
        guard case .map(let places) = held else { return .array([]) }
        return .array(
            places.flatMap { place in
                place.value.items.map { .object(["basis": place.key, "op": $0]) }
            })
    }

    /// Actions, then ops with their types.
    static func about(_ meta: MessagePackValue) -> MessagePackValue {
        let actions = (meta["headers"]?.items ?? []).map { MessagePackValue.object(["what": "action", "hash": $0]) }
        let ops = (meta["aspects"]?.items ?? []).map { pair in
            MessagePackValue.object(["what": pair.items.last ?? .null, "hash": pair.items.first ?? .null])
        }
        return .array(actions + ops)
    }
}
