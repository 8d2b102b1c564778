import ConductorAPI
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Storage

/// The steps of a replay: people, events, a kill, a restart, a look at everything.
final class ReplayStage {
    let conductor: ConductorProcess
    let happ: String
    let workload: Workload
    let texts: NoteTexts
    let inFlight: Int
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    private var people: [ReplayPerson] = []
    private var report = ReplayReport()

    init(conductor: ConductorProcess, happ: String, workload: Workload, texts: NoteTexts, inFlight: Int) {
        self.conductor = conductor
        self.happ = happ
        self.workload = workload
        self.texts = texts
        self.inFlight = inFlight
    }

    func play() throws -> ReplayReport {
        report.events = workload.arrivals.count
        report.authors = Set(workload.arrivals.map(\.author)).count
        report.links = workload.answers
        report.cut = workload.arrivals.count { $0.bytes > NoteTexts.longest }
        try conductor.start()
        try install()
        let before = disk()
        let hashes = try write()
        measureMemory()
        conductor.kill()
        let start = monotonicSeconds()
        try conductor.start()
        report.restartSeconds = monotonicSeconds() - start
        try check(hashes)
        // Stopped in order, all that the journal held is in the tables.
        conductor.stop()
        report.diskBytes = max(0, disk() - before)
        report.journalBytes = ProcessFacts.diskBytes(conductor.folder.path + "/journal")
        try checkTables()
        return report
    }

    private func disk() -> Int { ProcessFacts.diskBytes(conductor.folder.path, except: ["journal", "log"]) }

    // MARK: People

    /// One app for each author who says something, with a token of its own.
    private func install() throws {
        let authors = Set(workload.arrivals.map(\.author)).sorted()
        let bar = ProgressBar("install", total: authors.count)
        let (conductor, happ) = (conductor, happ)
        let admin = try wait { AppClient(socket: try await conductor.connect()) }
        for (done, author) in authors.enumerated() {
            let app = "author-\(author)"
            people.append(
                try wait {
                    let info = try await admin.request(
                        "admin/app/install", .object(["path": .string(happ), "app_id": .string(app)]))
                    let issued = try await admin.request("admin/token/issue", .object(["app_id": .string(app)]))
                    return ReplayPerson(
                        author: author, instance: "\(app)/messenger", agent: info["agent"]?.text ?? "",
                        token: issued["token"]?.text ?? "")
                })
            bar.update(done + 1)
        }
        bar.finish()
        wait { await admin.socket.close() }
    }

    /// A socket on the app port for each author, under the tokens issued before.
    private func sockets() throws -> [Int: ReplayClient] {
        let port = try conductor.folder.readPorts().app
        var clients: [Int: ReplayClient] = [:]
        for person in people {
            let loop = loop
            let socket = try wait {
                try await RPCSocket.open(RPCAddress(port: port, token: person.token), on: loop)
            }
            clients[person.author] = ReplayClient(socket: socket, person: person)
        }
        return clients
    }

    private func close(_ clients: [Int: ReplayClient]) {
        for client in clients.values { wait { await client.socket.close() } }
    }

    // MARK: Events

    /// Plays every event.
    /// - Returns: the address of each event's note.
    private func write() throws -> [String] {
        let clients = try sockets()
        let start = monotonicSeconds()
        let run = try onLoop { [workload, texts, inFlight] loop in
            let bar = ProgressBar("replay", total: workload.arrivals.count)
            let writer = ReplayWriter(workload: workload, texts: texts, clients: clients, bar: bar)
            let pump = RequestPump(loop: loop, limit: inFlight, source: writer)
            return pump.run().assumeIsolated().map {
                bar.finish()
                return (hashes: writer.hashes, latency: writer.latency)
            }.nonisolated()
        }
        report.writeSeconds = monotonicSeconds() - start
        report.latency = run.latency
        close(clients)
        return run.hashes
    }

    private func measureMemory() {
        guard let process = conductor.processID else { return }
        report.conductor = ProcessFacts.memory(of: process)
        let children = ProcessFacts.children(of: process)
        report.childCount = children.count
        report.children = children.map { ProcessFacts.memory(of: $0) }.reduce(ProcessFacts.Memory(), +)
    }

    // MARK: A look at everything

    private func check(_ hashes: [String]) throws {
        let clients = try sockets()
        let start = monotonicSeconds()
        let found = try onLoop { [workload, texts, inFlight] loop in
            let bar = ProgressBar("check", total: workload.arrivals.count * 2)
            let checker = ReplayChecker(
                workload: workload, texts: texts, hashes: hashes, clients: clients, bar: bar)
            let pump = RequestPump(loop: loop, limit: inFlight, source: checker)
            return pump.run().assumeIsolated().map {
                bar.finish()
                return (checks: checker.checks, faults: checker.faults)
            }.nonisolated()
        }
        close(clients)
        report.checks += found.checks
        report.faults += found.faults
        try checkChains(hashes)
        report.checkSeconds = monotonicSeconds() - start
    }

    /// Every author's chain: no gap in the sequence, and what was acknowledged in it once.
    private func checkChains(_ hashes: [String]) throws {
        let conductor = conductor
        let admin = try wait { AppClient(socket: try await conductor.connect()) }
        for person in people {
            var chain = ReplayChain(person: person.instance)
            while true {
                let from = chain.length
                let page = try wait {
                    try await admin.request(
                        "admin/chain",
                        .object([
                            "instance_id": .string(person.instance), "from": .int(Int64(from)), "limit": .int(1_000),
                        ]))
                }
                for record in page.items { chain.take(record) }
                if page.items.count < 1_000 { break }
            }
            let own = workload.arrivals.indices.filter { workload.arrivals[$0].author == person.author }
            report.checks += 1
            report.faults += chain.faults(
                notes: own.map { hashes[$0] }, links: own.reduce(0) { $0 + workload.arrivals[$1].answers.count })
        }
        wait { await admin.socket.close() }
    }

    /// Every hash, signature and reference on the disk, read without the conductor.
    private func checkTables() throws {
        let tables = try Database.check(folder: conductor.folder.path)
        report.checks += tables.actions
        report.faults += tables.faults.map(\.description)
    }

    // MARK: Waiting

    /// Runs `body` on the loop and waits for what it makes.
    private func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (any EventLoop) -> EventLoopFuture<Value>
    ) throws -> Value {
        let loop = loop
        return try loop.flatSubmit { body(loop) }.wait()
    }

    private func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        try loop.makeFutureWithTask(body).wait()
    }

    private func wait(_ body: @escaping @Sendable () async -> Void) {
        try? loop.makeFutureWithTask(body).wait()
    }
}

/// An author's app, as the replay speaks for it.
struct ReplayPerson: Sendable {
    let author: Int
    let instance: String
    let agent: String
    let token: String
}
