import Integrity
import Sodium

/// What a round makes of its salt: short ids of ops and fingerprints of ranges. Neither says anything in another round.
struct RoundSalt: Sendable {
    let bytes: [UInt8]
    private let k0: UInt64
    private let k1: UInt64
    private let mask: UInt64

    /// - Throws: `syncMalformed` unless `bytes` are 16 and ids have 1…8 bytes.
    init(_ bytes: [UInt8], idBytes: Int) throws(PlasmidError) {
        guard bytes.count == GossipLimits.saltBytes, (1...8).contains(idBytes) else {
            throw PlasmidError(.syncMalformed, "A round has a salt of \(bytes.count) bytes and ids of \(idBytes).")
        }
        self.bytes = bytes
        k0 = Self.word(bytes[0..<8])
        k1 = Self.word(bytes[8..<16])
        mask = idBytes == 8 ? .max : (1 << (8 * UInt64(idBytes))) - 1
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The short id of an op: SipHash-2-4 of the 32 bytes of its hash, cut to the low bytes. An author cannot make two ops that
    /// look the same to a round whose salt is not known yet.
    func id(of core: Word256) -> UInt64 {
        var state = SipState(k0, k1)
        state.absorb(core.a.byteSwapped)
        state.absorb(core.b.byteSwapped)
        state.absorb(core.c.byteSwapped)
        state.absorb(core.d.byteSwapped)
        return state.finish(length: 32) & mask
    }

    /// The fingerprint of a range: the first 8 bytes, as a big-endian number, of BLAKE2b-256 under the salt as key over the
    /// sum of hashes (32 bytes) and the count (8 bytes, big-endian).
    func fingerprint(_ tally: OpTally) -> UInt64 {
        var message = (
            tally.sum.a.bigEndian, tally.sum.b.bigEndian, tally.sum.c.bigEndian, tally.sum.d.bigEndian,
            UInt64(truncatingIfNeeded: tally.count).bigEndian
        )
        let digest = bytes.withUnsafeBytes { key in
            withUnsafeBytes(of: &message) { Blake2b.keyed256(key: key, $0) }
        }
        return digest.withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }
}

/// SipHash-2-4 (Aumasson and Bernstein 2012), eight bytes at a time.
private struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(_ k0: UInt64, _ k1: UInt64) {
        v0 = k0 ^ 0x736f_6d65_7073_6575
        v1 = k1 ^ 0x646f_7261_6e64_6f6d
        v2 = k0 ^ 0x6c79_6765_6e65_7261
        v3 = k1 ^ 0x7465_6462_7974_6573
    }

    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func finish(length: UInt8) -> UInt64 {
        absorb(UInt64(length) << 56)
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }
}
