import NIOCore

@testable import Transport

/// One frame as it stood on the wire.
struct SeenFrame: Equatable {
    var header: YamuxHeader
    var body: [UInt8]

    static func all(in bytes: ByteBuffer) -> [SeenFrame] {
        var rest = bytes
        var frames: [SeenFrame] = []
        while let header = YamuxHeader(reading: &rest) {
            let isData = header.kind == YamuxHeader.Kind.data
            frames.append(
                SeenFrame(header: header, body: isData ? rest.readBytes(length: Int(header.length)) ?? [] : []))
        }
        return frames
    }
}

/// A machine that expectations can ask to do something: the macros take no mutating calls of values.
@dynamicMemberLookup
final class Machine {
    var session: YamuxSession

    init(_ role: YamuxSession.Role, _ limits: YamuxLimits = YamuxLimits()) {
        session = YamuxSession(role: role, limits: limits, now: .uptimeNanoseconds(0))
    }

    subscript<T>(dynamicMember path: WritableKeyPath<YamuxSession, T>) -> T {
        get { session[keyPath: path] }
        set { session[keyPath: path] = newValue }
    }
    subscript<T>(dynamicMember path: KeyPath<YamuxSession, T>) -> T { session[keyPath: path] }

    func open() -> UInt32? { session.open() }
    func accept(_ id: UInt32) { session.accept(id) }
    @discardableResult
    func write(_ id: UInt32, _ bytes: ByteBuffer) -> Bool { session.write(id, bytes) }
    func finish(_ id: UInt32) { session.finish(id) }
    func reset(_ id: UInt32, code: UInt32 = 0) { session.reset(id, code: code) }
    func measure(now: NIODeadline) { session.measure(now: now) }

    func consumed(_ id: UInt32, _ count: Int, now: NIODeadline) { session.consumed(id, count, now: now) }
    func goAway() { session.goAway() }
    func tick(_ seconds: Int64) -> [YamuxSession.Event] {
        var events: [YamuxSession.Event] = []
        session.tick(now: .uptimeNanoseconds(0) + .seconds(seconds), events: &events)
        return events
    }

    /// All that waits to be sent.
    @discardableResult
    func output(limit: Int = 65_519) -> (bytes: ByteBuffer, events: [YamuxSession.Event]) {
        var bytes = ByteBuffer()
        var events: [YamuxSession.Event] = []
        while session.hasOutput, session.fill(&bytes, limit: limit, events: &events) > 0 {}
        return (bytes, events)
    }

    @discardableResult
    func frames() -> [SeenFrame] { SeenFrame.all(in: output().bytes) }

    /// What comes of bytes that a peer sends.
    @discardableResult
    func feed(_ bytes: ByteBuffer, at now: NIODeadline = .uptimeNanoseconds(0)) -> [YamuxSession.Event] {
        var bytes = bytes
        var events: [YamuxSession.Event] = []
        session.receive(&bytes, now: now, events: &events)
        return events
    }

    @discardableResult
    func feed(_ frames: [WireFrame], at now: NIODeadline = .uptimeNanoseconds(0)) -> [YamuxSession.Event] {
        var bytes = ByteBuffer()
        for frame in frames {
            frame.header.write(to: &bytes)
            bytes.writeBytes(frame.body)
        }
        return feed(bytes, at: now)
    }

    @discardableResult
    func feed(_ header: YamuxHeader, _ body: [UInt8] = []) -> [YamuxSession.Event] { feed([(header, body)]) }
}

typealias WireFrame = (header: YamuxHeader, body: [UInt8])

/// Short forms of frames.
enum Frame {
    static func data(_ id: UInt32, _ body: [UInt8] = [], flags: UInt16 = 0) -> WireFrame {
        (YamuxHeader(YamuxHeader.Kind.data, flags: flags, stream: id, length: UInt32(body.count)), body)
    }

    static func update(_ id: UInt32, _ credit: UInt32 = 0, flags: UInt16 = 0) -> WireFrame {
        (YamuxHeader(YamuxHeader.Kind.windowUpdate, flags: flags, stream: id, length: credit), [])
    }

    static let syn = YamuxHeader.Flags.syn
    static let ack = YamuxHeader.Flags.ack
    static let fin = YamuxHeader.Flags.fin
    static let rst = YamuxHeader.Flags.rst
}
