import NIOCore
import Testing

@testable import Transport

/// Two machines, the bytes between them, and programs at both ends that write and read as dice tell.
private struct TwoEnds {
    struct Program {
        var toWrite = 0
        var written = 0
        var read = 0
        var expected = 0
        var unread = 0
        var isFinished = false
        var hasPeerFinished = false
    }

    var dice: SeededRandom
    var ends: [YamuxSession]
    var wires: [ByteBuffer] = [ByteBuffer(), ByteBuffer()]
    /// Of each end, by stream.
    var programs: [[UInt32: Program]] = [[:], [:]]
    /// What each end may still send on a stream, counted on the wire.
    var credit: [[UInt32: Int]] = [[:], [:]]
    /// What was seen of a frame cut by the end of a fill is none: fills give whole frames.
    var now = NIODeadline.uptimeNanoseconds(0)
    var faults: [String] = []

    init(seed: UInt64) {
        dice = SeededRandom(seed: seed)
        let now = now
        ends = [YamuxSession(role: .client, now: now), YamuxSession(role: .server, now: now)]
    }

    /// What every stream carries a part of: bytes that tell where they stand.
    static let pattern: ByteBuffer = {
        var dice = SeededRandom(seed: 0)
        var bytes = ByteBuffer()
        for _ in 0..<250_000 { bytes.writeInteger(dice.next()) }
        return bytes
    }()

    static func bytes(_ id: UInt32, _ side: Int, at: Int, count: Int) -> ByteBuffer {
        pattern.getSlice(at: (Int(id) * 1_009 + side * 300) % 20_000 + at, length: count) ?? ByteBuffer()
    }

    var isDone: Bool {
        wires.allSatisfy { $0.readableBytes == 0 } && ends.allSatisfy { $0.streams.isEmpty }
            && programs.allSatisfy { $0.values.allSatisfy { $0.read == $0.expected && $0.hasPeerFinished } }
    }

    mutating func open(_ side: Int) {
        guard let id = ends[side].open() else { return }
        let there = Int.random(in: 0...900_000, using: &dice)
        let back = Int.random(in: 0...900_000, using: &dice)
        programs[side][id] = Program(toWrite: there, expected: back)
        programs[1 - side][id] = Program(toWrite: back, expected: there)
        credit[side][id] = YamuxLimits.initialWindow
        credit[1 - side][id] = YamuxLimits.initialWindow
    }

    mutating func handle(_ events: [YamuxSession.Event], _ side: Int) {
        for event in events {
            switch event {
            case .opened(let id): ends[side].accept(id)
            case .data(let id, let piece):
                guard var program = programs[side][id] else { continue }
                let at = program.read + program.unread
                if piece != Self.bytes(id, 1 - side, at: at, count: piece.readableBytes) {
                    return faults.append("stream \(id), bytes from \(at)")
                }
                program.unread += piece.readableBytes
                programs[side][id] = program
            case .finished(let id): programs[side][id]?.hasPeerFinished = true
            case .reset(let id, let code): faults.append("reset of \(id): \(code)")
            case .failed(let fault): faults.append("\(fault)")
            case .writable, .ended, .goingAway: break
            }
        }
    }

    mutating func write(_ side: Int, _ id: UInt32) {
        guard let program = programs[side][id], !program.isFinished, ends[side].streams[id] != nil else { return }
        let count = min(program.toWrite - program.written, Int.random(in: 0...200_000, using: &dice))
        ends[side].write(id, Self.bytes(id, side, at: program.written, count: count))
        programs[side][id]?.written += count
        if program.written + count == program.toWrite {
            ends[side].finish(id)
            programs[side][id]?.isFinished = true
        }
    }

    mutating func read(_ side: Int, _ id: UInt32) {
        guard let program = programs[side][id], program.unread > 0 else { return }
        let count = Int.random(in: 1...program.unread, using: &dice)
        programs[side][id]?.unread -= count
        programs[side][id]?.read += count
        ends[side].consumed(id, count, now: now)
    }

    mutating func send(_ side: Int) {
        var out = ByteBuffer()
        var events: [YamuxSession.Event] = []
        guard ends[side].fill(&out, limit: .random(in: 600...65_519, using: &dice), events: &events) > 0 else { return }
        handle(events, side)
        for frame in SeenFrame.all(in: out) {
            let id = frame.header.stream
            if frame.header.kind == YamuxHeader.Kind.data {
                credit[side][id, default: 0] -= frame.body.count
                if credit[side][id, default: 0] < 0 { faults.append("stream \(id) over its window") }
                if frame.body.count > YamuxLimits.bodyMaximum { faults.append("a body of \(frame.body.count)") }
            } else if frame.header.kind == YamuxHeader.Kind.windowUpdate {
                credit[1 - side][id, default: 0] += Int(frame.header.length)
                if credit[1 - side][id, default: 0] > 1 << 20 { faults.append("a window over the largest") }
            }
        }
        wires[side].writeBuffer(&out)
    }

    mutating func deliver(_ side: Int) {
        let count = min(wires[side].readableBytes, Int.random(in: 0...150_000, using: &dice))
        guard count > 0, let piece = wires[side].readSlice(length: count) else { return }
        var bytes = piece
        var events: [YamuxSession.Event] = []
        ends[1 - side].receive(&bytes, now: now, events: &events)
        handle(events, 1 - side)
        wires[side].discardReadBytes()
    }

    mutating func step() {
        now = now + .microseconds(.random(in: 0...500, using: &dice))
        let side = Int.random(in: 0...1, using: &dice)
        let ids = programs[side].keys.sorted()
        switch Int.random(in: 0..<5, using: &dice) {
        case 0: send(side)
        case 1: deliver(side)
        case 2: if let id = ids.randomElement(using: &dice) { write(side, id) }
        case 3: if let id = ids.randomElement(using: &dice) { read(side, id) }
        default: if programs[0].count < 6, Int.random(in: 0..<8, using: &dice) == 0 { open(side) }
        }
    }
}

@Suite("yamux: two machines")
struct YamuxPropertyTests {
    @Test("whatever the timing, all bytes arrive, no window is passed, nothing gets stuck", arguments: 0..<12)
    func arrives(round: Int) {
        let seed = UInt64(round) &* 104_729 &+ 11
        var both = TwoEnds(seed: seed)
        both.open(0)
        var steps = 0
        while steps < 200_000, both.faults.isEmpty, !(both.isDone && both.programs[0].count == 6) {
            both.step()
            steps += 1
        }
        #expect(both.faults.isEmpty, "seed \(seed)")
        #expect(both.isDone, "seed \(seed): stuck after \(steps) steps")
        #expect(both.ends.allSatisfy { $0.bufferedTotal == 0 && $0.targetTotal == 0 }, "seed \(seed)")
    }

    @Test("two that write far more than a window to each other before they read do not block")
    func echo() {
        var both = TwoEnds(seed: 3)
        both.open(0)
        both.programs[0][1]?.toWrite = 1_500_000
        both.programs[1][1]?.expected = 1_500_000
        both.programs[1][1]?.toWrite = 1_500_000
        both.programs[0][1]?.expected = 1_500_000
        var rounds = 0
        while !both.isDone, rounds < 5_000, both.faults.isEmpty {
            for side in 0...1 { both.write(side, 1) }
            for side in 0...1 {
                both.send(side)
                both.deliver(side)
            }
            for side in 0...1 { both.read(side, 1) }
            rounds += 1
        }
        #expect(both.isDone && both.faults.isEmpty, "\(both.faults) after \(rounds)")
    }
}
