import Integrity
import Sodium

/// The generator of the tests of discovery: the same numbers for the same seed.
struct DiscoveryRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

    mutating func bytes32() -> Bytes32 { Bytes32(bytes(32)) ?? Bytes32() }

    /// A few changes of `bytes`: flipped bits, cuts, insertions, repeated parts.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let place = Int.random(in: 0...bytes.count, using: &self)
            switch Int.random(in: 0...4, using: &self) {
            case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &self)
            case 1 where place < bytes.count: bytes[place] = [0, 0x7f, 0x80, 0xff].randomElement(using: &self) ?? 0
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...8, using: &self)))
            case 3: bytes.insert(contentsOf: self.bytes(Int.random(in: 1...8, using: &self)), at: place)
            default: bytes = Array(bytes.prefix(place))
            }
        }
        return bytes
    }
}

/// 32 bytes in guarded memory.
func secret(_ byte: UInt8) -> SecretBytes {
    var bytes = [UInt8](repeating: byte, count: 32)
    return SecretBytes(moving: &bytes)
}

func seconds(_ count: Int64) -> Timestamp { Timestamp(seconds: 1_790_000_000 + count) }
