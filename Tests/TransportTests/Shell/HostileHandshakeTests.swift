import Integrity
import NIOCore
import NIOPosix
import Sodium
import Testing

@testable import Transport

@Suite("peers that break off, stall or lie before they are connected")
struct HostileHandshakeTests {
    /// A host that gives up soon, and where it listens.
    private func listen(
        _ hosts: TestHosts, _ address: String = HostTests.loopback, time: TimeAmount = .milliseconds(150),
        _ change: @escaping @Sendable (inout TransportSettings) -> Void = { _ in }
    ) async throws -> (host: TransportHost, address: Multiaddr) {
        var settings = TransportSettings()
        settings.upgradeTime = time
        settings.negotiationTime = time
        change(&settings)
        let all = settings
        return try await hosts.wait { hosts in
            let host = hosts.host(2, all)
            serveEcho(host.defaultIdentity)
            return try host.listen(on: Multiaddr(address)).map { (host, $0[0]) }
        }
    }

    /// A proper peer is still served, and every place is free again but its own.
    private func isWell(_ hosts: TestHosts, _ host: TransportHost, _ address: Multiaddr) async throws {
        let sent = ByteBuffer(string: "still there?")
        let got = try await hosts.wait { hosts in
            // Who is honest may be slow: the machine may be.
            host.settings.upgradeTime = .seconds(600)
            let client = hosts.host(9)
            return client.dial(address, as: client.defaultIdentity).flatMap { connection in
                do { return try EchoRound.run(connection, sent) } catch { return hosts.loop.makeFailedFuture(error) }
            }
        }
        #expect(got == sent)
        let count = try await hosts.run { _ in host.ledger.count }
        #expect(count == 1)
    }

    /// Says `steps` in turn, each after what the listener has to answer before, then nothing.
    private func say(_ hosts: TestHosts, _ address: Multiaddr, upTo step: Int, of handshake: NoiseHandshake)
        async throws
        -> RawPeer
    {
        let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
        guard step > 0 else { return peer }
        let message1 = try handshake.writeMessage1()
        let sent: [UInt8] =
            switch step {
            case 1: Array(Script.opening.prefix(20))
            case 2: Script.opening
            case 3: Script.opening + message1.prefix(9)
            default: Script.opening + message1
            }
        peer.send(sent)
        guard step > 4 else { return peer }
        let answer = try await hosts.wait { _ in peer.bytes(Script.answerBytes) }
        _ = try handshake.readMessage2(try Script.message2(answer), expecting: nil)
        let message3 = try handshake.writeMessage3(identity: try key(seed: [UInt8](repeating: 5, count: 32)))
        peer.send(step == 5 ? Array(message3.dropLast()) : message3)
        return peer
    }

    @Test("a dialer that stalls is dropped when its time is over, at whichever step", arguments: 0...5)
    func stalls(step: Int) async throws {
        try await TestHosts.with { hosts in
            // The later it stalls, the more time it needs to get there.
            let (host, address) = try await listen(hosts, time: .milliseconds(step < 5 ? 150 : 1_500))
            let peer = try await say(hosts, address, upTo: step, of: Script.handshake())
            try await hosts.wait { _ in peer.closed }
            try await isWell(hosts, host, address)
        }
    }

    @Test("one that never names a muxer is dropped too")
    func stallsBeforeMuxer() async throws {
        try await TestHosts.with { hosts in
            let (host, address) = try await listen(hosts, time: .milliseconds(1_500)) { $0.offersEarlyMuxer = false }
            let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            let handshake = Script.handshake(muxers: [])
            peer.send(Script.opening + (try handshake.writeMessage1()))
            let answer = try await hosts.wait { _ in peer.bytes(Script.answerBytes - 16) }
            _ = try handshake.readMessage2(try Script.message2(answer), expecting: nil)
            peer.send(try handshake.writeMessage3(identity: try key(seed: [UInt8](repeating: 5, count: 32))))
            try await hosts.wait { _ in peer.closed }
            try await isWell(hosts, host, address)
        }
    }

