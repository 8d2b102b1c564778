import ConductorAPI
import Integrity
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What was heard on another thread.
private final class Heard: Sendable {
    let texts = Mutex<[String]>([])
}

@Suite("The client's half")
struct ClientTests {
    @Test("a request over HTTP gives its result, or the conductor's error with code and hint")
    func post() async throws {
        try await TestService.run { service in
            let result = try await RPCClient.post("info/instances", to: service.appAddress(), on: service.group)
            #expect(String(decoding: result, as: UTF8.self).contains("app/role"))
            let params = Array(#"{"instance_id":"app/role","zome":"z","function":"echo","args":{"a":"\n"}}"#.utf8)
            let called = try await RPCClient.post("call", params: params, to: service.appAddress(), on: service.group)
            #expect(try CallReply(result: called) == .ok(Array(#"{"a":"\n"}"#.utf8)))
            let unknown = Array(#"{"instance_id":"app/role","zome":"y","function":"echo"}"#.utf8)
            let error = await #expect(throws: PlasmidError.self) {
                _ = try await RPCClient.post("call", params: unknown, to: service.appAddress(), on: service.group)
            }
            #expect(error == PlasmidError(.unknownZome, "Zome 'y' not found", hint: "it has z"))
            let token = await #expect(throws: PlasmidError.self) {
                _ = try await RPCClient.post("info/instances", to: service.appAddress("no"), on: service.group)
            }
            #expect(token?.code == PlasmidError.Code(rawValue: "tokenWrong") && token?.hint != nil)
        }
    }

    @Test("where nothing listens, and where something else does, the error says so")
    func unreachable() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let silent = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in channel.close() }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let lost = await #expect(throws: PlasmidError.self) {
            _ = try await RPCClient.post("info/instances", to: RPCAddress(port: port), on: group)
        }
        #expect(lost?.code == .connectionLost || lost?.code == .conductorUnreachable)
        let lostSocket = await #expect(throws: PlasmidError.self) {
            _ = try await RPCSocket.open(RPCAddress(port: port), on: group)
        }
        #expect(lostSocket?.code == .connectionLost || lostSocket?.code == .conductorUnreachable)
        try await silent.close().get()
        let nobody = await #expect(throws: PlasmidError.self) {
            _ = try await RPCClient.post("info/instances", to: RPCAddress(port: port), on: group)
        }
        #expect(nobody?.code == .conductorUnreachable && nobody?.hint?.contains("plasmid run") == true)
        try await group.shutdownGracefully()
    }

    @Test("a socket carries many requests at once, signals, errors and an end")
    func socket() async throws {
        try await TestService.run { service in
            let heard = Heard()
            let socket = try await RPCSocket.open(service.appAddress(), on: service.group) { signal in
                heard.texts.withLock { $0.append(String(decoding: signal, as: UTF8.self)) }
            }
            let replies = (0..<200).map { number in
                socket.request("call", params: Array(echo(number).utf8))
            }
            for (number, reply) in replies.enumerated() {
                #expect(try CallReply(result: try await reply.get()) == .ok(Array(String(number).utf8)))
            }
            let params = Array(#"{"instance_id":"app/role","zome":"z","function":"signal"}"#.utf8)
            _ = try await socket.call("call", params: params)
            #expect(heard.texts.withLock { $0.count } == 1, "a call's signals come before its answer")
            let error = await #expect(throws: PlasmidError.self) { _ = try await socket.call("nope") }
            #expect(error?.code == PlasmidError.Code(rawValue: "unknownMethod"))
            await socket.close()
            let late = await #expect(throws: PlasmidError.self) { _ = try await socket.call("info/instances") }
            #expect(late?.code == .connectionLost)
        }
    }

    @Test("a client that says what it wants to hear is told nothing before it is answered")
    func unasked() async throws {
        try await TestService.run { service in
            let heard = Heard()
            let socket = try await RPCSocket.open(
                service.appAddress(), on: service.group, hearsFromFirstAnswer: true
            ) { signal in heard.texts.withLock { $0.append(String(decoding: signal, as: UTF8.self)) } }
            try await service.conductor { $0.emit("early", [0xC0]) }
            _ = try await socket.call("signals/subscribe", params: Array(#"{"name":"wanted"}"#.utf8))
            try await service.conductor { conductor in
                conductor.emit("other", [0xC0])
                conductor.emit("wanted", [0xC0])
            }
            _ = try await socket.call("info/instances")
            let texts = heard.texts.withLock { $0 }
            #expect(texts.count == 1 && texts.first?.contains("wanted") == true, "\(texts)")
            await socket.close()
        }
    }

    private func echo(_ number: Int) -> String {
        #"{"instance_id":"app/role","zome":"z","function":"echo","args":\#(number)}"#
    }

    @Test("a refused upgrade tells the refusal; a conductor that stops fails what waits")
    func refusals() async throws {
        try await TestService.run { service in
            let refused = await #expect(throws: PlasmidError.self) {
                _ = try await RPCSocket.open(service.adminAddress("no"), on: service.group)
            }
            #expect(refused?.code == PlasmidError.Code(rawValue: "tokenWrong"))
            let socket = try await RPCSocket.open(service.adminAddress(), on: service.group)
            let params = Array(#"{"instance_id":"app/role","zome":"z","function":"late"}"#.utf8)
            let waiting = socket.request("call", params: params)
            _ = try await socket.call("admin/app/list")
            try await service.stop()
            let error = await #expect(throws: PlasmidError.self) { _ = try await waiting.get() }
            #expect(error?.code == .connectionLost && error?.cause?.contains("1001") == true)
            try await socket.closed.get()
        }
    }

    @Test("results that are no call results are told apart")
    func callReplies() {
        for text in [#""x""#, "5", #""{\"No\":1}""#, "", #""{\"Ok\":}""#, "\""] {
            #expect(throws: PlasmidError.self) { _ = try CallReply(result: Array(text.utf8)) }
        }
    }
}
