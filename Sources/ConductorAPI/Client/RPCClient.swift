import Integrity
import NIOCore
import NIOHTTP1
import NIOPosix

/// Where a conductor listens, and what opens it.
public struct RPCAddress: Sendable, Hashable {
    /// A loopback address: the conductor answers no other.
    public var host: String
    /// TCP port.
    public var port: Int
    /// Admin or app token; nil where `auth: none`.
    public var token: String?

    /// An address on this machine.
    public init(host: String = "127.0.0.1", port: Int, token: String? = nil) {
        self.host = host
        self.port = port
        self.token = token
    }

    var headers: HTTPHeaders {
        var headers: HTTPHeaders = ["Host": "\(host.contains(":") ? "[\(host)]" : host):\(port)"]
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        return headers
    }

    /// The same error if it is ours already; otherwise what it means to someone who wanted this conductor.
    func told(_ error: any Error) -> PlasmidError {
        if let error = error as? PlasmidError { return error }
        if error is NIOConnectionError || error is IOError {
            return PlasmidError(
                .conductorUnreachable, "no conductor answers at \(host):\(port)",
                hint: "start one with `plasmid run`, or name its port")
        }
        return PlasmidError(
            .connectionLost, "the connection to \(host):\(port) failed", cause: String(describing: error))
    }
}

/// JSON-RPC over one HTTP request: for callers who ask once and want no signals.
public enum RPCClient {
    /// Sends one request and returns its `result` as JSON.
    /// - Parameters:
    ///   - params: a JSON object; empty means `{}`.
    ///   - timeout: for the whole exchange.
    /// - Throws: the conductor's own error; `conductorUnreachable`, `connectionLost`, `timeout` or `badAnswer` where it gave none.
    public static func post(
        _ method: String, params: [UInt8] = [], to address: RPCAddress, on group: any EventLoopGroup,
        timeout: TimeAmount = .seconds(60)
    ) async throws(PlasmidError) -> [UInt8] {
        do {
            let body = RPCReply.request(1, method, params)
            let answer = try await exchange(body, address, group.next(), timeout).get()
            return try outcome(answer)
        } catch {
            throw address.told(error)
        }
    }

    private static func exchange(
        _ body: [UInt8], _ address: RPCAddress, _ loop: any EventLoop, _ timeout: TimeAmount
    ) -> EventLoopFuture<HTTPAnswer> {
        let promise = loop.makePromise(of: HTTPAnswer.self)
        let connected = ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(AnswerCollector { promise.completeWith($0) })
                }
            }
            .connect(host: address.host, port: address.port)
        connected.whenFailure { promise.fail($0) }
        connected.whenSuccess { channel in
            var headers = address.headers
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
            headers.add(name: "Connection", value: "close")
            let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: headers)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            let limit = loop.scheduleTask(in: timeout) {
                promise.fail(PlasmidError(.timeout, "the conductor did not answer in time"))
            }
            promise.futureResult.whenComplete { _ in
                limit.cancel()
                channel.close(promise: nil)
            }
        }
        return promise.futureResult
    }

    private static func outcome(_ answer: HTTPAnswer) throws(PlasmidError) -> [UInt8] {
        guard answer.status == .ok else { throw answer.refusal }
        guard let members = JSONMembers(answer.body), let reply = RPCReply(members) else {
            throw HTTPAnswer.noConductor(nil)
        }
        return try reply.outcome.get()
    }
}

/// An HTTP answer, whole.
struct HTTPAnswer: Sendable {
    var status: HTTPResponseStatus
    var body: [UInt8]

    /// What a refusing answer says.
    var refusal: PlasmidError {
        let error = JSONMembers(body)?.raw("error").flatMap { JSONMembers($0) }
        // Every refusal of a conductor bears a code.
        guard error?.string("code") != nil else { return Self.noConductor(status) }
        return PlasmidError(
            PlasmidError.Code(rawValue: error?.string("code") ?? "http\(status.code)"),
            error?.string("message") ?? "the conductor answered \(status.code) \(status.reasonPhrase)",
            hint: error?.string("hint"))
    }
}

extension HTTPAnswer {
    /// Something answers, and it is not ours.
    static func noConductor(_ status: HTTPResponseStatus?) -> PlasmidError {
        let said = status.map { " (it says \($0.code) \($0.reasonPhrase))" } ?? ""
        return PlasmidError(
            .badAnswer, "another program than a conductor answers on this port\(said)",
            hint: "name the conductor's data folder with --data, or its admin port with --port")
    }
}

/// Gathers one answer and tells of it, or of why there is none.
final class AnswerCollector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let finish: (Result<HTTPAnswer, any Error>) -> Void
    private var answer = HTTPAnswer(status: .ok, body: [])

    init(_ finish: @escaping (Result<HTTPAnswer, any Error>) -> Void) { self.finish = finish }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer.status = head.status
        case .body(let bytes): answer.body.append(contentsOf: bytes.readableBytesView)
        case .end: finish(.success(answer))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(PlasmidError(.connectionLost, "the connection ended before an answer came")))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(error))
        context.close(promise: nil)
    }
}
