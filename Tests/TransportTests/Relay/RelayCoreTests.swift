import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("Relays as values")
struct RelayCoreTests {
    private func peer(_ number: UInt8) -> PeerID { PeerID(publicKey: Bytes32(repeating: number)) }
    private func group(_ number: UInt8) -> AddressGroup { AddressGroup(ip: [20, 1, 1, number]) }

    @Test("messages are the reference's bytes, and are read as they were written")
    func messages() throws {
        #expect(hex(HopMessage.reserve.bytes) == "0800")
        #expect(hex(HopMessage.status(.ok, reservation: nil, limit: nil).bytes) == "08022864")
        #expect(hex(HopMessage.status(.noReservation, reservation: nil, limit: nil).bytes) == "080228cc01")
        #expect(hex(StopMessage.status(.ok).bytes) == "08012064")
        let a = try #require(PeerID(text: "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"))
        let limit = RelayLimit(seconds: 120, bytes: 131_072)
        #expect(
            hex(StopMessage.connect(a, limit: limit).bytes)
                == "080012280a26" + hex(a.bytes) + "1a06087810808008")
        #expect(hex(HopMessage.connect(a).bytes) == "080112280a26" + hex(a.bytes))
        let reservation = RelayReservation(
            expires: 1_790_000_000, addresses: [try Multiaddr("/ip4/1.2.3.4/tcp/5")], voucher: [1, 2])
        for message in [
            HopMessage.reserve, .connect(a), .status(.ok, reservation: reservation, limit: limit),
            .status(.permissionDenied, reservation: nil, limit: nil),
        ] { #expect(try HopMessage(bytes: message.bytes) == message) }
        for message in [StopMessage.connect(a, limit: nil), .connect(a, limit: limit), .status(.malformedMessage)] {
            #expect(try StopMessage(bytes: message.bytes) == message)
        }
    }

    @Test("no bytes trap a decoder")
    func fuzz() throws {
        let rounds = Fuzz("relay messages", rounds: 3_000)
        var random = DiscoveryRandom(rounds.seed)
        let reservation = RelayReservation(
            expires: 9, addresses: [try Multiaddr("/ip4/1.2.3.4/tcp/5")], voucher: [1, 2])
        let samples = [
            HopMessage.reserve.bytes, HopMessage.connect(peer(1)).bytes,
            HopMessage.status(.ok, reservation: reservation, limit: RelayLimit(seconds: 1, bytes: 2)).bytes,
            StopMessage.connect(peer(2), limit: RelayLimit(seconds: 1, bytes: 2)).bytes,
        ]
        for round in rounds {
            let bytes = round % 5 == 0 ? random.bytes(40) : random.mutated(samples[round % 4])
            if let message = try? HopMessage(bytes: bytes) {
                #expect(message.bytes.count <= 2 * HopMessage.bytesMaximum)
            }
            if let message = try? StopMessage(bytes: bytes) { #expect(!message.bytes.isEmpty) }
            _ = try? RelayVoucher(envelope: bytes)
        }
        #expect(throws: PlasmidError.self) { try HopMessage(bytes: [UInt8](repeating: 0x12, count: 5_000)) }
    }

    @Test("a voucher holds for its relay and peer, under the relay's key alone")
    func voucher() throws {
        guard let key = SecretKey(seed: secret(1)) else {
            Issue.record("no key")
            return
        }
        let relay = PeerID(publicKey: key.publicKey)
        let voucher = RelayVoucher(relay: relay, peer: peer(2), expires: 77)
        #expect(try RelayVoucher(envelope: voucher.sealed(by: key)) == voucher)
        let forged = RelayVoucher(relay: peer(3), peer: peer(2), expires: 77).sealed(by: key)
        #expect(throws: PlasmidError.self) { try RelayVoucher(envelope: forged) }
    }

    @Test("places: renewed, bounded per machine and in all, gone with the connection and the time")
    func places() throws {
        var settings = RelayServerCore.Settings()
        settings.reservations = 12
        var relay = RelayServerCore(me: peer(0), settings: settings)
        for number in UInt8(1)...20 {
            _ = relay.reserve(peer(number), isRelayed: false, group: group(1), now: seconds(0))
        }
        #expect(relay.reservationCount == 8)
        let renewed = try relay.reserve(peer(1), isRelayed: false, group: group(1), now: seconds(10)).get()
        #expect(renewed == seconds(3_610))
        for number in UInt8(21)...40 {
            _ = relay.reserve(peer(number), isRelayed: false, group: group(number), now: seconds(0))
        }
        #expect(relay.reservationCount == 12)
        relay.disconnected(peer(1))
        #expect(relay.reservationCount == 11)
        #expect(
            throws: RelayServerCore.Refusal(.permissionDenied),
            performing: {
                try relay.reserve(peer(50), isRelayed: true, group: group(50), now: seconds(0)).get()
            })
        relay.sweep(now: seconds(3_600))
        #expect(relay.reservationCount == 0)
    }

