import ConductorAPI
import Foundation
import Integrity

/// The steps of `plasmid demo network`.
final class NetworkScript {
    /// One conductor of the demonstration and the person who uses it.
    final class Place {
        let name: String
        let person: String
        let conductor: ConductorProcess
        var client: AppClient?
        var agent = ""

        init(_ name: String, _ person: String, folder: String) throws {
            self.name = name
            self.person = person
            conductor = try ConductorProcess(folder: "\(folder)/\(name)")
        }

        var instance: String { "\(person)/messenger" }

        func call(_ function: String, _ args: MessagePackValue = .map([])) async throws -> MessagePackValue {
            guard let client else { throw AppError(words: "\(name) is not running") }
            return try await client.call(instance, "messenger", function, args)
        }

        func request(_ method: String, _ params: MessagePackValue = .map([])) async throws -> MessagePackValue {
            guard let client else { throw AppError(words: "\(name) is not running") }
            return try await client.request(method, params)
        }
    }

    let samples: String
    let folder: String
    let transcript = Transcript()
    private var places: [Place] = []
    /// How long a thing may take to arrive, in milliseconds: far more than it does.
    private let patience: Int64 = 30_000

    init(samples: String, folder: String) {
        self.samples = samples
        self.folder = folder
    }

    func stop() { for place in places { place.conductor.stop() } }

    func run() async throws {
        try await meet()
        try await publish()
        try await messages()
        try await away()
        try await patched()
        for place in places { await place.client?.socket.close() }
    }

    // MARK: Three conductors

    private func meet() async throws {
        transcript.title("Three conductors, of which two are told where the first one is")
        for (name, person) in [("north", "ada"), ("south", "ben"), ("west", "cyd")] {
            try await transcript.step("\(name) starts, and messenger is installed for \(person)") {
                let place = try Place(name, person, folder: folder)
                let known = try places.first.map { try $0.conductor.folder.readPeerAddresses() } ?? []
                places.append(place)
                try await start(place, bootstrap: known)
                try await install(place)
                return place.agent
            }
        }
    }

    private func start(_ place: Place, bootstrap: [String], environment: [String: String] = [:]) async throws {
        let addresses = ["--listen", "/ip4/127.0.0.1/tcp/0"] + bootstrap.flatMap { ["--bootstrap", $0] }
        try place.conductor.start(arguments: addresses, environment: environment)
        place.client = AppClient(socket: try await place.conductor.connect())
    }

    private func install(_ place: Place) async throws {
        let path = "\(samples)/messenger/happ.yaml"
        let info = try await place.request(
            "admin/app/install", .object(["path": .string(path), "app_id": .string(place.person)]))
        place.agent = info["agent"]?.text ?? ""
    }

    /// Waits until a conductor holds an action or entry.
    private func hold(_ hash: String, _ place: Place) async throws {
        let answer = try await place.request(
            "admin/held",
            .object([
                "instance_id": .string(place.instance), "hash": .string(hash), "timeout_ms": .int(patience),
            ]))
        try expect(answer["held"] == .bool(true), "\(place.name) does not hold \(hash) after \(patience) ms")
    }

    // MARK: Publishing

    private func publish() async throws {
        let (ada, ben) = (places[0], places[1])
        transcript.title("A note goes to everybody")
        var hash = ""
        try await transcript.step("ada writes a note to ben, on north") {
            hash =
                try await ada.call(
                    "write", .object(["text": "Shall we meet at eight?", "to": .string(ben.agent)])
                ).text ?? ""
            return hash
        }
        for place in places.dropFirst() {
            try await transcript.step("\(place.name) has judged it and holds it") {
                try await hold(hash, place)
                return ""
            }
        }
        try await transcript.step("ben finds it in his inbox, by its link") {
            let inbox = try await ben.call("inbox")
            try expect(inbox.items.first?["text"] == "Shall we meet at eight?", "the inbox holds \(inbox)")
            return inbox.items.first?["text"]?.text ?? ""
        }
    }

    // MARK: Messages

    private func messages() async throws {
        transcript.title("Messages between machines")
        for (from, to) in [(places[0], places[1]), (places[1], places[2]), (places[2], places[0])] {
            let words =
                "\(from.person) on \(from.name) says hello to \(to.person) on \(to.name), whose receive() answers"
            try await transcript.step("\(words) with the sender it saw") {
                let reply = try await from.call(
                    "say", .object(["to": .string(to.agent), "text": .string("hello from \(from.person)")]))
                try expect(reply.text?.contains(from.agent) == true, "the reply was \(reply)")
                return reply.text ?? ""
            }
        }
    }

    // MARK: One is away

    private func away() async throws {
        let (ada, ben, cyd) = (places[0], places[1], places[2])
        transcript.title("A power cut at west, and life goes on")
        await cyd.client?.socket.close()
        cyd.client = nil
        cyd.conductor.kill()
        var written: [String] = []
        try await transcript.step("ada and ben write while west is down") {
            for (place, text) in [(ada, "Are you there?"), (ben, "They are not."), (ada, "Later, then.")] {
                written.append(try await place.call("write", .object(["text": .string(text)])).text ?? "")
            }
            return "\(written.count) notes"
        }
        try await transcript.refused("a message to cyd is refused at once, not waited for", "offline") {
            try await ada.call("say", .object(["to": .string(cyd.agent), "text": "hello?"]))
        }
        try await transcript.step("west starts again, and comes to hold what it missed") {
            try await start(cyd, bootstrap: try ada.conductor.folder.readPeerAddresses())
            for hash in written { try await hold(hash, cyd) }
            return "\(written.count) of \(written.count)"
        }
        try await transcript.step("and cyd's next note reaches both") {
            let hash = try await cyd.call("write", .object(["text": "Here I am."])).text ?? ""
            for place in [ada, ben] { try await hold(hash, place) }
            return hash
        }
    }

    // MARK: A patched node

    private func patched() async throws {
        let (ada, ben) = (places[0], places[1])
        transcript.title("A node that was patched to check nothing that it writes")
        let east = try Place("east", "mal", folder: folder)
        places.append(east)
        try await transcript.step("east joins, with messenger for mal") {
            try await start(
                east, bootstrap: try ada.conductor.folder.readPeerAddresses(),
                environment: ["PLASMID_TEST_UNCHECKED": "1"])
            try await install(east)
            return east.agent
        }
        var hash = ""
        try await transcript.step("mal's note is empty, which the rules forbid; east takes it all the same") {
            hash = try await east.call("write", .object(["text": ""])).text ?? ""
            return hash
        }
        for place in [ada, ben] {
            try await transcript.step("\(place.name) rejects it, and keeps the reason and a warrant against mal") {
                let answer = try await place.request(
                    "admin/warrants",
                    .object([
                        "instance_id": .string(place.instance), "agent": .string(east.agent),
                        "timeout_ms": .int(patience),
                    ]))
                let warrant = answer.items.first
                try expect(warrant?["action"]?.text == hash, "\(place.name) has no warrant: \(answer)")
                return warrant?["reason"]?.text ?? ""
            }
        }
        try await transcript.refused("from then on nothing of mal is taken", "blocked") {
            try await east.call("say", .object(["to": .string(ada.agent), "text": "hello"]))
        }
    }
}
