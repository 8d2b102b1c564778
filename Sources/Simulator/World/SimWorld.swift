import Gossip
import Integrity
import Validation

/// A network of simulated nodes in virtual time. Everything that happens follows from the settings.
public final class SimWorld {
    /// The time at which a simulation starts, in microseconds since 1970.
    static let epoch: Int64 = 1_800_000_000_000_000

    static func peer(_ number: Int) -> PeerKey {
        PeerKey((0..<8).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
    }

    static func number(_ peer: [UInt8]) -> Int { peer.reduce(0) { $0 << 8 | Int($1) } }

    let settings: SimSettings
    let dna: SimDna
    var nodes: [SimNode] = []
    var random: SimRandom
    var queue = SimQueue()
    var time: Int64 = 0
    var faults: SimFaults
    /// The side of a partition on which each node is.
    var sides: [Bool]?
    var truth = SimTruth()
    var report: SimReport

    /// A network of these settings, at the start.
    /// - Throws: `simulationRefused` for fewer than 2 or more than 5,000 nodes.
    public init(_ settings: SimSettings) throws(PlasmidError) {
        guard (2...5_000).contains(settings.nodes), settings.seconds > 0, settings.writes >= 0 else {
            throw PlasmidError(
                .simulationRefused, "A simulation of \(settings.nodes) nodes for \(settings.seconds) s is not run.",
                hint: "2 to 5,000 nodes, 1 second or more")
        }
        self.settings = settings
        dna = try SimDna()
        random = SimRandom(seed: settings.seed)
        faults = settings.faults
        report = SimReport(settings)
        var made: [SimNode] = []
        for number in 0..<settings.nodes {
            let agent = try SimAgent(&random)
            let skew = faults.skew ? Int64.random(in: -3_600_000_000...3_600_000_000, using: &random) : 0
            let kind = SimMalice.allCases.randomElement(using: &random)
            let malice = random.chance(faults.malicious) ? kind : nil
            made.append(
                SimNode(
                    number: number, agent: agent, dna: dna, skew: skew, random: SimRandom(seed: random.next()),
                    malice: malice))
        }
        nodes = made
    }

    /// Runs to the end.
    /// - Parameter progress: told each virtual second that is through, of how many at most.
    public func run(progress: (Int, Int) -> Void = { _, _ in }) -> SimReport {
        begin()
        let end = Int64(settings.seconds) * 1_000_000
        let last = end + Int64(settings.settling) * 1_000_000
        var second: Int64 = 0
        while let (at, event) = queue.next(), at <= last {
            time = at
            while second < time / 1_000_000 {
                second += 1
                progress(Int(second), settings.seconds + settings.settling)
            }
            trace(event)
            handle(event)
            if report.convergedAfter != nil || !report.violations.isEmpty { break }
        }
        if report.convergedAfter == nil, report.violations.isEmpty { checkConvergence(isLast: true) }
        checkReceipts()
        report.acknowledged = truth.acknowledged.count
        report.blocked = truth.blocked.count
        return report
    }

    // MARK: The course of events

    /// All nodes know each other and have arcs: what is looked at is a network that runs.
    private func begin() {
        let claims = runningArcs()
        for node in nodes {
            node.start(0, running: claims[node.number].arc)
            queue.add(.tick(node.number, life: node.life), at: Int64.random(in: 0...1_000_000, using: &random))
        }
        for node in nodes {
            for other in nodes where other.number != node.number {
                let record = other.record(0)
                _ = node.table.learn(record, now: node.clock(0))
                let isDialer = node.number < other.number
                node.table.connected(
                    Self.peer(other.number), isDialer: isDialer, now: node.clock(0), using: &node.random)
            }
        }
        for node in nodes {
            let at = Int64.random(in: 0...15_000_000, using: &random)
            queue.add(.write(node.number), at: at)
        }
        schedule()
    }

    private func runningArcs() -> [ArcClaim] {
        let claims = nodes.map { ArcClaim(agent: $0.agent.key, arc: .full) }
        guard nodes.count > dna.arcs.aim + 1 else { return claims }
        let places = nodes.map(\.agent.key.location).sorted()
        return nodes.map { node in
            let place = node.agent.key.location
            let next = places.partitioningIndex { $0 > place }
            let end = places[(next + dna.arcs.aim - 1) % places.count]
            return ArcClaim(agent: node.agent.key, arc: Arc(start: place, length: UInt64(end &- place)))
        }
    }

    private func schedule() {
        let end = Int64(settings.seconds) * 1_000_000
        if settings.writes > 0 {
            var at: Int64 = 16_000_000
            let pause = Int64(2_000_000 / settings.writes)
            while at < end {
                queue.add(.write(Int.random(in: 0..<nodes.count, using: &random)), at: at)
                at += Int64.random(in: 1...max(2, pause), using: &random)
            }
        }
        if faults.churn > 0 {
            var at: Int64 = 20_000_000
            let pause = Int64(2 * 60_000_000 / (faults.churn * Double(nodes.count)))
            while at < end {
                queue.add(.crash(Int.random(in: 0..<nodes.count, using: &random)), at: at)
                at += Int64.random(in: 1...max(2, pause), using: &random)
            }
        }
        if faults.partition {
            var at = Int64.random(in: 20_000_000...50_000_000, using: &random)
            while at < end {
                queue.add(.part(nodes.map { _ in Bool.random(using: &random) }), at: at)
                at += Int64.random(in: 10_000_000...40_000_000, using: &random)
                queue.add(.heal, at: min(at, end))
                at += Int64.random(in: 20_000_000...60_000_000, using: &random)
            }
        }
        for at in stride(from: 20_000_000, to: end + Int64(settings.settling) * 1_000_000, by: 10_000_000) {
            queue.add(.measure, at: at)
        }
        queue.add(.faultsEnd, at: end)
    }

    private func trace(_ event: SimEvent) {
        var word = UInt64(bitPattern: time)
        switch event {
        case .deliver(let message, let from, let to):
            word ^= message.trace << 48 ^ UInt64(from) << 32 ^ UInt64(to) << 40
        case .tick(let node, _), .write(let node), .crash(let node), .start(let node): word ^= UInt64(node) << 32
        case .lost(let node, let other): word ^= UInt64(node) << 32 ^ UInt64(other) << 44
        case .part, .heal, .measure, .faultsEnd: break
        }
        report.fingerprint = (report.fingerprint ^ word) &* 0x0000_0100_0000_01b3
    }

    private func handle(_ event: SimEvent) {
        switch event {
        case .deliver(let message, let from, let to):
            guard nodes[to].isUp, nodes[from].isUp, !isParted(from, to), let message = carried(message, from) else {
                return
            }
            with(to) { node, out in node.receive(message, from: from, time, &out) }
        case .tick(let number, let life):
            guard nodes[number].isUp, nodes[number].life == life else { return }
            with(number) { node, out in node.tick(time, &out) }
            queue.add(event, at: time + Int64.random(in: 800_000...1_200_000, using: &nodes[number].random))
        case .write(let number): write(number)
        case .crash(let number): crash(number)
        case .start(let number): start(number)
        case .lost(let number, let other):
            guard nodes[number].isUp, !nodes[other].isUp || isParted(number, other) else { return }
            nodes[number].lost(other, time)
        case .part(let sides): part(sides)
        case .heal: sides = nil
        case .measure: measure()
        case .faultsEnd:
            faults = .none
            sides = nil
            for node in nodes where !node.isUp { queue.add(.start(node.number), at: time + 1_000_000) }
        }
    }

    /// What arrives of a message: the same, through the bytes of frames.
    private func carried(_ message: SimMessage, _ from: Int) -> SimMessage? {
        guard settings.usesFrames else { return message }
        do throws(PlasmidError) {
            return try SimWire.carried(message, cut: UInt64(bitPattern: time) ^ UInt64(from))
        } catch {
            if nodes[from].malice == nil { report.violated("what node \(from) sends cannot be read: \(error.message)") }
            return nil
        }
    }

    func isParted(_ one: Int, _ other: Int) -> Bool { sides.map { $0[one] != $0[other] } ?? false }

    // MARK: Nodes

    private func with(_ number: Int, _ body: (SimNode, inout SimOut) -> Void) {
        var out = SimOut()
        body(nodes[number], &out)
        note(out)
        for (message, to) in out.sends { send(message, from: number, to: to) }
        if out.polls { poll(number) }
    }

    private func send(_ message: SimMessage, from: Int, to: Int) {
        guard to >= 0, to < nodes.count, to != from else { return }
        checkSent(message, by: from)
        report.messages += 1
        if random.chance(faults.loss) { return }
        for copy in 0...(random.chance(faults.duplicate) ? 1 : 0) {
            let latency =
                faults.reorder
                ? Int64.random(in: 5_000...2_000_000, using: &random)
                : Int64.random(in: 20_000...80_000, using: &random)
            queue.add(.deliver(message, from: from, to: to), at: time + latency + Int64(copy) * 700_000)
        }
    }

    private func write(_ number: Int) {
        let node = nodes[number]
        guard node.isUp else { return }
        with(number) { node, out in
            if node.agent.head == nil { return node.commit({ $0.genesis() }, time, &out) }
            if node.malice != nil, misbehave(node, &out) { return }
            let others = truth.recent
            let agent = node.agent
            var random = node.random
            node.commit({ $0.something(agent, &random, others: others) }, time, &out)
            node.random = random
        }
    }

    private func crash(_ number: Int) {
        let node = nodes[number]
        guard node.isUp else { return }
        node.isUp = false
        report.crashes += 1
        for other in nodes where other.isUp {
            queue.add(
                .lost(node: other.number, other: number),
                at: time + Int64.random(in: 200_000...6_000_000, using: &random))
        }
        queue.add(.start(number), at: time + Int64.random(in: 10_000_000...40_000_000, using: &random))
    }

    private func start(_ number: Int) {
        guard !nodes[number].isUp else { return }
        nodes[number].start(time)
        with(number) { node, out in node.resume(time, &out) }
        poll(number)
        queue.add(.tick(number, life: nodes[number].life), at: time + 500_000)
        if let some = nodes.filter({ $0.isUp && $0.number != number }).randomElement(using: &random) {
            send(.askAgents, from: number, to: some.number)
        }
        if nodes[number].agent.head == nil { queue.add(.write(number), at: time + 2_000_000) }
    }

    /// The bootstrap tells a node of others, as many as it likes; those that it cannot reach or does not know it greets.
    private func poll(_ number: Int) {
        let node = nodes[number]
        let now = node.clock(time)
        let known = Set(node.table.claims(now: now).map(\.agent))
        var told = 0
        for other in nodes.shuffled(using: &random) where told < 64 && other.number != number && other.isUp {
            told += 1
            if known.contains(other.agent.key) || isParted(number, other.number) { continue }
            send(.hello(node.record(time), isAnswer: false), from: number, to: other.number)
        }
    }

    private func part(_ sides: [Bool]) {
        self.sides = sides
        report.partitions += 1
        for one in nodes.indices {
            for other in nodes.indices where sides[one] != sides[other] {
                queue.add(
                    .lost(node: one, other: other), at: time + Int64.random(in: 2_000_000...12_000_000, using: &random))
            }
        }
    }
}

extension SimMessage {
    var trace: UInt64 {
        switch self {
        case .hello: 1
        case .agents(let records): 2 + UInt64(records.count) << 4
        case .askAgents: 3
        case .ops(let ops, _): 4 + UInt64(ops.count) << 4
        case .round: 5
        case .receipts(let receipts): 6 + UInt64(receipts.count) << 4
        case .fetch(let hashes): 7 + UInt64(hashes.count) << 4
        case .records(let records): 8 + UInt64(records.count) << 4
        }
    }
}

extension [UInt32] {
    /// The first index whose element has `isBehind`; of a sorted list.
    func partitioningIndex(_ isBehind: (UInt32) -> Bool) -> Int {
        firstIndex(where: isBehind) ?? 0
    }
}
