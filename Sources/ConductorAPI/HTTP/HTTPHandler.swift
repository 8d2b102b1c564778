import Integrity
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// The HTTP/1.1 side of a connection: one request at a time, until it closes or becomes a WebSocket.
final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The handlers that go when the connection becomes a WebSocket.
    private struct Codec {
        let encoder: HTTPResponseEncoder
        let decoder: ByteToMessageHandler<HTTPRequestDecoder>
        let pipelining: HTTPServerPipelineHandler
    }

    private enum State {
        case waiting
        case posting(HTTPRequestHead, APIScope)
        case upgrading(HTTPRequestHead, APIScope)
        case answering(keepAlive: Bool, origin: String?)
        /// A file goes out piece by piece; whoever stops reading is cut off.
        case streaming(keepAlive: Bool)
        /// Refused, or an upgrade: what else comes is swallowed.
        case done
    }

    private let server: APIServer
    private let gate: RequestGate
    private let codec: Codec
    private var state = State.waiting
    private var context: ChannelHandlerContext?
    private var body = ByteBuffer()
    private var session: RPCSession?
    private var deadline: Scheduled<Void>?

    private init(server: APIServer, gate: RequestGate, codec: Codec) {
        self.server = server
        self.gate = gate
        self.codec = codec
    }

    /// Sets up a new connection.
    static func install(on channel: any Channel, server: APIServer, door: Door) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 8 << 10
        limits.maxHeaderListSize = 32 << 10
        limits.maxHeaderFieldCount = 64
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        let codec = Codec(
            encoder: HTTPResponseEncoder(), decoder: ByteToMessageHandler(decoder),
            pipelining: HTTPServerPipelineHandler())
        let gate = RequestGate(
            door: door, port: channel.localAddress?.port ?? 0, origins: server.origins(door, channel))
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(codec.encoder)
        try pipeline.addHandler(codec.decoder)
        try pipeline.addHandler(codec.pipelining)
        try pipeline.addHandler(HTTPHandler(server: server, gate: gate, codec: codec))
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        arm(server.configuration.headDeadline)
    }

    func handlerRemoved(context: ChannelHandlerContext) { forget() }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    private func forget() {
        session?.close()
        session = nil
        deadline?.cancel()
        deadline = nil
        context = nil
        body = ByteBuffer()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting): begin(head)
        case (.body(var bytes), .posting(let head, _)):
            guard body.readableBytes + bytes.readableBytes <= server.configuration.maximumBodyBytes else {
                refuse(tooLarge(), origin: origin(head))
                return
            }
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
        case (.end, .posting(let head, let scope)): receive(head, scope)
        case (.end, .upgrading(let head, let scope)): upgrade(head, scope)
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let fault = error as? HTTPParserError else {
            server.logger.debug("a connection failed", metadata: ["error": "\(error)"])
            context.close(promise: nil)
            return
        }
        let status: HTTPResponseStatus =
            switch fault {
            case .headerOverflow: .requestHeaderFieldsTooLarge
            case .invalidVersion: .httpVersionNotSupported
            default: .badRequest
            }
        refuse(
            HTTPRefusal(
                status: status, code: "malformedHTTP", message: "this is no HTTP/1.1 request: \(fault)",
                hint: "a request head holds at most 32 KiB and 64 fields"), origin: nil, isUnasked: isWaiting)
    }

    private var isWaiting: Bool {
        if case .waiting = state { return true }
        return false
    }

    // MARK: A request

    private func begin(_ head: HTTPRequestHead) {
        do {
            let wish = try gate.wish(head)
            switch wish {
            case .health: answerHealth(head)
            case .metrics:
                _ = try gate.scope(head, server.handler)
                answerMetrics(head)
            case .preflight(let origin): answerPreflight(head, origin)
            case .page(let isHead): answerPage(head, isHead: isHead)
            case .upgrade: state = .upgrading(head, try scope(head))
            case .post:
                try checkLength(head)
                state = .posting(head, try scope(head))
                if head.headers[canonicalForm: "expect"].contains("100-continue") { answerContinue(head) }
                arm(server.configuration.bodyDeadline)
            }
        } catch {
            refuse(error, origin: origin(head))
        }
    }

    private func scope(_ head: HTTPRequestHead) throws(HTTPRefusal) -> APIScope {
        let scope = try gate.scope(head, server.handler)
        if let context { server.proved(context.channel) }
        return scope
    }

    private func checkLength(_ head: HTTPRequestHead) throws(HTTPRefusal) {
        guard let text = head.headers.first(name: "content-length"), let length = Int(text) else { return }
        if length > server.configuration.maximumBodyBytes { throw tooLarge() }
    }

    private func tooLarge() -> HTTPRefusal {
        HTTPRefusal(
            status: .payloadTooLarge, code: "bodyTooLarge", message: "the body is too large",
            hint: "a request holds at most \(server.configuration.maximumBodyBytes) bytes")
    }

    /// The page that may read the answer; the gate has let no other origin through.
    private func origin(_ head: HTTPRequestHead) -> String? {
        head.headers.first(name: "origin").flatMap { gate.origins.contains($0) ? $0 : nil }
    }

    private func receive(_ head: HTTPRequestHead, _ scope: APIScope) {
        disarm()
        state = .answering(keepAlive: head.isKeepAlive, origin: origin(head))
        let session = RPCSession(scope: scope, handler: server.handler, output: self)
        self.session = session
        let message = body
        body = ByteBuffer()
        message.withUnsafeReadableBytes { bytes in
            if UTF8Check.isValid(bytes) { session.receive(bytes) } else { session.refuseEncoding() }
        }
    }

    private func upgrade(_ head: HTTPRequestHead, _ scope: APIScope) {
        guard let context else { return }
        state = .done
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        let accepted = upgrader.buildUpgradeResponse(
            channel: context.channel, upgradeRequest: head, initialResponseHeaders: [:])
        accepted.assumeIsolated().whenComplete { result in
            guard case .success(let headers) = result else {
                context.close(promise: nil)
                return
            }
            let answer = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
            context.write(self.wrapOutboundOut(.head(answer)), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
            self.becomeSocket(context, scope, token: self.gate.token(of: head))
        }
    }

    /// Takes HTTP out of the pipeline, its decoder last: what the client sent behind its request are frames already.
    private func becomeSocket(_ context: ChannelHandlerContext, _ scope: APIScope, token: String) {
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(SocketHandler(server: server, scope: scope, token: token))
        } catch {
            context.close(promise: nil)
            return
        }
        pipeline.removeHandler(codec.pipelining, promise: nil)
        pipeline.removeHandler(codec.encoder, promise: nil)
        let decoder = codec.decoder
        pipeline.removeHandler(context: context, promise: nil)
        pipeline.removeHandler(decoder, promise: nil)
    }

    // MARK: Answers

    private func answerHealth(_ head: HTTPRequestHead) {
        state = .answering(keepAlive: head.isKeepAlive, origin: nil)
        var text: ByteBuffer
        var status = HTTPResponseStatus.ok
        switch server.handler.health() {
        case .ok: text = ByteBuffer(string: "ok")
        case .degraded(let cells, let all, let interfaces):
            var reasons: [String] = []
            if cells > 0 { reasons.append("\(cells) of \(all) cells do not run") }
            if interfaces > 0 { reasons.append("interfaces that do not listen: \(interfaces)") }
            text = ByteBuffer(string: "degraded: \(reasons.joined(separator: ", "))")
        case .failing(let code):
            text = ByteBuffer(string: "failing: \(code)")
            status = .serviceUnavailable
        }
        respond(status, ["Content-Type": "text/plain"], &text)
    }

    private func answerMetrics(_ head: HTTPRequestHead) {
        state = .answering(keepAlive: head.isKeepAlive, origin: origin(head))
        var text = ByteBuffer(bytes: MetricsText.text(server.handler.metrics() + server.metrics()))
        respond(.ok, ["Content-Type": MetricsText.contentType], &text)
    }

    private func answerPreflight(_ head: HTTPRequestHead, _ origin: String) {
        state = .answering(keepAlive: head.isKeepAlive, origin: origin)
        var none = ByteBuffer()
        respond(
            .noContent,
            [
                "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "authorization, content-type",
                "Access-Control-Max-Age": "600",
            ], &none)
    }

    private func answerContinue(_ head: HTTPRequestHead) {
        let part = HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .continue))
        context?.writeAndFlush(wrapOutboundOut(part), promise: nil)
    }

    private func respond(_ status: HTTPResponseStatus, _ more: [String: String], _ body: inout ByteBuffer) {
        guard let context, case .answering(let keepAlive, let origin) = state else { return }
        var headers = Self.headers(origin)
        for (name, value) in more.sorted(by: { $0.key < $1.key }) { headers.add(name: name, value: value) }
        if status != .noContent { headers.add(name: "Content-Length", value: String(body.readableBytes)) }
        headers.add(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        // The state first: writing the end may bring in the next request at once.
        state = keepAlive ? .waiting : .done
        if keepAlive { arm(server.configuration.idleDeadline) }
        let sent = write(context, HTTPResponseHead(version: .http1_1, status: status, headers: headers), body)
        if !keepAlive { LingeringClose.after(sent, context, deadline: server.configuration.closeDeadline) }
    }

    /// Answers a request that may not pass, or that never came whole, and closes: what it still sends is not worth reading.
    private func refuse(_ refusal: HTTPRefusal, origin: String?, isUnasked: Bool = false) {
        guard let context else { return }
        switch state {
        case .done: return
        case .streaming:
            context.close(promise: nil)
            return
        default: break
        }
        // Without a request under way, the pipelining handler would take an answer for a fault of ours: go past it.
        let past = isUnasked ? try? context.pipeline.syncOperations.context(handler: codec.pipelining) : nil
        let way = past ?? context
        disarm()
        state = .done
        body = ByteBuffer()
        session?.close()
        session = nil
        var writer = JSONWriter()
        writer.raw(#"{"error":{"code":"#)
        writer.string(refusal.code)
        writer.raw(#","message":"#)
        writer.string(refusal.message)
        writer.raw(#","hint":"#)
        writer.string(refusal.hint)
        writer.raw("}}\n")
        var headers = Self.headers(origin)
        for (name, value) in refusal.headers { headers.add(name: name, value: value) }
        headers.add(name: "Content-Type", value: "application/json")
        headers.add(name: "Content-Length", value: String(writer.bytes.count))
        headers.add(name: "Connection", value: "close")
        let head = HTTPResponseHead(version: .http1_1, status: refusal.status, headers: headers)
        let sent = write(way, head, ByteBuffer(bytes: writer.bytes))
        LingeringClose.after(sent, context, deadline: server.configuration.closeDeadline)
    }

    private static func headers(_ origin: String?) -> HTTPHeaders {
        var headers: HTTPHeaders = ["Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"]
        if let origin {
            headers.add(name: "Access-Control-Allow-Origin", value: origin)
            headers.add(name: "Vary", value: "Origin")
        }
        return headers
    }

    private func write(
        _ context: ChannelHandlerContext, _ head: HTTPResponseHead, _ body: ByteBuffer
    ) -> EventLoopFuture<Void> {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if body.readableBytes > 0 { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        return context.writeAndFlush(wrapOutboundOut(.end(nil)))
    }

    // MARK: Pages

    private func answerPage(_ head: HTTPRequestHead, isHead: Bool) {
        guard case .pages(let door) = gate.door, let context else { return }
        disarm()
        state = .answering(keepAlive: head.isKeepAlive, origin: nil)
        let path = String(head.uri.prefix { $0 != "?" && $0 != "#" })
        if path == "/_dna_connections.json" {
            var body = ByteBuffer(bytes: isHead ? [] : server.handler.connections(ofPages: door.id))
            respond(.ok, ["Content-Type": "application/json"], &body)
            return
        }
        if let cookie = cookie(head, door) {
            var none = ByteBuffer()
            let place = path.hasPrefix("//") || PageFile.names(path) == nil ? "/" : path
            respond(.seeOther, ["Location": place, "Set-Cookie": cookie], &none)
            return
        }
        let (folder, reroutes, loop) = (door.folder, door.reroutesToRoot, context.eventLoop)
        let opened = NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            PageFile.open(folder: folder, path: path, reroutes: reroutes)
        }
        opened.assumeIsolated().whenComplete { result in
            let file = try? result.get()
            self.send(file, file.map { PageStream($0, loop: loop) }, isHead: isHead, keepAlive: head.isKeepAlive)
        }
    }

    /// The cookie for a page that a person opened with a token; another site's page could only plant a token of its own.
    private func cookie(_ head: HTTPRequestHead, _ door: PagesDoor) -> String? {
        let from = head.headers.first(name: "sec-fetch-site") ?? "none"
        guard let interface = door.interface, from == "none" || from == "same-origin", head.uri.contains("?") else {
            return nil
        }
        return PageCookie.header(interface: interface, token: RequestGate.token(head))
    }

    private func send(_ file: PageFile?, _ stream: PageStream?, isHead: Bool, keepAlive: Bool) {
        guard let context, case .answering = state else { return }
        guard let file, let stream else {
            var text = ByteBuffer(string: isHead ? "" : "nothing is served at this path\n")
            return respond(.notFound, ["Content-Type": "text/plain"], &text)
        }
        var headers = Self.headers(nil)
        headers.add(name: "Content-Type", value: file.contentType)
        headers.add(name: "Cross-Origin-Resource-Policy", value: "same-origin")
        headers.add(name: "Content-Length", value: String(file.size))
        headers.add(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        state = .streaming(keepAlive: keepAlive)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        if isHead { endPage(context) } else { sendPiece(of: stream) }
    }

    private func sendPiece(of stream: PageStream) {
        arm(server.configuration.bodyDeadline)
        stream.next { result in
            guard let context = self.context else { return }
            switch result {
            case .success(let piece?):
                context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(piece)))).assumeIsolated()
                    .whenSuccess { self.sendPiece(of: stream) }
            case .success(nil): self.endPage(context)
            // What was promised cannot be kept: the length was told already.
            case .failure: context.close(promise: nil)
            }
        }
    }

    private func endPage(_ context: ChannelHandlerContext) {
        guard case .streaming(let keepAlive) = state else { return }
        disarm()
        state = keepAlive ? .waiting : .done
        if keepAlive { arm(server.configuration.idleDeadline) }
        let sent = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !keepAlive { LingeringClose.after(sent, context, deadline: server.configuration.closeDeadline) }
    }

    // MARK: Deadlines

    private func arm(_ time: TimeAmount) {
        deadline?.cancel()
        guard let context else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.tooSlow() }
    }

    private func disarm() {
        deadline?.cancel()
        deadline = nil
    }

    private func tooSlow() {
        refuse(
            HTTPRefusal(
                status: .requestTimeout, code: "requestTooSlow", message: "no whole request came in time",
                hint: "open a connection when there is something to send"), origin: nil, isUnasked: isWaiting)
    }
}

extension HTTPHandler: RPCOutput {
    func answer(_ json: UnsafeRawBufferPointer) {
        session = nil
        var body = ByteBuffer(bytes: json)
        respond(.ok, ["Content-Type": "application/json"], &body)
    }

    func noAnswer() {
        session = nil
        var none = ByteBuffer()
        respond(.noContent, [:], &none)
    }

    func requestEnded() {}

    func subscribe(_ filter: SignalFilter) throws(RPCFault) { throw Self.noSignals }

    func unsubscribe(_ filter: SignalFilter) throws(RPCFault) { throw Self.noSignals }

    private static let noSignals = RPCFault(
        .invalidParams, "signalsNeedSocket", "signals are sent over a WebSocket, not over HTTP",
        hint: "open a WebSocket at / and subscribe there")

    func replay(_ signals: [InstanceSignal]) {}
}
