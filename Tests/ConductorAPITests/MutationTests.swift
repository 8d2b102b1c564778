import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import ConductorAPI

/// Changes bytes the way that broken or hostile clients do.
private struct Mutator {
    var generator: SeededGenerator
    let samples: [[UInt8]]

    static let splices: [[UInt8]] = [
        [0x00], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x22], [0x5C], [0x7B], [0x7D], [0x5B], [0x5D], [0x2C],
        Array(#"\ud800"#.utf8), Array(#"\u0000"#.utf8), Array("1e999".utf8), Array(#""id":1,"#.utf8),
        Array("9".utf8) + [UInt8](repeating: 0x39, count: 400), [UInt8](repeating: 0x5B, count: 10_000),
        Array("null".utf8), Array("-".utf8), [0xF4, 0x90, 0x80, 0x80], Array("é".utf8),
    ]

    mutating func mutation() -> [UInt8] {
        var bytes = samples[Int.random(in: 0..<samples.count, using: &generator)]
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 2: bytes.removeSubrange(place...)
            case 3 where place < bytes.count:
                let end = Int.random(in: place..<bytes.count, using: &generator)
                bytes.removeSubrange(place..<end)
            case 4 where place < bytes.count:
                let end = Int.random(in: place..<bytes.count, using: &generator)
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default:
                let splice = Self.splices[Int.random(in: 0..<Self.splices.count, using: &generator)]
                bytes.insert(contentsOf: splice, at: place)
            }
        }
        return bytes
    }
}

private let samples: [[UInt8]] = [
    #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#, callOf("echo", args: #"{"a":[1,2.5,"x\n",{"b":null}]}"#),
    callOf("fail", id: #""text""#), "[\(callOf("echo")),\(callOf("signal", id: "null"))]",
    #"{"jsonrpc":"2.0","id":3,"method":"signals/subscribe","params":{"name":"N"}}"#,
    callOf("echo", more: #","token":"AAAA","provenance":["x","y"],"nonce":"z","expires_at":5"#),
    #"{"jsonrpc":"2.0","id":4,"method":"admin/grant","params":{"instance_id":"a","tag":"t","access":"x","functions":[]}}"#,
].map { Array($0.utf8) }

@Suite("Hostile input")
struct MutationTests {
    @Test("1,000 mutations of messages: each is answered with JSON or closed with 1007, and a socket left open works")
    func fuzzMessages() throws {
        let rounds = Fuzz("messages of the API", rounds: 1_000)
        let seed = rounds.seed
        var mutator = Mutator(generator: SeededGenerator(seed: seed), samples: samples)
        for round in rounds {
            let message = mutator.mutation()
            let socket = try EmbeddedSocket(scope: round % 2 == 0 ? .admin : .app("app"))
            defer { socket.end() }
            try socket.feed(clientFrame(1, message))
            let frames = try socket.frames()
            for frame in frames where frame.opcode == 1 {
                #expect(JSONMembers(frame.payload) != nil || frame.payload.first == 0x5B, "seed \(seed) round \(round)")
            }
            if let code = frames.last?.closeCode {
                #expect(code == 1007, "seed \(seed) round \(round)")
                #expect(String(validating: message, as: UTF8.self) == nil, "seed \(seed) round \(round)")
            } else {
                let alive = try socket.ask(#"{"jsonrpc":"2.0","id":"alive?","method":"info/instances"}"#)
                #expect(alive.last?.contains("alive?") == true, "seed \(seed) round \(round)")
            }
        }
    }

    @Test("1,000 mutations of frames, in random cuts: answers, or one close with a right code, and never more")
    func fuzzFrames() throws {
        let rounds = Fuzz("frames of WebSockets", rounds: 1_000)
        let seed = rounds.seed
        let frames =
            samples.map { clientFrame(1, $0) }
            + samples.map { clientFrame(1, Array($0.prefix(20)), fin: false) + clientFrame(0, Array($0.dropFirst(20))) }
            + [clientFrame(9, [1, 2]) + clientFrame(8, [0x03, 0xE8])]
        var mutator = Mutator(generator: SeededGenerator(seed: seed), samples: frames)
        for round in rounds {
            let bytes = mutator.mutation() + mutator.mutation()
            let socket = try EmbeddedSocket()
            defer { socket.end() }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...max(1, bytes.count), using: &mutator.generator))
                try socket.feed(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let answers = try socket.frames()
            let closes = answers.filter { $0.opcode == 8 }
            #expect(closes.count <= 1, "seed \(seed) round \(round)")
            if let close = closes.first {
                #expect(answers.last == close, "seed \(seed) round \(round)")
                let right: Set<Int?> = [nil, 1000, 1002, 1003, 1007, 1009]
                let echoed = (close.closeCode ?? 1000) >= 3000 || (1001...1014).contains(close.closeCode ?? 0)
                #expect(right.contains(close.closeCode) || echoed, "seed \(seed) round \(round): \(close)")
            }
        }
    }

    @Test("500 mutations of HTTP requests on real sockets: an HTTP answer or silence, and the service goes on")
    func fuzzRequests() async throws {
        let rounds = Fuzz("requests of HTTP", rounds: 500)
        let seed = rounds.seed
        try await TestService.run({
            $0.bodyDeadline = .milliseconds(50); $0.headDeadline = .milliseconds(50)
        }) {
            service in
            let port = service.ports.app
            let body = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
            let requests = [
                Wire.post(body, port), Wire.upgradeRequest(port, token: "app-token"),
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n",
                Wire.post(body, port, more: "Expect: 100-continue\r\nOrigin: http://x\r\n"),
            ].map { Array($0.utf8) }
            var mutator = Mutator(generator: SeededGenerator(seed: seed), samples: requests)
            for round in rounds {
                let wire = try await Wire.connect(port, on: service.group)
                wire.send(mutator.mutation())
                let answer = try? await wire.next { bytes in
                    bytes.count >= 12 ? (String(decoding: bytes.prefix(12), as: UTF8.self), 12) : nil
                }
                if let answer { #expect(answer.hasPrefix("HTTP/1."), "seed \(seed) round \(round): \(answer)") }
                try? await wire.close()
            }
            let socket = try await Wire.socket(port, token: "app-token", on: service.group)
            #expect(try await socket.isUsable())
        }
    }

    @Test("a megabyte of nesting, of digits, of escapes and of keys is answered at once and in bounded memory")
    func monsters() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let mebibyte = 1 << 20
        for text in [
            String(repeating: "[", count: mebibyte), String(repeating: #"{"a":"#, count: mebibyte / 5),
            String(repeating: "9", count: mebibyte), "\"" + String(repeating: #"\u0000"#, count: mebibyte / 6) + "\"",
            "{" + (0..<50_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}",
            "{\"params\":{" + Array(repeating: "\"zome\":0", count: 50_000).joined(separator: ",") + "}}",
            "[" + Array(repeating: "{}", count: 300_000).joined(separator: ",") + "]",
            String(repeating: " ", count: mebibyte),
        ] {
            let answers = try socket.ask(text)
            #expect(answers.count == 1 && answers[0].contains("\"code\":-32"), "\(text.prefix(30))")
        }
        #expect(try socket.ask(callOf("echo")).count == 1)
    }
}
