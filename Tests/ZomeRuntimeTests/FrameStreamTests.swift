import Integrity
import NIOCore
import Testing

@testable import ZomeRuntime

@Suite struct FrameStreamTests {
    private static let frames: [(ModuleFrame, [UInt8])] = [
        (ModuleFrame(.result, zome: 3, call: .max, value: 1, payloadCount: 3), [1, 2, 3]),
        (ModuleFrame(.request, zome: 255, call: 7, id: .max, value: 28), []),
        (ModuleFrame(.ready, payloadCount: 300), Array(repeating: 9, count: 300)),
    ]

    private func bytes() -> ByteBuffer {
        var buffer = ByteBuffer()
        for (frame, payload) in Self.frames { buffer.writeFrame(frame, payload: payload) }
        return buffer
    }

    @Test func theHeaderIsLaidOutAsTheSpecificationSays() {
        var buffer = ByteBuffer()
        let frame = ModuleFrame(
            .invoke, zome: 2, aux: 0x0304, call: 0x0506_0708_090a_0b0c, id: 0x0d0e_0f10, value: 0x1112_1314,
            payloadCount: 1)
        buffer.writeFrame(frame, payload: [0xff])
        #expect(
            Array(buffer.readableBytesView) == [
                21, 0, 0, 0, 1, 2, 4, 3, 0x0c, 0x0b, 0x0a, 9, 8, 7, 6, 5, 0x10, 0x0f, 0x0e, 0x0d, 0x14, 0x13, 0x12,
                0x11,
                0xff,
            ])
    }

    @Test(arguments: [1, 2, 3, 5, 7, 23, 24, 25, 64, 1_000])
    func piecesOfAnySizeGiveTheSameFrames(_ size: Int) {
        var stream = FrameStream(maxFrameBytes: 1 << 20)
        var all = bytes()
        var found: [FrameStream.Frame] = []
        while let piece = all.readSlice(length: min(size, all.readableBytes)), piece.readableBytes > 0 {
            stream.append(piece)
            while case .frame(let frame) = stream.next() { found.append(frame) }
        }
        #expect(found == Self.frames.map { FrameStream.Frame(header: $0.0, payload: $0.1) })
        #expect(stream.next() == .incomplete)
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 24), [UInt8](repeating: 255, count: 24),
        [20, 0, 0, 0, 15] + [UInt8](repeating: 0, count: 19), [19, 0, 0, 0, 17] + [UInt8](repeating: 0, count: 19),
        [20, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 19),
    ])
    func whatIsNoFrameIsGarbage(_ bytes: [UInt8]) {
        var stream = FrameStream(maxFrameBytes: 1 << 20)
        stream.append(ByteBuffer(bytes: bytes))
        guard case .garbage = stream.next() else { return #expect(Bool(false)) }
    }

    @Test func aFrameAboveTheBoundIsRefusedBeforeItIsThere() {
        var stream = FrameStream(maxFrameBytes: 100)
        var buffer = ByteBuffer()
        buffer.writeFrame(ModuleFrame(.result, payloadCount: 100))
        stream.append(buffer)
        guard case .garbage(let what) = stream.next() else { return #expect(Bool(false)) }
        #expect(what.contains("124"))
    }

    @Test func randomBytesNeverCrash() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = seed
        for _ in 0..<20_000 {
            var stream = FrameStream(maxFrameBytes: 4096)
            var bytes: [UInt8] = []
            for _ in 0..<40 {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(UInt8(truncatingIfNeeded: random >> 33))
            }
            if random & 1 == 0 { bytes.replaceSubrange(0..<5, with: [20 + UInt8(random >> 60), 0, 0, 0, 17]) }
            stream.append(ByteBuffer(bytes: bytes))
            var steps = 0
            while case .frame = stream.next() { steps += 1 }
            #expect(steps <= 2, "seed \(seed)")
        }
    }
}
