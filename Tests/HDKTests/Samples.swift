import HDK
import Integrity

/// Made-up nouns with addresses that differ.
enum Sample {
    static let alice = AgentPubKey(hashing: [1])
    static let bob = AgentPubKey(hashing: [2])
    static let action = ActionHash(hashing: [3])
    static let otherAction = ActionHash(hashing: [4])
    static let entry = EntryHash(hashing: [5])
    static let dna = DnaHash(hashing: [6])
    static let signature = Signature([UInt8](repeating: 7, count: 64))!
    static let secret = CapSecret([UInt8](repeating: 8, count: 64))!

    static func signed(_ data: ActionData, by author: AgentPubKey = alice, seq: UInt32 = 9) -> SignedAction {
        let header = ActionHeader(
            author: author, timestamp: Timestamp(microseconds: 1_000_000), actionSeq: seq, prevAction: action)
        return SignedAction(action: Action(header: header, data: data), signature: signature)
    }

    static func type(_ index: UInt8) -> EntryType {
        .app(AppEntryDef(entryIndex: index, zomeIndex: 0, visibility: .public))
    }

    /// A record that creates `value` as the entry type with this index.
    static func record(
        _ value: some Encodable, type index: UInt8 = 0, by author: AgentPubKey = alice
    ) throws -> Record {
        let entry = Entry.app(try MessagePackEncoder().encode(value))
        return Record(
            signedAction: signed(.create(entryType: type(index), entryHash: entry.hash), by: author),
            entry: .present(entry))
    }

    static let dnaInfo = DnaInfo(
        name: "sample", hash: dna, networkSeed: "", properties: [0x81, 0xa1, 0x61, 0x01], zomes: ["rules", "test"],
        entryTypes: ["note", "memo"], linkTypes: ["inbox", "answers"])
}

struct Note: EntryValue, Equatable {
    static let type: EntryTypeName = "note"
    var text: String
    var to: AgentKey?
}
