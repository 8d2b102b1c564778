import Integrity
import NIOEmbedded
import Testing

@testable import ConductorAPI

/// A `call` with the given params text.
func call(_ params: String, id: String = "1") -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"call","params":\#(params)}"#
}

/// A `call` of a function of the test zome.
func callOf(_ function: String, args: String? = nil, more: String = "", id: String = "1") -> String {
    let args = args.map { #","args":\#($0)"# } ?? ""
    return call(#"{"instance_id":"app/role","zome":"z","function":"\#(function)"\#(args)\#(more)}"#, id: id)
}

@Suite("JSON-RPC")
struct RPCTests {
    private func ask(_ json: String, scope: APIScope = .app("app")) throws -> String {
        let socket = try EmbeddedSocket(scope: scope)
        defer { socket.end() }
        let answers = try socket.ask(json)
        #expect(answers.count == 1)
        return answers.first ?? ""
    }

    private func expectError(_ json: String, _ number: Int, _ text: String, scope: APIScope = .app("app")) throws {
        let answer = try ask(json, scope: scope)
        #expect(answer.contains("\"code\":\(number),"), "\(json) gave \(answer)")
        #expect(answer.contains(text), "\(json) gave \(answer)")
        #expect(answer.contains("\"data\":{\"code\":\""), "\(answer)")
    }

    @Test("§11.1 info/instances lists exactly the app's instances, without params or with any")
    func instances() throws {
        let line = #"{"id":"app/role","dna":"\#(TestConductor.dna)","agent":"\#(TestConductor.agent)"}"#
        for params in ["", #","params":{}"#, #","params":[1]"#, #","params":null"#] {
            let answer = try ask(#"{"jsonrpc":"2.0","id":7,"method":"info/instances"\#(params)}"#)
            #expect(answer == #"{"jsonrpc":"2.0","result":[\#(line)],"id":7}"#)
        }
        let all = try ask(#"{"jsonrpc":"2.0","id":7,"method":"info/instances"}"#, scope: .admin)
        #expect(all.contains("app/role") && all.contains("other/role"))
    }

    @Test("§11.3 call without params, or with an array, is -32602 `expected params map`")
    func paramsMap() throws {
        for params in ["", #","params":[]"#, #","params":["app/role","z","echo"]"#, #","params":null"#] {
            try expectError(#"{"jsonrpc":"2.0","id":1,"method":"call"\#(params)}"#, -32602, "expected params map")
        }
    }

    @Test("§11.4 the first missing key is named, in the order instance_id, zome, function")
    func missingKeys() throws {
        try expectError(call("{}"), -32602, "`instance_id` param not provided")
        try expectError(call(#"{"zome":"z","function":"f"}"#), -32602, "`instance_id` param not provided")
        try expectError(call(#"{"function":"f","instance_id":"a/b"}"#), -32602, "`zome` param not provided")
        try expectError(call(#"{"zome":"z","instance_id":"a/b"}"#), -32602, "`function` param not provided")
    }

    @Test("§11.5 a key that is no string is -32602 `not a valid json string`")
    func notStrings() throws {
        for value in ["1", "null", "[]", "{}", "true", #""\ud800""#] {
            try expectError(
                call(#"{"instance_id":"app/role","zome":\#(value),"function":"f"}"#), -32602,
                "`zome` is not a valid json string")
        }
    }

    @Test("§11.6 an unknown instance, zome and function each have words of their own")
    func unknown() throws {
        try expectError(
            call(#"{"instance_id":"no/role","zome":"z","function":"f"}"#), -32602, "unknown instance 'no/role'")
        try expectError(
            call(#"{"instance_id":"app/role","zome":"y","function":"f"}"#), -32602, "Zome 'y' not found")
        try expectError(callOf("f"), -32602, "Zome function 'f' not found in Zome 'z'")
        try expectError(callOf("guarded"), -32602, "does not have Capability")
    }

    @Test("§11.8 a result is a string that holds {\"Ok\":…}")
    func okResult() throws {
        let answer = try ask(callOf("echo", args: #"{"text":"a \"b\" \\ é\n","n":[1,-2,1.5,true,null]}"#))
        let members = try #require(JSONMembers(Array(answer.utf8)))
        let result = try #require(members.raw("result"))
        let wanted = #"{"text":"a \"b\" \\ é\n","n":[1,-2,1.5,true,null]}"#
        #expect(try CallReply(result: result) == .ok(Array(wanted.utf8)))
    }

    @Test("§11.9 an app error is a success whose string holds {\"Err\":…}")
    func appErrors() throws {
        for (function, wanted) in [
            ("fail", #"{"Internal":"I \"quit\"\n","code":"tooTired"}"#),
            ("invalid", #"{"ValidationFailed":"too long","code":"validationFailed"}"#),
            ("timeout", #"{"Timeout":"no reply","code":"timeout"}"#),
        ] {
            let members = try #require(JSONMembers(Array(try ask(callOf(function)).utf8)))
            let result = try #require(members.raw("result"))
            #expect(try CallReply(result: result) == .err(Array(wanted.utf8)))
        }
    }

    @Test("§11.10 missing or null args are {}")
    func emptyArgs() throws {
        for args in [nil, "null", "{}"] {
            #expect(try ask(callOf("echo", args: args)).contains(#""{\"Ok\":{}}""#))
        }
    }

    @Test("§11.11 large, deep and odd arguments come back unchanged or are refused cleanly")
    func oddArgs() throws {
        let mebibyte = "\"" + String(repeating: "é😀x", count: 150_000) + "\""
        for args in [
            mebibyte, "9223372036854775807", "-9223372036854775808", "18446744073709551615", "0.1",
            #"{"":{"a":[]}}"#, String(repeating: "[", count: 50) + String(repeating: "]", count: 50),
        ] {
            let members = try #require(JSONMembers(Array(try ask(callOf("echo", args: args)).utf8)))
            let result = try #require(members.raw("result"))
            #expect(try CallReply(result: result) == .ok(Array(args.utf8)), "\(args.prefix(40))")
        }
        for args in [
            String(repeating: "[", count: 100) + String(repeating: "]", count: 100), #""\ud800""#, "1e999",
        ] {
            let answer = try ask(callOf("echo", args: args))
            #expect(answer.contains("\"code\":-32602"), "\(args.prefix(40)) gave \(answer)")
        }
    }

    @Test("§11.13 broken JSON, a missing version and an unknown method have their codes, and the socket stays open")
    func faults() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let cases: [(String, Int, String)] = [
            ("{", -32700, "null"), ("", -32700, "null"), ("{\"jsonrpc\":\"2.0\",\"id\":1", -32700, "null"),
            (#"{"jsonrpc":"2.0","id":1,"method":"info/instances"} x"#, -32700, "null"),
            (#"{"jsonrpc":"2.0","id":1,"method":"a"#, -32700, "null"), ("{\"a\":\"\u{0}\"}", -32700, "null"),
            (String(repeating: "[", count: 10_000), -32700, "null"),
            (#"{"id":1,"method":"info/instances"}"#, -32600, "1"),
            (#"{"jsonrpc":"1.0","id":"x","method":"info/instances"}"#, -32600, #""x""#),
            (#"{"jsonrpc":2.0,"id":2,"method":"info/instances"}"#, -32600, "2"),
            (#"{"jsonrpc":"2.0","id":3}"#, -32600, "3"), (#"{"jsonrpc":"2.0","id":4,"method":5}"#, -32600, "4"),
            (#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, -32600, "null"),
            (#"{"jsonrpc":"2.0","id":5,"method":"call","params":"bar"}"#, -32600, "5"),
            (#"{"jsonrpc":"2.0","id":{},"method":"call"}"#, -32600, "null"),
            (#"{"jsonrpc":"2.0","id":true,"method":"call"}"#, -32600, "null"),
            (#"{"jsonrpc":"2.0","id":6,"id":7,"method":"info/instances"}"#, -32600, "7"),
            (#"{"jsonrpc":"2.0","id":"\#(String(repeating: "i", count: 2_000))","method":"call"}"#, -32600, "null"),
            ("1", -32600, "null"), ("\"call\"", -32600, "null"), ("null", -32600, "null"),
            (#"{"jsonrpc":"2.0","id":8,"method":"nope"}"#, -32601, "8"),
            (#"{"jsonrpc":"2.0","id":9,"method":"\ud800"}"#, -32600, "9"),
            (#"{"jsonrpc":"2.0","id":-1.5e3,"method":"Call"}"#, -32601, "-1.5e3"),
        ]
        for (json, number, id) in cases {
            let answers = try socket.ask(json)
            #expect(answers.count == 1, "\(json.prefix(60))")
            #expect(answers.first?.contains("\"code\":\(number),") == true, "\(json.prefix(60)) gave \(answers)")
            #expect(answers.first?.hasSuffix(",\"id\":\(id)}") == true, "\(json.prefix(60)) gave \(answers)")
        }
        #expect(
            try socket.ask(#"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#).first?.contains("result") == true)
    }

    @Test("§11.14 batches and notifications are answered as JSON-RPC 2.0 says")
    func batches() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let info = #"{"jsonrpc":"2.0","id":1,"method":"info/instances"}"#
        let silent = #"{"jsonrpc":"2.0","method":"info/instances"}"#
        #expect(try socket.ask(silent).isEmpty)
        #expect(try socket.ask(#"{"jsonrpc":"2.0","method":"nope"}"#).isEmpty)
        #expect(try socket.ask(#"{"jsonrpc":"2.0","method":"call","params":[]}"#).isEmpty)
        #expect(try socket.ask("[\(silent),\(silent)]").isEmpty)
        let empty = try socket.ask("[]")
        #expect(empty.count == 1 && empty[0].hasPrefix("{") && empty[0].contains("-32600"))
        let numbers = try socket.ask("[1,2,3]")
        #expect(numbers.count == 1 && numbers[0].hasPrefix("[{") && numbers[0].hasSuffix("}]"))
        #expect(numbers.first?.components("-32600") == 3)
        let mixed = try socket.ask("[ \(info) , \(silent),{\"foo\":1}, \(callOf("echo", id: "\"x\""))]")
        #expect(mixed.count == 1 && mixed[0].components("\"jsonrpc\"") == 3)
        #expect(mixed.first?.contains(#""id":"x"}"#) == true)
        let broken = try socket.ask("[\(callOf("late")),{]")
        #expect(broken.first?.contains("-32700") == true)
        #expect(socket.conductor.late.isEmpty, "no request of a broken batch runs")
        let huge = "[" + Array(repeating: "1", count: RPCSession.maximumBatch + 1).joined(separator: ",") + "]"
        #expect(try socket.ask(huge).first?.hasPrefix("{") == true)
    }

    @Test("§11.15 a later call may answer first; a batch waits for its slowest")
    func outOfOrder() throws {
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        #expect(try socket.ask(callOf("late", id: "1")).isEmpty)
        #expect(try socket.ask(callOf("echo", id: "2")).first?.hasSuffix("\"id\":2}") == true)
        #expect(try socket.ask("[\(callOf("late", id: "3")),\(callOf("echo", id: "4"))]").isEmpty)
        let late = socket.conductor.late
        late[0](.success(.ok([0x05])))
        socket.channel.embeddedEventLoop.run()
        #expect(try socket.frames().map(\.text) == [#"{"jsonrpc":"2.0","result":"{\"Ok\":5}","id":1}"#])
        late[1](.success(.ok([0x06])))
        socket.channel.embeddedEventLoop.run()
        let batch = try socket.frames().map(\.text)
        #expect(batch.count == 1 && batch[0].contains("\"id\":3}") && batch[0].contains("\"id\":4}"))
    }

    @Test("§11.16 admin, test and debug methods do not exist on an app's connection")
    func adminOnly() throws {
        for method in AdminMethod.all + ["admin/nope", "test/nope", "debug/nope"] {
            try expectError(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)"}"#, -32601, "admin port only")
        }
        for method in ["admin/nope", "debug/nope", "test/nope"] {
            try expectError(
                #"{"jsonrpc":"2.0","id":1,"method":"\#(method)"}"#, -32601, "Method not found", scope: .admin)
        }
    }

    @Test("§11.29 test/agent/add is refused when test mode is off")
    func testMode() throws {
        let request = #"{"jsonrpc":"2.0","id":1,"method":"test/agent/add","params":{"id":"a","name":"n"}}"#
        try expectError(request, -32601, "--test-mode", scope: .admin)
        let socket = try EmbeddedSocket(scope: .admin)
        defer { socket.end() }
        socket.conductor.isTestMode = true
        #expect(try socket.ask(request).first?.contains("agent_address") == true)
    }

    @Test("params of admin methods are checked with the words of 2019, and nulls are left out")
    func adminParams() throws {
        let socket = try EmbeddedSocket(scope: .admin)
        defer { socket.end() }
        func error(_ method: String, _ params: String) throws -> String {
            try socket.ask(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(params)}"#).first ?? ""
        }
        #expect(try error("admin/app/enable", "[]").contains("expected params map"))
        #expect(try error("admin/app/enable", "null").contains("expected params map"))
        #expect(try error("admin/app/enable", "{}").contains("`app_id` param not provided"))
        #expect(try error("admin/app/enable", #"{"app_id":1}"#).contains("`app_id` is not a valid json string"))
        #expect(
            try error("admin/app/install", #"{"path":"p","enable":"yes"}"#).contains("`enable` has to be a boolean"))
        #expect(try error("admin/chain", #"{"instance_id":"a","limit":1.5}"#).contains("`limit` has to be an integer"))
        #expect(try error("admin/chain", #"{"instance_id":"a","instance_id":"b"}"#).contains("-32602"))
        #expect(
            try error(
                "admin/grant", #"{"instance_id":"a","tag":"t","access":"assigned","assignees":[1],"functions":[]}"#
            )
            .contains("array of strings"))
        #expect(socket.conductor.adminCalls.isEmpty)
        _ = try error("admin/chain", #"{"instance_id":"a","limit":5,"from":null}"#)
        #expect(socket.conductor.adminCalls.first?.params == .map(["instance_id": .string("a"), "limit": .int(5)]))
        _ = try error("admin/stats", "[1]")
        #expect(socket.conductor.adminCalls.last?.params == .map([]))
        let fault = try error("admin/app/install", #"{"path":"p"}"#)
        #expect(fault.contains("-32603") && fault.contains(#""code":"manifestUnreadable","hint":"look""#))
        let value = try error("admin/token/issue", #"{"app_id":"a","expiry_seconds":-1}"#)
        #expect(value.contains("-32602") && value.contains("makes no sense"))
        #expect(try error("admin/app/list", "{}") == #"{"jsonrpc":"2.0","result":["app","other"],"id":1}"#)
    }

    @Test("§11.75 a provenance of a wrong shape is -32602, and the next call works")
    func badProvenance() throws {
        let signature = Base64.encode([UInt8](repeating: 1, count: 64))
        let nonce = Base64.encode([UInt8](repeating: 2, count: 32))
        let good = #""nonce":"\#(nonce)","expires_at":17"#
        let agent = TestConductor.agent
        for (provenance, more) in [
            ("{}", good), (#"["\#(agent)"]"#, good), ("[]", good), ("5", good),
            (#"["\#(agent)","\#(signature)","x"]"#, good), (#"["\#(agent)",5]"#, good),
            (#"["\#(agent)","!!!"]"#, good), (#"["\#(agent)","AAAA"]"#, good), (#"["alice","\#(signature)"]"#, good),
            (#"["","\#(signature)"]"#, good), (#"["\#(agent)","\#(signature)"]"#, #""x":1"#),
            (#"["\#(agent)","\#(signature)"]"#, #""nonce":"\#(nonce)""#),
            (#"["\#(agent)","\#(signature)"]"#, #""nonce":"AAAA","expires_at":17"#),
            (#"["\#(agent)","\#(signature)"]"#, #""nonce":"\#(nonce)","expires_at":"soon""#),
            (#"["\#(agent)","\#(signature)"]"#, #""nonce":"\#(nonce)","expires_at":1e3"#),
        ] {
            try expectError(callOf("echo", more: #","provenance":\#(provenance),\#(more)"#), -32602, "")
        }
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        let whole = #","provenance":["\#(agent)","\#(signature)"],\#(good)"#
        #expect(try socket.ask(callOf("echo", more: whole)).first?.contains("Ok") == true)
        let provenance = try #require(socket.conductor.calls.first?.provenance)
        #expect(provenance.agent.text == agent && provenance.expiresAt == 17)
        #expect(provenance.signature == [UInt8](repeating: 1, count: 64))
        #expect(provenance.nonce == [UInt8](repeating: 2, count: 32))
        #expect(try socket.ask(callOf("echo", more: #","provenance":null"#)).first?.contains("Ok") == true)
        #expect(socket.conductor.calls.last?.provenance == nil)
    }

    @Test("a capability secret is base64 of 64 bytes; null is none; a known key given twice is refused")
    func secrets() throws {
        let secret = [UInt8](0..<64)
        let socket = try EmbeddedSocket()
        defer { socket.end() }
        _ = try socket.ask(callOf("echo", more: #","token":"\#(Base64.encode(secret))""#))
        #expect(socket.conductor.calls.last?.capSecret == secret)
        _ = try socket.ask(callOf("echo", more: #","token":null"#))
        #expect(socket.conductor.calls.count == 2 && socket.conductor.calls.last?.capSecret == nil)
        for token in ["5", "\"\"", "\"AAAA\"", "\"%%%\"", "[]"] {
            try expectError(callOf("echo", more: #","token":\#(token)"#), -32602, "`token`")
        }
        try expectError(callOf("echo", more: #","zome":"y""#), -32602, "`zome` is given twice")
    }
}

extension String {
    /// How often a text stands in this one.
    func components(_ text: String) -> Int { ranges(of: text).count }
}
