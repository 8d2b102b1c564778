import Integrity
import Logging
import NIOCore

/// One WebSocket after its upgrade: frames in, answers and signals out.
///
/// Own framing instead of a pipeline of codecs: a message is unmasked while it is copied into the loop's scratch memory, scanned
/// there, and its answer is appended to the buffer that one flush sends for the whole read.
final class SocketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State { case open, closing, closed }

    /// Unsent bytes at which reading stops until they have gone.
    static let outboundPause = 262_144

    let server: APIServer
    private let scope: APIScope
    /// What opened it; empty where nothing had to.
    private let token: String
    private var session: RPCSession?
    private var wishes: SignalWishes
    private var context: ChannelHandlerContext?
    private var state = State.open
    private var inbound = ByteBuffer()
    private var fragments: [UInt8]?
    private var outbound = ByteBuffer()
    /// Between `channelRead` and `channelReadComplete`: the flush comes by itself.
    private var isReading = false
    private var isInTick = false
    private var hasRead = false
    /// Too much is under way or unsent: frames wait in `inbound`, and the socket is not read.
    private var isStalled = false
    private var isReadWanted = false
    private var missed: UInt64 = 0

    init(server: APIServer, scope: APIScope, token: String = "") {
        self.token = token
        self.server = server
        self.scope = scope
        wishes = SignalWishes(scope: scope, unasked: server.configuration.unaskedSignals)
    }

    /// Whether what opened it is what has ended.
    func wasOpened(by ended: EndedAccess) -> Bool {
        switch ended {
        case .token(let token): !token.isEmpty && token == self.token
        case .app(let app): scope == .app(app)
        }
    }

    /// The conductor's own signals that somebody has to make for this socket.
    var systemKinds: Set<SystemSignal.Kind> { wishes.systemKinds }

    /// The channel it stands in, while it does.
    var channelID: ObjectIdentifier? { context.map { ObjectIdentifier($0.channel) } }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        session = RPCSession(scope: scope, handler: server.handler, output: self)
        server.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { forget() }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    private func forget() {
        state = .closed
        session?.close()
        session = nil
        context = nil
        (inbound, outbound, fragments) = (ByteBuffer(), ByteBuffer(), nil)
        server.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state == .open else { return }
        isReading = true
        var bytes = unwrapInboundIn(data)
        if inbound.readableBytes == 0 { inbound = bytes } else { inbound.writeBuffer(&bytes) }
        process()
        if !hasRead {
            // What came behind the upgrade request is handed on by the HTTP decoder when it leaves, with no end of a read.
            hasRead = true
            isReading = false
            wake()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        // Who does not take answers is not asked for more requests.
        if !context.channel.isWritable { isStalled = true }
        if isStalled && state == .open { isReadWanted = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Never acted on at once: this may come from inside a flush, and that from inside a handler's call.
        if context.channel.isWritable { wake() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.logger.debug("a socket failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    // MARK: Frames

    private enum Step { case more, stalled, full, closed(SocketClosure), answered(UInt16?) }

    /// Handles the frames at hand until they end or the socket has to wait.
    private func process() {
        while state == .open {
            let buffer = inbound
            let (used, step) = buffer.withUnsafeReadableBytes { frames($0) }
            // The buffer may have been let go by a close from within.
            guard state == .open else { return }
            inbound.moveReaderIndex(forwardBy: used)
            isStalled = false
            switch step {
            case .more:
                trimInbound()
                return
            case .stalled:
                isStalled = true
                return
            case .full:
                flush()
                if let context, !context.channel.isWritable {
                    isStalled = true
                    return
                }
            case .closed(let closure): return fail(closure)
            case .answered(let code): return answerClose(code)
            }
        }
    }

    /// The read buffer goes back to NIO's pool unless a good part of it is still needed.
    private func trimInbound() {
        if inbound.readableBytes == 0 {
            inbound = ByteBuffer()
        } else if inbound.readableBytes * 4 < inbound.storageCapacity {
            inbound = ByteBuffer(bytes: inbound.readableBytesView)
        }
    }

    private func frames(_ bytes: UnsafeRawBufferPointer) -> (Int, Step) {
        var used = 0
        do throws(SocketClosure) {
            while true {
                guard let session else { return (used, .more) }
                if session.underWay >= server.configuration.requestsUnderWay { return (used, .stalled) }
                if outbound.readableBytes >= Self.outboundPause { return (used, .full) }
                let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
                let limit = server.configuration.maximumFrameBytes
                guard let header = try FrameHeader.read(rest, maximumLength: limit) else { return (used, .more) }
                try checkSequence(header)
                guard rest.count >= header.size + header.length else { return (used, .more) }
                used += header.size + header.length
                let payload = UnsafeRawBufferPointer(rebasing: rest[header.size..<(header.size + header.length)])
                if let step = frame(header, payload, session) { return (used, step) }
            }
        } catch {
            return (used, .closed(error))
        }
    }

    private func checkSequence(_ header: FrameHeader) throws(SocketClosure) {
        if header.opcode == Opcode.continuation, fragments == nil {
            throw .protocolFault("a continuation continues nothing")
        }
        if header.opcode == Opcode.text, fragments != nil {
            throw .protocolFault("a message began inside another")
        }
        if let gathered = fragments?.count, !Opcode.isControl(header.opcode),
            gathered + header.length > server.configuration.maximumMessageBytes
        {
            throw .tooBig("a message holds at most \(server.configuration.maximumMessageBytes) bytes")
        }
    }

    private func frame(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ session: RPCSession
    ) -> Step? {
        if header.opcode == Opcode.continuation || !header.isLast {
            return fragment(header, payload, session)
        }
        var scratch = server.takeScratch(payload.count)
        defer { server.putScratch(scratch) }
        scratch.withUnsafeMutableBytes { FrameHeader.unmask(payload, header.mask, to: $0) }
        return scratch.withUnsafeBytes { all in
            let text = UnsafeRawBufferPointer(rebasing: all[..<payload.count])
            switch header.opcode {
            case Opcode.text: return message(text, session)
            case Opcode.ping: FrameWriter.append(Opcode.pong, text, to: &outbound)
            case Opcode.close:
                do throws(SocketClosure) {
                    return .answered(try FrameWriter.closeCode(text))
                } catch {
                    return .closed(error)
                }
            default: break
            }
            return nil
        }
    }

    private func fragment(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ session: RPCSession
    ) -> Step? {
        // Taken out while it grows, so that it is never copied.
        var gathered = fragments ?? []
        fragments = nil
        let start = gathered.count
        gathered.append(contentsOf: payload)
        gathered.withUnsafeMutableBytes { all in
            let place = UnsafeMutableRawBufferPointer(rebasing: all[start...])
            FrameHeader.unmask(UnsafeRawBufferPointer(place), header.mask, to: place)
        }
        guard header.isLast else {
            fragments = gathered
            return nil
        }
        return gathered.withUnsafeBytes { message($0, session) }
    }

    private func message(_ text: UnsafeRawBufferPointer, _ session: RPCSession) -> Step? {
        guard UTF8Check.isValid(text) else { return .closed(.notUTF8) }
        session.receive(text)
        return nil
    }

    // MARK: Sending

    /// Sends what has gathered, in one write.
    private func flush() {
        guard outbound.readableBytes > 0, let context else { return }
        // Taken out first: the write may bring events that append to `outbound`.
        var sent = outbound
        outbound = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(sent), promise: nil)
        if outbound.readableBytes == 0, sent.storageCapacity <= 65_536 {
            sent.clear(minimumCapacity: 256)
            outbound = sent
        }
    }

    /// Flushes, and goes on with what waited, once in this turn of the loop.
    private func wake() {
        guard !isInTick else { return }
        isInTick = true
        server.scheduleTick(self)
    }

    func tick() {
        isInTick = false
        guard state == .open, let context else { return }
        if missed > 0, context.channel.isWritable {
            let notice = SignalText.missed(missed)
            missed = 0
            notice.withUnsafeBytes { FrameWriter.append(Opcode.text, $0, to: &outbound) }
        }
        if isStalled, context.channel.isWritable {
            isReading = true
            process()
            isReading = false
            if !isStalled, isReadWanted {
                isReadWanted = false
                context.read()
            }
        }
        flush()
    }

    /// Appends a zome's signal if the socket wants it.
    func hear(_ signal: InstanceSignal, _ text: () -> [UInt8]?) {
        if server.reaches(scope, signal), wishes.want(signal) { send(text) }
    }

    /// Appends a signal of the conductor itself if the socket wants it.
    func hear(_ signal: SystemSignal, _ text: () -> [UInt8]?) {
        if wishes.want(signal) { send(text) }
    }

    /// Appends a signal, or counts it as missed if the client reads too slowly.
    private func send(_ text: () -> [UInt8]?) {
        guard state == .open, let context else { return }
        if outbound.readableBytes >= Self.outboundPause { flush() }
        guard missed == 0, unsentBytes(context) < server.configuration.signalBacklogBytes else {
            missed += 1
            server.signalsMissed += 1
            wake()
            return
        }
        guard let text = text() else { return }
        text.withUnsafeBytes { FrameWriter.append(Opcode.text, $0, to: &outbound) }
        if !isReading { wake() }
    }

    /// Bytes that wait for this client.
    var unsentBytes: Int { context.map(queuedBytes) ?? 0 }

    /// As far as it matters for the bound: less than what makes a channel unwritable is not looked for.
    private func unsentBytes(_ context: ChannelHandlerContext) -> Int {
        context.channel.isWritable ? outbound.readableBytes : queuedBytes(context)
    }

    private func queuedBytes(_ context: ChannelHandlerContext) -> Int {
        let queued = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return outbound.readableBytes + (queued ?? 0)
    }

    // MARK: Closing

    /// Says why, then lets the client read it: a socket closed with unread input would take the reason with it.
    func fail(_ closure: SocketClosure) {
        guard state == .open, let context else { return }
        FrameWriter.close(closure.code, closure.reason, to: &outbound)
        let sent = endOutput(context)
        LingeringClose.after(sent, context, deadline: server.configuration.closeDeadline)
    }

    private func answerClose(_ code: UInt16?) {
        guard let context else { return }
        FrameWriter.close(code, "", to: &outbound)
        let sent = endOutput(context)
        sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func endOutput(_ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        state = .closing
        session?.close()
        session = nil
        fragments = nil
        inbound = ByteBuffer()
        let last = outbound
        outbound = ByteBuffer()
        let sent = context.writeAndFlush(wrapOutboundOut(last))
        if isReadWanted { context.read() }
        return sent
    }
}

extension SocketHandler: RPCOutput {
    func answer(_ json: UnsafeRawBufferPointer) {
        FrameWriter.append(Opcode.text, json, to: &outbound)
        if !isReading { wake() }
    }

    func noAnswer() {}

    func requestEnded() {
        if isStalled { wake() }
    }

    func subscribe(_ filter: SignalFilter) throws(RPCFault) {
        try change { wishes throws(RPCFault) in try wishes.add(filter) }
    }

    func unsubscribe(_ filter: SignalFilter) throws(RPCFault) {
        try change { wishes throws(RPCFault) in try wishes.remove(filter) }
    }

    private func change(_ body: (inout SignalWishes) throws(RPCFault) -> Void) throws(RPCFault) {
        let before = wishes.systemKinds
        try body(&wishes)
        if wishes.systemKinds != before { server.systemWishesChanged() }
    }

    func replay(_ signals: [InstanceSignal]) {
        for signal in signals { send { server.text(of: signal) } }
    }
}

/// Ends a connection so that the peer can still read what was sent last: half-close, swallow what comes, then close.
enum LingeringClose {
    static func after(_ sent: EventLoopFuture<Void>, _ context: ChannelHandlerContext, deadline: TimeAmount) {
        let channel = context.channel
        sent.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        let end = channel.eventLoop.scheduleTask(in: deadline) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in end.cancel() }
    }
}
