import CZlib
import Integrity

/// gzip (RFC 1952), one member, from memory to memory. The only file that knows zlib.
enum Gzip {
    /// The two bytes that every gzip file begins with.
    static let magic: [UInt8] = [0x1F, 0x8B]
    /// No file compresses better than this with deflate.
    private static let bestRatio = 1_032

    /// Compresses. The header has no time, name or system, so that the same bytes give the same file.
    static func pack(_ bytes: [UInt8]) throws(PlasmidError) -> [UInt8] {
        var stream = z_stream()
        // 31: the largest window, in a gzip file.
        guard
            deflateInit2_(
                &stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK
        else { throw PlasmidError(.internal, "zlib cannot compress") }
        defer { deflateEnd(&stream) }
        let most = Int(deflateBound(&stream, uLong(bytes.count)))
        var isWhole = false
        var packed = [UInt8](unsafeUninitializedCapacity: most) { output, count in
            bytes.withUnsafeBufferPointer { input in
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = uInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(output.count)
                isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = output.count - Int(stream.avail_out)
            }
        }
        guard isWhole, packed.count >= 18 else { throw PlasmidError(.internal, "zlib compressed a part only") }
        // The operating system: unknown.
        packed[9] = 0xFF
        return packed
    }

    /// Expands a whole file.
    ///
    /// Nothing is allocated before the size that the file claims is known to be possible and allowed.
    /// - Parameter most: bytes that may come of it.
    /// - Throws: `bundleInvalid`, `bundleTooLarge`.
    static func unpack(_ bytes: [UInt8], most: Int, _ name: String) throws(PlasmidError) -> [UInt8] {
        guard bytes.starts(with: magic) else {
            throw BundleFault.invalid(name, "it does not begin as a gzip file does", hint: "is it a bundle at all?")
        }
        guard bytes.count >= 18, bytes[2] == 8, bytes[3...7].allSatisfy({ $0 == 0 }) else {
            throw BundleFault.invalid(name, "its head is not that of a bundle")
        }
        let size = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size <= bytes.count * bestRatio else {
            throw BundleFault.invalid(name, "it was cut or altered", hint: "fetch or pack it again")
        }
        guard size <= most else {
            throw PlasmidError(
                .bundleTooLarge, "the bundle \(Spelling.shown(name, most: 200)) would have \(size) bytes unpacked",
                hint: "at most \(BundleLimits.unpackedBytes) bytes, bundles inside it counted")
        }
        var stream = z_stream()
        guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw PlasmidError(.internal, "zlib cannot expand")
        }
        defer { inflateEnd(&stream) }
        var isWhole = false
        // One byte more, so that a file that holds more than it says does not look whole.
        let result = [UInt8](unsafeUninitializedCapacity: size + 1) { output, count in
            bytes.withUnsafeBufferPointer { input in
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = uInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(output.count)
                isWhole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0
                count = output.count - Int(stream.avail_out)
            }
        }
        guard isWhole, result.count == size else {
            throw BundleFault.invalid(name, "it was cut or altered", hint: "fetch or pack it again")
        }
        return result
    }
}

/// What a bundle may have at most.
public enum BundleLimits {
    /// Bytes of a bundle's file.
    public static let packedBytes = 128 << 20
    /// Bytes of what is inside, bundles inside it counted with theirs.
    public static let unpackedBytes = 256 << 20
    /// Files of a bundle, those of bundles inside it not counted.
    public static let files = 8_192
    /// Bytes of the index as MessagePack.
    public static let indexBytes = 1 << 20
}

/// Errors of bundles in one form.
enum BundleFault {
    static func invalid(_ name: String, _ why: String, hint: String? = nil) -> PlasmidError {
        PlasmidError(.bundleInvalid, "the bundle \(Spelling.shown(name, most: 200)) cannot be read: \(why)", hint: hint)
    }

    static func unsafe(_ name: String, _ id: String, _ why: String) -> PlasmidError {
        PlasmidError(
            .bundleUnsafe,
            "the bundle \(Spelling.shown(name, most: 200)) has a file \"\(Spelling.shown(id, most: 100))\": \(why)",
            hint: "nothing was written; do not trust where it came from")
    }

    static func mismatch(_ name: String, _ what: String, hint: String? = nil) -> PlasmidError {
        PlasmidError(
            .bundleMismatch, "the bundle \(Spelling.shown(name, most: 200)) is not what it says: \(what)",
            hint: hint ?? "it was altered, or made by another program; ask for it again where it came from")
    }
}
