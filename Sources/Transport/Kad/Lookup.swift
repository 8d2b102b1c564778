public import Integrity
import Sodium

/// One search for the peers closest to a key: asks those it knows for closer ones, ten at a time, until the closest have
/// answered. Pure: `step` says whom to ask, the answers come in as events.
///
/// It ends, whatever the answers: at most 256 questions are asked, each peer is asked again only at
/// addresses that are new, and each has 10 s. Peers that tell of many who
/// do not answer are not believed further.
public struct Lookup: Sendable {
    /// The bounds.
    public struct Settings: Sendable {
        /// How many closest peers are wanted: k.
        public var wanted = 20
        /// How many are asked at a time: α.
        public var parallel = 10
        /// When so many of the closest have answered, the rest has ``followUp`` left: β.
        public var closeEnough = 3
        /// What a peer has to answer, in microseconds.
        public var timeout: Int64 = 10_000_000
        /// What the rest of the closest have, in microseconds.
        public var followUp: Int64 = 10_000_000
        /// Peers asked in all.
        public var asked = 256
        /// Peers known in all; the closest are kept.
        public var known = 512
        /// Contacts taken from one answer.
        public var perAnswer = 20
        /// So many peers of one teller that do not answer make it a liar, if they are more than those that do.
        public var deadTips = 8
        /// Addresses at which one peer is tried in vain before it is given up, whatever others tell of it.
        public var tries = 16

        /// The usual bounds.
        public init() {}
    }

    private enum State: Hashable {
        case heard
        case waiting(until: Timestamp)
        case answered
        case failed
    }

    private struct Candidate {
        var contact: KadContact
        var distance: Bytes32
        var state: State
        /// Who told of it; nil for those known before.
        var teller: PeerID?
        /// Addresses it was asked at in vain.
        var tried: [Multiaddr] = []
    }

    private struct Tips {
        var good = 0
        var dead = 0
    }

    /// What is searched for: the bytes that peers are asked about.
    public let target: [UInt8]
    private let key: KadKey
    private let me: PeerID
    private let settings: Settings
    /// By distance, closest first.
    private var candidates: [Candidate] = []
    private var places: [PeerID: Bytes32] = [:]
    private var tips: [PeerID: Tips] = [:]
    private var asked = 0
    private var followUpEnds: Timestamp?
    /// True when there is nothing more to ask and nothing to wait for.
    public private(set) var isDone = false

    /// A search that begins with the `seeds`.
    public init(target: [UInt8], me: PeerID, seeds: [KadContact], settings: Settings = Settings()) {
        self.target = target
        self.me = me
        self.settings = settings
        key = KadKey(target)
        take(seeds, from: nil)
    }

    /// The closest peers that answered, closest first, at most as many as are wanted.
    public var found: [KadContact] {
        candidates.filter { $0.state == .answered }.prefix(settings.wanted).map(\.contact)
    }

    /// How many peers were asked.
    public var askedCount: Int { asked }

    /// Peers to ask now. Call it after each event, and when time passes; ``isDone`` afterwards says whether the search ended.
    public mutating func step(now: Timestamp) -> [KadContact] {
        guard !isDone else { return [] }
        let late = candidates.filter { if case .waiting(let until) = $0.state { until <= now } else { false } }
        for candidate in late { failed(candidate.contact.peer) }
        if let followUpEnds, followUpEnds <= now { return finish() }
        let closest = closestLiving
        if followUpEnds == nil, isCloseEnough(closest) {
            followUpEnds = now.advanced(byMicroseconds: settings.followUp)
        }
        var free = settings.parallel - candidates.count { if case .waiting = $0.state { true } else { false } }
        var asks: [KadContact] = []
        for index in closest where candidates[index].state == .heard && free > 0 && asked < settings.asked {
            candidates[index].state = .waiting(until: now.advanced(byMicroseconds: settings.timeout))
            asks.append(candidates[index].contact)
            free -= 1
            asked += 1
        }
        let waits = closest.contains { if case .waiting = candidates[$0].state { true } else { false } }
        if asks.isEmpty, !waits { return finish() }
        return asks
    }

