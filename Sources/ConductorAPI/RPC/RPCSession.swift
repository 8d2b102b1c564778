import Integrity

/// Where a session's answers go. One of `answer` and `noAnswer` comes for each message, at once or later.
protocol RPCOutput: AnyObject {
    /// One whole JSON answer; the bytes are the session's and must be copied out before this returns.
    func answer(_ json: UnsafeRawBufferPointer)
    /// The message held notifications only.
    func noAnswer()
    /// A request that was under way has ended.
    func requestEnded()
    /// The socket's own wish for signals; refused where there are none (HTTP).
    func subscribe(_ filter: SignalFilter) throws(RPCFault)
    /// Takes such a wish back.
    func unsubscribe(_ filter: SignalFilter) throws(RPCFault)
    /// Signals of before, sent as those that come are.
    func replay(_ signals: [InstanceSignal])
}

/// JSON-RPC 2.0 for one connection: finds the requests in a message, asks the handler, writes the answers.
///
/// Confined to the conductor loop. Lives as long as its last request; answers after `close` go nowhere.
final class RPCSession {
    /// More requests in one batch are refused: it bounds what one message can set off.
    static let maximumBatch = 1_000
    /// Longest `id`, in bytes as it stands: every one is copied into its answer.
    static let maximumID = 1_024

    let scope: APIScope
    let handler: any ConductorHandling
    private weak var output: (any RPCOutput)?
    private var writer = JSONWriter()
    /// Requests handed on and not answered yet.
    private(set) var underWay = 0

    init(scope: APIScope, handler: any ConductorHandling, output: any RPCOutput) {
        self.scope = scope
        self.handler = handler
        self.output = output
    }

    func close() { output = nil }

