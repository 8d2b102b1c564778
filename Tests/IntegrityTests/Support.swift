import Foundation
import Integrity
import Sodium
import Testing

/// Published vectors beside the repository, or where `PLASMID_SHARED` says.
enum Shared {
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["PLASMID_SHARED"] { return path }
        return Repository.root.deletingLastPathComponent().appendingPathComponent("shared").path
    }()

    static var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/vectors/msgpack.json") }

    static func vectors(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/vectors/\(name).json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    static func list(_ name: String, _ key: String) throws -> [[String: Any]] {
        try #require(try vectors(name)[key] as? [[String: Any]])
    }
}

enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
}

func hex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8).map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hexText(_ bytes: [UInt8]) -> String {
    let letters = Array("0123456789abcdef")
    return String(bytes.flatMap { [letters[Int($0 >> 4)], letters[Int($0 & 15)]] })
}

/// SplitMix64: the same numbers for the same seed on every machine. The seed is `PLASMID_SEED` or drawn, and said on stderr.
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(_ name: String) {
        let given = ProcessInfo.processInfo.environment["PLASMID_SEED"].flatMap { UInt64($0) }
        seed = given ?? UInt64.random(in: 0...UInt64.max)
        state = seed
        FileHandle.standardError.write(Data("\(name): PLASMID_SEED=\(seed)\n".utf8))
    }

    /// With a seed that was said already.
    init(_ seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func bytes(_ range: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: range, using: &self)).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    mutating func bytes32() -> Bytes32 { Bytes32(bytes(32...32)) ?? Bytes32() }
    mutating func bytes64() -> Bytes64 { Bytes64(bytes(64...64)) ?? Bytes64() }
    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &self) == 0 }
    mutating func text() -> String {
        String(
            (0..<Int.random(in: 0...40, using: &self)).map { _ in
                "abc äß€𝄞\"\\\n\u{1}".randomElement(using: &self) ?? "x"
            })
    }
    mutating func hash<Kind: HashKind>() -> HoloHash<Kind> { HoloHash(core: bytes32()) }
}

/// Random values of every noun.
extension Seeded {
    mutating func linkable() -> AnyLinkableHash {
        switch Int.random(in: 0..<3, using: &self) {
        case 0: .entry(hash())
        case 1: .action(hash())
        default: .external(hash())
        }
    }

    mutating func dht() -> AnyDhtHash { chance(2) ? .entry(hash()) : .action(hash()) }

    mutating func index() -> UInt8 { UInt8.random(in: 0...255, using: &self) }

    mutating func entryType() -> EntryType {
        switch Int.random(in: 0..<5, using: &self) {
        case 0: .agentPubKey
        case 1: .capClaim
        case 2: .capGrant
        default:
            .app(AppEntryDef(entryIndex: index(), zomeIndex: index(), visibility: chance(2) ? .public : .private))
        }
    }

    mutating func migration() -> MigrationTarget { chance(2) ? .dna(hash()) : .agent(hash()) }

    mutating func data(_ type: ActionType) -> ActionData {
        switch type {
        case .dna: .dna(hash())
        case .agentValidationPkg: .agentValidationPkg(membraneProof: chance(2) ? nil : bytes(0...300))
        case .initZomesComplete: .initZomesComplete
        case .create: .create(entryType: entryType(), entryHash: hash())
        case .update:
            .update(originalAction: hash(), originalEntry: hash(), entryType: entryType(), entryHash: hash())
        case .delete: .delete(deletesAction: hash(), deletesEntry: hash())
        case .createLink:
            .createLink(
                base: linkable(), target: linkable(), zomeIndex: index(), linkType: index(), tag: bytes(0...300))
        case .deleteLink: .deleteLink(base: linkable(), linkAdd: hash())
        case .closeChain: .closeChain(chance(2) ? nil : migration())
        case .openChain: .openChain(migration(), hash())
        }
    }

    mutating func action(_ type: ActionType? = nil) -> Action {
        let kind = type ?? ActionType.allCases.randomElement(using: &self) ?? .dna
        let time = Int64(bitPattern: next()) >> Int64.random(in: 0...63, using: &self)
        return Action(
            header: ActionHeader(
                author: hash(), timestamp: Timestamp(microseconds: time),
                actionSeq: UInt32(truncatingIfNeeded: next() >> UInt64.random(in: 32...63, using: &self)),
                prevAction: chance(4) ? nil : hash()),
            data: data(kind))
    }

    mutating func grant() -> ZomeCallCapGrant {
        let secret = CapSecret(bytes64())
        let access: CapAccess =
            switch Int.random(in: 0..<3, using: &self) {
            case 0: .unrestricted
            case 1: .transferable(secret: secret)
            default: .assigned(secret: secret, assignees: [hash(), hash()])
            }
        let functions: GrantedFunctions =
            chance(2)
            ? .all : .listed([ZomeFunction(zome: text(), function: text()), ZomeFunction(zome: "z", function: "f")])
        return ZomeCallCapGrant(tag: text(), access: access, functions: functions)
    }

    mutating func entry() -> Entry {
        switch Int.random(in: 0..<6, using: &self) {
        case 0: .agent(hash())
        case 1: .counterSign(session: MessagePackValue.string(text()).packed, bytes: bytes(0...100))
        case 2: .capClaim(CapClaim(tag: text(), grantor: hash(), secret: CapSecret(bytes64())))
        case 3: .capGrant(grant())
        default: .app(bytes(0...400))
        }
    }

    mutating func signed(_ type: ActionType? = nil) -> SignedAction {
        SignedAction(action: action(type), signature: Signature(bytes64()))
    }

    mutating func record() -> Record {
        let entry: RecordEntry =
            switch Int.random(in: 0..<4, using: &self) {
            case 0: .hidden
            case 1: .notApplicable
            case 2: .notStored
            default: .present(entry())
            }
        return Record(signedAction: signed(), entry: entry)
    }

    mutating func op() -> Op {
        switch Int.random(in: 0..<7, using: &self) {
        case 0: .createRecord(record())
        case 1: .createEntry(action: signed(.create), entry: entry())
        case 2: .update(update: signed(.update), newEntry: chance(2) ? nil : entry())
        case 3: .delete(signed(.delete))
        case 4: .agentActivity(signed(), cachedEntry: chance(2) ? nil : entry())
        case 5: .createLink(signed(.createLink))
        default: .deleteLink(signed(.deleteLink), createLink: action(.createLink))
        }
    }

    mutating func link() -> Link {
        Link(
            author: hash(), base: linkable(), target: linkable(),
            timestamp: Timestamp(microseconds: Int64(next() >> 8)),
            zomeIndex: index(), linkType: index(), tag: bytes(0...50), createLinkHash: hash())
    }

    mutating func value(depth: Int = 4) -> MessagePackValue {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &self) {
        case 0: .null
        case 1: .bool(chance(2))
        case 2: .int(Int64(bitPattern: next()) >> Int64.random(in: 0...63, using: &self))
        case 3: .uint(UInt64(Int64.max) + 1 + next() >> 1)
        case 4: .double(Double(Int64(bitPattern: next())) / 1_048_576)
        case 5: .string(text())
        case 6: .binary(bytes(0...60))
        case 7: .ext(Int8.random(in: -128...127, using: &self), bytes(0...20))
        case 8: .array((0..<Int.random(in: 0...20, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            .map(
                (0..<Int.random(in: 0...20, using: &self)).map {
                    MessagePackValue.Pair("key \($0)", value(depth: depth - 1))
                })
        }
    }
}
