import ConductorAPI
import Foundation
import Integrity

/// The steps of `plasmid demo`.
final class DemoScript {
    let conductor: ConductorProcess
    let samples: String
    let folder: String
    let transcript = Transcript()
    private var agents: [String: String] = [:]

    init(conductor: ConductorProcess, samples: String, folder: String) {
        self.conductor = conductor
        self.samples = samples
        self.folder = folder
    }

    func run() async throws {
        transcript.title("A conductor over an empty folder")
        try await transcript.step("starts, with admin and app ports on loopback") {
            try conductor.start()
            let ports = try conductor.folder.readPorts()
            return "admin \(ports.admin), app \(ports.app)"
        }
        let client = AppClient(socket: try await conductor.connect())
        try await install(client)
        try await notes(client)
        try await messages(client)
        try await capabilities(client)
        try await trap(client)
        let again = try await killDuringWrites(client)
        await again.socket.close()
    }

    private func install(_ client: AppClient) async throws {
        for app in ["alice", "bob"] {
            try await transcript.step("messenger is installed for \(app)") {
                let path = "\(samples)/messenger/happ.yaml"
                let info = try await client.request(
                    "admin/app/install", .object(["path": .string(path), "app_id": .string(app)]))
                let agent = info["agent"]?.text ?? ""
                agents[app] = agent
                return agent
            }
        }
    }

    // MARK: Notes and links

    private func notes(_ client: AppClient) async throws {
        transcript.title("Notes on the chain, and links between them")
        let bob = agents["bob"] ?? ""
        var first = MessagePackValue.null
        try await transcript.step("alice writes a note to bob") {
            first = try await client.call(
                "alice/messenger", "messenger", "write",
                .object(["text": "Shall we meet at eight?", "to": .string(bob)]))
            return first.text ?? ""
        }
        try await transcript.step("bob finds it in his inbox, by its link") {
            let inbox = try await client.call("bob/messenger", "messenger", "inbox")
            try expect(inbox.items.first?["text"] == "Shall we meet at eight?", "the inbox holds \(inbox)")
            return inbox.items.first?["text"]?.text ?? ""
        }
        try await transcript.step("bob answers with a note that is linked to hers") {
            let answer = try await client.call(
                "bob/messenger", "messenger", "write",
                .object(["text": "At nine, please.", "answers": .array([first])]))
            return answer.text ?? ""
        }
        try await transcript.step("alice reads the answers to her note") {
            let answers = try await client.call(
                "alice/messenger", "messenger", "answers", .object(["hash": first]))
            try expect(answers.items.count == 1, "there are \(answers.items.count) answers")
            return answers.items.first?["text"]?.text ?? ""
        }
        let before = try await noteCount("alice", client)
        try await transcript.refused("an empty note is refused in the validator's words", "text") {
            try await client.call("alice/messenger", "messenger", "write", .object(["text": ""]))
        }
        try await transcript.step("and the chain is as long as before") {
            let after = try await noteCount("alice", client)
            try expect(before == after, "\(before) notes became \(after)")
            return "\(after) note"
        }
    }

    private func noteCount(_ app: String, _ client: AppClient) async throws -> Int64 {
        try await client.call("\(app)/messenger", "messenger", "note_count").number ?? -1
    }

    // MARK: Messages

    private func messages(_ client: AppClient) async throws {
        transcript.title("Messages between the two")
        for (from, to) in [("alice", "bob"), ("bob", "alice")] {
            try await transcript.step("\(from) says hello to \(to), whose receive() answers with the sender it saw") {
                let reply = try await client.call(
                    "\(from)/messenger", "messenger", "say",
                    .object(["to": .string(agents[to] ?? ""), "text": .string("hello from \(from)")]))
                try expect(reply.text?.contains(agents[from] ?? "?") == true, "the reply was \(reply)")
                return reply.text ?? ""
            }
        }
    }

    // MARK: Capabilities