    /// Takes one message. `bytes` must be valid UTF-8 and are not used after this returns.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        var scanner = JSONScanner(bytes)
        do {
            scanner.skipSpace()
            switch scanner.peek {
            case UInt8(ascii: "{"):
                let request = try RequestScan(&scanner)
                try expectEnd(&scanner)
                start(request, scanner, batch: nil)
            case UInt8(ascii: "["): try receiveBatch(&scanner)
            default:
                _ = try scanner.value()
                try expectEnd(&scanner)
                finish(.null, nil, .failure(.invalidRequest("a request is an object")))
            }
        } catch {
            finish(.null, nil, .failure(.parse(error)))
        }
    }

    /// Answers a message that is no UTF-8, where the connection goes on nevertheless (HTTP).
    func refuseEncoding() {
        finish(.null, nil, .failure(.parse(JSONFault(offset: 0, reason: "the text is no UTF-8"))))
    }

    private func expectEnd(_ scanner: inout JSONScanner) throws(JSONFault) {
        scanner.skipSpace()
        if !scanner.isAtEnd { throw scanner.fault("something follows the request") }
    }

    /// A batch is checked whole before its first request runs: a broken one must not run by half.
    private func receiveBatch(_ scanner: inout JSONScanner) throws(JSONFault) {
        let whole = try scanner.value()
        try expectEnd(&scanner)
        guard let elements = scanner.elements(whole, atMost: Self.maximumBatch) else {
            finish(.null, nil, .failure(.invalidRequest("a batch holds at most \(Self.maximumBatch) requests")))
            return
        }
        guard !elements.isEmpty else {
            finish(.null, nil, .failure(.invalidRequest("the batch is empty")))
            return
        }
        let batch = RPCBatch(waiting: elements.count)
        for element in elements {
            var inner = scanner.moved(to: element.start)
            guard inner.peek == UInt8(ascii: "{") else {
                finish(.null, batch, .failure(.invalidRequest("a request is an object")))
                continue
            }
            start(try RequestScan(&inner), inner, batch: batch)
        }
    }

    // MARK: One request

    private func start(_ request: RequestScan, _ scanner: JSONScanner, batch: RPCBatch?) {
        let id: RPCID
        do {
            id = try RPCID(request, scanner)
        } catch {
            finish(.null, batch, .failure(error))
            return
        }
        if let fault = request.envelopeFault(scanner) {
            finish(id.orNull, batch, .failure(fault))
            return
        }
        do {
            try dispatch(request, scanner, id, batch)
        } catch {
            finish(id, batch, .failure(error))
        }
    }

    private func dispatch(
        _ request: RequestScan, _ scanner: JSONScanner, _ id: RPCID, _ batch: RPCBatch?
    ) throws(RPCFault) {
        if scanner.spans(request.method, equal: "\"call\"") {
            try startCall(request, scanner, id, batch)
            return
        }
        let method = scanner.text(request.method) ?? ""
        switch method {
        case "call": try startCall(request, scanner, id, batch)
        case "info/instances":
            finish(id, batch, .success(.json(InstanceInfo.json(handler.instances(scope)))))
        case "signals/subscribe":
            let wish = try SignalSubscription(method, Self.paramsValue(request, scanner), scope: scope)
            try subscribe(wish, id, batch)
        case "signals/unsubscribe":
            let wish = try SignalSubscription(method, Self.paramsValue(request, scanner), scope: scope)
            try output?.unsubscribe(wish.filter)
            finish(id, batch, .success(.json(Array(#"{"success":true}"#.utf8))))
        default: try startAdmin(method, request, scanner, id, batch)
        }
    }

    /// The answer comes before what is sent again, so that the client knows what to expect.
    private func subscribe(_ wish: SignalSubscription, _ id: RPCID, _ batch: RPCBatch?) throws(RPCFault) {
        guard let output else { return }
        var replay: SignalReplay?
        if let since = wish.since {
            guard handler.instances(scope).contains(where: { $0.id == since.instanceID }) else {
                throw RPCFault(
                    .invalidParams, "unknownInstance", "unknown instance `\(since.instanceID)`",
                    hint: "info/instances lists those of this connection")
            }
            replay = handler.replay(of: since.instanceID, since: since.number, boot: since.boot)
            replay?.signals.removeAll { !wish.filter.matches($0) }
        }
        try output.subscribe(wish.filter)
        var writer = JSONWriter()
        writer.raw(#"{"success":true,"boot":"#)
        writer.string(handler.bootID)
        if let replay {
            writer.raw(#","replayed":"#)
            writer.integer(replay.signals.count)
            writer.raw(#","missed":"#)
            if let missed = replay.missed { writer.integer(missed) } else { writer.raw("null") }
        }
        writer.raw("}")
        finish(id, batch, .success(.json(writer.bytes)))
        if let replay { self.output?.replay(replay.signals) }
    }

    private func startCall(
        _ request: RequestScan, _ scanner: JSONScanner, _ id: RPCID, _ batch: RPCBatch?
    ) throws(RPCFault) {
        let call = try ZomeCallRequest(request, scanner, scope: scope)
        underWay += 1
        handler.call(call) { result in
            self.underWay -= 1
            switch result {
            case .success(let outcome): self.finish(id, batch, .success(.outcome(outcome)))
            case .failure(let error): self.finish(id, batch, .failure(RPCFault(.invalidParams, error)))
            }
            self.output?.requestEnded()
        }
    }

    private func startAdmin(
        _ method: String, _ request: RequestScan, _ scanner: JSONScanner, _ id: RPCID, _ batch: RPCBatch?
    ) throws(RPCFault) {
        guard AdminMethod.isAdminOnly(method) else { throw .unknownMethod(method) }
        guard scope.isAdmin else { throw .adminOnly(method) }
        guard AdminMethod.isKnown(method) else { throw .unknownMethod(method) }
        if method.hasPrefix("test/"), !handler.isTestMode {
            throw RPCFault(
                .methodNotFound, "testModeOnly", "Method not found: \(method) needs test mode",
                hint: "start the conductor with --test-mode; never where real people's data is")
        }
        let params = try AdminMethod.checked(method, Self.paramsValue(request, scanner))
        underWay += 1
        handler.admin(method, params: params) { result in
            self.underWay -= 1
            self.finish(id, batch, Self.adminAnswer(result))
            self.output?.requestEnded()
        }
    }

    // MARK: Answers

    /// Answers one request, or its place in a batch. A notification gets none.
    private func finish(_ id: RPCID, _ batch: RPCBatch?, _ answer: Result<RPCAnswer, RPCFault>) {
        guard let output else { return }
        writer.clear()
        if let text = id.text { RPCAnswer.write(answer, id: text, to: &writer) }
        guard let batch else {
            if id.text == nil { output.noAnswer() } else { writer.bytes.withUnsafeBytes { output.answer($0) } }
            return
        }
        guard let whole = batch.add(writer.bytes) else { return }
        if whole.isEmpty { output.noAnswer() } else { whole.withUnsafeBytes { output.answer($0) } }
    }

    private static func adminAnswer(
        _ result: Result<MessagePackValue, PlasmidError>
    ) -> Result<RPCAnswer, RPCFault> {
        do throws(PlasmidError) {
            return .success(.json(try JSONText.json(fromMessagePack: result.get().packed)))
        } catch {
            let number: RPCFault.Number =
                switch error.code.rawValue {
                case "badParameter": .invalidParams
                case "unknownMethod": .methodNotFound
                default: .internalFault
                }
            return .failure(RPCFault(number, error))
        }
    }

    private static func paramsValue(
        _ request: RequestScan, _ scanner: JSONScanner
    ) throws(RPCFault) -> MessagePackValue? {
        guard request.params.isPresent, !scanner.isNull(request.params) else { return nil }
        do throws(PlasmidError) {
            return try MessagePackValue(packed: try JSONText.messagePack(fromJSON: scanner.raw(request.params)))
        } catch {
            throw RPCFault(.invalidParams, error)
        }
    }
}
