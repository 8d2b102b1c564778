import Sodium

// How the types of this module pass through Codable: as their packed bytes in this module's coders.

/// A packable type that other coders (JSON) write as text.
public protocol CodableAsPacked: Packable, Codable {
    /// The form for coders that have no byte strings.
    var codableText: String { get }
    /// Reads that form.
    /// - Throws: `malformedHash` or `badInput`.
    init(codableText: String) throws(PlasmidError)
}

extension CodableAsPacked {
    /// Writes the packed form, or text when the encoder is not one of this module's.
    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? PackEncoder { return encoder.encodePacked(self) }
        var container = encoder.singleValueContainer()
        try container.encode(codableText)
    }

    /// Reads the packed form or text; text alone when the decoder is not one of this module's.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? PackDecoder {
            self = try decoder.decodeTextOrPacked(Self.self)
        } else {
            self = try Self(codableText: try decoder.singleValueContainer().decode(String.self))
        }
    }
}

/// A packable type that only this module's coders write: a zome's arguments and results may hold it.
public protocol CodableOnlyAsPacked: Packable, Codable {}

extension CodableOnlyAsPacked {
    /// Writes the packed form.
    /// - Throws: `EncodingError` when the encoder is not one of this module's.
    public func encode(to encoder: any Encoder) throws {
        guard let encoder = encoder as? PackEncoder else {
            let context = EncodingError.Context(
                codingPath: encoder.codingPath, debugDescription: "only MessagePackEncoder can write this type")
            throw EncodingError.invalidValue(self, context)
        }
        encoder.encodePacked(self)
    }

    /// Reads the packed form.
    /// - Throws: `DecodingError` when the decoder is not one of this module's.
    public init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? PackDecoder else {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: "only MessagePackDecoder can read this type")
            throw DecodingError.dataCorrupted(context)
        }
        self = try decoder.decodePacked(Self.self)
    }
}

extension HoloHash: CodableAsPacked {
    /// The 53-character form.
    public var codableText: String { text }
    /// Reads the 53-character form.
    public init(codableText: String) throws(PlasmidError) { try self.init(codableText) }
}

extension AnyDhtHash: CodableAsPacked {
    /// The 53-character form.
    public var codableText: String { text }
    /// Reads the 53-character form.
    public init(codableText: String) throws(PlasmidError) { try self.init(codableText) }
}

extension AnyLinkableHash: CodableAsPacked {
    /// The 53-character form.
    public var codableText: String { text }
    /// Reads the 53-character form.
    public init(codableText: String) throws(PlasmidError) { try self.init(codableText) }
}

extension Signature: CodableAsPacked {
    /// Base64 of the 64 bytes.
    public var codableText: String { Base64.encode(bytes.array) }
    /// Reads base64 of 64 bytes.
    public init(codableText: String) throws(PlasmidError) {
        guard let raw = Base64.decode(codableText), let value = Bytes64(raw) else {
            throw PlasmidError(.badInput, "A signature is 64 bytes in base64.")
        }
        self.init(value)
    }
}

extension CapSecret: CodableAsPacked {
    /// Base64 of the 64 bytes.
    public var codableText: String { Base64.encode(bytes.array) }
    /// Reads base64 of 64 bytes.
    public init(codableText: String) throws(PlasmidError) {
        guard let raw = Base64.decode(codableText), let value = Bytes64(raw) else {
            throw PlasmidError(.badInput, "A capability secret is 64 bytes in base64.")
        }
        self.init(value)
    }
}

extension DelegatedClaim: CodableAsPacked {
    /// Base64 of the packed form.
    public var codableText: String { Base64.encode(packed) }
    /// Reads base64 of the packed form.
    public init(codableText: String) throws(PlasmidError) {
        guard let raw = Base64.decode(codableText) else {
            throw PlasmidError(.badInput, "A capability that was passed on is written in base64.")
        }
        try self.init(packed: raw)
    }
}

extension Action: CodableOnlyAsPacked {}
extension SignedAction: CodableOnlyAsPacked {}
extension Entry: CodableOnlyAsPacked {}
extension RecordEntry: CodableOnlyAsPacked {}
extension Record: CodableOnlyAsPacked {}
extension Link: CodableOnlyAsPacked {}
extension LinkPage: CodableOnlyAsPacked {}
extension ChainHead: CodableOnlyAsPacked {}
extension AgentInfo: CodableOnlyAsPacked {}
extension DnaInfo: CodableOnlyAsPacked {}
extension CallInfo: CodableOnlyAsPacked {}
extension GrantReceipt: CodableOnlyAsPacked {}
extension CapClaim: CodableOnlyAsPacked {}
extension CapabilityClaim: CodableOnlyAsPacked {}
extension CapabilityGrant: CodableOnlyAsPacked {}
extension CapabilityInfo: CodableOnlyAsPacked {}
extension Delegation: CodableOnlyAsPacked {}
extension GrantLimits: CodableOnlyAsPacked {}
extension ZomeFunction: CodableOnlyAsPacked {}
extension GrantedFunctions: CodableOnlyAsPacked {}
extension MessagePackValue: CodableOnlyAsPacked {}
