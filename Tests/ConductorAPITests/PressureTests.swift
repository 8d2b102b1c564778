import NIOCore
import NIOEmbedded
import Testing

@testable import ConductorAPI

@Suite("Back-pressure")
struct PressureTests {
    @Test("no more requests than the bound are under way; the rest wait unread and are then answered")
    func requestBound() throws {
        let socket = try EmbeddedSocket { $0.requestsUnderWay = 4 }
        defer { socket.end() }
        try socket.feed((0..<10).flatMap { textFrame(callOf("late", id: "\($0)")) })
        #expect(socket.conductor.late.count == 4)
        #expect(try socket.frames().isEmpty)
        for round in 0..<10 {
            socket.conductor.late[round](.success(.ok([0x01])))
            socket.channel.embeddedEventLoop.run()
            #expect(socket.conductor.late.count == min(10, 5 + round))
            let frames = try socket.frames()
            #expect(frames.count == 1 && frames[0].text.hasSuffix("\"id\":\(round)}"))
        }
        #expect(try socket.ask(callOf("echo")).count == 1)
    }

    @Test("a socket at its bound is not read from, and is read again afterwards")
    func reading() throws {
        let socket = try EmbeddedSocket { $0.requestsUnderWay = 1 }
        defer { socket.end() }
        let reads = ReadCounter()
        try socket.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try socket.feed(textFrame(callOf("late", id: "1")) + textFrame(callOf("echo", id: "2")))
        let before = reads.count
        socket.channel.read()
        #expect(reads.count == before)
        socket.conductor.late[0](.success(.ok([0x01])))
        socket.channel.embeddedEventLoop.run()
        #expect(reads.count == before + 1)
        #expect(try socket.frames().count == 2)
        socket.channel.read()
        #expect(reads.count == before + 2)
    }

    @Test("a client that asks and does not listen holds bounded memory, and gets every answer in the end")
    func deafClient() async throws {
        try await TestService.run { service in
            let socket = try await Wire.socket(
                service.ports.app, token: "app-token", on: service.group, receiveBuffer: 65_536)
            try await socket.setReading(false)
            let args = "\"" + String(repeating: "x", count: 20_000) + "\""
            let total = 600
            for number in 0..<total { socket.send(textFrame(callOf("echo", args: args, id: "\(number)"))) }
            let other = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            #expect(try await other.isUsable())
            // 12 MB of answers cannot all have been made: the kernel holds some, the service at most a few megabytes.
            let made = try await service.conductor { $0.calls.count }
            #expect(made < total, "\(made)")
            try await socket.setReading(true)
            for number in 0..<total {
                let text = try await socket.frame().text
                guard text.hasSuffix("\"id\":\(number)}") else {
                    Issue.record("answer \(number) is \(text.suffix(40))")
                    return
                }
            }
        }
    }

    @Test("answers in one read and answers in one turn of the loop are one write each")
    func flushes() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        try socket.feed((0..<20).flatMap { textFrame(callOf("echo", id: "\($0)")) })
        var writes = 0
        while try socket.channel.readOutbound(as: ByteBuffer.self) != nil { writes += 1 }
        #expect(writes == 1)
        try socket.feed((0..<20).flatMap { textFrame(callOf("late", id: "\($0)")) })
        for reply in socket.conductor.late { reply(.success(.ok([0x01]))) }
        #expect(try socket.channel.readOutbound(as: ByteBuffer.self) == nil)
        socket.channel.embeddedEventLoop.run()
        while try socket.channel.readOutbound(as: ByteBuffer.self) != nil { writes += 1 }
        #expect(writes == 2)
    }

    @Test("a client that leaves while its calls run costs nothing: late answers go nowhere")
    func gone() throws {
        let socket = try EmbeddedSocket()
        try socket.feed(textFrame(callOf("late")) + clientFrame(8, []))
        socket.end()
        socket.conductor.late[0](.success(.ok([0x01])))
        socket.conductor.emit("N", [0xC0])
        socket.channel.embeddedEventLoop.run()
        #expect(!socket.channel.isActive)
    }
}

/// Counts reads that reach the channel.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}
