import ConductorAPI
import Integrity
import NIOCore

/// Calls of messenger over one author's socket.
struct ReplayClient: Sendable {
    let socket: RPCSocket
    let person: ReplayPerson

    /// Calls a function; the future gives its result, and fails with what the app or the conductor said.
    func call(_ function: String, _ args: MessagePackValue) throws -> EventLoopFuture<MessagePackValue> {
        let params = MessagePackValue.object([
            "instance_id": .string(person.instance), "zome": "messenger", "function": .string(function), "args": args,
        ])
        return socket.request("call", params: try JSONText.json(fromMessagePack: params.packed)).flatMapThrowing {
            switch try CallReply(result: $0) {
            case .ok(let bytes): return try JSONLines.value(bytes)
            case .err(let bytes): throw AppError(words: String(decoding: bytes, as: UTF8.self))
            }
        }
    }
}

/// What gives a pump its requests.
protocol RequestSource: AnyObject {
    /// The next request that can be sent now; nil if none can until an answer comes, or at all.
    func next() throws -> EventLoopFuture<Void>?
    /// Whether every request was answered.
    var isDone: Bool { get }
}

/// Keeps requests of a source under way, so many at once. Confined to its loop.
final class RequestPump {
    private let loop: any EventLoop
    private let limit: Int
    private let source: any RequestSource
    private let done: EventLoopPromise<Void>
    private var underWay = 0
    private var isOver = false

    init(loop: any EventLoop, limit: Int, source: any RequestSource) {
        self.loop = loop
        self.limit = limit
        self.source = source
        done = loop.makePromise()
    }

    /// Sends until the source is done; fails with the first request that fails.
    func run() -> EventLoopFuture<Void> {
        fill()
        return done.futureResult
    }

    private func fill() {
        do {
            while !isOver, underWay < limit, let answer = try source.next() {
                underWay += 1
                answer.assumeIsolated().whenComplete { [self] result in answered(result) }
            }
            if source.isDone { end(.success(())) }
        } catch {
            end(.failure(error))
        }
    }

    private func answered(_ result: Result<Void, any Error>) {
        underWay -= 1
        if case .failure = result { return end(result) }
        fill()
    }

    private func end(_ result: Result<Void, any Error>) {
        guard !isOver else { return }
        isOver = true
        done.completeWith(result)
    }
}

/// Writes a note for each event, as soon as those it answers are acknowledged. Confined to the loop.
final class ReplayWriter: RequestSource {
    private let workload: Workload
    private let texts: NoteTexts
    private let clients: [Int: ReplayClient]
    private let bar: ProgressBar
    /// How many answered events of each event are not acknowledged yet.
    private var missing: [Int]
    /// Events that answer an event.
    private var dependents: [[Int]]
    private var ready: [Int] = []
    private var nextReady = 0
    private var acknowledged = 0
    /// The address of each event's note; empty until it is acknowledged.
    private(set) var hashes: [String]
    private(set) var latency = Samples()

    init(workload: Workload, texts: NoteTexts, clients: [Int: ReplayClient], bar: ProgressBar) {
        self.workload = workload
        self.texts = texts
        self.clients = clients
        self.bar = bar
        let count = workload.arrivals.count
        hashes = Array(repeating: "", count: count)
        missing = workload.arrivals.map(\.answers.count)
        dependents = Array(repeating: [], count: count)
        for (index, arrival) in workload.arrivals.enumerated() {
            for answered in arrival.answers { dependents[answered].append(index) }
            if arrival.answers.isEmpty { ready.append(index) }
        }
    }

    var isDone: Bool { acknowledged == hashes.count }

    func next() throws -> EventLoopFuture<Void>? {
        guard nextReady < ready.count else { return nil }
        let index = ready[nextReady]
        nextReady += 1
        let arrival = workload.arrivals[index]
        guard let client = clients[arrival.author] else {
            throw PlasmidError(.internal, "author \(arrival.author) has no socket")
        }
        let answers = arrival.answers.map { MessagePackValue.string(hashes[$0]) }
        let start = monotonicSeconds()
        let answer = try client.call(
            "write",
            .object([
                "text": .string(texts.text(index, bytes: arrival.bytes)),
                "answers": answers.isEmpty ? .null : .array(answers),
            ]))
        return answer.assumeIsolated().map { [self] hash in
            latency.add(monotonicSeconds() - start)
            take(hash.text ?? "", of: index)
        }.nonisolated()
    }

    private func take(_ hash: String, of index: Int) {
        hashes[index] = hash
        acknowledged += 1
        for dependent in dependents[index] {
            missing[dependent] -= 1
            if missing[dependent] == 0 { ready.append(dependent) }
        }
        bar.update(acknowledged)
    }
}
