import Integrity
import NIOCore
import Testing

@testable import Transport

@Suite("Negotiation of protocols")
struct MultistreamTests {
    private func code(_ body: () throws -> Void) -> PlasmidError.Code? {
        do { try body() } catch { return (error as? PlasmidError)?.code }
        return nil
    }

    @Test(
        "messages are those on the wire",
        arguments: [
            ("/multistream/1.0.0", "132f6d756c746973747265616d2f312e302e300a"),
            ("/noise", "072f6e6f6973650a"), ("/yamux/1.0.0", "0d2f79616d75782f312e302e300a"), ("na", "036e610a"),
            ("/plasmid/echo/1.0.0", "142f706c61736d69642f6563686f2f312e302e300a"),
            ("/ipfs/id/1.0.0", "0f2f697066732f69642f312e302e300a"),
            ("/ipfs/ping/1.0.0", "112f697066732f70696e672f312e302e300a"),
        ])
    func messages(_ text: String, _ bytes: String) throws {
        #expect(hex(Multistream.message(text)) == bytes)
        var buffer = ByteBuffer(bytes: hex(bytes) + [9])
        #expect(try Multistream.take(&buffer) == text)
        #expect(buffer.readableBytes == 1)
    }

    @Test(.enabled(if: Shared.isThere, "the shared vectors are not beside the repository"))
    func publishedMessages() throws {
        let vectors = try Shared.list("libp2p", "vectors").filter { $0["kind"] as? String == "multistream" }
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let text = try #require(vector["text"] as? String)
            #expect(hex(Multistream.message(text)) == vector["bytes"] as? String)
        }
    }

    @Test("header and proposal, header and echo, and what follows stays")
    func pipelined() throws {
        var dialer = MultistreamDialer(["/noise"])
        var listener = MultistreamListener()
        var toListener = ByteBuffer(bytes: dialer.start() + [1, 2, 3])
        let step = try listener.read(&toListener) { $0 == "/noise" }
        #expect(step.agreed == "/noise")
        #expect(step.answer == Multistream.message(Multistream.header) + Multistream.message("/noise"))
        #expect(toListener.readBytes(length: 4) == nil && toListener.readBytes(length: 3) == [1, 2, 3])
        var toDialer = ByteBuffer(bytes: step.answer + [7, 8])
        #expect(try dialer.read(&toDialer) == .agreed("/noise"))
        #expect(toDialer.readableBytesView.elementsEqual([7, 8]))
        #expect(dialer.ended() == nil)
    }

    @Test("byte by byte it comes to the same")
    func byteByByte() throws {
        var dialer = MultistreamDialer(["/a", "/b"])
        var listener = MultistreamListener()
        var toListener = dialer.start()
        var agreed: (String?, String?) = (nil, nil)
        var toDialer = ByteBuffer()
        var inbox = ByteBuffer()
        while agreed.0 == nil {
            while !toListener.isEmpty {
                inbox.writeInteger(toListener.removeFirst())
                let step = try listener.read(&inbox) { $0 == "/b" }
                toDialer.writeBytes(step.answer)
                agreed.1 = step.agreed
                if step.agreed != nil { break }
            }
            var partial = ByteBuffer()
            while agreed.0 == nil, let byte = toDialer.readInteger(as: UInt8.self) {
                partial.writeInteger(byte)
                switch try dialer.read(&partial) {
                case .wait: break
                case .send(let bytes): toListener += bytes
                case .agreed(let name): agreed.0 = name
                }
            }
        }
        #expect(agreed.0 == "/b" && agreed.1 == "/b")
    }

    @Test("refused proposals end with the last one")
    func refused() throws {
        var dialer = MultistreamDialer(["/a", "/b"])
        var answers = ByteBuffer(bytes: Multistream.message(Multistream.header) + Multistream.message("na"))
        #expect(try dialer.read(&answers) == .send(Multistream.message("/b")))
        #expect(dialer.ended()?.code == .protocolRefused)
        answers.writeBytes(Multistream.message("na"))
        #expect(code { _ = try dialer.read(&answers) } == .protocolRefused)
        #expect(code { _ = try dialer.read(&answers) } == .protocolBroken)
        #expect(dialer.ended() == nil)
    }

    @Test(
        "what a dialer does not take for an answer",
        arguments: [
            [Multistream.message("/noise")], [Multistream.message(Multistream.header), Multistream.message("/nois")],
            [Multistream.message(Multistream.header), Multistream.message("ls")], [[0x00]], [[0x01, 0x0a]],
            [[0x02, 0x61, 0x62]], [[0x81, 0x02]], [[0x80, 0x80]], [[0x80, 0x00]], [[0x03, 0xff, 0xfe, 0x0a]],
            [[0x04, 0x61, 0x0a, 0x61, 0x0a]],
        ])
    func brokenAnswers(_ messages: [[UInt8]]) {
        var dialer = MultistreamDialer(["/noise"])
        var bytes = ByteBuffer(bytes: Array(messages.joined()))
        #expect(code { _ = try dialer.read(&bytes) } == .protocolBroken)
    }

    @Test("a listener refuses what it does not speak, `ls`, and a seventeenth proposal")
    func listener() throws {
        var listener = MultistreamListener()
        var bytes = ByteBuffer(bytes: Multistream.message(Multistream.header) + Multistream.message("ls"))
        let step = try listener.read(&bytes) { _ in true }
        #expect(step.agreed == nil)
        #expect(step.answer == Multistream.message(Multistream.header) + Multistream.message("na"))
        for _ in 2...16 {
            bytes.writeBytes(Multistream.message("/x"))
            #expect(try listener.read(&bytes) { _ in false }.answer == Multistream.message("na"))
        }
        bytes.writeBytes(Multistream.message("/good"))
        #expect(code { _ = try listener.read(&bytes) { _ in true } } == .protocolBroken)
    }

    @Test("a listener wants the header first, once and whole")
    func listenerHeader() throws {
        var listener = MultistreamListener()
        var bytes = ByteBuffer(bytes: Multistream.message("/noise"))
        #expect(code { _ = try listener.read(&bytes) { _ in true } } == .protocolBroken)
        var second = MultistreamListener()
        var again = ByteBuffer(bytes: Multistream.message(Multistream.header) + Multistream.message(Multistream.header))
        let step = try second.read(&again) { $0 == "/noise" }
        #expect(step.answer == Multistream.message(Multistream.header) + Multistream.message("na"))
    }

    @Test("the longest message passes, one byte more does not")
    func longest() throws {
        let name = "/" + String(repeating: "x", count: 254)
        var listener = MultistreamListener()
        var bytes = ByteBuffer(bytes: Multistream.message(Multistream.header) + Multistream.message(name))
        #expect(try listener.read(&bytes) { _ in true }.agreed == name)
        var dialer = MultistreamDialer(["/a"])
        // 257 bytes are announced, and refused before any of them has come.
        var long = ByteBuffer(bytes: Multistream.message(Multistream.header) + [0x81, 0x02])
        #expect(code { _ = try dialer.read(&long) } == .protocolBroken)
    }

    @Test("hostile bytes")
    func fuzz() throws {
        let rounds = Fuzz("negotiations", rounds: 3_000)
        let seed = rounds.seed
        var random = SeededRandom(seed: seed)
        let good = MultistreamDialer(["/plasmid/space/1.0.0"]).start() + Multistream.message("na")
        for _ in rounds {
            let bytes = random.mutated(good)
            var listener = MultistreamListener()
            var dialer = MultistreamDialer(["/plasmid/space/1.0.0", "/b"])
            var inbox = (ByteBuffer(), ByteBuffer())
            var rest = bytes[...]
            do {
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...20, using: &random))
                    rest = rest.dropFirst(piece.count)
                    inbox.0.writeBytes(piece)
                    let step = try listener.read(&inbox.0) { $0.hasSuffix("0") }
                    #expect(step.answer.count <= 20 * 40, "seed \(seed)")
                    if step.agreed != nil { break }
                }
            } catch { #expect(error.code == .protocolBroken, "seed \(seed)") }
            inbox.1.writeBytes(bytes)
            let code = code { _ = try dialer.read(&inbox.1) }
            #expect(code == nil || code == .protocolBroken, "seed \(seed)")
        }
    }
}
