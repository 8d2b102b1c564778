import Sodium

/// The text form of 39-byte addresses, whatever their kind.
public enum HashText {
    /// How many characters every address has.
    public static let characters = 53

    /// The name of the kind that starts with these bytes, if it is a kind of address; `second` is the byte that differs.
    public static func kindName(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> StaticString? {
        guard first == 0x84, third == 0x24 else { return nil }
        switch second {
        case 0x20: return AgentKind.name
        case 0x21: return EntryKind.name
        case 0x24: return DhtOpKind.name
        case 0x29: return ActionKind.name
        case 0x2A: return WasmKind.name
        case 0x2B: return "InlineHash"
        case 0x2C: return WarrantKind.name
        case 0x2D: return DnaKind.name
        case 0x2F: return ExternalKind.name
        default: return nil
        }
    }

    /// True when the bytes are 39 and start as an address of a known kind does.
    public static func isAddress(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count == 39 && kindName(bytes[0], bytes[1], bytes[2]) != nil
    }

    /// The 39 bytes of a text form of any kind; the location is checked, the kind is not.
    /// - Throws: `malformedHash`.
    public static func bytes(of text: String, wanted: StaticString = "address") throws(PlasmidError) -> [UInt8] {
        var text = text
        let decoded: [UInt8]? = text.withUTF8 { utf8 in
            guard utf8.count == characters, utf8[0] == UInt8(ascii: "u") else { return nil }
            return Base64.decode(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: utf8[1...])), alphabet: .url)
        }
        guard let decoded, decoded.count == 39, let core = Bytes32(decoded[3..<35]) else {
            throw PlasmidError(
                .malformedHash, "`\(shortened(text))` is not the text of an \(wanted).",
                hint: "the text form is `u` and 52 characters of base64url")
        }
        let location =
            UInt32(decoded[35]) | UInt32(decoded[36]) << 8 | UInt32(decoded[37]) << 16
            | UInt32(decoded[38]) << 24
        guard location == Blake2b.location(of: core) else {
            throw PlasmidError(
                .malformedHash, "The last characters of `\(text)` do not fit the others.",
                hint: "a character was changed or lost; copy the address again")
        }
        return decoded
    }

    static func write(
        _ prefix: (UInt8, UInt8, UInt8), _ core: Bytes32, _ location: UInt32, to target: UnsafeMutableRawBufferPointer
    ) {
        target[0] = prefix.0
        target[1] = prefix.1
        target[2] = prefix.2
        target.storeBytes(of: core, toByteOffset: 3, as: Bytes32.self)
        target.storeBytes(of: location.littleEndian, toByteOffset: 35, as: UInt32.self)
    }

    static func text(_ prefix: (UInt8, UInt8, UInt8), _ core: Bytes32, _ location: UInt32) -> String {
        withUnsafeTemporaryAllocation(byteCount: 39, alignment: 8) { raw in
            write(prefix, core, location, to: raw)
            return text(of: UnsafeRawBufferPointer(raw))
        }
    }

    /// The text form of 39 bytes: `u` and their base64url.
    static func text(of bytes39: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: characters) { buffer in
            buffer[0] = UInt8(ascii: "u")
            let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[1...]))
            return 1 + Base64.encode(bytes39, alphabet: .url, into: rest)
        }
    }

    /// At most the first 60 characters of something that came from outside.
    static func shortened(_ text: String) -> String {
        text.utf8.count <= 60 ? text : String(text.prefix(60)) + "…"
    }
}

@usableFromInline
enum HashError {
    @usableFromInline
    @inline(never)
    static func notThisKind(_ bytes: UnsafeRawBufferPointer, _ wanted: StaticString) -> PlasmidError {
        guard bytes.count == 39 else {
            return PlasmidError(.malformedHash, "An \(wanted) has 39 bytes, not \(bytes.count).")
        }
        guard let found = HashText.kindName(bytes[0], bytes[1], bytes[2]) else {
            return PlasmidError(.malformedHash, "These 39 bytes do not start as an \(wanted) does.")
        }
        return PlasmidError(.malformedHash, "Expected an \(wanted), found the \(found) \(HashText.text(of: bytes)).")
    }
}
