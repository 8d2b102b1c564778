import NIOCore
import NIOEmbedded
import Testing

@testable import ConductorAPI

private func subscribe(_ params: String) -> String {
    #"{"jsonrpc":"2.0","id":"s","method":"signals/subscribe","params":\#(params)}"#
}

private func frame(_ name: String, _ sequence: Int, zome: String = "z") -> String {
    #"{"type":"InstanceSignal","signal":{"signal_type":"User","name":"\#(name)","arguments":"{\"a\":1}"},"#
        + #""instance_id":"app/role","zome":"\#(zome)","boot":"b00t","seq":\#(sequence)}"#
}

private let oneKey: [UInt8] = [0x81, 0xA1, 0x61, 0x01]

@Suite("Signals")
struct SignalTests {
    @Test("§11.34 a signal comes as one frame of the shape of 2019, with `arguments` as text, before its call's answer")
    func shape() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let frames = try socket.ask(callOf("signal"))
        #expect(frames == [frame("N", 1), #"{"jsonrpc":"2.0","result":"{\"Ok\":null}","id":1}"#])
    }

    @Test("§11.35 a client of another app hears nothing; the admin port hears all")
    func scopes() async throws {
        try await TestService.run { service in
            let mine = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            let other = try await Wire.socket(service.ports.app, token: "other-token", on: service.group)
            let admin = try await Wire.socket(service.ports.admin, token: "admin-token", on: service.group)
            #expect(try await mine.ask(callOf("signal")) == frame("N", 1))
            #expect(try await mine.frame().text.contains("\"id\":1}"))
            #expect(try await admin.frame().text == frame("N", 1))
            #expect(try await other.isUsable(), "the answer is the first frame that comes")
        }
    }

    @Test("a revoked token closes the sockets that it opened, an app that is gone those of all its tokens; others stay")
    func endedAccess() async throws {
        try await TestService.run { service in
            let mine = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            let other = try await Wire.socket(service.ports.app, token: "other-token", on: service.group)
            let admin = try await Wire.socket(service.ports.admin, token: "admin-token", on: service.group)
            try await service.conductor { $0.accessReceiver?(.token("")) }
            try await service.conductor { $0.accessReceiver?(.token("app-token")) }
            #expect(try await mine.frame().closeCode == 1008)
            #expect(try await other.isUsable())
            try await service.conductor { $0.accessReceiver?(.app("other")) }
            #expect(try await other.frame().closeCode == 1008)
            #expect(try await admin.isUsable())
        }
    }

    @Test("§11.38 a client that subscribes hears what it asked for; one that does not hears all of its app")
    func filters() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        func heard() throws -> [String] {
            for (name, zome) in [("A", "z"), ("B", "z"), ("A", "y")] { socket.conductor.emit(name, oneKey, zome: zome) }
            socket.channel.embeddedEventLoop.run()
            return try socket.frames().map { text in
                let parts = text.text.split(separator: "\"").map(String.init)
                return (parts.firstIndex(of: "name").map { parts[$0 + 2] } ?? "")
                    + (parts.firstIndex(of: "zome").map { parts[$0 + 2] } ?? "")
            }
        }
        #expect(try heard() == ["Az", "Bz", "Ay"])
        #expect(
            try socket.ask(subscribe(#"{"name":"A","zome":"z"}"#)).first?.contains(#"{"success":true,"boot":"b00t"}"#)
                == true)
        #expect(try heard() == ["Az"])
        _ = try socket.ask(subscribe(#"{"zome":"y","instance_id":"app/role"}"#))
        #expect(try heard() == ["Az", "Ay"])
        _ = try socket.ask(subscribe(#"{"instance_id":"app/elsewhere"}"#))
        #expect(try heard() == ["Az", "Ay"])
        _ = try socket.ask(subscribe("{}"))
        #expect(try heard() == ["Az", "Bz", "Ay"])
        #expect(try socket.ask(subscribe(#"{"name":5}"#)).first?.contains("not a valid json string") == true)
        #expect(try socket.ask(subscribe("[]")).first?.contains("expected params map") == true)
        for number in 0..<SignalWishes.maximumFilters { _ = try socket.ask(subscribe(#"{"name":"\#(number)"}"#)) }
        #expect(try socket.ask(subscribe(#"{"name":"one more"}"#)).first?.contains("tooManyFilters") == true)
    }

    @Test("§11.39 after a reconnect a signal arrives once; a stalled client holds up nobody and is told what it missed")
    func stalled() async throws {
        try await TestService.run({ $0.signalBacklogBytes = 100_000 }) { service in
            let port = service.ports.app
            let stalled = try await Wire.socket(port, token: "app-token", on: service.group, receiveBuffer: 65_536)
            try await stalled.setReading(false)
            let gone = try await Wire.socket(port, token: "app-token", on: service.group)
            try await gone.close()
            let live = try await Wire.socket(port, token: "app-token", on: service.group)
            let text = [UInt8](repeating: 0x61, count: 10_000)
            let large: [UInt8] = [0xDA, UInt8(text.count >> 8), UInt8(text.count & 255)] + text
            let total = 1_000
            for number in 1...total {
                try await service.conductor { $0.emit("L", large) }
                #expect(try await live.frame().text.hasSuffix("\"seq\":\(number)}"))
            }
            try await stalled.setReading(true)
            var kept = 0
            var missed = 0
            while missed == 0 {
                let frame = try await stalled.frame().text
                if frame.hasPrefix(#"{"type":"SignalsMissed","missed":"#) {
                    missed = Int(frame.dropFirst(33).dropLast()) ?? -1
                } else {
                    kept += 1
                    #expect(frame.hasSuffix("\"seq\":\(kept)}"), "what comes before the notice has no gap")
                }
            }
            #expect(kept + missed == total)
            try await service.conductor { $0.emit("after", oneKey) }
            #expect(try await stalled.frame().text == frame("after", total + 1))
            #expect(try await stalled.isUsable())
        }
    }

    @Test("a burst within one turn of the loop reaches a client that reads, whole and in order")
    func burst() async throws {
        try await TestService.run { service in
            let socket = try await Wire.socket(service.ports.app, token: "app-token", on: service.group)
            try await service.conductor { conductor in
                for _ in 0..<3_000 { conductor.emit("B", oneKey) }
            }
            for number in 1...3_000 {
                let text = try await socket.frame().text
                guard text == frame("B", number) else {
                    Issue.record("signal \(number) came as \(text)")
                    return
                }
            }
        }
    }

    @Test("a signal that JSON cannot hold reaches nobody and hurts nobody")
    func unspeakable() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        socket.conductor.emit("X", [0xC1])
        socket.conductor.emit("N", oneKey)
        socket.channel.embeddedEventLoop.run()
        #expect(try socket.frames().map(\.text) == [frame("N", 2)])
    }
}
