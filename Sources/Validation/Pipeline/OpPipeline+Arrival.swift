import Integrity

/// Events from outside: what arrives, and the time.
extension OpPipeline {
    /// Ops came from a peer. What is held or in the works already is not looked at again; what there is no room for is dropped, and said so.
    public mutating func receive(
        _ ops: [DhtOp], from peer: PeerTag, receiptsWanted: Bool, held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            pipeline.take(
                ArrivedOp.named(ops), from: peer, receiptsWanted: receiptsWanted, held: held)
        }
    }

    /// Takes up ops that were parked before the start. They are checked again, like any other.
    public mutating func restore(
        _ parked: [(op: DhtOp, since: Timestamp)], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            let named = ArrivedOp.named(parked.map(\.op))
            let since = Dictionary(
                zip(named.map(\.hash), parked.map(\.since)), uniquingKeysWith: { first, _ in first })
            pipeline.take(named, from: nil, receiptsWanted: false, since: since, held: held)
        }
    }

    private mutating func take(
        _ ops: [ArrivedOp], from peer: PeerTag?, receiptsWanted: Bool, since: [DhtOpHash: Timestamp] = [:],
        held: some PipelineReads
    ) {
        var new: [ArrivedOp] = []
        new.reserveCapacity(ops.count)
        var weight = 0
        for op in ops {
            if items[op.hash] != nil {
                if receiptsWanted, let peer { items[op.hash]?.wishes.insert(peer) }
                continue
            }
            if let status = known(op, held) {
                if receiptsWanted, let peer, case .chainOp(let chainOp) = op.op, let location = op.op.location {
                    let author = chainOp.action.author
                    effects.append(
                        .receipts([
                            ReceiptOrder(op: op.hash, location: location, status: status, author: author, peer: peer)
                        ]))
                }
                continue
            }
            if isRefused(op.op) {
                counts.refused += 1
                effects.append(.dropped(op.hash, peer, .refusedAuthor))
                if let location = op.op.location { effects.append(.refused(op.hash, location: location)) }
                if let peer { fault(peer, .refusedAuthor) }
                continue
            }
            guard load.hasRoom(for: peer, weight: op.weight, limits) else {
                drop(op.hash, peer, .noRoom)
                continue
            }
            counts.received += 1
            weight += op.weight
            load.add(peer, weight: op.weight)
            new.append(op)
        }
        if new.isEmpty { return }
        let id = nextID()
        checking[id] = Checking(
            peer: peer, receiptsWanted: receiptsWanted, count: new.count, weight: weight, since: since)
        effects.append(.check(id, new))
    }

    /// How an op that is held was judged. A disk that cannot be read says nothing: the op is judged anew.
    private func known(_ op: ArrivedOp, _ held: some PipelineReads) -> ValidationStatus? {
        switch op.op {
        case .chainOp(let chainOp):
            guard let hash = op.action?.hash else { return nil }
            return (try? held.standing(of: hash, chainOp.type)) ?? nil
        case .warrant(let signed):
            return (try? held.standing(ofWarrant: op.hash, against: signed.warrant.warrantee)) ?? nil
        }
    }

    private func isRefused(_ op: DhtOp) -> Bool {
        switch op {
        case .chainOp(let op): refused[op.action.author].map { op.action.actionSeq > $0 } ?? false
        case .warrant(let signed): falseWarrants[signed.warrant.author, default: 0] >= limits.falseWarrants
        }
    }

    /// The checks of a frame are done: each op stands or falls alone.
    public mutating func checked(
        _ id: UInt64, _ results: [ArrivalCheck], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            guard let frame = pipeline.checking.removeValue(forKey: id) else { return }
            pipeline.load.remove(frame.peer, weight: frame.weight, count: frame.count)
            for result in results {
                switch result {
                case .fault(let fault, let hash):
                    if let peer = frame.peer { pipeline.fault(peer, fault) }
                    if frame.since[hash] != nil { pipeline.batch.settled.append(hash) }
                case .op(let op):
                    let weight = (op.entry.present?.appBytes?.count ?? 0) + 600
                    pipeline.admit(.op(op), op.hash, frame, weight: weight, now)
                case .warrant(let signed, let hash):
                    pipeline.admit(.warrant(signed, signed.evidenceOp), hash, frame, weight: 2_000, now)
                }
            }
        }
    }

    private mutating func admit(
        _ content: Item.Content, _ hash: DhtOpHash, _ frame: Checking, weight: Int, _ now: Timestamp
    ) {
        if items[hash] != nil {
            if frame.receiptsWanted, let peer = frame.peer { items[hash]?.wishes.insert(peer) }
            return
        }
        var item = Item(
            content: content, since: frame.since[hash] ?? now, source: frame.peer, weight: weight)
        if frame.receiptsWanted, let peer = frame.peer { item.wishes.insert(peer) }
        item.isParked = frame.since[hash] != nil
        items[hash] = item
        load.add(frame.peer, weight: weight)
        work.append(hash)
        if case .op(let op) = content { stage(op.signedAction, op.entry.present) }
    }

    // MARK: Fetched records

    /// Records came from a peer: only what somebody waits for is looked at, and the actions before it on its chain, without a gap. All else is
    /// dropped, and told of unless it was asked for: several peers are asked for one thing, and those that answer after the first are as honest.
    /// - Parameter asked: what this peer was asked for, in the question that this is the answer to.
    public mutating func arrived(
        _ records: [Record], from peer: PeerTag, asked: [AnyDhtHash], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            let asked = Set(asked.map { WaitBook.Thing($0) })
            var expected: Set<ActionHash> = []
            var late: Set<ActionHash> = []
            var solicited: [Record] = []
            for record in records {
                var things = [WaitBook.Thing(.action(record.hash))]
                if let entry = record.action.entryHash { things.append(WaitBook.Thing(.entry(entry))) }
                if things.contains(where: pipeline.waits.isWanted) || expected.contains(record.hash) {
                    if let previous = record.action.prevAction { expected.insert(previous) }
                    solicited.append(record)
                } else if things.contains(where: asked.contains) || late.contains(record.hash) {
                    if let previous = record.action.prevAction { late.insert(previous) }
                } else {
                    pipeline.fault(peer, .unsolicited)
                }
            }
            if solicited.isEmpty { return }
            let id = pipeline.nextID()
            pipeline.checking[id] = Checking(peer: peer, receiptsWanted: false, count: 0, weight: 0)
            pipeline.effects.append(.checkRecords(id, solicited))
        }
    }

    /// The checks of fetched records are done.
    public mutating func checkedRecords(
        _ id: UInt64, _ results: [RecordCheck], held: some PipelineReads, now: Timestamp
    ) -> [PipelineEffect] {
        event(held, now) { pipeline in
            guard let peer = pipeline.checking.removeValue(forKey: id)?.peer else { return }
            for result in results {
                if let fault = result.fault { pipeline.fault(peer, fault) }
                guard let record = result.record else { continue }
                pipeline.batch.cached.append(record)
                pipeline.stage(record.signedAction, record.entry.entry)
            }
        }
    }

    // MARK: Time

    /// Asks for what is due, keeps what has waited a while, gives up what has waited too long.
    public mutating func tick(held: some PipelineReads, now: Timestamp) -> [PipelineEffect] {
        event(held, now) { pipeline in
            var left: [(at: Timestamp, hash: DhtOpHash)] = []
            for entry in pipeline.later {
                guard entry.at <= now else {
                    left.append(entry)
                    continue
                }
                pipeline.review(entry.hash, now, &left)
            }
            pipeline.later = left
        }
    }

    /// When ``tick(held:now:)`` has something to do next; nil while nothing waits.
    public var nextTick: Timestamp? {
        let first = later.map(\.at).min()
        guard let ask = waits.nextAsk else { return first }
        return first.map { min($0, ask) } ?? ask
    }

    /// An op that has waited for a while: it is kept across restarts, tried again if nothing is missing any more, and given up at last.
    private mutating func review(
        _ hash: DhtOpHash, _ now: Timestamp, _ left: inout [(at: Timestamp, hash: DhtOpHash)]
    ) {
        guard let item = items[hash], case .waiting(let missing) = item.step else { return }
        let end = item.since.advanced(byMicroseconds: limits.abandonAfter)
        if end <= now {
            if item.isParked { batch.settled.append(hash) }
            drop(hash, item.source, .abandoned)
            remove(hash)
            return
        }
        if missing.isEmpty {
            work.append(hash)
            return
        }
        if !item.isParked, let op = item.dhtOp {
            batch.parked.append((op, hash, missing, item.since))
            items[hash]?.isParked = true
        }
        left.append((end, hash))
    }

    // MARK: Parts

    mutating func fault(_ peer: PeerTag, _ fault: PeerFault) {
        counts.faults += 1
        effects.append(.fault(peer, fault))
    }

    mutating func drop(_ hash: DhtOpHash, _ peer: PeerTag?, _ reason: DropReason) {
        if reason == .noRoom { counts.crowdedOut += 1 }
        if reason == .abandoned { counts.abandoned += 1 }
        effects.append(.dropped(hash, peer, reason))
    }

    /// Verified content is here: whoever waits for it is judged again.
    mutating func stage(_ signed: SignedAction, _ entry: Entry?) {
        staged.hold(signed, entry)
        if waits.isEmpty { return }
        wake(WaitBook.Thing(.action(signed.hash)))
        if entry?.believed(beside: signed.action) != nil, let hash = signed.action.entryHash {
            wake(WaitBook.Thing(.entry(hash)))
        }
    }

    /// What is to be asked for now.
    mutating func questions(_ held: some PipelineReads, _ now: Timestamp) -> [AnyDhtHash] {
        guard let next = waits.nextAsk, next <= now else { return [] }
        var questions: [AnyDhtHash] = []
        for hash in waits.due(now, limits) {
            // It may have come another way: as a commit of this node.
            if isHere(hash, held) {
                wake(WaitBook.Thing(hash))
            } else {
                questions.append(hash)
            }
        }
        return questions
    }

    private func isHere(_ hash: AnyDhtHash, _ held: some PipelineReads) -> Bool {
        if let action = hash.action { return (try? held.action(action)) ?? nil != nil }
        return hash.entry.map { (try? held.kind(of: $0)) ?? nil != nil } ?? false
    }

    private mutating func wake(_ thing: WaitBook.Thing) {
        // In the order of their hashes: a set has none.
        work += waits.arrived(thing).sorted()
    }

    /// Takes an item out of the works, with all that was kept for it.
    mutating func remove(_ hash: DhtOpHash) {
        guard let item = items.removeValue(forKey: hash) else { return }
        waits.leave(hash)
        load.remove(item.source, weight: item.weight)
        if item.isWaiting { load.removeWaiting(item.author) }
        if case .op(let op) = item.content { staged.release(op.signedAction, op.entry.present) }
    }
}

extension OpPipeline.Item {
    var dhtOp: DhtOp? {
        switch content {
        case .op(let op): .chainOp(op.chainOp)
        case .warrant(let signed, _): .warrant(signed)
        case .charge: nil
        }
    }
}