    @Test("circuits: only to those with a place, bounded per peer, never over a relay or to oneself")
    func circuits() throws {
        var settings = RelayServerCore.Settings()
        settings.circuitsPerPeer = 3
        var relay = RelayServerCore(me: peer(0), settings: settings)
        func status(_ from: UInt8, _ to: UInt8, isRelayed: Bool = false, at time: Int64 = 0) -> RelayStatus {
            switch relay.connect(peer(from), to: peer(to), isRelayed: isRelayed, now: seconds(time)) {
            case .success: .ok
            case .failure(let refusal): refusal.status
            }
        }
        #expect(status(1, 2) == .noReservation)
        _ = relay.reserve(peer(2), isRelayed: false, group: group(2), now: seconds(0))
        #expect(status(1, 2, isRelayed: true) == .permissionDenied)
        #expect(status(2, 2) == .permissionDenied && status(1, 0) == .permissionDenied)
        let number = try relay.connect(peer(1), to: peer(2), isRelayed: false, now: seconds(0)).get()
        #expect(status(1, 2) == .ok && status(3, 2) == .ok && status(4, 2) == .resourceLimitExceeded)
        relay.ended(number)
        relay.ended(number)
        #expect(status(4, 2) == .ok && relay.circuitCount == 3)
        #expect(status(5, 2, at: 3_600) == .noReservation)
    }

    @Test(
        "a place is asked for, renewed at half its time, asked for again after failures, given up with the connection")
    func client() throws {
        let relay = peer(1)
        var client = RelayClientCore(relay: relay, me: peer(2))
        let reached = try Multiaddr("/ip4/1.2.3.4/tcp/5")
        func kept(_ until: Int64) -> HopMessage {
            .status(
                .ok,
                reservation: RelayReservation(
                    expires: UInt64(1_790_000_000 + until), addresses: [reached], voucher: []), limit: nil)
        }
        #expect(client.tick(now: seconds(0)) == [.reserve])
        #expect(client.tick(now: seconds(1)) == [])
        #expect(client.failed(now: seconds(2)) == [])
        #expect(client.tick(now: seconds(6)) == [])
        #expect(client.tick(now: seconds(7)) == [.reserve])
        let way = try reached.appending(relay).appending(.circuit).appending(peer(2))
        #expect(client.answered(kept(3_607), reached: reached, now: seconds(7)) == [.reachable([way])])
        #expect(client.isKept && client.addresses == [way])
        #expect(client.tick(now: seconds(1_806)) == [] && client.tick(now: seconds(1_807)) == [.reserve])
        // A renewal that fails leaves the place as it is, until its time is over.
        #expect(client.failed(now: seconds(1_808)) == [] && client.isKept)
        #expect(client.tick(now: seconds(1_813)) == [.reserve])
        #expect(client.answered(kept(5_000), reached: reached, now: seconds(1_814)) == [])
        #expect(client.disconnected(now: seconds(1_900)) == [.reachable([])])
        #expect(!client.isKept && client.tick(now: seconds(1_905)) == [.reserve])
        // A relay that never answers.
        #expect(client.tick(now: seconds(1_935)) == [] && client.tick(now: seconds(1_944)) == [])
        #expect(client.tick(now: seconds(1_945)) == [.reserve])
    }

    @Test("a place for seconds, a false voucher and a refusal are no places; a wrong relay's addresses are not told")
    func badAnswers() throws {
        guard let key = SecretKey(seed: secret(1)) else {
            Issue.record("no key")
            return
        }
        let relay = PeerID(publicKey: key.publicKey)
        let reached = try Multiaddr("/ip4/1.2.3.4/tcp/5")
        func answered(_ expires: Int64, _ addresses: [Multiaddr], _ voucher: [UInt8]) -> [Multiaddr] {
            var client = RelayClientCore(relay: relay, me: peer(2))
            _ = client.tick(now: seconds(0))
            let reservation = RelayReservation(
                expires: UInt64(1_790_000_000 + expires), addresses: addresses, voucher: voucher)
            _ = client.answered(.status(.ok, reservation: reservation, limit: nil), reached: reached, now: seconds(0))
            return client.addresses
        }
        #expect(answered(59, [reached], []) == [])
        #expect(answered(3_600, [reached], [1, 2, 3]) == [])
        let other = RelayVoucher(relay: relay, peer: peer(3), expires: 9).sealed(by: key)
        #expect(answered(3_600, [reached], other) == [])
        let good = RelayVoucher(relay: relay, peer: peer(2), expires: 9).sealed(by: key)
        let way = try reached.appending(relay).appending(.circuit).appending(peer(2))
        #expect(answered(3_600, [], good) == [way])
        let another = try Multiaddr("/ip4/5.6.7.8/tcp/9")
        let told = try [Multiaddr("/ip4/0.0.0.0/tcp/5"), reached, another]
        let otherWay = try another.appending(relay).appending(.circuit).appending(peer(2))
        #expect(answered(3_600, told, good) == [way, otherWay])
        let elsewhere = try Multiaddr("/ip4/9.9.9.9/tcp/5").appending(peer(7))
        #expect(answered(3_600, [elsewhere, reached], good) == [way])
    }

    @Test("who has a place keeps it when all are taken")
    func renewal() {
        var settings = RelayServerCore.Settings()
        (settings.reservations, settings.reservationsPerHost) = (2, 1)
        var relay = RelayServerCore(me: peer(0), settings: settings)
        let hosts = [group(1), group(2), group(3)]
        func reserve(_ number: UInt8, _ group: AddressGroup) -> Bool {
            (try? relay.reserve(peer(number), isRelayed: false, group: group, now: seconds(0)).get()) != nil
        }
        #expect(reserve(1, hosts[0]) && reserve(2, hosts[1]) && !reserve(3, hosts[2]))
        #expect(reserve(1, hosts[0]) && reserve(2, hosts[1]) && !reserve(3, hosts[0]))
        #expect(relay.hasPlace(peer(1)) && relay.hasPlace(peer(2)) && relay.reservationCount == 2)
    }
}