    private func capabilities(_ client: AppClient) async throws {
        transcript.title("One writes for another: ghostwriter")
        for app in ["owner", "writer"] {
            let info = try await client.request(
                "admin/app/install",
                .object(["path": .string("\(samples)/ghostwriter/happ.yaml"), "app_id": .string(app)]))
            agents[app] = info["agent"]?.text ?? ""
        }
        let owner = MessagePackValue.string(agents["owner"] ?? "")
        let writer = MessagePackValue.string(agents["writer"] ?? "")
        let post = MessagePackValue.object(["owner": owner, "text": "Written for you."])
        try await transcript.refused("without a grant the writer may not post for the owner", "no claim") {
            try await client.call("writer/ghostwriter", "ghostwriter", "post_for", post)
        }
        try await transcript.step("the owner invites the writer, who asks and keeps the claim") {
            _ = try await client.call("owner/ghostwriter", "ghostwriter", "invite", .object(["writer": writer]))
            let claim = try await client.call("writer/ghostwriter", "ghostwriter", "ask", .object(["owner": owner]))
            return claim.text ?? ""
        }
        try await transcript.step("with the claim the writer's post stands on the owner's chain") {
            _ = try await client.call("writer/ghostwriter", "ghostwriter", "post_for", post)
            let posts = try await client.call("owner/ghostwriter", "ghostwriter", "posts")
            try expect(posts.items.first?["author"] == owner, "the posts are \(posts)")
            return "\"\(posts.items.first?["text"]?.text ?? "")\", authored by the owner"
        }
        try await transcript.step("the owner revokes the grant") {
            let revoked = try await client.call(
                "owner/ghostwriter", "ghostwriter", "revoke", .object(["writer": writer]))
            return "\(revoked.number ?? 0) grant"
        }
        try await transcript.refused("and the next post is refused", "does not have Capability") {
            try await client.call("writer/ghostwriter", "ghostwriter", "post_for", post)
        }
    }

    // MARK: A module that traps

    private func trap(_ client: AppClient) async throws {
        transcript.title("A module that traps")
        let path = folder + "/trap"
        try TrapApp.write(to: path)
        try await transcript.step("an app with a faulty module is installed") {
            let info = try await client.request("admin/app/install", .object(["path": .string(path + "/happ.yaml")]))
            return info["app_id"]?.text ?? ""
        }
        try await transcript.refused("its trap costs the caller an error", "trap") {
            try await client.call("trap/trap", "hostile", "trap")
        }
        try await transcript.step("and nothing else: it answers the next call") {
            let answer = try await client.call("trap/trap", "hostile", "echo", "still here")
            return answer.text ?? ""
        }
        try await transcript.step("and so does everybody else") {
            "alice has \(try await noteCount("alice", client)) note"
        }
    }

    // MARK: A kill during writes

    private func killDuringWrites(_ client: AppClient) async throws -> AppClient {
        transcript.title("A power cut during writes")
        let log = AcknowledgedWrites(target: 200)
        let conductor = conductor
        try await transcript.step("eight writers write; the conductor is killed with SIGKILL among them") {
            try await log.write(client: client, instance: "alice/messenger", writers: 8) { conductor.kill() }
            await client.socket.close()
            return "\(await log.acknowledged.count) writes were acknowledged"
        }
        try await transcript.step("it starts again on the same folder") {
            try conductor.start()
            return ""
        }
        let again = AppClient(socket: try await conductor.connect())
        try await transcript.step("everything acknowledged is there") {
            let notes = try await again.call("alice/messenger", "messenger", "notes")
            let found = Dictionary(
                notes.items.map { ($0["hash"]?.text ?? "", $0["text"]?.text ?? "") }, uniquingKeysWith: { a, _ in a })
            let acknowledged = await log.acknowledged
            for (hash, text) in acknowledged {
                try expect(found[hash] == text, "the acknowledged note \(hash) is missing")
            }
            return "\(acknowledged.count) of \(acknowledged.count)"
        }
        try await transcript.step("her chain is one unbroken line, and takes the next note") {
            _ = try await again.call("alice/messenger", "messenger", "write", .object(["text": "Good morning."]))
            let chain = try await again.request("admin/dump", .object(["instance_id": "alice/messenger"]))
            let records = chain["records"]?.items ?? []
            for (index, record) in records.enumerated() {
                try expect(record["seq"]?.number == Int64(index), "there is a gap at \(index)")
            }
            return "\(records.count) actions"
        }
        return again
    }
}

/// An hApp whose one module is the tests' hostile one.
enum TrapApp {
    static func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let dna = """
            manifest_version: "1"
            name: trap
            integrity:
              network_seed: ""
              entry_types: []
              zomes: []
            coordinator:
              zomes:
                - name: hostile
                  module: Hostile
                  functions:
                    - { name: trap, access: author }
                    - { name: echo, access: author }

            """
        let happ = """
            manifest_version: "1"
            name: trap
            roles:
              - name: trap
                dna: { path: dna.yaml }

            """
        try Data(dna.utf8).write(to: URL(fileURLWithPath: folder + "/dna.yaml"))
        try Data(happ.utf8).write(to: URL(fileURLWithPath: folder + "/happ.yaml"))
    }
}
