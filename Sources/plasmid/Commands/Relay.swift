import ArgumentParser
import Foundation
import Integrity
import Transport

/// `plasmid relay`: a way to nodes that nobody can dial, until it is told to stop.
struct Relay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Run a relay: it joins two nodes of which one cannot be dialled.",
        discussion: """
            For nodes behind routers that let nobody in. What goes through it is encrypted between the two, and bounded: \
            two minutes and 128 KiB each way, enough to meet and to find a direct way. It sees who speaks with whom, \
            by the keys that nodes have for each app, and when. It also serves Kad.

            It can be reached by others only where it listens for them (--listen /ip4/0.0.0.0/tcp/4001) or is announced \
            (--announce). Its key stands in relay.key in the data folder. Ctrl-C stops it.
            """)

    @OptionGroup var server: ServerOptions

    func run() throws {
        try server.run("relay", Self.serve)
    }

    /// Begins to relay on a host; gives what tells the counts.
    static func serve(_ host: TransportHost, _ now: @escaping () -> Timestamp) -> () -> [ServerCount] {
        let service = RelayService(host: host, identity: host.defaultIdentity, now: now)
        service.start()
        return {
            [
                ServerCount(name: "reservations", count: service.reservationCount),
                ServerCount(name: "circuits", count: service.circuitCount),
                ServerCount(name: "joined", count: service.joined),
            ]
        }
    }
}