    /// When time alone changes something: the first deadline; nil when nothing is waited for.
    public var nextDeadline: Timestamp? {
        var deadline = followUpEnds
        for candidate in candidates {
            if case .waiting(let until) = candidate.state { deadline = min(deadline ?? until, until) }
        }
        return isDone ? nil : deadline
    }

    /// A peer that was asked answered with closer ones. Late answers, and such from peers that were not asked, change nothing.
    public mutating func answered(_ peer: PeerID, closer: [KadContact]) {
        guard let index = waiting(peer) else { return }
        candidates[index].state = .answered
        if let teller = candidates[index].teller { tips[teller, default: Tips()].good += 1 }
        take(Array(closer.prefix(settings.perAnswer)), from: peer)
    }

    /// A peer that was asked could not be reached, or answered nonsense.
    public mutating func failed(_ peer: PeerID) {
        if let index = waiting(peer) { fail(at: index) }
    }

    private func waiting(_ peer: PeerID) -> Int? {
        guard let index = index(of: peer), case .waiting = candidates[index].state else { return nil }
        return index
    }

    private func index(of peer: PeerID) -> Int? {
        guard let distance = places[peer] else { return nil }
        let index = firstIndex(notCloserThan: distance)
        return index < candidates.count && candidates[index].contact.peer == peer ? index : nil
    }

    private func firstIndex(notCloserThan distance: Bytes32) -> Int {
        var low = 0
        var high = candidates.count
        while low < high {
            let middle = (low + high) / 2
            if candidates[middle].distance < distance { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Places of the closest candidates that have not failed: those whose answers decide.
    private var closestLiving: [Int] {
        Array(candidates.indices.filter { candidates[$0].state != .failed }.prefix(settings.wanted))
    }

    private func isCloseEnough(_ closest: [Int]) -> Bool {
        closest.count >= settings.closeEnough
            && closest.prefix(settings.closeEnough).allSatisfy { candidates[$0].state == .answered }
    }

    private mutating func finish() -> [KadContact] {
        isDone = true
        return []
    }

    private mutating func fail(at index: Int) {
        candidates[index].state = .failed
        candidates[index].tried += candidates[index].contact.addresses
        guard let teller = candidates[index].teller else { return }
        tips[teller, default: Tips()].dead += 1
        guard isLiar(teller) else { return }
        // Somebody else may still tell of them.
        for candidate in candidates where candidate.teller == teller && candidate.state == .heard {
            places[candidate.contact.peer] = nil
        }
        candidates.removeAll { $0.teller == teller && $0.state == .heard }
    }

    private func isLiar(_ teller: PeerID) -> Bool {
        guard let tips = tips[teller] else { return false }
        return tips.dead >= settings.deadTips && tips.dead > tips.good
    }

    private mutating func take(_ contacts: [KadContact], from teller: PeerID?) {
        for contact in contacts where contact.peer != me {
            if contact.addresses.isEmpty, teller != nil { continue }
            if let index = index(of: contact.peer) {
                learn(contact, at: index, from: teller)
                continue
            }
            let distance = KadKey(contact.peer).distance(to: key)
            let place = firstIndex(notCloserThan: distance)
            guard place < settings.known else { continue }
            places[contact.peer] = distance
            candidates.insert(Candidate(contact: contact, distance: distance, state: .heard, teller: teller), at: place)
            // The farthest that was only heard of goes; those asked stay, lest they be asked again.
            if candidates.count > settings.known, let last = candidates.lastIndex(where: { $0.state == .heard }) {
                places[candidates.remove(at: last).contact.peer] = nil
            }
        }
    }

    /// Another word on a peer that is known: whoever first told of it may have told a false address.
    private mutating func learn(_ contact: KadContact, at index: Int, from teller: PeerID?) {
        let candidate = candidates[index]
        switch candidate.state {
        case .answered, .waiting: return
        case .heard:
            candidates[index].contact = KadContact(
                peer: contact.peer, addresses: candidate.contact.addresses + contact.addresses)
        case .failed:
            let fresh = contact.addresses.filter { !candidate.tried.contains($0) }
            guard !fresh.isEmpty, candidate.tried.count < settings.tries else { return }
            candidates[index].contact = KadContact(peer: contact.peer, addresses: fresh)
            candidates[index].state = .heard
            candidates[index].teller = teller
        }
    }
}
