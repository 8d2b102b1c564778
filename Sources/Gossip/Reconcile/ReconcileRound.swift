import Integrity

/// How a round goes about it. Both sides must agree on ``idBytes``.
public struct ReconcileSettings: Sendable, Hashable {
    /// Bytes of a short id; 6 in the protocol. Tests take fewer to see ids collide.
    public var idBytes = 6
    /// A range of at most this many ops is compared id by id; a larger one by fingerprints of its pieces.
    public var idsAtMost = 48
    /// The same where not one of many ranges was equal: the sets have little in common, and cutting finer tells nothing.
    public var idsAtMostWhenAllDiffer = 256

    /// The protocol's own.
    public static let standard = ReconcileSettings()

    /// The protocol's own.
    public init() {}
}

/// Ops that the peer lacks and shall be sent now.
public enum ReconcileGift: Hashable, Sendable {
    /// These.
    case ops([OpKey])
    /// Everything held in a range, but for these: read it from the store as one stream.
    case range(OpRange, except: [OpKey])
}

/// What comes of one message of a round.
public struct ReconcileStep: Sendable {
    /// What to send back; nil when the peer waits for nothing more.
    public internal(set) var reply: ReconcileMessage?
    /// What to send of ops, in this order.
    public internal(set) var gifts: [ReconcileGift] = []
    /// How many ops the peer has said it sends, or was asked for: what to wait for before the next round with it.
    public internal(set) var expected: UInt64 = 0
    /// Whether the round is through.
    public internal(set) var isFinished = false
}

/// One round of reconciliation between two nodes, at either end: which ops each lacks of what both hold.
///
/// The sides take turns. Each keeps the asks that it has open (``mine``) and those of the peer (``theirs``), newest last, and
/// settles the peer's newest first, so that what is open stays little however much differs. An ask is a fingerprint of a
/// range, or the short ids of its ops; a fingerprint that differs is answered by asks about the range's pieces, ids by ops. The index is as it was when
/// the round began; so a range that is said to differ and proves equal is a lie, and the round ends.
public struct ReconcileRound: Sendable {
    enum State: Sendable { case unopened, waiting, finished }

    /// A range about which this side has asked.
    struct OpenAsk: Sendable {
        var range: OpRange
        var ask: ReconcileAsk
    }

    /// A range about which the peer has asked, with what this side has found.
    struct Pending: Sendable {
        enum Finding: Sendable { case same, differs(count: Int), answer(wanted: [UInt64], giving: UInt64) }
        var range: OpRange
        var finding: Finding
    }

    let index: OpIndex
    let aside: OpIndex
    let arcs: ArcSet
    let settings: ReconcileSettings
    var salt: RoundSalt
    var state = State.unopened
    var peerArcs: ArcSet
    var mine: [OpenAsk] = []
    var theirs: [Pending] = []
    /// Whether this side sent the first message and may still be told that it was wrong about the peer's arc.
    var mayBeReopened = false

    /// Bytes of all messages so far, both ways.
    public internal(set) var byteCount = 0
    /// How many messages, both ways.
    public internal(set) var messageCount = 0

    /// Begins a round: the peer gets the message.
    /// - Parameters:
    ///   - index: the ops held.
    ///   - aside: ops known and not held (parked, rejected): they are not asked for, and not sent to this side.
    ///   - arcs: what this node holds; `peerArcs`: what the peer is believed to.
    ///   - salt: 16 fresh random bytes.
    /// - Throws: `syncNothingShared` when the arcs have nothing in common.
    public static func begin(
        _ index: OpIndex, aside: OpIndex = OpIndex(), arcs: ArcSet, peerArcs: ArcSet, salt: [UInt8],
        settings: ReconcileSettings = .standard
    ) throws(PlasmidError) -> (round: ReconcileRound, message: ReconcileMessage) {
        var round = try ReconcileRound(
            index, aside, arcs.limited(), settings, try RoundSalt(salt, idBytes: settings.idBytes))
        round.mayBeReopened = true
        let message = try round.open(peerArcs.limited())
        return (round, message)
    }

    /// Takes the first message of a round that a peer began.
    /// - Throws: `syncMalformed`, `syncOutOfTurn`, `syncNothingShared`: the round is over, and
    ///   ``ReconcileMessage/closing(_:)`` tells the peer.
    public static func join(
        _ index: OpIndex, aside: OpIndex = OpIndex(), arcs: ArcSet, message: ReconcileMessage,
        settings: ReconcileSettings = .standard
    ) throws(PlasmidError) -> (round: ReconcileRound, step: ReconcileStep) {
        guard case .open(let salt, let peerArcs, let believed, let asks, let idBytes) = message else {
            throw PlasmidError(.syncOutOfTurn, "A round begins with a message that does not open it.")
        }
        guard idBytes == settings.idBytes else {
            throw PlasmidError(.syncMalformed, "A round has ids of \(idBytes) bytes, not of \(settings.idBytes).")
        }
        var round = try ReconcileRound(
            index, aside, arcs.limited(), settings, try RoundSalt(salt, idBytes: settings.idBytes))
        round.note(message)
        if believed != round.arcs {
            var step = ReconcileStep()
            step.reply = try round.open(peerArcs)
            return (round, step)
        }
        round.peerArcs = peerArcs
        let step = try round.opened(asks)
        return (round, step)
    }

