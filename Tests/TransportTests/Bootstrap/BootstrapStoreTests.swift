import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("A bootstrap server's store")
struct BootstrapStoreTests {
    private func host(_ number: Int) -> AddressGroup {
        AddressGroup(ip: [20, UInt8(number >> 16 & 0xff), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)])
    }

    private func name(_ number: UInt64) -> Bytes32 {
        Bytes32(number.bigEndianBytes + [UInt8](repeating: 0, count: 24)) ?? Bytes32()
    }

    private func put(
        _ store: inout BootstrapStore, name: Bytes32, slot: Bytes32, byte: UInt8 = 1, lifetime: UInt32 = 3_600,
        from host: AddressGroup, at time: Timestamp, _ random: inout DiscoveryRandom
    ) throws -> BootstrapAnswer {
        let record = try #require(SealedRecord(bytes: [UInt8](repeating: byte, count: 512)))
        let put = BootstrapRequest.put(name: name, slot: slot, lifetime: lifetime, record: record)
        return store.answer(put.bytes, from: host, now: time, using: &random)
    }

    private func get(
        _ store: inout BootstrapStore, name: Bytes32, count: UInt8 = 32, from host: AddressGroup, at time: Timestamp,
        _ random: inout DiscoveryRandom
    ) -> [UInt8] {
        let get = BootstrapRequest.get(name: name, count: count)
        guard case .records(let records) = store.answer(get.bytes, from: host, now: time, using: &random) else {
            return []
        }
        return records.compactMap { $0.bytes.first }.sorted()
    }

    @Test("records are found under their name until they expire, and a slot holds one")
    func keeps() throws {
        var random = DiscoveryRandom(1)
        var store = BootstrapStore()
        for byte in UInt8(1)...3 {
            let answer = try put(
                &store, name: name(1), slot: Bytes32(repeating: byte), byte: byte, lifetime: UInt32(byte) * 100,
                from: host(Int(byte)), at: seconds(0), &random)
            #expect(answer == .kept)
        }
        #expect(get(&store, name: name(1), from: host(9), at: seconds(99), &random) == [1, 2, 3])
        #expect(get(&store, name: name(1), count: 2, from: host(9), at: seconds(99), &random).count == 2)
        #expect(get(&store, name: name(2), from: host(9), at: seconds(99), &random) == [])
        #expect(get(&store, name: name(1), from: host(9), at: seconds(100), &random) == [2, 3])
        _ = try put(
            &store, name: name(1), slot: Bytes32(repeating: 2), byte: 5, from: host(2), at: seconds(100), &random)
        #expect(get(&store, name: name(1), from: host(9), at: seconds(300), &random) == [5])
        store.sweep(now: seconds(4_000))
        #expect(store.count == 0 && store.nameCount == 0 && store.bytes == 0)
    }

    @Test("bytes that are no request are refused, and cost as much as one")
    func malformed() {
        var random = DiscoveryRandom(1)
        var settings = BootstrapStore.Settings()
        settings.burst = 3
        var store = BootstrapStore(settings: settings)
        for _ in 0..<3 {
            #expect(store.answer([7], from: host(1), now: seconds(0), using: &random) == .refused(.malformed))
        }
        #expect(store.answer([7], from: host(1), now: seconds(0), using: &random) == .refused(.tooOften))
        #expect(store.answer([7], from: host(2), now: seconds(0), using: &random) == .refused(.malformed))
        #expect(store.answer([7], from: host(1), now: seconds(1), using: &random) == .refused(.malformed))
        #expect(store.answer([7], from: host(1), now: seconds(-500), using: &random) == .refused(.malformed))
        #expect(store.answer([7], from: host(1), now: seconds(-500), using: &random) == .refused(.tooOften))
    }

    @Test("one machine that floods a name leaves the others' records where they are")
    func floodOfOneName() throws {
        var random = DiscoveryRandom(2)
        var settings = BootstrapStore.Settings()
        settings.burst = 100_000
        var store = BootstrapStore(settings: settings)
        for byte in UInt8(1)...100 {
            _ = try put(
                &store, name: name(1), slot: random.bytes32(), byte: byte, from: host(Int(byte)), at: seconds(0),
                &random)
        }
        for _ in 0..<5_000 {
            _ = try put(
                &store, name: name(1), slot: random.bytes32(), byte: 255, from: host(999), at: seconds(1), &random)
        }
        #expect(store.count == settings.recordsPerName)
        // Three machines that take turns at a full name displace their own records, never those of people with one.
        for number in 0..<3_000 {
            _ = try put(
                &store, name: name(1), slot: random.bytes32(), byte: 255, from: host(1_000 + number % 3),
                at: seconds(1),
                &random)
        }
        var honest: Set<UInt8> = []
        for _ in 0..<200 { honest.formUnion(get(&store, name: name(1), from: host(5), at: seconds(2), &random)) }
        #expect(honest.subtracting([255]).count == 100)
    }

    @Test("the whole store is bounded, and the greedy lose first")
    func floodOfAll() throws {
        var random = DiscoveryRandom(3)
        var settings = BootstrapStore.Settings()
        settings.burst = 1_000_000
        settings.bytes = 1_000 * 512
        var store = BootstrapStore(settings: settings)
        for number in 0..<200 {
            _ = try put(
                &store, name: name(UInt64(number)), slot: random.bytes32(), from: host(number), at: seconds(0), &random)
        }
        for number in 0..<20_000 {
            _ = try put(
                &store, name: random.bytes32(), slot: random.bytes32(), from: host(10_000 + number % 4), at: seconds(0),
                &random)
            #expect(store.bytes <= settings.bytes)
        }
        let left = (0..<200).count { number in
            !get(&store, name: name(UInt64(number)), from: host(number), at: seconds(1), &random).isEmpty
        }
        #expect(left == 200)
        #expect(store.count <= 1_000)
    }

    @Test("a machine's own share of the store is bounded")
    func perHost() throws {
        var random = DiscoveryRandom(4)
        var settings = BootstrapStore.Settings()
        settings.burst = 1_000_000
        var store = BootstrapStore(settings: settings)
        var kept = 0
        for _ in 0..<3_000 {
            let answer = try put(
                &store, name: random.bytes32(), slot: random.bytes32(), from: host(1), at: seconds(0), &random)
            if answer == .kept { kept += 1 }
        }
        #expect(kept == settings.recordsPerHost)
        for second in Int64(0)..<5 { store.sweep(now: seconds(3_601 + second)) }
        #expect(store.count == 0)
    }

    @Test("counts of machines are bounded, and forgotten when they are full again")
    func budgets() {
        var budgets = RequestBudgets(burst: 2, perSecond: 1, hosts: 10)
        var allowed = 0
        for number in 0..<1_000 where budgets.spend(host(number).host, now: seconds(0)) { allowed += 1 }
        #expect(allowed == 12)
        #expect(budgets.count == 10)
        budgets.sweep(now: seconds(61))
        #expect(budgets.count == 0)
    }

    @Test("any order of requests keeps the counts true")
    func model() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = DiscoveryRandom(seed)
        var settings = BootstrapStore.Settings()
        settings.burst = 1_000_000
        settings.bytes = 60 * 512
        settings.recordsPerName = 12
        settings.recordsPerNameAndHost = 5
        settings.recordsPerHost = 20
        var store = BootstrapStore(settings: settings)
        var time: Int64 = 0
        for _ in 0..<5_000 {
            time += Int64.random(in: 0...20, using: &random)
            let name = name(UInt64.random(in: 0..<8, using: &random))
            let slot = Bytes32(repeating: UInt8.random(in: 0..<20, using: &random))
            let host = host(Int.random(in: 0..<6, using: &random))
            let lifetime = UInt32.random(in: 1...3_600, using: &random)
            _ = try put(&store, name: name, slot: slot, lifetime: lifetime, from: host, at: seconds(time), &random)
            if Int.random(in: 0..<10, using: &random) == 0 { store.sweep(now: seconds(time), budget: 7) }
            #expect(store.bytes == store.count * 512 && store.bytes <= settings.bytes)
            #expect(store.nameCount <= 8)
        }
        for _ in 0..<60 { store.sweep(now: seconds(time + 4_000)) }
        #expect(store.count == 0 && store.nameCount == 0 && store.bytes == 0)
    }
}

