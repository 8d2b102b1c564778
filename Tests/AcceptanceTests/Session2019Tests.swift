import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

/// A session as hc-web-client and the tools of 2019 held it, frame by frame: `>` is sent, `<` has to come back. A star stands
/// for what differs from run to run (addresses, ports).
@Suite("a session of 2019", .timeLimit(.minutes(5)))
struct Session2019Tests {
    /// The operator's half, on an interface with `admin`.
    private static let admin = """
        > {"jsonrpc":"2.0","method":"admin/agent/add","params":{"id":"hc-run-agent","name":"testAgent"},"id":0}
        < {"jsonrpc":"2.0","result":{"success":true,"agent_address":"uhCAk*"},"id":0}
        > {"jsonrpc":"2.0","method":"admin/dna/install_from_file","params":{"id":"hc-run-dna","path":"DNA"},"id":1}
        < {"jsonrpc":"2.0","result":{"success":true,"dna_hash":"uhC0k*"},"id":1}
        > {"jsonrpc":"2.0","method":"admin/dna/list","id":2}
        < {"jsonrpc":"2.0","result":[{"id":"hc-run-dna","hash":"uhC0k*"}],"id":2}
        > {"jsonrpc":"2.0","method":"admin/instance/add","params":{"id":"test-instance","dna_id":"hc-run-dna","agent_id":"hc-run-agent"},"id":3}
        < {"jsonrpc":"2.0","result":{"success":true},"id":3}
        > {"jsonrpc":"2.0","method":"admin/instance/list","id":4}
        < {"jsonrpc":"2.0","result":[{"id":"test-instance","dna":"hc-run-dna","agent":"hc-run-agent","dna_hash":"uhC0k*","agent_address":"uhCAk*"}],"id":4}
        > {"jsonrpc":"2.0","method":"admin/instance/running","id":5}
        < {"jsonrpc":"2.0","result":[],"id":5}
        > {"jsonrpc":"2.0","method":"admin/interface/add","params":{"id":"websocket-interface","admin":false,"type":"websocket","port":0},"id":6}
        < {"jsonrpc":"2.0","result":{"success":true,"port":*},"id":6}
        > {"jsonrpc":"2.0","method":"admin/interface/add_instance","params":{"interface_id":"websocket-interface","instance_id":"test-instance"},"id":7}
        < {"jsonrpc":"2.0","result":{"success":true},"id":7}
        > {"jsonrpc":"2.0","method":"admin/interface/list","id":8}
        < {"jsonrpc":"2.0","result":[{"id":"ops","driver":{"type":"http","port":*},"admin":true,"instances":[{"id":"test-instance","alias":null}],"choose_free_port":true},{"id":"websocket-interface","driver":{"type":"websocket","port":*},"admin":false,"instances":[{"id":"test-instance","alias":null}],"choose_free_port":true}],"id":8}
        > {"jsonrpc":"2.0","method":"call","params":{"instance_id":"test-instance","zome":"messenger","function":"note_count","args":{}},"id":9}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"*not active yet*","data":{*}},"id":9}
        > {"jsonrpc":"2.0","method":"admin/instance/start","params":{"id":"test-instance"},"id":10}
        < {"jsonrpc":"2.0","result":{"success":true},"id":10}
        > {"jsonrpc":"2.0","method":"info/instances","id":11}
        < {"jsonrpc":"2.0","result":[{"id":"test-instance","dna":"hc-run-dna","agent":"hc-run-agent","dna_hash":"uhC0k*","agent_address":"uhCAk*"}],"id":11}
        > {"jsonrpc":"2.0","method":"call","params":{"instance_id":"test-instance","zome":"messenger","function":"write","args":{"text":"hi"}},"id":12}
        < {"jsonrpc":"2.0","result":"{\\"Ok\\":\\"uhCkk*\\"}","id":12}
        > {"jsonrpc":"2.0","method":"call","params":{"instance_id":"test-instance","zome":"messenger","function":"note_count"},"id":13}
        < {"jsonrpc":"2.0","result":"{\\"Ok\\":1}","id":13}
        > {"jsonrpc":"2.0","method":"call","params":{"zome":"messenger","function":"note_count"},"id":14}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"`instance_id` param not provided","data":{*}},"id":14}
        > {"jsonrpc":"2.0","method":"call","params":{"instance_id":"test-instance","zome":"mesenger","function":"write"},"id":15}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"Zome 'mesenger' not found*","data":{*}},"id":15}
        > {"jsonrpc":"2.0","method":"call","params":{"instance_id":"test-instance","zome":"messenger","function":"nope"},"id":16}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"Zome function 'nope' not found in Zome 'messenger'*","data":{*}},"id":16}
        > {"jsonrpc":"2.0","method":"call","params":[],"id":17}
        < {"jsonrpc":"2.0","error":{"code":-32602,"message":"expected params map","data":{*}},"id":17}
        > {"jsonrpc":"2.0","method":"debug/running_instances","id":18}
        < {"jsonrpc":"2.0","result":["test-instance"],"id":18}
        > {"jsonrpc":"2.0","method":"admin/instance/stop","params":{"id":"test-instance"},"id":19}
        < {"jsonrpc":"2.0","result":{"success":true},"id":19}
        > {"jsonrpc":"2.0","method":"admin/instance/stop","params":{"id":"test-instance"},"id":20}
        < {"jsonrpc":"2.0","error":{"code":-32603,"message":"*not active yet","data":{"code":"notActive"}},"id":20}
        > {"jsonrpc":"2.0","method":"admin/instance/remove","params":{"id":"test-instance"},"id":21}
        < {"jsonrpc":"2.0","result":{"success":true},"id":21}
        > {"jsonrpc":"2.0","method":"admin/instance/remove","params":{"id":"test-instance"},"id":22}
        < {"jsonrpc":"2.0","error":{"code":-32603,"message":"*does not exist*","data":{*}},"id":22}
        > {"jsonrpc":"2.0","method":"admin/agent/list","id":23}
        < {"jsonrpc":"2.0","result":[{"id":"hc-run-agent","name":"testAgent","public_address":"uhCAk*","keystore_file":"*","holo_remote_key":null,"test_agent":false,"created_at":*}],"id":23}
        """

