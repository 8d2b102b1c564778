import ConductorAPI
import Integrity
import NIOCore
import NIOPosix

/// A conductor on this machine: one HTTP request for a question, a WebSocket for signals.
struct RPCConnection: ConductorConnection {
    private let address: RPCAddress
    private let group = MultiThreadedEventLoopGroup.singleton
    /// A call may take as long as its module is allowed to; the conductor ends it sooner than this.
    private let timeout = TimeAmount.hours(1)

    init(_ address: RPCAddress) {
        self.address = address
    }

    func request(_ method: String, _ params: MessagePackValue) async throws -> MessagePackValue {
        let body = try JSONText.json(fromMessagePack: params.packed)
        let answer = try await RPCClient.post(method, params: body, to: address, on: group, timeout: timeout)
        return try JSONLines.value(answer)
    }

    func signals(
        _ params: MessagePackValue, listening: @Sendable (MessagePackValue) -> Void,
        each: @escaping @Sendable (MessagePackValue) throws -> Bool
    ) async throws {
        let end = group.next().makePromise(of: Void.self)
        let socket: RPCSocket
        do {
            // Printed on the connection's own loop: a terminal that is slow slows the reading, and nothing piles up here.
            socket = try await RPCSocket.open(address, on: group, hearsFromFirstAnswer: true) { frame in
                do {
                    if try !each(JSONLines.value(frame)) { end.succeed(()) }
                } catch {
                    end.fail(error)
                }
            }
        } catch {
            end.succeed(())
            throw error
        }
        socket.closed.whenComplete { _ in
            end.fail(PlasmidError(.connectionLost, "the conductor ended the connection", hint: "it may have stopped"))
        }
        do {
            let body = try JSONText.json(fromMessagePack: params.packed)
            listening(try JSONLines.value(try await socket.call("signals/subscribe", params: body)))
        } catch {
            end.fail(error)
        }
        try await end.futureResult.get()
        await socket.close()
    }
}
