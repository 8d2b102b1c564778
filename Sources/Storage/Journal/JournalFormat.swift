import Integrity

/// The first block of a segment file. The bytes stand in docs/spec/storage.md.
struct SegmentHeader: Equatable, Sendable {
    /// Counts the uses of segments; a record belongs to its segment only while it bears the same number.
    var sequence: UInt64
    /// The number of the first record.
    var firstLSN: UInt64
    /// Every record up to this one was applied, durably, to its environment when the segment was begun.
    var applied: UInt64

    /// Where the records start.
    static let blockBytes = 4096
    private static let magic = Array("PLASMJNL".utf8)
    private static let version: UInt32 = 1
    private static let checkedBytes = 40

    var block: [UInt8] {
        var bytes = Self.magic
        bytes.append(bigEndian: Self.version)
        bytes.append(bigEndian: UInt32(0))
        bytes.append(bigEndian: sequence)
        bytes.append(bigEndian: firstLSN)
        bytes.append(bigEndian: applied)
        let checksum = bytes.withUnsafeBytes { CRC32C.checksum($0) }
        bytes.append(bigEndian: checksum)
        bytes.append(contentsOf: repeatElement(0, count: Self.blockBytes - bytes.count))
        return bytes
    }

    init(sequence: UInt64, firstLSN: UInt64, applied: UInt64) {
        self.sequence = sequence
        self.firstLSN = firstLSN
        self.applied = applied
    }

    /// Reads a block; nil where it is none.
    init?(_ block: UnsafeRawBufferPointer) {
        guard block.count >= Self.checkedBytes + 4, block.slice(0, 8).elementsEqual(Self.magic),
            block.bigEndian(8, as: UInt32.self) == Self.version,
            block.bigEndian(Self.checkedBytes, as: UInt32.self) == CRC32C.checksum(block.slice(0, Self.checkedBytes))
        else { return nil }
        sequence = block.bigEndian(16)
        firstLSN = block.bigEndian(24)
        applied = block.bigEndian(32)
    }
}

/// What stands before a record's payload.
struct RecordHeader: Equatable, Sendable {
    var lsn: UInt64
    var segment: UInt64
    /// The last record that was synced when this one was written: a record that calls another one synced proves that
    /// the other had been acknowledged.
    var synced: UInt64
    /// The space's DNA hash core, or zeros for the conductor's own environment.
    var environment: [UInt8]
    /// The number the environment drew when it was made.
    var generation: UInt64
    var payloadCount: Int

    static let bytes = 80
    private static let magic: UInt32 = 0x504A_5231
    private static let checkedBytes = 76

    /// The room a record takes: header and payload, up to the next multiple of 8.
    static func room(_ payloadCount: Int) -> Int {
        (bytes + payloadCount + 7) / 8 * 8
    }

    /// Appends the whole record.
    func append(payload: [UInt8], to buffer: inout [UInt8]) {
        let start = buffer.count
        buffer.append(bigEndian: Self.magic)
        buffer.append(bigEndian: UInt32(payload.count))
        buffer.append(bigEndian: lsn)
        buffer.append(bigEndian: segment)
        buffer.append(bigEndian: synced)
        buffer.append(contentsOf: environment)
        buffer.append(bigEndian: generation)
        buffer.append(bigEndian: UInt32(1))
        let checksum = buffer.withUnsafeBytes { bytes in
            payload.withUnsafeBytes { payload in
                CRC32C.checksum(payload, previous: CRC32C.checksum(bytes.slice(start, Self.checkedBytes)))
            }
        }
        buffer.append(bigEndian: checksum)
        buffer.append(contentsOf: payload)
        buffer.append(contentsOf: repeatElement(0, count: start + Self.room(payload.count) - buffer.count))
    }

    /// Whether the first bytes are a record's; the caller has checked the bounds.
    @inline(__always)
    static func mayStart(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Bool {
        bytes.bigEndian(position, as: UInt32.self) == magic
    }

    /// Reads and checks the record at `position`; nil where there is no whole one.
    init?(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        guard position + Self.bytes <= bytes.count, bytes.bigEndian(position, as: UInt32.self) == Self.magic
        else { return nil }
        payloadCount = Int(bytes.bigEndian(position + 4, as: UInt32.self))
        guard position + Self.bytes + payloadCount <= bytes.count,
            bytes.bigEndian(position + 72, as: UInt32.self) == 1
        else { return nil }
        let checksum = CRC32C.checksum(
            bytes.slice(position + Self.bytes, payloadCount),
            previous: CRC32C.checksum(bytes.slice(position, Self.checkedBytes)))
        guard bytes.bigEndian(position + Self.checkedBytes, as: UInt32.self) == checksum else { return nil }
        lsn = bytes.bigEndian(position + 8)
        segment = bytes.bigEndian(position + 16)
        synced = bytes.bigEndian(position + 24)
        environment = [UInt8](bytes.slice(position + 32, 32))
        generation = bytes.bigEndian(position + 64)
    }

    init(lsn: UInt64, segment: UInt64, synced: UInt64, environment: [UInt8], generation: UInt64, payloadCount: Int) {
        self.lsn = lsn
        self.segment = segment
        self.synced = synced
        self.environment = environment
        self.generation = generation
        self.payloadCount = payloadCount
    }
}
