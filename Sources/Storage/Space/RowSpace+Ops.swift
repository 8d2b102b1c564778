import Integrity
import Sodium

/// An op that is held and valid, as an index of them needs it.
public struct HeldOpPlace: Sendable, Hashable {
    /// Where on the ring it lives.
    public let location: UInt32
    /// Its address.
    public let hash: DhtOpHash
    /// The name by which this space finds it again with one look-up, for as long as it is held. It means nothing elsewhere,
    /// and nothing after a restart.
    public let id: UInt64

    /// Whether it is a warrant.
    public var isWarrant: Bool { UInt8(truncatingIfNeeded: id) == WarrantRow.opType }
}

extension RowSpace {
    /// The ops at a range of locations, in the order of location, time and action.
    public func ops(from: UInt32, to: UInt32, limit: Int) throws(PlasmidError) -> [StoredOp] {
        guard from <= to, limit > 0 else { return [] }
        return try rows.reading { () throws(PlasmidError) in
            var found: [OpKey] = []
            var bound: [UInt8] = []
            bound.append(bigEndian: from)
            try self.rows.scan(SpaceTables.ops, RowRange(prefix: [], bound: bound)) { key, _ throws(PlasmidError) in
                let op = try OpKey(key)
                if op.location > to { return false }
                if op.type == WarrantRow.opType { return true }
                // Numbers say which came first. Of ops with one place and time the hash decides, so all of them are read.
                if found.count >= limit, let last = found.last, last.location != op.location || last.time != op.time {
                    return false
                }
                found.append(op)
                return true
            }
            var ops: [StoredOp] = []
            for op in found {
                let hash = try self.actionBytes(op.number) { hash, _, _ in hash }
                ops.append(StoredOp(location: op.location, time: op.timestamp, type: op.type, action: hash))
            }
            ops.sort { left, right in
                if left.location != right.location { return left.location < right.location }
                if left.time != right.time { return left.time < right.time }
                if left.action.core != right.action.core { return left.action.core < right.action.core }
                return left.type < right.type
            }
            return Array(ops.prefix(limit))
        }
    }

    /// How an op of an action stands; nil where it is not held.
    public func standing(of action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> OpStanding? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action) else { return nil }
            if place.hasRejected(type) { return .rejected }
            guard place.holds(type) else { return nil }
            if place.isOwn, DerivedOp.location(type, of: try self.action(place.number)) == nil { return nil }
            return .integrated
        }
    }

    /// An op that is held and valid, as it travels. A private entry never comes with it.
    public func op(_ action: ActionHash, _ type: ChainOpType) throws(PlasmidError) -> ChainOp? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action), place.holds(type) else { return nil }
            return try self.op(place.number, type)
        }
    }

    /// An op by the name that ``eachOp(in:_:)-(_,(HeldOpPlace)->Bool)`` gave; nil where it is not held any more.
    public func op(id: UInt64) throws(PlasmidError) -> DhtOp? {
        try rows.reading { () throws(PlasmidError) in
            let number = id >> 8
            if UInt8(truncatingIfNeeded: id) == WarrantRow.opType {
                return try self.warrant(number).map { .warrant($0.signed) }
            }
            guard let type = ChainOpType(rawValue: UInt8(truncatingIfNeeded: id)),
                try self.rows.get(SpaceTables.rows, SpaceKey.number(number), { $0?.first == ActionRow.kind }),
                let place = try self.place(of: try self.actionBytes(number) { hash, _, _ in hash }),
                place.number == number, place.holds(type)
            else { return nil }
            return try self.op(number, type).map { .chainOp($0) }
        }
    }

    /// An op by its address and location: looks at every op of that location, so use its name where there is one.
    public func op(_ hash: DhtOpHash, at location: UInt32) throws(PlasmidError) -> DhtOp? {
        var found: UInt64?
        try eachOp(in: location...location) { place in
            if place.hash == hash { found = place.id }
            return found == nil
        }
        return try found.flatMap { id throws(PlasmidError) in try op(id: id) }
    }

    /// Gives the place of every op that is held and valid, warrants among them, to `body`, in the order of locations, until it
    /// says false.
    public func eachOp(
        in locations: ClosedRange<UInt32>, _ body: (HeldOpPlace) throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        try rows.reading { () throws(PlasmidError) in
            var bound: [UInt8] = []
            bound.append(bigEndian: locations.lowerBound)
            var scratch: [UInt8] = []
            try self.rows.scan(SpaceTables.ops, RowRange(prefix: [], bound: bound)) { key, _ throws(PlasmidError) in
                let op = try OpKey(key)
                if op.location > locations.upperBound { return false }
                let hash = try self.opHash(op, &scratch)
                return try body(HeldOpPlace(location: op.location, hash: hash, id: op.id))
            }
        }
    }

    /// The same of the ops of actions, with the action and the type.
    public func eachOp(
        in locations: ClosedRange<UInt32>,
        _ body: (_ location: UInt32, _ hash: DhtOpHash, _ action: ActionHash, _ type: ChainOpType)
            throws(PlasmidError) -> Bool
    ) throws(PlasmidError) {
        try eachOp(in: locations) { place throws(PlasmidError) in
            guard let type = ChainOpType(rawValue: UInt8(truncatingIfNeeded: place.id)) else { return true }
            let action = try self.actionBytes(place.id >> 8) { hash, _, _ in hash }
            return try body(place.location, place.hash, action, type)
        }
    }

    // MARK: What is here, held or not

    /// An action that is here for whatever reason: of an op that is held or was rejected, or as a dependency. Says nothing of
    /// its validity.
    public func knownAction(_ action: ActionHash) throws(PlasmidError) -> SignedAction? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action) else { return nil }
            return try self.action(place.number)
        }
    }

    /// The same with its entry, where its content is here.
    public func knownRecord(_ action: ActionHash) throws(PlasmidError) -> StoredRecord? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.place(of: action) else { return nil }
            return try self.record(place.number, evenHidden: true)
        }
    }

    /// A public entry whose content is here for whatever reason.
    public func knownEntry(_ entry: EntryHash) throws(PlasmidError) -> Entry? {
        try rows.reading { () throws(PlasmidError) in
            guard let place = try self.entryPlace(of: entry) else { return nil }
            return try self.entry(place.number)
        }
    }
}

