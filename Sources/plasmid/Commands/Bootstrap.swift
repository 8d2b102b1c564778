import ArgumentParser
import Foundation
import Integrity
import Transport

/// `plasmid bootstrap`: where the members of spaces find each other, until it is told to stop.
struct Bootstrap: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap",
        abstract: "Run a bootstrap server: nodes leave word there of how they can be reached.",
        discussion: """
            It keeps sealed records under names that change every hour: it can tell neither which apps they belong to nor \
            what they say. Everything is in memory, bounded, and forgotten after an hour. It also serves Kad, in which \
            nodes find each other without it.

            Nodes are told of it with 'plasmid run --bootstrap ADDRESS', where ADDRESS is what it prints once it is ready. \
            The address holds its key, which stands in bootstrap.key in the data folder: keep that file, and the address \
            stays. Ctrl-C stops it.
            """)

    @Flag(name: .long, help: "Be a relay as well, as 'plasmid relay' is.")
    var relay = false

    @OptionGroup var server: ServerOptions

    func run() throws {
        let isRelay = relay
        try server.run("bootstrap") { host, now in
            let service = BootstrapService(host: host, now: now, random: SystemRandomNumberGenerator())
            service.start()
            let relayed = isRelay ? Relay.serve(host, now) : { [] }
            return {
                [
                    ServerCount(name: "names", count: service.nameCount),
                    ServerCount(name: "records", count: service.count),
                    ServerCount(name: "requests", count: service.requests),
                ] + relayed()
            }
        }
    }
}
