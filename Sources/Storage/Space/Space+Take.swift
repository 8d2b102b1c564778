import Integrity

extension RowSpace {
    /// Derives the rows of a batch over what is stored now.
    func deriveOps(_ batch: OpBatch, next: UInt64) throws(PlasmidError) -> OpDeriver {
        try rows.reading { () throws(PlasmidError) in
            var deriver = OpDeriver(self, next: next)
            try deriver.derive(batch)
            return deriver
        }
    }

    /// Remembers what a batch that was taken has changed.
    func noteTaken(_ deriver: OpDeriver) {
        for author in deriver.outsiders { outsiders[author] = true }
        if deriver.tearsChains { contiguous = [:] }
    }
}

extension Space {
    /// Takes what the pipeline made of ops, all of it or nothing. What is held already changes nothing.
    ///
    /// Refusals and answers as ``commit(_:completion:)``; `opRefused` where the batch has an op that cannot be held as told:
    /// one with another hash or entry than it says, with a private entry, of a type that its action does not give, or judged
    /// otherwise before. A batch that is too large for one record of the journal is taken in parts, each all or nothing, in the order of
    /// ``OpBatch``'s properties; `completion` comes once, after the last, or after the first part that fails.
    public func take(_ batch: OpBatch, completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        // What the rows take is known once they are derived; what cannot fit by far is not derived as a whole.
        let most = environment.payloadBytesMax
        if batch.parts(of: most * 4).count > 1 { return take(batch.parts(of: most / 4)[...], completion) }
        take([batch]) { [self] result in
            guard case .failure(let error) = result, error.code == .tooLarge else { return completion(result) }
            let parts = batch.parts(of: most / 4)
            guard parts.count > 1 else { return completion(result) }
            take(parts[...], completion)
        }
    }

    private func take(_ parts: ArraySlice<OpBatch>, _ completion: @escaping (Result<Void, PlasmidError>) -> Void) {
        // All parts are handed over at once; the answers come in their order.
        var due = parts.count
        var failure: PlasmidError?
        for part in parts {
            var derived: OpDeriver?
            environment.commit(
                StoredEnvironment.Waiting(
                    prepare: { [self] () throws(PlasmidError) in
                        if let failure { throw failure }
                        let deriver = try deriveOps(part, next: next)
                        derived = deriver
                        return deriver.draft.rows()
                    },
                    taken: { [self] in
                        guard let derived else { return }
                        next = derived.next
                        noteTaken(derived)
                    },
                    completion: { result in
                        due -= 1
                        if case .failure(let error) = result, failure == nil { failure = error }
                        if due == 0 { completion(failure.map { .failure($0) } ?? .success(())) }
                    }))
        }
    }
}

extension MemorySpace {
    /// Takes what the pipeline made of ops, all of it or nothing.
    /// - Throws: `opRefused`.
    public func take(_ batch: OpBatch) throws(PlasmidError) {
        let deriver = try deriveOps(batch, next: next)
        for row in deriver.draft.rows() { put(row) }
        next = deriver.next
        noteTaken(deriver)
    }
}

extension OpBatch {
    /// The batch in parts that take about `bytesMax` bytes of rows each, or the batch itself where it is no larger.
    func parts(of bytesMax: Int) -> [OpBatch] {
        var parts: [OpBatch] = []
        var part = OpBatch()
        var size = 0
        func add(_ bytes: Int, _ change: (inout OpBatch) -> Void) {
            if size > 0, size + bytes > bytesMax {
                parts.append(part)
                part = OpBatch()
                size = 0
            }
            size += bytes
            change(&part)
        }
        for record in cached { add(Self.bytes(record.actionBytes, record.entryBytes)) { $0.cached.append(record) } }
        for entry in cachedEntries { add(entry.count + 200) { $0.cachedEntries.append(entry) } }
        for op in integrated { add(Self.bytes(op.actionBytes, op.entryBytes)) { $0.integrated.append(op) } }
        for op in rejected { add(Self.bytes(op.op.actionBytes, op.op.entryBytes) + 512) { $0.rejected.append(op) } }
        for warrant in warrants { add(Self.bytes(warrant)) { $0.warrants.append(warrant) } }
        for op in parked { add(Self.bytes(op)) { $0.parked.append(op) } }
        for hash in settled { add(200) { $0.settled.append(hash) } }
        for receipt in receipts { add(400) { $0.receipts.append(receipt) } }
        for mark in publishing { add(300) { $0.publishing.append(mark) } }
        for op in dropped { add(600) { $0.dropped.append(op) } }
        for hash in droppedWarrants { add(400) { $0.droppedWarrants.append(hash) } }
        for action in forgotten { add(400) { $0.forgotten.append(action) } }
        for arc in arcs { add(200) { $0.arcs.append(arc) } }
        return parts + [part]
    }

    /// What an op's rows take at most: its action and entry, and of a link's tag three times.
    private static func bytes(_ action: [UInt8], _ entry: [UInt8]?) -> Int {
        action.count * 4 + (entry?.count ?? 0) + 1200
    }

    private static func bytes(_ warrant: StoredWarrant) -> Int {
        switch warrant.signed.evidence {
        case .op(let op): bytes(op) + 1200
        case .actions: 4000
        }
    }

    private static func bytes(_ parked: ParkedOp) -> Int {
        let list = parked.missing.count * 120 + 400
        switch parked.op {
        case .chainOp(let op): return list + bytes(op)
        case .warrant(let signed):
            if case .op(let op) = signed.evidence { return list + bytes(op) + 1200 }
            return list + 4000
        }
    }

    private static func bytes(_ op: ChainOp) -> Int {
        if case .present(let entry) = op.entry { return 2600 + (entry.appBytes?.count ?? 4096) + 400 }
        return 2600
    }
}
