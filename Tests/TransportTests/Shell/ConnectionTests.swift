import Integrity
import NIOCore
import Testing

@testable import Transport

/// Both ends of one connection between two hosts of a test.
struct BothEnds: Sendable {
    let client: PeerConnection
    let server: PeerConnection

    static func make(
        _ hosts: TestHosts, _ settings: TransportSettings = TransportSettings(), seeds: (UInt8, UInt8) = (1, 2)
    ) async throws -> BothEnds {
        let both = try await hosts.wait { hosts in
            let server = hosts.host(seeds.1, settings)
            let client = hosts.host(seeds.0, settings)
            serveEcho(server.defaultIdentity)
            let inbound = hosts.loop.makePromise(of: PeerConnection.self)
            server.defaultIdentity.onConnection = { inbound.succeed($0) }
            return try server.listen(on: Multiaddr(HostTests.loopback)).flatMap { bound in
                client.dial(bound[0], as: client.defaultIdentity)
            }.and(inbound.futureResult)
        }
        return BothEnds(client: both.0, server: both.1)
    }
}

@Suite("connections and their streams")
struct ConnectionTests {
    @Test("a slow reader slows the writer, costs no more than its window, and loses nothing")
    func slowReader() async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let size = 8 << 20
            // The server writes as long as it may; the client reads nothing.
            let (stream, stuck) = try await hosts.wait { hosts in
                let stuck = hosts.loop.makePromise(of: Int.self)
                ends.server.identity.handle("/flood/1") { stream in
                    var written = 0
                    func write() {
                        while stream.isWritable, written < size {
                            let count = min(60_000, size - written)
                            stream.write(ByteBuffer(repeating: UInt8(truncatingIfNeeded: written >> 12), count: count))
                            written += count
                        }
                        if written == size { stream.finish() } else { stuck.succeed(written) }
                    }
                    stream.onWritable = { write() }
                    write()
                }
                let stream = try ends.client.open("/flood/1")
                stream.pauseReading()
                stream.onBytes = { _ in }
                return stuck.futureResult.map { (stream, $0) }
            }
            // Windows, the queue of the stream, the sockets: far from all of it.
            #expect(stuck < size / 2)
            let first = try await hosts.wait { _ in ends.client.ping() }
            #expect(first > .zero)
            let held = try await hosts.run { _ in
                (ends.client.session.bufferedTotal, ends.server.session.streams.values.map(\.queued).max())
            }
            #expect(held.0 <= 1 << 20)
            #expect((held.1 ?? 0) <= 262_144 + 60_000)
            let all = try await hosts.wait { _ in
                let all = stream.collected()
                stream.resumeReading()
                return all
            }
            #expect(all.readableBytes == size)
            let rest = try await hosts.run { _ in ends.client.session.bufferedTotal }
            #expect(rest == 0)
        }
    }

    @Test("a stream whose opener stalls in the negotiation is reset, on both sides", arguments: [0, 1])
    func stalledStream(kind: Int) async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            settings.negotiationTime = .milliseconds(100)
            let ends = try await BothEnds.make(hosts, settings)
            let end = try await hosts.wait { hosts in
                let connection = kind == 0 ? ends.client : ends.server
                let opened = connection.session.open()
                let id = try #require(opened)
                let stream = PeerStream(id: id, connection: connection, proposing: "/plasmid/echo/1.0.0")
                connection.streams[id] = stream
                let promise = hosts.loop.makePromise(of: StreamEnd.self)
                stream.onEnd = { promise.succeed($0) }
                stream.write(ByteBuffer(bytes: Multistream.message(Multistream.header).dropLast(kind * 3)))
                connection.scheduleFlush()
                return promise.futureResult
            }
            guard case .reset = end else { Issue.record("it ended as \(end)"); return }
            let left = try await hosts.run { _ in ends.client.streams.count + ends.server.streams.count }
            #expect(left == 0)
        }
    }

    @Test("a peer may have so many streams of a protocol, and no more")
    func protocolQuota() async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let alive = try await hosts.wait { hosts in
                let streams = try (0..<12).map { _ in try ends.client.open("/plasmid/echo/1.0.0") }
                let refused = hosts.loop.makePromise(of: Int.self)
                var resets = 0
                for stream in streams {
                    stream.onEnd = { _ in
                        resets += 1
                        if resets == 4 { refused.succeed(streams.filter(\.isAlive).count) }
                    }
                }
                return refused.futureResult
            }
            #expect(alive == 8)
            // The ones that end make room again.
            let got = try await hosts.wait { hosts in
                for stream in ends.client.streams.values { stream.reset() }
                return try EchoRound.run(ends.client, ByteBuffer(string: "room"))
            }
            #expect(String(buffer: got) == "room")
        }
    }

    /// The connection that the server of `ends` makes to the client's host.
    private func dialBack(_ hosts: TestHosts, _ ends: BothEnds) async throws -> PeerConnection {
        try await hosts.wait { hosts in
            let there = try #require(ends.client.host)
            return try there.listen(on: Multiaddr(HostTests.loopback)).flatMap { bound in
                ends.server.host?.dial(bound[0], as: ends.server.identity)
                    ?? hosts.loop.makeFailedFuture(ChannelError.eof)
            }
        }
    }

    @Test("a third connection with a peer is refused")
    func third() async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            settings.duplicateTime = .seconds(600)
            let ends = try await BothEnds.make(hosts, settings)
            _ = try await dialBack(hosts, ends)
            let third = await #expect(throws: PlasmidError.self) {
                _ = try await hosts.wait { hosts in
                    let host = try #require(ends.client.host)
                    return host.dial(ends.client.remoteAddress, as: ends.client.identity).flatMap { $0.identify() }
                }
            }
            #expect(third?.code == .peerUnreachable || third?.code == .connectionLost)
        }
    }

    @Test(
        "of two connections that both sides dialled, the one whose dialer has the smaller id stays",
        arguments: [true, false])
    func duplicates(isFirstSmaller: Bool) async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            settings.duplicateTime = .milliseconds(50)
            // However slow the machine is, these two count as dialled at once.
            settings.duplicateAge = .hours(1)
            let first = TestHosts.identity(1).peerID < TestHosts.identity(2).peerID
            let ends = try await BothEnds.make(hosts, settings, seeds: first == isFirstSmaller ? (1, 2) : (2, 1))
            let back = try await dialBack(hosts, ends)
            let (loser, winner) = isFirstSmaller ? (back, ends.client) : (ends.client, back)
            let isWinnerOpen = try await hosts.wait { hosts in
                let gone = hosts.loop.makePromise(of: Bool.self)
                if loser.isOpen {
                    loser.onClose.append { _ in gone.succeed(winner.isOpen) }
                } else {
                    gone.succeed(winner.isOpen)
                }
                return gone.futureResult
            }
            #expect(isWinnerOpen)
        }
    }

    @Test(
        "of two connections of which one began later, the later one stays: its dialer has lost the other",
        arguments: [true, false])
    func laterDuplicate(isFirstSmaller: Bool) async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            settings.duplicateTime = .milliseconds(50)
            settings.duplicateAge = .nanoseconds(0)
            let first = TestHosts.identity(1).peerID < TestHosts.identity(2).peerID
            let ends = try await BothEnds.make(hosts, settings, seeds: first == isFirstSmaller ? (1, 2) : (2, 1))
            let back = try await dialBack(hosts, ends)
            let isBackOpen = try await hosts.wait { hosts in
                let gone = hosts.loop.makePromise(of: Bool.self)
                if ends.client.isOpen {
                    ends.client.onClose.append { _ in gone.succeed(back.isOpen) }
                } else {
                    gone.succeed(back.isOpen)
                }
                return gone.futureResult
            }
            #expect(isBackOpen)
        }
    }

    @Test("where the connection that should have stayed is gone, the other one stays", arguments: [true, false])
    func lostDuplicate(isFirstSmaller: Bool) async throws {
        try await TestHosts.with { hosts in
            var settings = TransportSettings()
            settings.duplicateTime = .seconds(4)
            settings.duplicateAge = .hours(1)
            let first = TestHosts.identity(1).peerID < TestHosts.identity(2).peerID
            let ends = try await BothEnds.make(hosts, settings, seeds: first == isFirstSmaller ? (1, 2) : (2, 1))
            let back = try await dialBack(hosts, ends)
            let (loser, winner) = isFirstSmaller ? (back, ends.client) : (ends.client, back)
            let isLoserOpen = try await hosts.wait { hosts in
                winner.close(atOnce: true)
                // Later than the time after which it would have been closed, on the same loop.
                return hosts.loop.assumeIsolated().scheduleTask(in: .milliseconds(4_500)) { loser.isOpen }.futureResult
            }
            #expect(isLoserOpen)
        }
    }

    @Test("a farewell lets live streams finish and takes no new ones; then both ends are gone")
    func farewell() async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let got = try await hosts.wait { hosts in
                let stream = try ends.client.open("/plasmid/echo/1.0.0")
                stream.write(ByteBuffer(string: "last words"))
                let collected = stream.collected()
                ends.client.close()
                #expect(!ends.client.isOpen)
                #expect(throws: PlasmidError.self) { _ = try ends.client.open("/plasmid/echo/1.0.0") }
                stream.finish()
                let gone = hosts.loop.makePromise(of: Void.self)
                ends.server.onClose.append { _ in gone.succeed() }
                return collected.and(gone.futureResult).map(\.0)
            }
            #expect(String(buffer: got) == "last words")
            let left = try await hosts.run { _ in
                (ends.client.host?.ledger.count, ends.client.identity.peers.count, ends.server.identity.peers.count)
            }
            #expect(left == (0, 0, 0))
        }
    }

    @Test("streams of a connection that breaks are told, and so is its owner, once")
    func breaks() async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let told = try await hosts.wait { hosts in
                let stream = try ends.client.open("/plasmid/echo/1.0.0")
                let promise = hosts.loop.makePromise(of: [String].self)
                var told: [String] = []
                stream.onEnd = { end in if case .reset = end { told.append("stream") } }
                ends.client.onClose.append { _ in
                    told.append("connection")
                    hosts.loop.assumeIsolated().execute { promise.succeed(told) }
                }
                ends.server.wire.close(atOnce: true)
                return promise.futureResult
            }
            #expect(told == ["stream", "connection"])
        }
    }

    @Test(
        "frames of the peer that break the muxer's rules, and sealed bytes that were altered, end the connection",
        arguments: [0, 1])
    func broken(kind: Int) async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let error = try await hosts.wait { hosts in
                let promise = hosts.loop.makePromise(of: PlasmidError?.self)
                ends.server.onClose.append { promise.succeed($0) }
                var out = ByteBuffer()
                var frame = ByteBuffer()
                YamuxHeader(9).write(to: &frame)
                try ends.client.noise.seal(frame, into: &out)
                if kind == 1 { out.setInteger(UInt8(1), at: out.readableBytes - 1) }
                ends.client.wire.send(out)
                return promise.futureResult
            }
            #expect(error?.code == .protocolBroken)
        }
    }

    @Test("what changes is pushed to connected peers, and pushes in quick succession are not read")
    func pushes() async throws {
        try await TestHosts.with { hosts in
            let ends = try await BothEnds.make(hosts)
            let info = try await hosts.wait { hosts in
                let promise = hosts.loop.makePromise(of: PeerInfo.self)
                ends.client.onInfo.append { promise.succeed($0) }
                ends.server.identity.handle("/new/1") { $0.reset() }
                ends.server.identity.announced = [try Multiaddr("/ip4/203.0.113.7/tcp/4001")]
                return promise.futureResult
            }
            #expect(info.protocols.contains("/new/1"))
            #expect(info.addresses.map(\.description) == ["/ip4/203.0.113.7/tcp/4001"])
            let second = try await hosts.wait { hosts in
                let stream = try ends.server.open(IdentifyMessage.pushProtocolID)
                let promise = hosts.loop.makePromise(of: StreamEnd.self)
                stream.onEnd = { promise.succeed($0) }
                stream.write(ByteBuffer(bytes: [3, 0x2a, 1, 65]))
                return promise.futureResult
            }
            guard case .reset = second else { Issue.record("it ended as \(second)"); return }
        }
    }

    @Test("an identity that is taken away answers nobody, and its connections end")
    func removal() async throws {
        try await TestHosts.with { hosts in
            let peer = try await hosts.wait { hosts in
                let server = hosts.host(2)
                let space = TestHosts.identity(3)
                space.accepts = { _, _ in true }
                server.add(space)
                let client = hosts.host(1)
                return try server.listen(on: Multiaddr(HostTests.loopback)).flatMap { bound in
                    client.dial(bound[0], as: client.defaultIdentity, hint: { Array($0.prefix(16)) }).flatMap { first in
                        let gone = hosts.loop.makePromise(of: Void.self)
                        first.onClose.append { _ in gone.succeed() }
                        server.remove(space.peerID)
                        return gone.futureResult
                    }.flatMap {
                        client.dial(bound[0], as: client.defaultIdentity, hint: { Array($0.prefix(16)) }).map(\.peer)
                    }
                }
            }
            #expect(peer == TestHosts.identity(2).peerID)
        }
    }

    @Test("a connection over a stream of another: through it, and no further than it")
    func overRelay() async throws {
        try await TestHosts.with { hosts in
            // Host 2 is the relay's end here: what comes on the stream is a connection of its own to identity 2.
            let ends = try await BothEnds.make(hosts)
            let sent = EchoRound.message(300_000)
            let got = try await hosts.wait { hosts in
                let address = try Multiaddr("/ip4/127.0.0.1/tcp/1/p2p/\(ends.server.identity.peerID)/p2p-circuit")
                ends.server.identity.handle("/pipe/1") { stream in
                    _ = ends.server.host?.adopt(stream, rest: ByteBuffer(), address: address, as: .listener(only: nil))
                }
                let third = TestHosts.identity(7)
                let pipe = try ends.client.open("/pipe/1")
                let host = try #require(ends.client.host)
                return host.adopt(
                    pipe, rest: ByteBuffer(), address: address,
                    as: .dialer(identity: third, expecting: ends.server.identity.peerID, hint: nil)
                ).flatMap { inner in
                    #expect(inner.isRelayed)
                    do { return try EchoRound.run(inner, sent) } catch { return hosts.loop.makeFailedFuture(error) }
                }
            }
            #expect(got == sent)
        }
    }
}
