import Gossip
import Integrity
import Testing

@Suite("The table of peers")
struct PeerTableTests {
    let one = agent(1, at: 100)
    let two = agent(2, at: 200)

    @Test("the newest record wins, tombstones end an agent, and one's own is not taken")
    func newest() {
        var table = PeerTable(own: [two])
        #expect(table.learn(record(one), now: seconds(1)) == .came)
        #expect(table.learn(record(one), now: seconds(2)) == .old)
        #expect(table.learn(record(one, created: seconds(-5)), now: seconds(2)) == .old)
        let half = Arc(start: 100, length: 1 << 31)
        #expect(
            table.learn(record(one, arc: half, created: seconds(3)), now: seconds(3))
                == .changed(arc: true, peer: false))
        #expect(table.record(of: one)?.info.arc == half)
        #expect(table.learn(record(two), now: seconds(3)) == .old)
        #expect(table.learn(record(one, created: seconds(4), tombstone: true), now: seconds(5)) == .left)
        #expect(table.learn(record(one, created: seconds(3)), now: seconds(6)) == .old)
        #expect(table.holders(of: 100, now: seconds(6)).isEmpty)
        #expect(table.learn(record(one, created: seconds(7)), now: seconds(8)) == .came)
    }

    @Test("clocks an hour apart change nothing; a dead agent's record is not passed around for ever")
    func skew() {
        var table = PeerTable(own: [])
        // Its clock is an hour behind: by ours the record ended 40 minutes ago.
        #expect(table.learn(record(one, created: seconds(-3_600)), now: seconds(0)) == .came)
        // This one's is an hour ahead.
        #expect(table.learn(record(two, created: seconds(3_600)), now: seconds(0)) == .came)
        #expect(table.expire(now: seconds(1_199)).isEmpty)
        #expect(table.expire(now: seconds(1_201)) == [one, two])
        // Somebody still has it.
        #expect(table.learn(record(one, created: seconds(-3_600)), now: seconds(1_202)) == .old)
        #expect(table.learn(record(two, created: seconds(3_600)), now: seconds(1_300)) == .old)
        #expect(table.learn(record(one, created: seconds(-2_400)), now: seconds(1_300)) == .came)
    }

    @Test("one peer cannot fill the table, nor all together beyond its bound")
    func bounds() {
        var random = Seeded(1)
        var settings = PeerTableSettings()
        settings.agents = 50
        settings.agentsPerPeer = 8
        var table = PeerTable(own: [], settings: settings)
        let many = agents(100, &random)
        let taken = many.prefix(20).filter { table.learn(record($0, peer: [9]), now: seconds(0)) == .came }
        #expect(taken.count == 8)
        let rest = many.suffix(80).filter { table.learn(record($0), now: seconds(0)) == .came }
        #expect(rest.count == 42)
        #expect(table.learn(record(many[99]), now: seconds(1)) == .noRoom)
        // A known agent still moves, but not to a peer that is full.
        #expect(table.learn(record(rest[0], peer: [9], created: seconds(1)), now: seconds(1)) == .noRoom)
        #expect(
            table.learn(record(rest[0], peer: [8], created: seconds(1)), now: seconds(1))
                == .changed(arc: false, peer: true))
    }

    @Test("holders are those whose arc covers a location and whose peer can be reached")
    func holders() {
        var random = Seeded(2)
        var table = PeerTable(own: [])
        let half = Arc(start: 100, length: 1_000)
        _ = table.learn(record(one, arc: half), now: seconds(0))
        _ = table.learn(record(two), now: seconds(0))
        #expect(table.holders(of: 50, now: seconds(1)) == [two])
        #expect(table.holders(of: 150, now: seconds(1)) == [one, two])
        #expect(table.holds(one, 150) && !table.holds(one, 50))
        let peer = table.peers(of: [one])[0]
        table.connected(peer, isDialer: true, now: seconds(1), using: &random)
        table.disconnected(peer, isGone: true, now: seconds(2))
        #expect(table.holders(of: 150, now: seconds(3)) == [two])
        #expect(table.claims(now: seconds(3)).map(\.agent) == [two])
        // It is heard of again.
        #expect(
            table.learn(record(one, arc: half, created: seconds(4)), now: seconds(4))
                == .changed(arc: false, peer: false))
        #expect(table.holders(of: 150, now: seconds(4)) == [one, two])
    }

    @Test(
        "rounds: soon after connecting, oftener while they find something, after a gap, and one peer at a time longest ago"
    )
    func rounds() {
        var random = Seeded(3)
        var table = PeerTable(own: [])
        for agent in [one, two] { _ = table.learn(record(agent), now: seconds(0)) }
        let first = table.peers(of: [one])[0]
        let second = table.peers(of: [two])[0]
        #expect(table.nextRound(now: seconds(0), own: .full) == nil)
        table.connected(first, isDialer: true, now: seconds(0), using: &random)
        table.connected(second, isDialer: false, now: seconds(0), using: &random)
        #expect(table.nextRound(now: seconds(2), own: .full) == first)
        #expect(table.nextRound(now: seconds(2), own: .full) == nil)
        table.finished(first, found: 3, now: seconds(3), using: &random)
        #expect(table.nextRound(now: seconds(12), own: .full) == nil)
        #expect(table.nextRound(now: seconds(17), own: .full) == second)
        table.finished(second, found: 0, now: seconds(17), using: &random)
        #expect(table.nextRound(now: seconds(21), own: .full) == first)
        var pauses: [Int64] = []
        var now = seconds(21)
        for _ in 0..<8 {
            table.finished(first, found: 0, now: now, using: &random)
            table.finished(second, found: 0, now: now, using: &random)
            guard let wake = table.nextWake(own: .full) else { break }
            pauses.append(wake.microseconds - now.microseconds)
            now = now.advanced(byMicroseconds: 400_000_000)
        }
        #expect(pauses.last.map { $0 > 250_000_000 && $0 < 350_000_000 } == true, "\(pauses)")
        table.gap(now: now, using: &random)
        #expect(table.nextRound(now: now.advanced(byMicroseconds: 1_000_000), own: .full) != nil)
        // Nothing shared: no round.
        var other = PeerTable(own: [])
        _ = other.learn(record(one, arc: Arc(start: 0, length: 10)), now: seconds(0))
        other.connected(first, isDialer: true, now: seconds(0), using: &random)
        #expect(other.nextRound(now: seconds(9), own: ArcSet([Arc(start: 50, length: 10)])) == nil)
    }

    @Test("offences slow a peer, then drop it; a score outlives the connection and fades")
    func scores() {
        var random = Seeded(4)
        var table = PeerTable(own: [])
        _ = table.learn(record(one), now: seconds(0))
        let peer = table.peers(of: [one])[0]
        table.connected(peer, isDialer: true, now: seconds(0), using: &random)
        #expect(table.note(.lied, of: peer, now: seconds(0)) == .trusted)
        #expect(table.note(.invalidOp, of: peer, now: seconds(0)) == .slowed)
        #expect(table.note(.forged, of: peer, now: seconds(1)) == .slowed)
        #expect(table.note(.unsolicited, of: peer, now: seconds(1)) == .dropped)
        #expect(table.nextRound(now: seconds(5), own: .full) == nil)
        #expect(table.holders(of: 1, now: seconds(5)).isEmpty)
        table.disconnected(peer, isGone: true, now: seconds(6))
        #expect(table.treatment(of: peer, now: seconds(7)) == .dropped)
        _ = table.expire(now: seconds(1_300))
        #expect(table.score(of: peer, now: seconds(1_300)) > 20)
        #expect(table.treatment(of: peer, now: seconds(1_300)) == .trusted)
        #expect(table.score(of: peer, now: seconds(100_000)) == 0)
        for offence in PeerOffence.allCases { #expect(offence.weight > 0) }
    }
}
