import Foundation
import Integrity
import NIOEmbedded
import Testing

@testable import ConductorAPI

private func subscribe(_ params: String) -> String {
    #"{"jsonrpc":"2.0","id":"s","method":"signals/subscribe","params":\#(params)}"#
}

private let oneKey: [UInt8] = [0x81, 0xA1, 0x61, 0x01]

@Suite("Subscriptions: replay and the conductor's own signals")
struct SubscriptionTests {
    private func numbers(_ frames: [String]) -> [String] {
        frames.map { frame in
            frame.range(of: "\"seq\":").map { String(frame[$0.upperBound...].dropLast()) }
                ?? (frame.contains("\"result\"") ? "answer" : frame)
        }
    }

    @Test(
        "§11.39 a client that comes back with its last number is told how many come again, then gets them, once, in order"
    )
    func replay() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        for _ in 1...5 { socket.conductor.emit("N", oneKey) }
        socket.channel.embeddedEventLoop.run()
        _ = try socket.frames()
        let frames = try socket.ask(subscribe(#"{"instance_id":"app/role","since":2}"#))
        #expect(
            frames.first
                == #"{"jsonrpc":"2.0","result":{"success":true,"boot":"b00t","replayed":3,"missed":0},"id":"s"}"#)
        #expect(numbers(frames) == ["answer", "3", "4", "5"])
        socket.conductor.emit("N", oneKey)
        socket.channel.embeddedEventLoop.run()
        #expect(numbers(try socket.frames().map(\.text)) == ["6"])
    }

    @Test("what the buffer has passed is counted; what a filter keeps out is not sent again")
    func missed() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        for number in 1...6 { socket.conductor.emit(number.isMultiple(of: 2) ? "even" : "odd", oneKey) }
        socket.conductor.forgotten = 3
        socket.channel.embeddedEventLoop.run()
        _ = try socket.frames()
        let frames = try socket.ask(subscribe(#"{"instance_id":"app/role","name":"even","since":0}"#))
        #expect(frames.first?.contains(#""replayed":2,"missed":3"#) == true, "\(frames)")
        #expect(numbers(frames) == ["answer", "4", "6"])
    }

    @Test(
        "a number of an earlier run of the conductor gives all of this one, and says that nobody knows what was missed")
    func otherBoot() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        for _ in 1...2 { socket.conductor.emit("N", oneKey) }
        socket.channel.embeddedEventLoop.run()
        _ = try socket.frames()
        let frames = try socket.ask(subscribe(#"{"instance_id":"app/role","since":900,"boot":"earlier"}"#))
        #expect(frames.first?.contains(#""replayed":2,"missed":null"#) == true, "\(frames)")
        #expect(numbers(frames) == ["answer", "1", "2"])
    }

    @Test("a subscription that cannot be meant is refused, and changes nothing")
    func refused() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let faults = [
            (#"{"since":1}"#, "needs `instance_id`"), (#"{"instance_id":"app/role","since":-1}"#, "0 or more"),
            (#"{"instance_id":"app/role","since":"1"}"#, "0 or more"), (#"{"boot":"x"}"#, "comes with `since`"),
            (#"{"instance_id":"other/role","since":0}"#, "unknownInstance"),
            (#"{"instance_id":"no/where","since":0}"#, "unknownInstance"), (#"{"zomes":"z"}"#, "is no param"),
            (#"{"kinds":["trace"]}"#, "adminOnly"), (#"{"kinds":[]}"#, "is empty"),
            (#"{"kinds":["gossip"]}"#, "no kind of signal"), (#"{"kinds":"user"}"#, "array of strings"),
            (#"{"zome":"z","zome":"y"}"#, "twice"),
        ]
        for (params, words) in faults {
            let answer = try socket.ask(subscribe(params))
            #expect(
                answer.count == 1 && answer[0].contains(words) && answer[0].contains("-32602"), "\(params): \(answer)")
        }
        socket.conductor.emit("N", oneKey)
        socket.channel.embeddedEventLoop.run()
        #expect(numbers(try socket.frames().map(\.text)) == ["1"], "still everything")
    }

    @Test(
        "what was asked for can be taken back, one by one or as a whole; then nothing comes until something is asked for"
    )
    func unsubscribing() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        func unsubscribe(_ params: String) throws -> [String] {
            try socket.ask(#"{"jsonrpc":"2.0","id":"u","method":"signals/unsubscribe","params":\#(params)}"#)
        }
        func heard() throws -> [String] {
            for name in ["A", "B"] { socket.conductor.emit(name, oneKey) }
            socket.channel.embeddedEventLoop.run()
            return try socket.frames().map { $0.text.contains(#""name":"A""#) ? "A" : "B" }
        }
        #expect(try unsubscribe(#"{"name":"A"}"#).first?.contains("notSubscribed") == true)
        #expect(try heard() == ["A", "B"], "a refusal changes nothing")
        _ = try socket.ask(subscribe(#"{"name":"A"}"#))
        _ = try socket.ask(subscribe(#"{"name":"B","kinds":["user"]}"#))
        #expect(try heard() == ["A", "B"])
        #expect(try unsubscribe(#"{"name":"A"}"#) == [#"{"jsonrpc":"2.0","result":{"success":true},"id":"u"}"#])
        #expect(try heard() == ["B"])
        _ = try unsubscribe(#"{"name":"B"}"#)
        #expect(try heard().isEmpty, "not everything again")
        _ = try socket.ask(subscribe("{}"))
        #expect(try heard() == ["A", "B"])
        _ = try unsubscribe("{}")
        #expect(try heard().isEmpty)
        _ = try socket.ask(subscribe(#"{"name":"B"}"#))
        #expect(try heard() == ["B"])
        #expect(try unsubscribe(#"{"since":1,"instance_id":"app/role"}"#).first?.contains("is no param") == true)
    }

    @Test("a client that subscribes 100,000 times, with names as long as frames, keeps no memory of it")
    func subscribingForEver() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let long = String(repeating: "n", count: SignalSubscription.maximumNameBytes + 1)
        for key in ["name", "zome", "instance_id"] {
            #expect(try socket.ask(subscribe(#"{"\#(key)":"\#(long)"}"#)).first?.contains("is longer than") == true)
        }
        let texts = (0..<200).map { textFrame(subscribe(#"{"name":"\#($0)"}"#)) }.flatMap { $0 }
        var refused = 0
        for _ in 0..<500 {
            try socket.feed(texts)
            refused += try socket.frames().count { $0.text.contains("tooManyFilters") }
        }
        #expect(refused == 500 * (200 - SignalWishes.maximumFilters))
        socket.conductor.emit("7", oneKey)
        socket.channel.embeddedEventLoop.run()
        #expect(try socket.frames().count == 1, "once, however often it was asked for")
    }

    @Test("an operator that asks for users' signals only gets no others, whatever the configuration gives unasked")
    func usersOnly() throws {
        let admin = try EmbeddedSocket(scope: .admin) { $0.unaskedSignals = [.trace] }
        defer { admin.end() }
        _ = try admin.ask(subscribe(#"{"kinds":["user"]}"#))
        admin.conductor.systemSignalReceiver?(trace)
        admin.channel.embeddedEventLoop.run()
        #expect(try admin.frames().isEmpty && admin.conductor.systemKinds.isEmpty)
        _ = try admin.ask(subscribe("{}"))
        #expect(admin.conductor.systemKinds == [.trace])
    }

    private let trace = SystemSignal.trace(
        .init(instanceID: "app/role", actionType: "Commit", data: .map(["seq": 4]), id: "b00t-1"))
    private let consistency = SystemSignal.consistency(
        .init(instanceID: "app/role", event: "Commit(x)", pending: [.init(event: "Hold(x)", group: "Source")]))
    private let statistics = SystemSignal.statistics([
        .init(
            instanceID: "app/role", heldEntries: 1, heldAspects: 2, pendingValidations: 3, delayedValidations: 4,
            runningCalls: 5, isOffline: false)
    ])

    @Test(
        "§11.36 trace, consistency and statistics are off; on, they come in the frames of 2019, to admin sockets only")
    func system() throws {
        let admin = try EmbeddedSocket(scope: .admin)
        defer { admin.end() }
        func heard() throws -> [String] {
            for signal in [trace, consistency, statistics] { admin.conductor.systemSignalReceiver?(signal) }
            admin.channel.embeddedEventLoop.run()
            return try admin.frames().map(\.text)
        }
        #expect(try heard().isEmpty)
        #expect(admin.conductor.systemKinds.isEmpty)
        _ = try admin.ask(subscribe(#"{"kinds":["user","trace"]}"#))
        #expect(admin.conductor.systemKinds == [.trace])
        #expect(
            try heard() == [
                #"{"type":"InstanceSignal","signal":{"signal_type":"Trace","action":{"action_type":"Commit","data":{"seq":4}},"id":"b00t-1"},"instance_id":"app/role"}"#
            ])
        _ = try admin.ask(subscribe(#"{"kinds":["consistency","stats"]}"#))
        #expect(admin.conductor.systemKinds == [.trace, .consistency, .statistics])
        #expect(
            try heard().dropFirst() == [
                #"{"type":"InstanceSignal","signal":{"signal_type":"Consistency","event":"Commit(x)","pending":[{"event":"Hold(x)","group":"Source"}]},"instance_id":"app/role"}"#,
                #"{"type":"InstanceStats","instance_stats":{"app/role":{"number_held_entries":1,"number_held_aspects":2,"number_pending_validations":3,"number_delayed_validations":4,"number_running_zome_calls":5,"offline":false}}}"#,
            ])
        _ = try admin.ask(subscribe("{}"))
        #expect(try heard().isEmpty && admin.conductor.systemKinds.isEmpty)
    }

    @Test(
        "§11.36 the configuration can switch them on for operators that never subscribe; an app's socket never hears them"
    )
    func unasked() throws {
        let admin = try EmbeddedSocket(scope: .admin) { $0.unaskedSignals = [.trace] }
        defer { admin.end() }
        #expect(admin.conductor.systemKinds == [.trace])
        admin.conductor.systemSignalReceiver?(trace)
        admin.channel.embeddedEventLoop.run()
        #expect(try admin.frames().count == 1)
        let app = try EmbeddedSocket { $0.unaskedSignals = [.trace, .consistency, .statistics] }
        defer { app.end() }
        for signal in [trace, consistency, statistics] { app.conductor.systemSignalReceiver?(signal) }
        app.channel.embeddedEventLoop.run()
        #expect(try app.frames().isEmpty && app.conductor.systemKinds.isEmpty)
    }

    @Test("when the last socket that wanted them goes, the conductor makes them no more")
    func gone() throws {
        let admin = try EmbeddedSocket(scope: .admin)
        _ = try admin.ask(subscribe(#"{"kinds":["stats"]}"#))
        #expect(admin.conductor.systemKinds == [.statistics])
        admin.end()
        #expect(admin.conductor.systemKinds.isEmpty)
    }
}
