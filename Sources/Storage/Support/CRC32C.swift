/// CRC-32C (Castagnoli, reflected, initial and final value all ones), eight bytes a step.
/// The journal guards against torn and rotten bytes, not against an adversary who can write the file.
enum CRC32C {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 {
                value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1
            }
            tables[byte] = value
        }
        for byte in 0..<256 {
            for table in 1..<8 {
                let previous = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    /// The checksum of `bytes`, continuing from `previous` (0 for a new one).
    static func checksum(_ bytes: UnsafeRawBufferPointer, previous: UInt32 = 0) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var value = ~previous
            var at = 0
            while at + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) ^ UInt64(value)
                value = tables[7 * 256 + Int(word & 0xFF)]
                value ^= tables[6 * 256 + Int(word >> 8 & 0xFF)]
                value ^= tables[5 * 256 + Int(word >> 16 & 0xFF)]
                value ^= tables[4 * 256 + Int(word >> 24 & 0xFF)]
                value ^= tables[3 * 256 + Int(word >> 32 & 0xFF)]
                value ^= tables[2 * 256 + Int(word >> 40 & 0xFF)]
                value ^= tables[1 * 256 + Int(word >> 48 & 0xFF)]
                value ^= tables[Int(word >> 56)]
                at += 8
            }
            while at < bytes.count {
                value = (value >> 8) ^ tables[Int((value ^ UInt32(bytes[at])) & 0xFF)]
                at += 1
            }
            return ~value
        }
    }
}
