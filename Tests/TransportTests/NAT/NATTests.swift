import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("Behind routers")
struct NATTests {
    private func peer(_ number: UInt8) -> PeerID { PeerID(publicKey: Bytes32(repeating: number)) }
    private func address(_ text: String) throws -> Multiaddr { try Multiaddr(text) }

    @Test("messages are the reference's bytes, and are read as they were written")
    func messages() throws {
        let seen = try address("/ip4/203.0.113.7/tcp/4001")
        #expect(hex(HolePunchMessage.connect([seen]).bytes) == "0864120804cb007107060fa1")
        #expect(hex(HolePunchMessage.sync.bytes) == "08ac02")
        for message in [HolePunchMessage.connect([seen, seen]), .connect([]), .sync] {
            #expect(try HolePunchMessage(bytes: message.bytes) == message)
        }
        for message in [
            AutoNATMessage.dial(peer(1), addresses: [seen]), .response(.ok, address: seen),
            .response(.dialError, address: nil),
        ] { #expect(try AutoNATMessage(bytes: message.bytes) == message) }
        #expect(hex(AutoNATMessage.response(.ok, address: nil).bytes) == "08011a020800")
    }

    @Test("no bytes trap a decoder")
    func fuzz() throws {
        let rounds = Fuzz("AutoNAT and hole punching", rounds: 3_000)
        var random = DiscoveryRandom(rounds.seed)
        let seen = try address("/ip4/203.0.113.7/tcp/4001")
        let samples = [
            HolePunchMessage.connect([seen, seen]).bytes, AutoNATMessage.dial(peer(1), addresses: [seen]).bytes,
            AutoNATMessage.response(.ok, address: seen).bytes,
        ]
        for round in rounds {
            let bytes = round % 4 == 0 ? random.bytes(30) : random.mutated(samples[round % 3])
            if case .connect(let addresses)? = try? HolePunchMessage(bytes: bytes) { #expect(addresses.count <= 16) }
            if case .dial(_, let addresses)? = try? AutoNATMessage(bytes: bytes) { #expect(addresses.count <= 16) }
        }
        #expect(throws: PlasmidError.self) { try AutoNATMessage(bytes: [UInt8](repeating: 8, count: 5_000)) }
        #expect(throws: PlasmidError.self) { try HolePunchMessage(bytes: [UInt8](repeating: 8, count: 5_000)) }
    }

    @Test("only the address that a peer is seen at is dialled, whatever it asks for")
    func dialBack() throws {
        var server = AutoNATServerCore()
        let seen = try address("/ip4/203.0.113.7/tcp/50000")
        func judge(_ texts: [String], from: UInt8 = 1, as claimed: UInt8 = 1, isRelayed: Bool = false) throws
            -> [String]
        {
            let message = AutoNATMessage.dial(peer(claimed), addresses: try texts.map { try Multiaddr($0) })
            let verdict = server.judge(
                message, from: peer(from), seenAt: seen, isRelayed: isRelayed, now: seconds(0))
            return (try? verdict.get())?.map(\.description) ?? []
        }
        let victim = "/ip4/198.51.100.1/tcp/80"
        #expect(try judge([victim, "/ip4/203.0.113.7/tcp/4001"]) == ["/ip4/203.0.113.7/tcp/4001"])
        #expect(try judge([victim]) == [])
        #expect(try judge(["/dns4/example.org/tcp/80"]) == [])
        #expect(try judge(["/ip4/203.0.113.7/udp/4001/quic-v1"]) == [])
        #expect(try judge(["/ip4/203.0.113.7/tcp/1/p2p/\(peer(3))/p2p-circuit/p2p/\(peer(4))"]) == [])
        #expect(try judge(["/ip4/203.0.113.7/tcp/4001"], as: 2) == [])
        #expect(try judge(["/ip4/203.0.113.7/tcp/4001"], isRelayed: true) == [])
    }

    @Test("requests are few for a peer, a machine and in all, in each minute")
    func rates() throws {
        var server = AutoNATServerCore()
        func ask(_ number: UInt8, ip: UInt8, at time: Int64) throws -> Bool {
            let seen = try address("/ip4/203.0.113.\(ip)/tcp/1")
            let message = AutoNATMessage.dial(peer(number), addresses: [seen])
            let verdict = server.judge(
                message, from: peer(number), seenAt: seen, isRelayed: false, now: seconds(time))
            return (try? verdict.get()) != nil
        }
        let same = try (0..<5).count { _ in try ask(1, ip: 1, at: 0) }
        #expect(same == 3)
        let machine = try (2..<30).count { try ask($0, ip: 1, at: 0) }
        #expect(machine == 9)
        let all = try (30..<90).count { try ask($0, ip: $0, at: 0) }
        #expect(all == 18)
        #expect(try ask(1, ip: 1, at: 61))
    }

    @Test("four networks have to agree; one network has one voice, and refusals say nothing")
    func verdict() {
        var client = AutoNATClientCore()
        let early = [0, 89, 90].map { client.isDue(now: seconds($0)) }
        #expect(early == [true, false, true])
        var changes: [Bool] = []
        for number in UInt8(1)...20 {
            changes.append(client.answered(.dialError, group: AddressGroup(ip: [20, 1, number, 1])))
        }
        changes.append(client.answered(.dialRefused, group: AddressGroup(ip: [21, 1, 1, 1])))
        for number in UInt8(22)...24 {
            changes.append(client.answered(.ok, group: AddressGroup(ip: [number, 1, 1, 1])))
        }
        #expect(!changes.contains(true))
        #expect(client.verdict == .unknown)
        let changed = client.answered(.ok, group: AddressGroup(ip: [25, 1, 1, 1]))
        #expect(changed)
        #expect(client.verdict == .reachable)
        let later = [200, 1_000].map { client.isDue(now: seconds($0)) }
        #expect(later == [true, false])
        for number in UInt8(1)...12 { _ = client.answered(.dialError, group: AddressGroup(ip: [40, number, 1, 1])) }
        #expect(client.verdict == .unreachable)
    }

    @Test("both dial at the same moment, whatever the round trip; the parts are those of the specification")
    func punch() throws {
        for roundTrip in [Int64(0), 1_000, 80_000, 900_000] {
            var opener = HolePunch(role: .opener, addresses: [try address("/ip4/203.0.113.7/tcp/1")])
            var answerer = HolePunch(role: .answerer, addresses: [try address("/ip4/198.51.100.1/tcp/2")])
            var time = seconds(0)
            #expect(answerer.begin(now: time) == [])
            guard case .send(let first)? = opener.begin(now: time).first else {
                Issue.record("nothing is sent")
                return
            }
            time = time.advanced(byMicroseconds: roundTrip / 2)
            guard case .send(let second)? = answerer.received(first, now: time).last else {
                Issue.record("nothing is answered")
                return
            }
            time = time.advanced(byMicroseconds: roundTrip - roundTrip / 2)
            let effects = opener.received(second, now: time)
            let target = try address("/ip4/198.51.100.1/tcp/2")
            #expect(effects == [.send(.sync), .dial([target], after: roundTrip / 2)])
            let openerDials = time.advanced(byMicroseconds: roundTrip / 2)
            time = time.advanced(byMicroseconds: roundTrip / 2)
            let other = try address("/ip4/203.0.113.7/tcp/1")
            #expect(answerer.received(.sync, now: time) == [.dial([other], after: 0)])
            #expect(time == openerDials)
            #expect(opener.dialled(true, now: time) == [.over(true)])
            #expect(answerer.dialled(true, now: time) == [.over(true)])
            #expect(opener.ended() == [])
            #expect(answerer.ended() == [])
        }
    }

    @Test("three tries, each with a CONNECT of its own, then it is given up")
    func tries() throws {
        let seen = try address("/ip4/203.0.113.7/tcp/1")
        var opener = HolePunch(role: .opener, addresses: [seen])
        var answerer = HolePunch(role: .answerer, addresses: [seen])
        var effects = opener.begin(now: seconds(0))
        for attempt in 1...3 {
            #expect(effects == [.send(.connect([seen]))])
            #expect(
                answerer.received(.connect([seen]), now: seconds(0)) == [.expect([seen]), .send(.connect([seen]))])
            #expect(opener.received(.connect([seen]), now: seconds(0)).count == 2)
            #expect(answerer.received(.sync, now: seconds(0)).count == 1)
            effects = opener.dialled(false, now: seconds(0))
            #expect(answerer.dialled(false, now: seconds(0)) == (attempt == 3 ? [.over(false)] : []))
        }
        #expect(effects == [.over(false)])
        #expect(opener.received(.sync, now: seconds(0)) == [])
    }

    @Test("private, relayed and other addresses are neither told nor dialled; nonsense ends it")
    func hostile() throws {
        let seen = try address("/ip4/203.0.113.7/tcp/1")
        let others = try ["/ip4/10.0.0.1/tcp/1", "/dns4/example.org/tcp/1", "/ip4/203.0.113.7/tcp/1/ws"]
            .map { try Multiaddr($0) }
        var opener = HolePunch(role: .opener, addresses: others + [seen])
        #expect(opener.begin(now: seconds(0)) == [.send(.connect([seen]))])
        #expect(opener.received(.connect(others), now: seconds(0)) == [.over(false)])
        var alone = HolePunch(role: .opener, addresses: others)
        #expect(alone.begin(now: seconds(0)) == [.over(false)])
        var early = HolePunch(role: .answerer, addresses: [seen])
        #expect(early.received(.sync, now: seconds(0)) == [.over(false)])
        var slow = HolePunch(role: .opener, addresses: [seen])
        _ = slow.begin(now: seconds(0))
        #expect(slow.received(.connect([seen]), now: seconds(11)) == [.over(false)])
        #expect(HolePunch.usable(others, allowsLocal: true).count == 1)
        let seed = UInt64.random(in: 0...UInt64.max)

        var random = DiscoveryRandom(seed)
        for _ in 0..<500 {
            var punch = HolePunch(role: Bool.random(using: &random) ? .opener : .answerer, addresses: [seen])
            var effects = punch.begin(now: seconds(0))
            for _ in 0..<20 {
                switch Int.random(in: 0..<5, using: &random) {
                case 0: effects += punch.received(.sync, now: seconds(0))
                case 1, 2: effects += punch.received(.connect([seen]), now: seconds(0))
                case 3: effects += punch.dialled(false, now: seconds(0))
                default: effects += Int.random(in: 0..<4, using: &random) == 0 ? punch.ended() : []
                }
            }
            #expect(effects.count { if case .dial = $0 { true } else { false } } <= HolePunch.tries)
            #expect(effects.count { if case .over = $0 { true } else { false } } <= 1)
        }
    }

    @Test("an attempt whose stream has ended is over with its last dial, on either side")
    func endedWhileDialling() throws {
        let seen = try address("/ip4/203.0.113.7/tcp/1")
        for role in [HolePunch.Role.opener, .answerer] {
            for endsFirst in [true, false] {
                var punch = HolePunch(role: role, addresses: [seen])
                _ = punch.begin(now: seconds(0))
                _ = punch.received(.connect([seen]), now: seconds(0))
                if role == .answerer { _ = punch.received(.sync, now: seconds(0)) }
                var effects: [HolePunch.Effect] = []
                if endsFirst { effects += punch.ended() }
                effects += punch.dialled(false, now: seconds(1))
                if !endsFirst { effects += punch.ended() }
                #expect(effects.last == .over(false), "\(role), \(endsFirst)")
            }
        }
    }
}
