import NIOEmbedded
import Testing

@testable import ConductorAPI

@Suite("WebSocket frames")
struct FrameTests {
    /// What becomes of one client frame, or of the bytes that begin one.
    private func answer(_ bytes: [UInt8], _ change: (inout APIConfiguration) -> Void = { _ in }) throws -> [ServerFrame]
    {
        let socket = try EmbeddedSocket(change)
        defer { socket.end() }
        try socket.feed(bytes)
        return try socket.frames()
    }

    private let request = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#

    @Test("a message is understood however its bytes are cut into reads")
    func everySplit() throws {
        let whole = clientFrame(9, Array("hi".utf8)) + textFrame(request) + clientFrame(10, []) + textFrame(request)
        for cut in 0...whole.count {
            let socket = try EmbeddedSocket()
            try socket.feed(Array(whole[..<cut]))
            try socket.feed(Array(whole[cut...]))
            let frames = try socket.frames()
            #expect(frames.map(\.opcode) == [10, 1, 1], "cut at \(cut)")
            #expect(frames.first?.text == "hi")
            socket.end()
        }
        let socket = try EmbeddedSocket()
        for byte in whole { try socket.feed([byte]) }
        #expect(try socket.frames().count == 3)
        socket.end()
    }

    @Test("a fragmented message is one message, with control frames between its parts")
    func fragments() throws {
        let bytes = Array(request.utf8)
        for cut in 0...bytes.count {
            let frames = try answer(
                clientFrame(1, Array(bytes[..<cut]), fin: false) + clientFrame(9, [1, 2, 3])
                    + clientFrame(0, [], fin: false) + clientFrame(0, Array(bytes[cut...])))
            #expect(frames.map(\.opcode) == [10, 1], "cut at \(cut)")
            #expect(frames.last?.text.contains("\"id\":1}") == true)
        }
    }

    @Test("a character may be cut between fragments, but the message has to be UTF-8")
    func fragmentedCharacter() throws {
        let text = Array(#"{"jsonrpc":"2.0","id":"é","method":"info/instances"}"#.utf8)
        let cut = (text.firstIndex(of: 0xC3) ?? 0) + 1
        let good = try answer(clientFrame(1, Array(text[..<cut]), fin: false) + clientFrame(0, Array(text[cut...])))
        #expect(good.first?.text.contains("\"é\"") == true)
        let bad = try answer(clientFrame(1, Array(text[..<cut]), fin: false) + clientFrame(0, [0x22, 0x7D]))
        #expect(bad.first?.closeCode == 1007)
    }

    @Test("each fault of the protocol closes with the code that RFC 6455 gives it")
    func faults() throws {
        let long = [UInt8](repeating: 0x61, count: 126)
        let cases: [(String, [UInt8], Int)] = [
            ("binary", clientFrame(2, [1]), 1003),
            ("reserved bit", clientFrame(1, [0x7B, 0x7D], rsv: 4), 1002),
            ("unknown data opcode", clientFrame(3, []), 1002),
            ("unknown control opcode", clientFrame(11, []), 1002),
            ("unmasked", clientFrame(1, [0x7B, 0x7D], masked: false), 1002),
            ("fragmented ping", clientFrame(9, [], fin: false), 1002),
            ("long ping", clientFrame(9, long), 1002),
            ("continuation of nothing", clientFrame(0, [0x61]), 1002),
            ("message in a message", clientFrame(1, [], fin: false) + clientFrame(1, []), 1002),
            ("16-bit length that fits 7", [0x81, 0xFE, 0, 5], 1002),
            ("64-bit length that fits 16", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
            ("frame too long", [0x81, 0xFF, 0, 0, 0, 0, 1, 0, 0, 1], 1009),
            ("absurd length", [0x81, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
            ("invalid UTF-8", clientFrame(1, [0x22, 0xC0, 0xAF, 0x22]), 1007),
            ("surrogate in UTF-8", clientFrame(1, [0x22, 0xED, 0xA0, 0x80, 0x22]), 1007),
            ("close of one byte", clientFrame(8, [3]), 1002),
            ("close code that is not sent", clientFrame(8, [0x03, 0xED]), 1002),
            ("close reason that is no text", clientFrame(8, [0x03, 0xE8, 0xFF]), 1007),
        ]
        for (name, bytes, code) in cases {
            let frames = try answer(bytes)
            #expect(frames.count == 1, "\(name)")
            #expect(frames.first?.closeCode == code, "\(name): \(frames)")
            #expect((frames.first?.payload.count ?? 0) > 2, "\(name) has a reason")
        }
    }

    @Test("a message of many fragments is bounded as a whole")
    func messageBound() throws {
        let part = [UInt8](repeating: 0x20, count: 600)
        let frames = try answer(clientFrame(1, part, fin: false) + clientFrame(0, part, fin: false)) {
            $0.maximumMessageBytes = 1_000
        }
        #expect(frames.first?.closeCode == 1009)
    }

    @Test("a close is answered with its code, and what follows is not read")
    func close() throws {
        #expect(try answer(clientFrame(8, [])).first == ServerFrame(opcode: 8, payload: []))
        let frames = try answer(clientFrame(8, [0x03, 0xE8] + Array("bye".utf8)) + textFrame(request))
        #expect(frames == [ServerFrame(opcode: 8, payload: [0x03, 0xE8])])
    }

    @Test("after a fault nothing more is answered, and the connection ends by itself")
    func silenceAfterFault() throws {
        let socket = try EmbeddedSocket()
        try socket.feed(clientFrame(2, []))
        #expect(try socket.frames().count == 1)
        try socket.feed(textFrame(request))
        #expect(try socket.frames().isEmpty)
        #expect(socket.conductor.calls.isEmpty)
        socket.channel.embeddedEventLoop.advanceTime(by: APIConfiguration().closeDeadline)
        #expect(!socket.channel.isActive)
        socket.end()
    }

    @Test("answers of every length are framed with the fewest bytes")
    func answerLengths() throws {
        let socket = try EmbeddedSocket()
        for count in [0, 1, 70, 90, 100, 125, 126, 1_000, 65_400, 65_535, 65_536, 300_000] {
            let args = String(repeating: "x", count: count)
            let answers = try socket.ask(
                #"{"jsonrpc":"2.0","id":1,"method":"call","params":{"instance_id":"app/role","zome":"z","function":"echo","args":"\#(args)"}}"#
            )
            #expect(answers == [#"{"jsonrpc":"2.0","result":"{\"Ok\":\"\#(args)\"}","id":1}"#])
        }
        socket.end()
    }

    @Test("masks come off at every alignment")
    func unmask() {
        for count in 0..<40 {
            let text = (0..<count).map { UInt8($0 &* 7 & 0xFF) }
            let mask: [UInt8] = [0xA1, 0x02, 0x5C, 0xFF]
            let masked = text.enumerated().map { $1 ^ mask[$0 & 3] }
            var out = [UInt8](repeating: 0, count: count)
            let word = mask.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            masked.withUnsafeBytes { source in
                out.withUnsafeMutableBytes { FrameHeader.unmask(source, word, to: $0) }
            }
            #expect(out == text)
        }
    }
}
