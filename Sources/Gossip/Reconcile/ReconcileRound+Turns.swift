import Integrity
import Sodium

// What a turn brings, and what is said to it.
extension ReconcileRound {
    // MARK: Reading a turn

    mutating func turned(
        _ settled: Int, _ replies: [ReconcileItem], _ message: ReconcileMessage
    ) throws(PlasmidError) -> ReconcileStep {
        guard settled <= mine.count, settled > 0 || mine.isEmpty else {
            throw PlasmidError(
                .syncStalled, "A peer settled \(settled) of \(mine.count) questions of a round of reconciliation.")
        }
        if settled < mine.count, message.packed.count < GossipLimits.reconcileDeferring {
            throw PlasmidError(.syncStalled, "A peer left \(mine.count - settled) questions of a round for later.")
        }
        // Each turn narrows a range or fills a message, so that an honest round never comes near this.
        guard messageCount <= 64 + byteCount / (GossipLimits.reconcileDeferring / 2) else {
            throw PlasmidError(
                .syncStalled, "A round of reconciliation took \(messageCount) messages and is not through.")
        }
        var step = ReconcileStep()
        let asked = mine
        mine.removeLast(settled)
        for item in replies {
            // An offset that no ask has was refused when the message was read; a message made by hand may have one.
            guard item.offset >= 0, item.offset < settled else {
                throw PlasmidError(.syncOutOfTurn, "A peer replied to a question that it was not asked.")
            }
            try take(item.reply, to: asked[asked.count - 1 - item.offset], &step)
        }
        guard theirs.count <= GossipLimits.reconcileAsks else {
            throw PlasmidError(.syncTooMuch, "A peer opened \(theirs.count) questions in one round.")
        }
        return reply(step)
    }

    private mutating func take(
        _ reply: ReconcileReply, to asked: OpenAsk, _ step: inout ReconcileStep
    ) throws(PlasmidError) {
        switch (reply, asked.ask) {
        case (.split(let cuts, let asks), .fingerprint):
            try take(cuts, asks, of: asked.range, &step)
        case (.answer(let wanted, let giving), .ids(let held, _)):
            step.expected += giving
            guard !wanted.isEmpty else { return }
            guard wanted.allSatisfy({ held.contains(sorted: $0) }) else {
                throw PlasmidError(.syncLied, "A peer asked for an op by an id that it was not told.")
            }
            let keys = index.keys(in: asked.range).filter { wanted.contains(sorted: salt.id(of: $0.core)) }
            step.gifts.append(.ops(keys))
        case (.split, .ids), (.answer, .fingerprint):
            throw PlasmidError(.syncOutOfTurn, "A peer replied to a question of another kind than it was asked.")
        }
    }

    private mutating func take(
        _ cuts: [OpKey], _ asks: [ReconcileAsk], of range: OpRange, _ step: inout ReconcileStep
    ) throws(PlasmidError) {
        let isInside = cuts.allSatisfy { $0 > range.lower && range.contains($0) }
        guard isInside, asks.count == cuts.count + 1 else {
            throw PlasmidError(.syncMalformed, "A peer cut a range of ops outside of it.")
        }
        var lower = range.lower
        var before = index.tally(before: lower)
        let place = theirs.count
        for (position, ask) in asks.enumerated() {
            let upper = position < cuts.count ? cuts[position] : range.upper
            let after = upper.map { index.tally(before: $0) } ?? index.total
            let piece = OpRange(lower: lower, upper: upper)
            theirs.append(find(piece, ask, after.minus(before), &step))
            before = after
            lower = upper ?? lower
        }
        let allSame = theirs[place...].allSatisfy { pending in
            if case .same = pending.finding { true } else { false }
        }
        // Ids that collide may make different sets look the same; from 6 bytes on that is a matter of 2⁻⁴⁸.
        if allSame, settings.idBytes >= 6 {
            throw PlasmidError(.syncLied, "A peer said that a range of ops differs, and it does not.")
        }
    }

    // MARK: Comparing

    func find(_ range: OpRange, _ ask: ReconcileAsk, _ tally: OpTally, _ step: inout ReconcileStep) -> Pending {
        switch ask {
        case .fingerprint(let theirs):
            let isSame = theirs == salt.fingerprint(tally)
            return Pending(range: range, finding: isSame ? .same : .differs(count: tally.count))
        case .ids(let held, let known):
            return Pending(range: range, finding: compare(range, held, known, tally.count, &step))
        }
    }