    @Test("a socket that never asks for the WebSocket is dropped; any other request is told", arguments: [0, 1, 2])
    func stallsBeforeWebSocket(step: Int) async throws {
        try await TestHosts.with { hosts in
            let time = TimeAmount.milliseconds(step == 2 ? 600_000 : 150)
            let (host, address) = try await listen(hosts, HostTests.loopback + "/ws", time: time)
            let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            if step == 1 { peer.send(Array("GET / HTTP/1.1\r\nhost: x\r\n".utf8)) }
            if step == 2 { peer.send(Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8)) }
            try await hosts.wait { _ in peer.closed }
            let said = try await hosts.run { _ in String(buffer: peer.received) }
            #expect(said.hasPrefix(step == 2 ? "HTTP/1.1 426" : ""))
            #expect(said.isEmpty == (step != 2))
            try await isWell(hosts, host, address)
        }
    }

    @Test(
        "web pages of foreign origins get no WebSocket, listed ones do",
        arguments: ["https://evil.example", "http://good"])
    func origins(origin: String) async throws {
        try await TestHosts.with { hosts in
            let (_, address) = try await listen(hosts, HostTests.loopback + "/ws", time: .seconds(5)) {
                $0.origins = ["http://good"]
            }
            let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            let lines = [
                "GET / HTTP/1.1", "host: x", "origin: \(origin)", "connection: upgrade", "upgrade: websocket",
                "sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
            ]
            peer.send(Array(lines.joined(separator: "\r\n").utf8))
            if origin == "http://good" {
                let answer = try await hosts.wait { _ in peer.bytes(12) }
                #expect(String(buffer: answer).hasPrefix("HTTP/1.1 101"))
            } else {
                try await hosts.wait { _ in peer.closed }
                let said = try await hosts.run { _ in String(buffer: peer.received) }
                #expect(!said.hasPrefix("HTTP/1.1 101"))
            }
        }
    }

    @Test("a listener that stalls or lies fails the dial", arguments: [0, 1, 2])
    func badListener(kind: Int) async throws {
        try await TestHosts.with { hosts in
            let said = [[], [UInt8](repeating: 120, count: 200), MultistreamDialer(["/tls/1.0.0"]).start()][kind]
            let error = await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { hosts in
                    try RawListener.listen(on: hosts.loop, saying: said).flatMap { address in
                        var settings = TransportSettings()
                        settings.upgradeTime = .milliseconds(150)
                        let host = hosts.host(1, settings)
                        return host.dial(address, as: host.defaultIdentity)
                    }
                }
            }
            #expect(error?.code == (kind == 0 ? .timeout : .protocolBroken))
        }
    }

    @Test("handshakes cut, altered or mixed with noise, from seeds, never get in", arguments: 0..<30)
    func garbage(round: Int) async throws {
        let seed = UInt64(round) &* 7_927 &+ 3
        try await TestHosts.with { hosts in
            let (host, address) = try await listen(hosts)
            let met = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: hosts.loop)
            try await hosts.run { _ in host.defaultIdentity.onConnection = { _ in met.value += 1 } }
            let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            var random = SeededRandom(seed: seed)
            let honest = Script.opening + (try Script.handshake().writeMessage1())
            peer.send(round % 3 == 0 ? random.bytes(honest.count) : random.mutated(honest))
            peer.send(random.bytes(Int.random(in: 1...5_000, using: &random)))
            try await hosts.wait { _ in peer.closed }
            let count = try await hosts.run { _ in met.value }
            #expect(count == 0, "seed \(seed)")
            try await isWell(hosts, host, address)
        }
    }

    @Test("a handshake message beyond 4,096 bytes ends it before the message has come")
    func oversized() async throws {
        try await TestHosts.with { hosts in
            let (host, address) = try await listen(hosts, time: .seconds(600))
            let peer = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            peer.send(Script.opening + [0x10, 0x01])
            try await hosts.wait { _ in peer.closed }
            try await isWell(hosts, host, address)
        }
    }

    @Test("a recorded handshake, said again, gets nobody in")
    func replay() async throws {
        try await TestHosts.with { hosts in
            let (host, address) = try await listen(hosts, time: .seconds(600))
            let met = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: hosts.loop)
            try await hosts.run { _ in host.defaultIdentity.onConnection = { _ in met.value += 1 } }
            let handshake = Script.handshake()
            let first = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            let message1 = try handshake.writeMessage1()
            first.send(Script.opening + message1)
            let answer = try await hosts.wait { _ in first.bytes(Script.answerBytes) }
            _ = try handshake.readMessage2(try Script.message2(answer), expecting: nil)
            let message3 = try handshake.writeMessage3(identity: try key(seed: [UInt8](repeating: 5, count: 32)))
            first.send(message3)
            // The muxer's first words show that it got in.
            _ = try await hosts.wait { hosts in
                first.end()
                return first.closed
            }
            let again = try await hosts.wait { RawPeer.connect(address, on: $0.loop) }
            again.send(Script.opening + message1 + message3)
            try await hosts.wait { _ in again.closed }
            let count = try await hosts.run { _ in met.value }
            #expect(count == 1)
            try await isWell(hosts, host, address)
        }
    }

    @Test("of 1,000 connections from one address eight get a place, and of all, no more than may be under way")
    func flood() async throws {
        try await TestHosts.with { hosts in
            let (host, address) = try await listen(hosts, time: .seconds(600)) { $0.countsLoopback = true }
            let (free, freeAddress) = try await listen(hosts, time: .seconds(600))
            for (host, address, most) in [(host, address, 8), (free, freeAddress, 32)] {
                let turned = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: hosts.loop)
                let done = hosts.loop.makePromise(of: Void.self)
                // In waves, so that the queue of the listening socket is never full.
                for _ in 0..<10 {
                    _ = try await hosts.wait { hosts in
                        let wave = (0..<100).map { _ in RawPeer.connect(address, on: hosts.loop) }
                        return EventLoopFuture.whenAllSucceed(wave, on: hosts.loop).map { peers in
                            for peer in peers {
                                peer.closed.assumeIsolated().whenComplete { _ in
                                    turned.value += 1
                                    if turned.value == 1_000 - most { done.succeed() }
                                }
                            }
                        }
                    }
                }
                try await done.futureResult.get()
                let counts = try await hosts.run { _ in [turned.value, host.ledger.count] }
                #expect(counts == [1_000 - most, most])
            }
        }
    }
}

/// A port that says the same to everybody.
enum RawListener {
    static func listen(on loop: any EventLoop, saying bytes: [UInt8]) throws -> EventLoopFuture<Multiaddr> {
        let way = try SocketWay(try Multiaddr(HostTests.loopback))
        return ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                if !bytes.isEmpty { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: way.host, port: 0)
            .flatMapThrowing { try way.multiaddr($0.localAddress) }
    }
}
