import ArgumentParser
import Integrity

/// `plasmid admin spaces`
struct AdminSpaces: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spaces",
        abstract: "List the networks that this conductor keeps data of, one for each DNA in use.",
        discussion: "Without a network yet, each holds what the cells of this conductor wrote.")

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing(
        "NAME:name", "DNA HASH:dna", "CELLS:cells", ">FILE:file_bytes", ">ROWS:rows", ">WAITING:waiting_bytes",
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
                return .map(
                    pairs.map { pair in
                        guard pair.key.text?.hasSuffix("_bytes") == true, let bytes = pair.value.number else {
                            return pair
                        }
                        return .init(key: pair.key, value: .string(Words.size(bytes)))
                    })
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
            those addresses, the first 1,000; with it the actions and ops about one of them. Own ops are judged before \
            they are written, so that none waits; those of others come with the network.
            """)

    @Argument(help: ArgumentHelp("The cell.", valueName: "app/role"))
    var instance: String

    @Argument(help: "The address of an entry, an action or an agent.")
    var hash: String?

    @OptionGroup var output: ListingOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    static let listing = Listing("KEPT AT:basis", "OP:op", empty: "nothing is held yet")
    static let aboutListing = Listing("WHAT:what", "HASH:hash", empty: "nothing is held about it")

    func run() async throws {
        let cell = MessagePackValue.string(try InstanceID(instance).text)
        let connection = try conductor.connect()
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
