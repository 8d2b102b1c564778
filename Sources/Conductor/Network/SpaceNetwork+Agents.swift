import Gossip
import Integrity
import Keystore
import Logging
import Storage
import Transport

/// Who is where: what the agents here say of themselves, and what is known of others.
extension SpaceNetwork {
    /// How long a record holds, in microseconds: 20 minutes.
    private static var lifetime: Int64 { 20 * 60_000_000 }
    /// Records in one frame.
    private static var recordsPerFrame: Int { 256 }
    /// Records that a new member over a relay is told.
    private static var recordsOverRelay: Int { 16 }
    /// How long an address has before the next one is tried beside it, in microseconds.
    private static var stagger: Int64 { 1_000_000 }
    /// Agents of whom it is remembered that their record was not believed.
    private static var disbelievedMaximum: Int { 256 }
    /// How long a peer that could not be reached is left alone, in microseconds.
    private static var goneFor: Int64 { 10_000_000 }

    // MARK: The agents here

    /// Signs records anew where there is none, where the old one has come to half of its time, or where an address changed.
    func refreshOwnRecords() {
        let here = space.cells.filter { $0.value.isActive }.keys.sorted()
        table.own = Set(space.cells.keys)
        identity.announced = announced
        let addresses = announced.map(\.bytes)
        var fresh: [AgentRecord] = []
        for agent in here {
            if let record = own[agent], record.info.addresses == addresses, record.info.arc == arc(of: agent),
                record.info.expiresAt.microseconds - now.microseconds > Self.lifetime / 2
            {
                continue
            }
            if let record = signRecord(of: agent, addresses: addresses, tombstone: false) { fresh.append(record) }
        }
        for agent in own.keys.sorted() where space.cells[agent]?.isActive != true {
            if let record = signRecord(of: agent, addresses: [], tombstone: true) { fresh.append(record) }
            own[agent] = nil
        }
        tell(fresh)
    }

    /// Says that the agents here are not any more.
    func sayGoodbye() {
        tell(own.keys.sorted().compactMap { signRecord(of: $0, addresses: [], tombstone: true) })
        own = [:]
    }

