import Integrity
import Sodium
import Testing

@Suite("HoloHash")
struct HoloHashTests {
    @Test("every published and derived address reads, and is written back", .enabled(if: Shared.isThere))
    func vectors() throws {
        for vector in try Shared.list("holohash", "vectors") + Shared.list("holohash", "derived") {
            let text = try #require(vector["string"] as? String)
            let coreText = try #require(vector["core_hex"] as? String)
            let core = try #require(Bytes32(hex(coreText)))
            let location = try #require(vector["loc_u32_le"] as? UInt32)
            let found = try parts(try #require(vector["type"] as? String), text)
            #expect(found.core == core, "\(text)")
            #expect(found.location == location, "\(text)")
            #expect(found.derived == location, "\(text)")
            #expect(found.text == text)
            #expect(found.viaBytes == text)
            #expect(found.viaPacked == text)
            if let preimage = vector["preimage_hex"] as? String, vector["core_is_blake2b256_of_preimage"] != nil {
                #expect(Blake2b.hash256(hex(preimage)) == core)
            }
            if let seed = vector["ed25519_seed_hex"] as? String {
                var bytes = hex(seed)
                #expect(Ed25519.publicKey(seed: SecretBytes(moving: &bytes)) == core)
            }
        }
    }

    @Test("every malformed text is refused", .enabled(if: Shared.isThere))
    func invalid() throws {
        let vectors = try Shared.list("holohash", "invalid")
        #expect(vectors.count == 10)
        for vector in vectors {
            let text = try #require(vector["string"] as? String)
            #expect(throws: PlasmidError.self, "\(vector)") { try parseAny(text) }
        }
    }

    private typealias Parts = (
        core: Bytes32, location: UInt32, derived: UInt32, text: String, viaBytes: String, viaPacked: String
    )

    private func parts(_ type: String, _ text: String) throws -> Parts {
        func take<Kind: HashKind>(_: Kind.Type) throws -> Parts {
            let hash = try HoloHash<Kind>(text)
            return (
                hash.core, hash.location, HoloHash<Kind>(core: hash.core).location, hash.text,
                try HoloHash<Kind>(bytes: hash.bytes).text, try HoloHash<Kind>(packed: hash.packed).text
            )
        }
        switch type {
        case "AgentPubKey": return try take(AgentKind.self)
        case "EntryHash": return try take(EntryKind.self)
        case "DhtOpHash": return try take(DhtOpKind.self)
        case "ActionHash": return try take(ActionKind.self)
        case "WasmHash": return try take(WasmKind.self)
        case "WarrantHash": return try take(WarrantKind.self)
        case "DnaHash": return try take(DnaKind.self)
        case "ExternalHash": return try take(ExternalKind.self)
        default: return try take(InlineKind.self)
        }
    }

    private func parseAny(_ text: String) throws {
        for parse in [
            { _ = try AgentPubKey(text) }, { _ = try EntryHash(text) }, { _ = try ExternalHash(text) },
            { _ = try ActionHash(text) }, { _ = try DnaHash(text) },
        ] {
            do { try parse() } catch { continue }
            return
        }
        throw PlasmidError(.malformedHash, "refused by every kind")
    }

    @Test("the reference's table: locations, retyping, order")
    func table() throws {
        let ones = AgentPubKey(core: Bytes32(repeating: 1))
        #expect(ones.bytes.suffix(4) == [126, 207, 206, 190])
        #expect(ones.text.hasPrefix("uhCAkAQEB") && ones.text.hasSuffix("AQF-z86-"))
        #expect(ones.entryHash.text.hasPrefix("uhCEkAQEB") && ones.entryHash.text.hasSuffix("AQF-z86-"))
        #expect(AnyLinkableHash(ones).entry == ones.entryHash)
        #expect(AnyDhtHash(ones).entry?.agent == ones)
        let hi = ActionHash(hashing: hex("a26869"))
        #expect(hi.text == "uhCkkdwAAuHr_AKFTzF2vjvVzlkWTOxdAhqZ00jcBe9GZQs77BSjQ")
        #expect(hi.location == 3_492_283_899)
        let twos = AgentPubKey(core: Bytes32(repeating: 2))
        #expect(ones < twos)
        #expect([twos, ones].sorted() == [ones, twos])
    }

    @Test("bytes may carry any location, text may not")
    func locations() throws {
        let zero = AgentPubKey(core: Bytes32(repeating: 7), location: 0)
        #expect(try AgentPubKey(packed: zero.packed) == zero)
        #expect(try AgentPubKey(packed: zero.packed) != AgentPubKey(core: Bytes32(repeating: 7)))
        #expect(!zero.hasDerivedLocation)
        #expect(throws: PlasmidError.self) { try AgentPubKey(zero.text) }
    }

    @Test("hashes read from bytes, from an array of numbers and from text")
    func leniency() throws {
        let hash = EntryHash(core: Bytes32(repeating: 9))
        let array = MessagePackValue.array(hash.bytes.map { .int(Int64($0)) })
        #expect(try EntryHash(packed: array.packed) == hash)
        #expect(try EntryHash(packed: MessagePackValue.string(hash.text).packed) == hash)
        #expect(try AnyDhtHash(packed: array.packed) == .entry(hash))
        for wrong: MessagePackValue in [
            .null, 5, .binary(Array(hash.bytes.dropLast())), .binary(ActionHash(core: hash.core).bytes), "uhCEk", [],
            .array(Array(repeating: 300, count: 39)),
        ] {
            #expect(throws: PlasmidError.self, "\(wrong)") { try EntryHash(packed: wrong.packed) }
        }
    }

    @Test("an agent's key is not an address of the DHT until it is retyped")
    func composite() throws {
        let agent = AgentPubKey(core: Bytes32(repeating: 3))
        #expect(throws: PlasmidError.self) { try AnyDhtHash(packed: agent.packed) }
        #expect(throws: PlasmidError.self) { try AnyLinkableHash(packed: agent.packed) }
        let external = ExternalHash(core: Bytes32(repeating: 4))
        #expect(throws: PlasmidError.self) { try AnyDhtHash(packed: external.packed) }
        #expect(try AnyLinkableHash(packed: external.packed).external == external)
        #expect(AnyDhtHash(AnyLinkableHash(external)) == nil)
        #expect(try AnyLinkableHash(external.text).text == external.text)
    }
}

/// The kind that upstream's test zomes use; it has no type of its own here.
private enum InlineKind: HashKind {
    static var prefix: (UInt8, UInt8, UInt8) { (0x84, 0x2B, 0x24) }
    static var name: StaticString { "InlineHash" }
}