@Suite("A space that seeks its peers at bootstrap servers")
struct BootstrapSeekerTests {
    private func seeker(_ owner: UInt8) -> BootstrapSeeker {
        BootstrapSeeker(rendezvous: Rendezvous(spaceKey: Bytes32(repeating: 1)), slotSecret: secret(owner))
    }

    @Test("two members find each other across clocks that differ by an hour; the server sees no word of it")
    func meets() {
        var random = DiscoveryRandom(5)
        var store = BootstrapStore()
        let server = AddressGroup(ip: [1, 2, 3, 4])
        let record = Array("here I am".utf8)
        for (owner, offset) in [(UInt8(1), Int64(-3_600)), (2, 0), (3, 3_600)] {
            let seeker = seeker(owner)
            var found: [[UInt8]] = []
            let requests = seeker.requests(record: record + [owner], now: seconds(offset), using: &random)
            for (epoch, request) in requests {
                #expect(!contains(request.bytes, record))
                let answer = store.answer(request.bytes, from: server, now: seconds(0), using: &random)
                found += seeker.records(in: answer, epoch: epoch)
            }
            #expect(found.contains(record + [owner]))
            if owner > 1 { #expect(found.contains(record + [owner - 1])) }
        }
        let stranger = BootstrapSeeker(rendezvous: Rendezvous(spaceKey: Bytes32(repeating: 2)), slotSecret: secret(9))
        for (epoch, request) in stranger.requests(record: nil, now: seconds(0), using: &random) {
            let answer = store.answer(request.bytes, from: server, now: seconds(0), using: &random)
            #expect(stranger.records(in: answer, epoch: epoch).isEmpty)
        }
    }

    @Test("a server that answers with garbage tells nothing")
    func garbage() throws {
        var random = DiscoveryRandom(6)
        let lies = try (0..<32).map { _ in try #require(SealedRecord(bytes: random.bytes(512))) }
        #expect(seeker(1).records(in: .records(lies), epoch: 3).isEmpty)
        #expect(seeker(1).records(in: .refused(.full), epoch: 3).isEmpty)
    }

    @Test("rounds are soon at first, then seldom, and follow a new epoch")
    func rounds() {
        var random = DiscoveryRandom(7)
        var seeker = seeker(1)
        let start = Timestamp(microseconds: 1_000 * 3_600_000_000)
        var waits: [Int64] = []
        for _ in 0..<8 {
            waits.append(seeker.nextRound(known: 0, now: start, using: &random).microseconds - start.microseconds)
        }
        #expect(waits[0] <= 5_000_000 && waits[7] >= 225_000_000 && waits[7] <= 300_000_000)
        let relaxed = seeker.nextRound(known: 3, now: start, using: &random).microseconds - start.microseconds
        #expect((1_350_000_000...1_800_000_000).contains(relaxed))
        let late = start.advanced(byMicroseconds: 3_590_000_000)
        let next = seeker.nextRound(known: 3, now: late, using: &random)
        #expect(Rendezvous.epoch(at: next) == Rendezvous.epoch(at: late) + 1)
        #expect(next.microseconds - late.microseconds <= 70_000_000)
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }
}