    private func signRecord(of agent: AgentPubKey, addresses: [[UInt8]], tombstone: Bool) -> AgentRecord? {
        // Later than the one before, whatever the clock does.
        let last = own[agent]?.info.createdAt.microseconds ?? .min
        let created = max(now.microseconds, last == .min ? .min : last + 1)
        let info = AgentPresence(
            agent: agent, peer: identity.peerID.bytes,
            addresses: Array(addresses.prefix(AgentRecord.addressesMaximum)), arc: arc(of: agent),
            createdAt: Timestamp(microseconds: created), expiresAt: Timestamp(microseconds: created + Self.lifetime),
            isTombstone: tombstone)
        do {
            let message = AgentRecord.message(info.packed, dna: space.dna)
            let record = AgentRecord(info: info, signature: try conductor.keystore.sign(message, by: agent))
            if !tombstone { own[agent] = record }
            return record
        } catch {
            desk.logger.error("an agent's record cannot be signed", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    // MARK: Telling

    /// What a new member is told: who is here, and everybody else who is known. Who knows a part of the others only takes its arc too long.
    func introduce(to peer: SpacePeer) {
        // A relay carries little: its peer hears of the others over the direct way, or from members that it meets.
        let known = peer.connection.isRelayed ? Array(table.records.prefix(Self.recordsOverRelay)) : table.records
        let all = own.keys.sorted().compactMap { own[$0] } + known
        for first in stride(from: 0, to: all.count, by: Self.recordsPerFrame) {
            peer.tell(.agents, Array(all[first..<min(first + Self.recordsPerFrame, all.count)]).packed)
        }
    }

    func tell(_ records: [AgentRecord], except: SpacePeer? = nil) {
        guard !records.isEmpty else { return }
        let body = records.packed
        for peer in sortedMembers where peer !== except { peer.tell(.agents, body) }
    }

    var sortedMembers: [SpacePeer] { members.values.filter { !$0.isOver }.sorted { $0.tag < $1.tag } }

    // MARK: Hearing

    func takeRecords(_ body: [UInt8], from peer: SpacePeer) throws(PlasmidError) {
        let records = try [AgentRecord](packed: body)
        guard records.count <= Self.recordsPerFrame else {
            throw PlasmidError(.badFrame, "a frame holds \(records.count) records of agents")
        }
        var news: [AgentRecord] = []
        for record in records {
            let agent = record.info.agent
            guard own[agent] == nil, space.cells[agent] == nil, isNewer(record) else { continue }
            if let fault = record.fault(dna: space.dna, now: now) {
                self.fault(of: peer, fault)
                if disbelieved.count < Self.disbelievedMaximum { disbelieved[agent] = fault }
                continue
            }
            disbelieved[agent] = nil
            if take(record) { news.append(record) }
        }
        // Passed on once: a record that is known already goes no further.
        tell(news, except: peer)
        arcs.heard(now, isNews: !news.isEmpty)
        armArcs()
        if !news.isEmpty {
            connectToKnown()
            scheduleRounds()
        }
    }

    /// Only of a newer record is the signature worth verifying.
    private func isNewer(_ record: AgentRecord) -> Bool {
        guard let known = table.record(of: record.info.agent) else { return true }
        return record.info.createdAt > known.info.createdAt
    }

    /// Takes a verified record; true where it is news to others too.
    private func take(_ record: AgentRecord) -> Bool {
        let before = table.record(of: record.info.agent)
        switch table.learn(record, now: now) {
        case .old, .noRoom: return false
        case .left:
            if let before { publishing.went(record.info.agent, arc: before.info.arc) }
        case .came, .changed:
            // Whoever writes a new record is there.
            if let id = PeerID(bytes: record.info.peer), gone[id] != nil { gone[id] = now }
            perform(publishing.came(record.info.agent, arc: record.info.arc, now: now))
        }
        arcs.isStale = true
        desk.whenChanged()
        return true
    }

    func forgetExpired() {
        let now = now
        if !table.expire(now: now).isEmpty { arcs.isStale = true }
        let known = Set(table.records.map(\.info.peer))
        gone = gone.filter { known.contains($0.key.bytes) }
    }

    // MARK: Going there

    /// Connects to peers of known agents, those first that keep what is kept here, and to the addresses that an operator gave: at once while
    /// there is nobody, and now and then while there is: after a cut that outlived all records nothing else leads to those behind it.
    func connectToKnown() {
        for isNeighbour in [true, false] {
            let most = isNeighbour ? 2 * membersMaximum : membersMaximum
            for record in table.records {
                guard members.count + reaching.count < most else { break }
                guard let id = PeerID(bytes: record.info.peer), id != identity.peerID, members[id] == nil,
                    reaching[id] == nil, gone[id] ?? now <= now, isNeighbour == keepsSame(record.info.arc),
                    table.treatment(of: PeerKey(record.info.peer), now: now) != .dropped
                else { continue }
                connect(to: id, record) { _ in }
            }
        }
        if bootstrapDue <= now { dialBootstrap() }
    }

    /// How long nothing must have been said over a connection that is more than enough, in microseconds.
    private static var idle: Int64 { 30_000_000 }

    /// Ends connections beyond ``membersMaximum`` that nothing was asked or told over of late: for one read or op there were
    /// others to go to, and there shall be room for the next.
    func leaveUnneeded() {
        let spare = members.count - membersMaximum
        guard spare > 0 else { return }
        let now = now
        let idle = members.values.filter { peer in
            now.microseconds - peer.lastUsed.microseconds >= Self.idle && !peer.isInRound && peer.served == nil
                && peer.gifts.isEmpty && peer.fresh.isEmpty
                && !table.claims(of: PeerKey(peer.connection.peer.bytes)).contains { keepsSame($0.arc) }
        }
        for peer in idle.sorted(by: { ($0.lastUsed, $0.tag) < ($1.lastUsed, $1.tag) }).prefix(spare) {
            peer.end(PlasmidError(.connectionLost, "there are connections enough"))
        }
    }

    private func keepsSame(_ arc: Arc) -> Bool { arcs.kept.ranges.contains { arc.overlaps($0) } }

    /// Goes to a peer of known agents, unless it could not be reached of late.
    func reach(_ id: PeerID, _ done: @escaping (Result<SpacePeer, PlasmidError>) -> Void = { _ in }) {
        if let peer = members[id], !peer.isOver { return done(.success(peer)) }
        guard gone[id] == nil, members.count + reaching.count < 2 * membersMaximum,
            let agent = table.claims(of: PeerKey(id.bytes)).first?.agent, let record = table.record(of: agent)
        else {
            return done(.failure(PlasmidError(.peerUnreachable, "a holder cannot be reached now")))
        }
        connect(to: id, record, done)
    }

    /// How long configured addresses are left alone while there are members, in microseconds.
    private static var bootstrapPause: Int64 { 60_000_000 }
    /// The longest wait while there is nobody.
    private static var bootstrapLongest: Int64 { 16_000_000 }

    /// Goes to the configured addresses at which a conductor stands: a server shall not see the space's identity.
    private func dialBootstrap() {
        bootstrapDue = now.advanced(byMicroseconds: members.isEmpty ? bootstrapWait : Self.bootstrapPause)
        bootstrapWait = min(bootstrapWait * 2, Self.bootstrapLongest)
        for address in desk.bootstrap where !underWay.contains(address) && desk.reachability.isConductor(address) {
            if let id = bootstrapPeers[address], members[id] != nil { continue }
            underWay.insert(address)
            dial(address, expecting: nil) { [weak self] result in
                self?.underWay.remove(address)
                if case .success(let peer) = result { self?.bootstrapPeers[address] = peer.connection.peer }
                if case .failure(let error) = result {
                    self?.desk.logger.debug(
                        "no member answers at a configured address",
                        metadata: ["address": "\(address)", "reason": "\(error.message)"])
                }
            }
        }
    }

    /// A peer where an agent is, connected and proved to be of the space.
    ///
    /// An agent that nobody knows, that has left, or whose peer cannot be reached is an error at once.
    func reach(_ agent: AgentPubKey, _ done: @escaping (Result<SpacePeer, PlasmidError>) -> Void) {
        let offline = PlasmidError(.peerUnreachable, "agent \(agent) is offline", hint: "try again later")
        guard let record = table.record(of: agent), let id = PeerID(bytes: record.info.peer) else {
            // Most often a clock is wrong: who sends shall hear that, and not that nobody is there.
            if let why = disbelieved[agent] { return done(.failure(why)) }
            // Somebody whose chain is held has been here; of anybody else nothing is known.
            if (try? space.store.head(of: agent)) != nil { return done(.failure(offline)) }
            return done(
                .failure(
                    PlasmidError(
                        .agentNotFound, "no agent \(agent) is known in this space",
                        hint: "check the address; agents are listed by `plasmid admin agents`")))
        }
        if let peer = members[id], !peer.isOver { return done(.success(peer)) }
        // Also while it is tried again: who sends shall not wait for that.
        if gone[id] != nil { return done(.failure(offline)) }
        connect(to: id, record) { result in
            done(
                result.mapError {
                    PlasmidError(.peerUnreachable, offline.message, hint: offline.hint, cause: $0.message)
                })
        }
    }

    private func connect(
        to id: PeerID, _ record: AgentRecord, _ done: @escaping (Result<SpacePeer, PlasmidError>) -> Void
    ) {
        if reaching[id] != nil {
            reaching[id]?.append(done)
            return
        }
        reaching[id] = [done]
        let addresses = record.info.addresses.compactMap { try? Multiaddr(bytes: $0) }
        let none = PlasmidError(.peerUnreachable, "agent \(record.info.agent) gives no address that can be dialled")
        // Directly if there is a way; over relays after that.
        let ways = addresses.filter { !$0.isRelayed } + addresses.filter(\.isRelayed)
        reach(id, ways[...], StaggeredDials(last: none))
    }

    /// Goes to the addresses of a peer one after the other, the next one after a failure, or where an answer takes long: an
    /// address of another private network swallows what is sent there.
    private func reach(_ id: PeerID, _ ways: ArraySlice<Multiaddr>, _ dials: StaggeredDials) {
        guard !isOver, !dials.isOver else { return }
        guard let address = ways.first else {
            guard dials.running == 0 else { return }
            dials.isOver = true
            isGone(id, until: now.advanced(byMicroseconds: Self.goneFor))
            for done in reaching.removeValue(forKey: id) ?? [] { done(.failure(dials.last)) }
            return
        }
        let rest = ways.dropFirst()
        var hasGoneOn = false
        let goOn = { [weak self] in
            guard !hasGoneOn else { return }
            hasGoneOn = true
            self?.reach(id, rest, dials)
        }
        dials.running += 1
        if !rest.isEmpty { conductor.after(microseconds: Self.stagger) { goOn() } }
        dial(address, expecting: id) { [weak self] result in
            dials.running -= 1
            switch result {
            case .failure(let error):
                dials.last = error
                // Behind the last address there is the end, which comes when nothing runs any more.
                if hasGoneOn { self?.reach(id, [], dials) } else { goOn() }
            case .success:
                guard !dials.isOver else { return }
                dials.isOver = true
                for done in self?.reaching.removeValue(forKey: id) ?? [] { done(result) }
            }
        }
    }
}

/// Dials to the addresses of one peer.
private final class StaggeredDials {
    var running = 0
    var isOver = false
    /// Why the last one failed.
    var last: PlasmidError

    init(last: PlasmidError) { self.last = last }
}
