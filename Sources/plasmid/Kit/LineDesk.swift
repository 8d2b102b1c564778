import ConductorAPI
import Integrity
import NIOCore
import NIOPosix
import Synchronization

/// Passes lines on to the conductor's own ports, and its answers and signals back as lines.
final class LineDesk: Sendable {
    private let ports: APIPorts
    private let adminToken: String?
    private let group: MultiThreadedEventLoopGroup
    /// The connections, by app; nil is the operator's, which hears every signal.
    private let sockets = Mutex<[String?: EventLoopFuture<RPCSocket>]>([:])
    /// Answers come on several threads, and a line is written whole.
    private let output = Mutex(())

    init(ports: APIPorts, adminToken: String?, group: MultiThreadedEventLoopGroup) {
        self.ports = ports
        self.adminToken = adminToken
        self.group = group
    }

    /// Hands one request on. Its answer follows when it is there; later requests do not wait for it.
    func take(_ line: String) {
        guard let request = try? JSONLines.value(line), let id = request["id"],
            let method = request["method"]?.text, let params = try? Self.json(request["params"] ?? .emptyMap)
        else {
            write(#"{"error":{"code":"badInput","message":"a line holds {\"id\",\"method\",\"params\"}"}}"#)
            return
        }
        let app = request["as"]?.text
        socket(of: app).flatMap { $0.request(method, params: params) }.whenComplete { [self] result in
            switch result {
            case .success(let answer): self.answer(id, #""result":"# + String(decoding: answer, as: UTF8.self))
            case .failure(let error):
                let error = error as? PlasmidError ?? PlasmidError(.connectionLost, "\(error)")
                // The app may have been taken off and installed again: the next request connects anew.
                if app != nil, error.code == .connectionLost { sockets.withLock { $0[app] = nil } }
                let told = MessagePackValue.object([
                    "code": .string(error.code.rawValue), "message": .string(error.message),
                    "hint": .optional(error.hint),
                ])
                self.answer(id, #""error":"# + ((try? JSONLines.text(told, indented: false)) ?? "{}"))
            }
        }
    }

    /// The connection of an app, or the operator's, opened once.
    func socket(of app: String?) -> EventLoopFuture<RPCSocket> {
        if let socket = sockets.withLock({ $0[app] }) { return socket }
        let socket =
            app.map(connect)
            ?? connect(RPCAddress(port: ports.admin, token: adminToken)) { [weak self] in
                self?.write(String(decoding: $0, as: UTF8.self))
            }
        sockets.withLock { $0[app] = socket }
        // A connection that could not be made is tried anew.
        socket.whenFailure { [self] _ in sockets.withLock { $0[app] = nil } }
        return socket
    }

    private func connect(_ app: String) -> EventLoopFuture<RPCSocket> {
        let (port, operators) = (ports.app, socket(of: nil))
        return group.next().makeFutureWithTask { [self] in
            let params = try Self.json(.object(["app_id": .string(app)]))
            let issued = try await operators.get().call("admin/token/issue", params: params)
            let token = try JSONLines.value(issued)["token"]?.text
            // Its signals are the operator's too.
            return try await connect(RPCAddress(port: port, token: token)) { _ in }.get()
        }
    }

    private func connect(
        _ address: RPCAddress, _ onSignal: @escaping @Sendable ([UInt8]) -> Void
    ) -> EventLoopFuture<RPCSocket> {
        let group = group
        return group.next().makeFutureWithTask {
            try await RPCSocket.open(address, on: group, onSignal: onSignal)
        }
    }

    private static func json(_ value: MessagePackValue) throws -> [UInt8] {
        try JSONText.json(fromMessagePack: value.packed)
    }

    private func answer(_ id: MessagePackValue, _ rest: String) {
        let number = (try? JSONLines.text(id, indented: false)) ?? "null"
        write("{\"id\":\(number),\(rest)}")
    }

    private func write(_ line: String) {
        output.withLock { _ in Output.line(line) }
    }
}
