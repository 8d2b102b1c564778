import CSodium

/// HMAC with SHA-256 (RFC 2104).
public enum HMACSHA256 {
    /// The 32-byte code of `message` under `key`, which may have any length.
    public static func code(_ message: [UInt8], key: UnsafeRawBufferPointer) -> Bytes32 {
        Library.start()
        var out = Bytes32()
        out.withMutablePointer { target in
            message.withUnsafeBytes { code([$0], key: key, into: target) }
        }
        return out
    }

    /// The code of the concatenation of `parts`, into 32 bytes at `target`, which may lie in `key` or a part.
    fileprivate static func code(
        _ parts: [UnsafeRawBufferPointer], key: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>
    ) {
        var state = crypto_auth_hmacsha256_state()
        // An empty buffer may have no base, and libsodium wants one.
        var none: UInt8 = 0
        _ = withUnsafePointer(to: &none) { crypto_auth_hmacsha256_init(&state, key.bound ?? $0, key.count) }
        for part in parts where !part.isEmpty {
            _ = crypto_auth_hmacsha256_update(&state, part.bound, UInt64(part.count))
        }
        _ = crypto_auth_hmacsha256_final(&state, target)
        sodium_memzero(&state, MemoryLayout<crypto_auth_hmacsha256_state>.size)
    }
}

/// HKDF with SHA-256 (RFC 5869).
public enum HKDF {
    /// `count` bytes (1…8,160) derived from `input` under `salt`, bound to `info`. A count out of range is a programming error.
    public static func derive(
        from input: borrowing SecretBytes, salt: [UInt8], info: [UInt8], count: Int
    ) -> SecretBytes {
        Library.start()
        precondition((1...255 * 32).contains(count), "HKDF gives 1 to 8,160 bytes")
        let key = SecretBytes(count: 32)
        salt.withUnsafeBytes { salt in
            input.withUnsafeBytes { HMACSHA256.code([$0], key: salt, into: key.pointer()) }
        }
        let out = SecretBytes(count: count)
        let block = SecretBytes(count: 32)
        let target = UnsafeMutableRawPointer(out.pointer())
        var done = 0
        for number in 1...(count + 31) / 32 {
            let number = [UInt8(number)]
            key.withUnsafeBytes { key in
                block.withUnsafeBytes { last in
                    info.withUnsafeBytes { info in
                        number.withUnsafeBytes { number in
                            let last = done == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : last
                            HMACSHA256.code([last, info, number], key: key, into: block.pointer())
                        }
                    }
                }
            }
            let piece = min(32, count - done)
            (target + done).copyMemory(from: block.pointer(), byteCount: piece)
            done += piece
        }
        return out
    }

    /// One step of a chain of keys, as the Noise protocol takes it: HKDF of `input` (which may be empty) with `chain` as salt
    /// and no info; the first 32 bytes of the outcome become the chain, the next 32 become `key`.
    public static func step(
        chain: inout SecretBytes, input: UnsafeRawBufferPointer, key: inout SecretBytes
    ) {
        Library.start()
        precondition(chain.count == 32 && key.count == 32, "the keys of a chain have 32 bytes")
        let first = chain.pointer()
        let second = key.pointer()
        let chainBytes = UnsafeRawBufferPointer(start: first, count: 32)
        let keyBytes = UnsafeRawBufferPointer(start: second, count: 32)
        // `second` holds the extracted key until the last line overwrites it.
        HMACSHA256.code([input], key: chainBytes, into: second)
        withUnsafeBytes(of: (UInt8(1), UInt8(2))) { numbers in
            let one = UnsafeRawBufferPointer(rebasing: numbers[0..<1])
            let two = UnsafeRawBufferPointer(rebasing: numbers[1..<2])
            HMACSHA256.code([one], key: keyBytes, into: first)
            HMACSHA256.code([chainBytes, two], key: keyBytes, into: second)
        }
    }
}