    private func compare(
        _ range: OpRange, _ held: [UInt64], _ known: [UInt64], _ count: Int, _ step: inout ReconcileStep
    ) -> Pending.Finding {
        if held.isEmpty, known.isEmpty {
            guard count > 0 else { return .same }
            step.gifts.append(.range(range, except: []))
            return .answer(wanted: [], giving: UInt64(count))
        }
        var own: [UInt64] = []
        var given: [OpKey] = []
        var kept: [OpKey] = []
        index.forEach(in: range) { key in
            let id = salt.id(of: key.core)
            own.append(id)
            if held.contains(sorted: id) || known.contains(sorted: id) { kept.append(key) } else { given.append(key) }
            return true
        }
        own.sort()
        own = own.removingRepeats()
        if own == held { return .same }
        if !given.isEmpty {
            let asRange = given.count > GossipLimits.reconcileIds && kept.count < given.count
            step.gifts.append(asRange ? .range(range, except: kept) : .ops(given))
        }
        let set = ids(of: aside, in: range)
        let wanted = held.filter { !own.contains(sorted: $0) && !set.contains(sorted: $0) }
        step.expected += UInt64(wanted.count)
        return .answer(wanted: wanted, giving: UInt64(given.count))
    }

    // MARK: Writing a turn

    /// Settles the peer's newest asks, as many as fit into a message.
    mutating func reply(_ found: ReconcileStep) -> ReconcileStep {
        var step = found
        guard !(theirs.isEmpty && mine.isEmpty) else {
            step.isFinished = true
            return step
        }
        let idsAtMost = everythingDiffers ? settings.idsAtMostWhenAllDiffer : settings.idsAtMost
        var items: [ReconcileItem] = []
        var size = 0
        var settled = 0
        while let pending = theirs.last, size < GossipLimits.reconcileDeferring {
            theirs.removeLast()
            if let reply = reply(to: pending, idsAtMost) {
                items.append(ReconcileItem(offset: settled, reply: reply))
                var bytes = ReconcileBytes(idBytes: settings.idBytes)
                bytes.write(reply)
                size += bytes.bytes.count
            }
            settled += 1
        }
        let message = ReconcileMessage.turn(settled: settled, replies: items, idBytes: settings.idBytes)
        note(message)
        step.reply = message
        step.isFinished = theirs.isEmpty && mine.isEmpty
        state = step.isFinished ? .finished : .waiting
        return step
    }

    private var everythingDiffers: Bool {
        guard theirs.count >= 64 else { return false }
        return theirs.allSatisfy { pending in
            if case .differs = pending.finding { true } else { false }
        }
    }

    private mutating func reply(to pending: Pending, _ idsAtMost: Int) -> ReconcileReply? {
        switch pending.finding {
        case .same: return nil
        case .answer(let wanted, let giving):
            return wanted.isEmpty && giving == 0 ? nil : .answer(wanted: wanted, giving: giving)
        case .differs(let count):
            let cuts = count <= idsAtMost ? [] : cuts(of: pending.range, count)
            var asks: [ReconcileAsk] = []
            var lower = pending.range.lower
            var before = index.tally(before: lower)
            for position in 0...cuts.count {
                let upper = position < cuts.count ? cuts[position] : pending.range.upper
                let after = upper.map { index.tally(before: $0) } ?? index.total
                let piece = OpRange(lower: lower, upper: upper)
                let ask = ask(about: piece, after.minus(before), cuts.isEmpty ? idsAtMost : 2)
                asks.append(ask)
                mine.append(OpenAsk(range: piece, ask: ask))
                before = after
                lower = upper ?? lower
            }
            return .split(cuts: cuts, asks: asks)
        }
    }

    /// Where a range is cut: into pieces of as many ops each. Many at once where it is large, so that a few turns reach the
    /// difference; else about twelve ops a piece, which then go as ids.
    private func cuts(of range: OpRange, _ count: Int) -> [OpKey] {
        let pieces = count <= 768 ? min(16, max(2, count / 12)) : min(2_048, max(16, count / 192))
        let first = index.tally(before: range.lower).count
        var cuts: [OpKey] = []
        for piece in 1..<pieces {
            let position = first + count * piece / pieces
            guard let left = index.key(at: position - 1), let right = index.key(at: position) else { continue }
            cuts.append(Self.cut(between: left, and: right))
        }
        return cuts
    }

    /// The shortest key above `left` and at most `right`: a location alone where they differ in it, else as many bytes of the
    /// hash as it takes.
    static func cut(between left: OpKey, and right: OpKey) -> OpKey {
        guard left.location == right.location else { return OpKey(location: right.location, core: .zero) }
        let (one, other) = (left.core.bytes.array, right.core.bytes.array)
        var bytes = right.core.bytes
        let equal = zip(one, other).prefix { $0 == $1 }.count
        bytes.withUnsafeMutableBytes { raw in
            for index in min(equal + 1, 32)..<32 { raw[index] = 0 }
        }
        return OpKey(location: right.location, core: Word256(bytes))
    }
}

extension [UInt64] {
    /// Whether a sorted list has the value.
    func contains(sorted value: UInt64) -> Bool {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == value
    }
}