    @Test("frame by frame: agent, DNA, instance, interface, calls and their errors, stop and removal")
    func session() async throws {
        try await TestConductor.with { conductor in
            let port = try await conductor.addInterface("ops", type: "http", isAdmin: true)
            let lines = Self.admin.replacing("DNA\"}", with: "\(Places.messengerDna)\"}").split(separator: "\n")
            var pairs = 0
            for (sent, expected) in zip(lines, lines.dropFirst()) where sent.hasPrefix("> ") {
                pairs += 1
                let answer = try await RawHTTP.send(
                    port: port, token: conductor.adminToken, body: String(sent.dropFirst(2)))
                #expect(answer.status == 200)
                #expect(
                    Self.matches(answer.body, String(expected.dropFirst(2))),
                    "\(sent)\ngave \(answer.body)\nnot   \(expected)")
                // The session was begun before the instance was there: what it calls is mounted by hand.
                if sent.contains("\"id\":3}") { try await conductor.mount("test-instance", on: "ops") }
            }
            #expect(pairs == 24 && lines.count == 48)
        }
    }

    /// Whether a text is the pattern with anything in place of its stars.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        var rest = text[...]
        for (index, part) in parts.enumerated() {
            if index == 0 {
                guard rest.hasPrefix(part) else { return false }
                rest = rest.dropFirst(part.count)
            } else if index == parts.count - 1 {
                guard rest.hasSuffix(part) else { return false }
            } else {
                guard let range = rest.range(of: part) else { return false }
                rest = rest[range.upperBound...]
            }
        }
        return parts.count > 1 || text == pattern
    }

    @Test("a client that only listens hears a signal of its instance as 2019 framed it: arguments are text")
    func signal() async throws {
        try await TestConductor.with { conductor in
            try await InterfaceTests.prepare(conductor)
            let port = try await conductor.addInterface("web")
            try await conductor.mount("alice", on: "web", alias: "blog")
            let client = try await conductor.socket(on: "web", port: port)
            #expect(await client.call("blog", "emit", #"{"name":"N","count":1}"#).isOK)
            let frame = try #require(try await client.frames.wait(for: "N").first)
            #expect(frame["type"]?.text == "InstanceSignal" && frame["instance_id"]?.text == "alice")
            #expect(frame["signal"]?["signal_type"]?.text == "User" && frame["jsonrpc"] == nil)
            #expect(frame["signal"]?["arguments"]?.text == #"{"number":0}"#)
        }
    }
}
