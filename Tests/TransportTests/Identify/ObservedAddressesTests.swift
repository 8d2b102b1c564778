import Integrity
import Sodium
import Testing

@testable import Transport

@Suite("What others see of this host")
struct ObservedAddressesTests {
    private func peer(_ number: UInt8) -> PeerID { PeerID(publicKey: Bytes32(repeating: number)) }

    private let mine = "/ip4/203.0.114.7/tcp/4001"

    private func note(
        _ book: inout ObservedAddresses, _ number: UInt8, from remote: String, _ observed: String? = nil,
        listeningPort: UInt16? = nil
    ) throws {
        try book.note(
            Multiaddr(observed ?? mine), by: peer(number), at: Multiaddr(remote), listeningPort: listeningPort)
    }

    @Test("four in different networks are believed, three are not")
    func four() throws {
        var book = ObservedAddresses()
        for number in UInt8(1)...3 { try note(&book, number, from: "/ip4/8.\(number).0.1/tcp/9") }
        #expect(book.believed.isEmpty)
        try note(&book, 4, from: "/ip6/2a00:1450::1/tcp/9")
        #expect(book.believed.map(\.description) == [mine])
        book.forget(peer(2))
        #expect(book.believed.isEmpty)
    }

    @Test("neighbours count once, and so does one peer")
    func neighbours() throws {
        var book = ObservedAddresses()
        for number in UInt8(1)...50 { try note(&book, number, from: "/ip4/8.8.\(number).1/tcp/9") }
        for number in UInt8(1)...50 { try note(&book, 60, from: "/ip4/9.\(number).1.1/tcp/9") }
        #expect(book.believed.isEmpty)
    }

    @Test("private observers, relays, and addresses that are no place to dial are not heard")
    func notHeard() throws {
        let cases = [
            ("/ip4/192.168.0.1/tcp/1", mine), ("/ip4/127.0.0.1/tcp/1", mine), ("/dns/a.b/tcp/1", mine),
            ("/ip4/8.8.8.8/tcp/1/p2p/\(PeerIDTests.a)/p2p-circuit", mine),
            ("/ip4/8.8.8.8/tcp/1", "/ip4/10.0.0.1/tcp/4001"),
            ("/ip4/8.8.8.8/tcp/1", "/dns/victim.example/tcp/80"),
            ("/ip4/8.8.8.8/tcp/1", "/ip4/203.0.114.7/udp/4001/quic-v1"),
        ]
        for (remote, observed) in cases {
            var book = ObservedAddresses()
            for number in UInt8(1)...8 {
                let from = remote.replacing("/8.8.", with: "/\(number).8.")
                try note(&book, number, from: from, observed)
            }
            #expect(book.believed.isEmpty, "\(remote) \(observed)")
        }
    }

    @Test("on connections of ours the port is that on which we listen")
    func ports() throws {
        var book = ObservedAddresses()
        for number in UInt8(1)...4 {
            let observed = "/ip4/203.0.114.7/tcp/\(50_000 + Int(number))/p2p/\(PeerIDTests.a)"
            try note(&book, number, from: "/ip4/8.\(number).0.1/tcp/9", observed, listeningPort: 4001)
        }
        #expect(book.believed.map(\.description) == [mine])
    }

    @Test("memory is bounded")
    func bounded() throws {
        var book = ObservedAddresses()
        for number in 0..<400 {
            var bytes = Bytes32()
            bytes.withUnsafeMutableBytes { $0.storeBytes(of: UInt32(number), as: UInt32.self) }
            let address = try Multiaddr("/ip4/5.\(number % 256).0.1/tcp/9")
            book.note(try Multiaddr(mine), by: PeerID(publicKey: bytes), at: address, listeningPort: nil)
        }
        #expect(Mirror(reflecting: book).children.first.map { Mirror(reflecting: $0.value).children.count } == 256)
    }
}
