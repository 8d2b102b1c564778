import Integrity
import Testing

@testable import plasmid

@Suite("the network in tables")
struct NetworkRowsTests {
    @Test("arcs are told as shares of the ring")
    func shares() {
        let arcs: [(Int64, String)] = [
            (0, "none"), (1, "<0.1%"), (1 << 32, "all"), (1 << 29, "12.5%"), ((1 << 32) - 1, "99.9%"), (-1, "?"),
            ((1 << 32) + 1, "?"), (.max, "?"),
        ]
        for (length, words) in arcs {
            #expect(NetworkRows.share(.object(["start": .int(7), "length": .int(length)])) == words)
        }
        #expect(NetworkRows.share(.null) == "?")
    }

    @Test("a peer's row has what is known of it, and dashes for the rest")
    func peers() {
        let agent = AgentPubKey(hashing: [1]).text
        let rows = MessagePackValue.array([
            .object([
                "dna_name": .string("messenger"), "agent": .string(agent), "connected": .bool(true),
                "address": .string("/ip4/192.0.2.7/tcp/4001"), "connected_at": .int(0), "rtt_us": .int(12_345),
                "relayed": .bool(false), "arc": .object(["start": .int(0), "length": .int(1 << 32)]),
                "score": .int(-3),
            ]),
            .object([
                "dna_name": .string("messenger"), "agent": .string(agent), "connected": .bool(false),
                "address": .null, "rtt_us": .null, "arc": .object(["start": .int(5), "length": .int(0)]),
                "score": .int(0),
            ]),
        ])
        let text = AdminPeers.listing.text(NetworkRows.shown(rows), full: true)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        for part in ["messenger", agent, "yes", "/ip4/192.0.2.7/tcp/4001", "12.3 ms", "all", "-3"] {
            #expect(lines[1].contains(part), "\(part): \(lines[1])")
        }
        #expect(lines[2].contains("none") && lines[2].contains("-"))
    }

    @Test("a space's row tells the others and what is kept, and nothing of them where it is alone")
    func spaces() {
        let arc = MessagePackValue.object(["start": .int(0), "length": .int(1 << 31)])
        func stats(_ network: MessagePackValue) -> MessagePackValue {
            .object([
                "instances": .array([]),
                "spaces": .array([
                    .object([
                        "dna": .string("d"), "name": .string("messenger"), "network": network,
                        "storage": .object(["file_bytes": .int(1), "rows": .int(2), "waiting_bytes": .int(3)]),
                    ])
                ]),
            ])
        }
        let network = MessagePackValue.object([
            "peers": .int(7), "connected": .int(3),
            "arcs": .array([.object(["agent": .string("a"), "arc": arc])]),
        ])
        let met = AdminSpaces.listing.text(AdminSpaces.shown(AdminSpaces.rows(stats(network))), full: false)
        #expect(met.contains("CONNECTED") && met.contains("50.0%") && met.contains("7"))
        let alone = AdminSpaces.listing.text(AdminSpaces.shown(AdminSpaces.rows(stats(.null))), full: false)
        #expect(!alone.contains("CONNECTED") && !alone.contains("ARC"))
    }
}
