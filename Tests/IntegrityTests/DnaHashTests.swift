import Integrity
import Sodium
import Testing

@Suite("DNA definitions")
struct DnaHashTests {
    private func changed(_ change: (inout DnaDefinition) -> Void) -> DnaHash {
        var dna = Samples.dna()
        change(&dna)
        return dna.hash()
    }

    @Test("every field of the integrity section makes another network; names, paths and coordinators do not")
    func whatCounts() {
        let hash = Samples.dna().hash()
        #expect(changed { $0.name = "other" } == hash)
        #expect(changed { $0.coordinator = [] } == hash)
        #expect(changed { $0.integrity.zomes[0].module = "Moved" } == hash)
        #expect(changed { $0.integrity.zomes[0].sources = "elsewhere" } == hash)
        let others: [DnaHash] = [
            changed { $0.integrity.networkSeed = "" }, changed { $0.integrity.properties = .emptyMap },
            changed { $0.integrity.messaging = .strong }, changed { $0.integrity.entryTypes[0].name = "n" },
            changed { $0.integrity.entryTypes[0].visibility = .private },
            changed { $0.integrity.entryTypes[0].maxBytes += 1 },
            changed { $0.integrity.entryTypes[0].requiredValidations = 6 },
            changed { $0.integrity.entryTypes[2].publishing.reverse() },
            changed { $0.integrity.entryTypes[0].rules = EntryRules(update: .author) },
            changed { $0.integrity.entryTypes.swapAt(0, 1) }, changed { $0.integrity.linkTypes[0].base = .any },
            changed { $0.integrity.linkTypes[0].target = .external },
            changed { $0.integrity.linkTypes[0].create = .author },
            changed { $0.integrity.linkTypes[0].delete = .anyone },
            changed { $0.integrity.zomes[0].digest = Bytes32() }, changed { $0.integrity.zomes[0].name = "z" },
        ]
        #expect(Set(others + [hash]).count == others.count + 1)
    }

    @Test("the order of keys in properties does not count, the order of lists does")
    func sorting() {
        let turned = MessagePackValue.map([
            "nested": .map(["aa": 1.5, "a": .null, "b": true]), "limit": 300, "title": "Post",
        ])
        #expect(Samples.dna(properties: turned).hash() == Samples.dna().hash())
        let listed = MessagePackValue.map(["list": [1, 2]])
        let reversed = MessagePackValue.map(["list": [2, 1]])
        #expect(Samples.dna(properties: listed).hash() != Samples.dna(properties: reversed).hash())
    }

    @Test("modifiers replace whole fields")
    func modifiers() {
        let dna = Samples.dna()
        #expect(dna.modified(by: DnaModifiers()) == dna)
        let seeded = dna.modified(by: DnaModifiers(networkSeed: "mine"))
        #expect(seeded.integrity.networkSeed == "mine" && seeded.integrity.properties == dna.integrity.properties)
        #expect(dna.modified(by: DnaModifiers(properties: .emptyMap)).integrity.properties == .emptyMap)
    }

    @Test("what is kept on disk holds everything")
    func stored() throws {
        for zomes in 1...2 {
            let dna = Samples.dna(zomes: zomes)
            let back = try DnaDefinition(packed: dna.packed)
            #expect(back == dna)
            #expect(back.hash() == dna.hash())
        }
    }

    @Test("declarative rules: no rules, however written, are the empty map; every rule makes another network")
    func rules() throws {
        func hash(_ rules: EntryRules) -> DnaHash { changed { $0.integrity.entryTypes[0].rules = rules } }
        let plain = Samples.dna().hash()
        #expect(EntryRules.none.packed == [0x80])
        #expect(hash(EntryRules(fields: FieldSet([], forbidden: [], unknown: .allow), update: .anyone)) == plain)
        let ruled = Samples.rules
        var others = [hash(ruled), plain, hash(EntryRules(delete: .author)), hash(EntryRules(update: .nobody))]
        for index in ruled.fields.fields.indices {
            var fields = ruled.fields.fields
            fields[index].isRequired.toggle()
            others.append(hash(EntryRules(fields: FieldSet(fields, forbidden: ruled.fields.forbidden))))
            fields[index].isRequired.toggle()
            fields[index].value = fields[index].value == .any ? .boolean : .any
            others.append(hash(EntryRules(fields: FieldSet(fields, forbidden: ruled.fields.forbidden))))
        }
        #expect(Set(others).count == others.count)
        let turned = FieldSet(ruled.fields.fields.reversed(), forbidden: ruled.fields.forbidden)
        #expect(hash(EntryRules(fields: turned, update: .author, delete: .nobody)) == hash(ruled), "in no order")
        var dna = Samples.dna()
        dna.integrity.entryTypes[0].rules = ruled
        #expect(try DnaDefinition(packed: dna.packed) == dna)
        for bytes in [[0x90], [0xC0], [0x81, 0xA6, 0x75, 0x70, 0x64, 0x61, 0x74, 0x65, 0xA1, 0x78]] as [[UInt8]] {
            #expect(throws: PlasmidError.self) { try EntryRules(packed: bytes) }
        }
    }

    @Test("with two integrity zomes a type's owner counts, and indexes count inside it")
    func owners() throws {
        let one = Samples.dna().integrity
        #expect(one.appEntryDef(named: "comment") == AppEntryDef(entryIndex: 2, zomeIndex: 0, visibility: .public))
        #expect(one.entryType(zomeIndex: 0, entryIndex: 1)?.name == "diary")
        #expect(one.entryType(zomeIndex: 1, entryIndex: 0) == nil)
        #expect(one.entryType(zomeIndex: 0, entryIndex: 3) == nil)
        #expect(one.linkIndexes(named: "inbox")?.linkType == 0)
        #expect(one.linkIndexes(named: "outbox") == nil)
        let two = Samples.dna(zomes: 2)
        #expect(
            two.integrity.appEntryDef(named: "diary") == AppEntryDef(entryIndex: 0, zomeIndex: 1, visibility: .private))
        #expect(
            two.integrity.appEntryDef(named: "comment") == AppEntryDef(entryIndex: 1, zomeIndex: 0, visibility: .public)
        )
        #expect(two.integrity.entryType(zomeIndex: 1, entryIndex: 0)?.name == "diary")
        #expect(two.integrity.appEntryDef(named: "nothing") == nil)
        var moved = two
        moved.integrity.entryTypes[1].zome = nil
        #expect(moved.hash() != two.hash())
        var explicit = two
        explicit.integrity.entryTypes[0].zome = "messenger_integrity"
        #expect(explicit.hash() == two.hash(), "the default, written out, is the same network")
        for type in two.integrity.entryTypes {
            let indexes = try #require(two.integrity.appEntryDef(named: type.name))
            #expect(
                two.integrity.entryType(zomeIndex: indexes.zomeIndex, entryIndex: indexes.entryIndex)?.name == type.name
            )
        }
    }
}