    private init(
        _ index: OpIndex, _ aside: OpIndex, _ arcs: ArcSet, _ settings: ReconcileSettings, _ salt: RoundSalt
    ) throws(PlasmidError) {
        self.index = index
        self.aside = aside
        self.arcs = arcs
        self.settings = settings
        self.salt = salt
        peerArcs = .empty
    }

    /// Whether the round is through.
    public var isFinished: Bool { state == .finished }

    /// The locations that the round is about.
    public var shared: ArcSet { arcs.intersection(peerArcs) }

    /// Takes a message of the peer.
    /// - Throws: `syncMalformed`, `syncOutOfTurn`, `syncStalled`, `syncLied`, `syncTooMuch`, `syncNothingShared`: the peer's fault, to be
    ///   told by ``ReconcileMessage/closing(_:)`` and scored; `syncRefused` when the peer ended the round. The round is over.
    public mutating func receive(_ message: ReconcileMessage) throws(PlasmidError) -> ReconcileStep {
        guard state == .waiting else {
            throw PlasmidError(.syncOutOfTurn, "A message came for a round that waits for none.")
        }
        state = .finished
        note(message)
        switch message {
        case .open(let salt, let peerArcs, let believed, let asks, let idBytes):
            guard mayBeReopened, salt == self.salt.bytes, idBytes == settings.idBytes, believed == arcs,
                peerArcs != self.peerArcs
            else { throw PlasmidError(.syncOutOfTurn, "A round was opened a second time.") }
            mayBeReopened = false
            self.peerArcs = peerArcs
            mine = []
            return try opened(asks)
        case .turn(let settled, let replies, let idBytes):
            guard idBytes == settings.idBytes else {
                throw PlasmidError(.syncMalformed, "The ids of a round changed to \(idBytes) bytes.")
            }
            mayBeReopened = false
            return try turned(settled, replies, message)
        case .close(let code, let reason):
            throw PlasmidError(
                .syncRefused, "The peer ended a round of reconciliation (\(code)).",
                cause: reason.isEmpty ? nil : reason)
        }
    }

    mutating func note(_ message: ReconcileMessage) {
        messageCount += 1
        byteCount += message.packed.count
    }

    // MARK: Opening

    private mutating func open(_ peerArcs: ArcSet) throws(PlasmidError) -> ReconcileMessage {
        self.peerArcs = peerArcs
        let shared = arcs.intersection(peerArcs)
        guard !shared.isEmpty else {
            throw PlasmidError(.syncNothingShared, "The arcs of two nodes have nothing in common.")
        }
        mine = shared.ranges.map { locations in
            let range = OpRange(locations)
            return OpenAsk(range: range, ask: ask(about: range, index.tally(in: range), settings.idsAtMost))
        }
        let message = ReconcileMessage.open(
            salt: salt.bytes, arcs: arcs, peerArcs: peerArcs, asks: mine.map(\.ask), idBytes: settings.idBytes)
        note(message)
        state = .waiting
        return message
    }

    /// The asks of the message that opens a round, both sides being agreed on the arcs.
    private mutating func opened(_ asks: [ReconcileAsk]) throws(PlasmidError) -> ReconcileStep {
        let ranges = shared.ranges
        guard !ranges.isEmpty else {
            throw PlasmidError(.syncNothingShared, "The arcs of two nodes have nothing in common.")
        }
        guard asks.count == ranges.count else {
            throw PlasmidError(
                .syncMalformed, "A round asks about \(asks.count) ranges where two arcs share \(ranges.count).")
        }
        var step = ReconcileStep()
        for (locations, ask) in zip(ranges, asks) {
            let range = OpRange(locations)
            theirs.append(find(range, ask, index.tally(in: range), &step))
        }
        return reply(step)
    }

    func ask(about range: OpRange, _ tally: OpTally, _ idsAtMost: Int) -> ReconcileAsk {
        guard tally.count <= idsAtMost else { return .fingerprint(salt.fingerprint(tally)) }
        return .ids(held: ids(of: index, in: range), aside: ids(of: aside, in: range, limit: settings.idsAtMost))
    }

    /// Short ids in order; where two ops share one it stands once. None at all beyond `limit` ops.
    func ids(of index: OpIndex, in range: OpRange, limit: Int = .max) -> [UInt64] {
        guard !index.isEmpty else { return [] }
        if limit < .max, index.count(in: range) > limit { return [] }
        var ids: [UInt64] = []
        index.forEach(in: range) { key in
            ids.append(salt.id(of: key.core))
            return true
        }
        ids.sort()
        return ids.removingRepeats()
    }
}

extension [UInt64] {
    /// A sorted list without repeats.
    func removingRepeats() -> [UInt64] {
        var kept: [UInt64] = []
        kept.reserveCapacity(count)
        for value in self where kept.last != value { kept.append(value) }
        return kept
    }
}
