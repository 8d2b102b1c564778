import ConductorAPI
import Foundation
import Integrity
import Testing

@testable import plasmid

@Suite("debug methods of 2019", .timeLimit(.minutes(5)))
struct DebugTests {
    private static let dumpKeys: Set<String> = [
        "queued_calls", "running_calls", "call_results", "query_flows", "validation_package_flows",
        "direct_message_flows", "queued_holding_workflows", "in_process_holding_workflows", "held_aspects",
        "source_chain", "eavis",
    ]

    private static func link(_ hash: String) -> String {
        #"{"type":"any","base":"\#(hash)","target":"\#(hash)","tag":"t"}"#
    }

    @Test("§11.33 a state dump has every part, those that are not wanted empty; an unknown instance is an error")
    func dump() async throws {
        try await TestConductor.with { conductor in
            try await InterfaceTests.prepare(conductor)
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            let written = try #require(await admin.call("alice", "write", #"{"text":"public"}"#).value)
            let action = try #require(written["action"]?.text)
            #expect(await admin.call("alice", "link", Self.link(action)).isOK)
            let dump = try await conductor.admin("debug/state_dump", #"{"instance_id":"alice"}"#)
            guard case .map(let pairs) = dump else {
                Issue.record("no map: \(dump)")
                return
            }
            #expect(Set(pairs.compactMap { $0.key.text }) == Self.dumpKeys)
            let header = try #require(dump["source_chain"]?.items.first { $0["address"]?.text == action })
            #expect(header["entry_address"] == written["entry"] && header["link"]?.text != nil)
            #expect(header["provenances"]?.items.count == 1)
            #expect(dump["eavis"]?.items.contains { $0["entity"]?.text == action } == true)
            let bare = try await conductor.admin(
                "debug/state_dump", #"{"instance_id":"alice","source_chain":false,"held_aspects":false}"#)
            #expect(bare["source_chain"] == .array([]) && bare["held_aspects"] == .map([]))
            #expect(bare["eavis"] == dump["eavis"])
            #expect(await conductor.fault("debug/state_dump", #"{"instance_id":"nobody"}"#)?.code == "unknownID")
            #expect(try await conductor.admin("debug/running_instances") == .array([.string("alice"), .string("bob")]))
            let meta = try await conductor.admin("admin/instance/get_meta", #"{"id":"alice","hash":"\#(action)"}"#)
            #expect(meta["headers"] == .array([.string(action)]) && meta["link_add_count"]?.number == 1)
            #expect(meta["aspects"]?.items.isEmpty == false && meta["link_remove_count"]?.number == 0)
        }
    }

    @Test("§9.15 fetch_cas gives public entries and actions, and a private entry to nobody")
    func fetch() async throws {
        try await TestConductor.with { conductor in
            try await InterfaceTests.prepare(conductor)
            let admin = try await Client2019.open(port: conductor.ports.admin, token: conductor.adminToken)
            let open = try #require(await admin.call("alice", "write", #"{"text":"public"}"#).value)
            let hidden = try #require(await admin.call("alice", "write_private", #"{"text":"mine alone"}"#).value)
            func fetch(_ instance: String, _ address: MessagePackValue?) async -> Result<MessagePackValue, PlasmidError>
            {
                let params = #"{"instance_id":"\#(instance)","address":"\#(address?.text ?? "")"}"#
                do {
                    return .success(try await conductor.admin("debug/fetch_cas", params))
                } catch {
                    return .failure(error as? PlasmidError ?? PlasmidError(.internal, "\(error)"))
                }
            }
            let entry = try await fetch("alice", open["entry"]).get()
            #expect(entry == .map(["type": .string("page"), "content": .map(["text": .string("public")])]))
            #expect(try await fetch("bob", open["entry"]).get() == entry)
            let header = try await fetch("alice", open["action"]).get()
            #expect(header["type"]?.text == "%chain_header")
            for instance in ["alice", "bob"] {
                guard case .failure(let error) = await fetch(instance, hidden["entry"]) else {
                    Issue.record("the private entry was given")
                    continue
                }
                #expect(error.code == (instance == "alice" ? "privateEntry" : "notFound"), "\(error)")
                #expect(!error.description.contains("mine alone"))
            }
            guard case .failure = await fetch("alice", .string("uhCkkNotAnAddress")) else {
                Issue.record("no address, and an answer")
                return
            }
        }
    }
}