// MARK: Parts of reads; each inside one `reading`.

extension RowSpace {
    /// The op of a stored action; nil where the action gives none of this type.
    func op(_ number: UInt64, _ type: ChainOpType) throws(PlasmidError) -> ChainOp? {
        let record = try record(number, evenHidden: true)
        let signed = record.signedAction
        guard DerivedOp.location(type, of: signed) != nil else { return nil }
        let entry: OpEntry
        switch signed.action.entryType?.visibility {
        case nil: entry = .actionOnly
        case .private: entry = .hidden
        case .public: entry = record.entry.entry.map { .present($0) } ?? .actionOnly
        }
        return ChainOp(type: type, action: signed.action, signature: signed.signature, entry: entry)
    }

    /// An action's hash, canonical bytes and signature, as they stand in its row.
    func actionBytes<Value>(
        _ number: UInt64,
        _ body: (_ hash: ActionHash, _ action: UnsafeRawBufferPointer, _ signature: UnsafeRawBufferPointer)
            throws(PlasmidError) -> Value
    ) throws(PlasmidError) -> Value {
        try row(number) { value throws(PlasmidError) in
            _ = try ActionRow.header(value, number)
            let parts = try ActionRow.parts(value, number)
            return try body(try ActionHash(bytes39: parts.hash), parts.action, parts.signature)
        }
    }

    /// The address of an op; `scratch` is room that is used again.
    func opHash(_ op: OpKey, _ scratch: inout [UInt8]) throws(PlasmidError) -> DhtOpHash {
        if op.type == WarrantRow.opType { return try warrantHash(op.number) }
        guard let type = ChainOpType(rawValue: op.type) else { throw StorageFault.damaged("An op's key is misshapen") }
        scratch.removeAll(keepingCapacity: true)
        try row(op.number) { value throws(PlasmidError) in
            _ = try ActionRow.header(value, op.number)
            let name = type.name
            scratch.append(0x81)
            scratch.append(0xA0 | UInt8(truncatingIfNeeded: name.utf8CodeUnitCount))
            name.withUTF8Buffer { scratch.append(contentsOf: $0) }
            scratch.append(contentsOf: try ActionRow.parts(value, op.number).action)
        }
        return DhtOpHash(hashing: scratch)
    }
}

/// A key of the table `ops`: location u32, time u64, number u64, type u8.
struct OpKey {
    let location: UInt32
    let time: UInt64
    let number: UInt64
    let type: UInt8

    init(_ key: UnsafeRawBufferPointer) throws(PlasmidError) {
        guard key.count == 21 else { throw StorageFault.damaged("An op's key is misshapen") }
        location = key.bigEndian(0)
        time = key.bigEndian(4)
        number = key.bigEndian(12)
        type = key[20]
    }

    var timestamp: Timestamp { Timestamp(microseconds: Int64(bitPattern: time ^ 1 << 63)) }
    var id: UInt64 { number << 8 | UInt64(type) }
}
