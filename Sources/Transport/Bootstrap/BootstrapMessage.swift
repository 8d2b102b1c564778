public import Sodium

/// What is asked of a bootstrap server: docs/spec/discovery.md has the bytes. Each is one message behind its length.
public enum BootstrapRequest: Hashable, Sendable {
    /// Keep `record` under `name` in `slot` for so many seconds (1…3,600).
    case put(name: Bytes32, slot: Bytes32, lifetime: UInt32, record: SealedRecord)
    /// Tell at most `count` records (1…32) under `name`.
    case get(name: Bytes32, count: UInt8)

    /// Bytes of the longest one.
    public static let bytesMaximum = 1 + 32 + 32 + 4 + SealedRecord.sizes[SealedRecord.sizes.count - 1]

    /// The message's bytes, without its length.
    public var bytes: [UInt8] {
        switch self {
        case .put(let name, let slot, let lifetime, let record):
            [1] + name.array + slot.array
                + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: lifetime >> $0) } + record.bytes
        case .get(let name, let count): [2] + name.array + [count]
        }
    }

    /// Reads a message; nil for anything that this version does not say.
    public init?(bytes: [UInt8]) {
        switch bytes.first {
        case 1 where bytes.count > 69:
            guard let name = Bytes32(bytes[1..<33]), let slot = Bytes32(bytes[33..<65]),
                let record = SealedRecord(bytes: [UInt8](bytes[69...]))
            else { return nil }
            let lifetime = bytes[65..<69].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard (1...UInt32(Rendezvous.epochSeconds)).contains(lifetime) else { return nil }
            self = .put(name: name, slot: slot, lifetime: lifetime, record: record)
        case 2 where bytes.count == 34:
            guard let name = Bytes32(bytes[1..<33]), (1...32).contains(bytes[33]) else { return nil }
            self = .get(name: name, count: bytes[33])
        default: return nil
        }
    }
}

/// What a bootstrap server answers.
public enum BootstrapAnswer: Hashable, Sendable {
    /// The record is kept.
    case kept
    /// The records under the name that was asked for, at most 32; none where the name is unknown.
    case records([SealedRecord])
    /// Nothing was done.
    case refused(Refusal)

    /// Why nothing was done; one byte on the wire.
    public enum Refusal: UInt8, Hashable, Sendable, CaseIterable {
        /// The message is none that this server knows.
        case malformed = 1
        /// Too many requests from this address just now; ask again after a minute.
        case tooOften = 2
        /// The name, or the server, keeps as many records as it can, or as many of this address as it may.
        case full = 3
    }

    /// Records in one answer, at most.
    public static let recordsMaximum = 32
    /// Bytes of the longest one.
    public static let bytesMaximum = 2 + recordsMaximum * (2 + SealedRecord.sizes[SealedRecord.sizes.count - 1])

    /// The message's bytes, without its length.
    public var bytes: [UInt8] {
        switch self {
        case .kept: return [1]
        case .records(let records):
            var bytes: [UInt8] = [2, UInt8(min(records.count, Self.recordsMaximum))]
            for record in records.prefix(Self.recordsMaximum) {
                bytes += [UInt8(record.bytes.count >> 8), UInt8(record.bytes.count & 0xff)] + record.bytes
            }
            return bytes
        case .refused(let refusal): return [3, refusal.rawValue]
        }
    }

    /// Reads a message; nil for anything that this version does not say.
    public init?(bytes: [UInt8]) {
        switch (bytes.first, bytes.count) {
        case (1, 1): self = .kept
        case (3, 2):
            guard let refusal = Refusal(rawValue: bytes[1]) else { return nil }
            self = .refused(refusal)
        case (2, 2...Self.bytesMaximum):
            guard let records = Self.records(bytes[2...], count: Int(bytes[1])) else { return nil }
            self = .records(records)
        default: return nil
        }
    }

    private static func records(_ bytes: ArraySlice<UInt8>, count: Int) -> [SealedRecord]? {
        guard count <= recordsMaximum else { return nil }
        var rest = bytes
        var records: [SealedRecord] = []
        for _ in 0..<count {
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            let length = Int(high) << 8 | Int(low)
            guard length <= rest.count, let record = SealedRecord(bytes: [UInt8](rest.prefix(length))) else {
                return nil
            }
            records.append(record)
            rest = rest.dropFirst(length)
        }
        return rest.isEmpty ? records : nil
    }
}
