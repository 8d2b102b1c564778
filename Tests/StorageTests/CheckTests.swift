import Foundation
import Integrity
import Testing

@testable import Storage

/// `Database.check` finds what was broken, and nothing in what was not.
@Suite struct CheckTests {
    /// A space with one of everything; gives what the tests then break.
    private func filled(_ folder: String) throws -> (author: TestAuthor, note: (action: ActionHash, entry: EntryHash)) {
        try withDatabase(folder) { (database: Database, loop: TestLoop) throws in
            let space = try database.space(dna(1))
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            let note = alice.create("note")
            alice.create("note")
            let long = alice.create(String(repeating: "long ", count: 2000))
            let grant = alice.create("grant", type: .capGrant)
            alice.create("claim", type: .capClaim)
            alice.create("diary", type: TestAuthor.secret)
            let base = AnyLinkableHash(note.entry)
            let link = alice.link(base, AnyLinkableHash(long.entry), tag: [UInt8](repeating: 3, count: 500))
            alice.link(base, AnyLinkableHash(alice.key))
            #expect(database.commitNow(space, alice.take(), loop).code == nil)
            alice.update(note.action, note.entry, "newer")
            alice.act(.delete(deletesAction: grant.action, deletesEntry: grant.entry))
            alice.act(.deleteLink(base: base, linkAdd: link))
            #expect(database.commitNow(space, alice.take(), loop).code == nil)
            return (alice, note)
        }
    }

    private func codes(_ folder: String, signatures: Bool = false) throws -> [String] {
        let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: signatures)
        #expect(report.isGood == report.faults.isEmpty)
        return Array(Set(report.faults.map(\.code))).sorted()
    }

    /// Changes rows behind the back of everything.
    private func change(_ folder: String, _ rows: (RowSpace) throws -> [(TableID, [UInt8], [UInt8]?)]) throws {
        let path = folder + "/spaces/" + dna(1).text
        let lmdb = try LMDBEnvironment(folder: path, tables: SpaceTables.all, mapBytes: 256 << 20)
        defer { lmdb.close() }
        let reader = SnapshotReader(lmdb)
        defer { reader.close() }
        var batch = WriteBatch()
        for row in try rows(RowSpace(rows: OverlayRows(reader: reader))) { batch.add(row.0, row.1, row.2) }
        let applied = try EnvironmentIdentity(lmdb, expecting: Array(dna(1).coreBytes)).appliedLSN
        try RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: nil)
            .apply([DurableCommit(lsn: applied, payload: batch.bytes)])
    }

    private func number(_ space: RowSpace, _ hash: ActionHash) throws -> UInt64 {
        try #require(
            try space.rows.reading { () throws(PlasmidError) in try space.number(hash.coreBytes, HashByte.action) })
    }

    @Test("a whole folder has no faults, and everything in it was looked at")
    func whole() throws {
        try withFolder { folder in
            _ = try filled(folder)
            var last: CheckReport?
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false) {
                last = $0
            }
            #expect(report.faults == [])
            #expect(report.actions == 12)
            #expect(report.entries == 6)
            #expect(report.spaces == 1)
            #expect(report.pages > 5)
            #expect(last == report)
            // The tests' signatures are none.
            #expect(try codes(folder, signatures: true) == ["signatureWrong"])
        }
    }

    @Test("an open folder is not checked, nor one that is none")
    func refusals() throws {
        try withFolder { folder in
            #expect(code { _ = try codes(folder) } == .notFound)
            try withDatabase(folder) { _, _ in #expect(code { _ = try codes(folder) } == .storageInUse) }
        }
    }

    @Test("missing, wrong and surplus index rows", arguments: [0, 1, 2, 3, 4, 5])
    func indexRows(which: Int) throws {
        try withFolder { folder in
            let (alice, note) = try filled(folder)
            try change(folder) { space in
                let number = try number(space, note.action)
                let place = SpaceKey.number(number)
                switch which {
                case 0: return [(SpaceTables.hashes, SpaceKey.hash(note.action.coreBytes, HashByte.action), nil)]
                case 1: return [(SpaceTables.hashes, SpaceKey.hash(note.entry.coreBytes, HashByte.entry), place)]
                case 2: return [(SpaceTables.chain, SpaceKey.chain(alice.key.coreBytes, 3), place)]
                case 3: return [(SpaceTables.ops, [UInt8](repeating: 9, count: 21), [])]
                case 4: return [(SpaceTables.grants, SpaceKey.core(alice.key.coreBytes, number), [0])]
                default: return [(SpaceTables.chain, SpaceKey.chain(alice.key.coreBytes, 2), nil)]
                }
            }
            let expected = [
                ["indexMissing"], ["indexWrong"], ["chainBroken", "indexWrong"], ["indexUnexpected"],
                ["indexUnexpected"],
                ["chainBroken", "indexMissing"],
            ]
            #expect(try codes(folder) == expected[which])
        }
    }

    @Test("changed content: an action, an entry, a flag of a link")
    func content() throws {
        try withFolder { folder in
            let (_, note) = try filled(folder)
            try change(folder) { space in
                let number = try number(space, note.action)
                let row = try space.rows.reading { () throws(PlasmidError) in try space.row(number) { [UInt8]($0) } }
                // One digit of the time inside the action.
                let record = try #require(try space.record(note.action))
                var action = record.signedAction.action
                action.header.timestamp.microseconds += 1
                let forged = SignedAction(action: action, hash: note.action, signature: record.signedAction.signature)
                return [(SpaceTables.rows, SpaceKey.number(number), Array(row[..<10]) + forged.packed)]
            }
            #expect(try codes(folder).contains("actionHashWrong"))
        }
        try withFolder { folder in
            let (_, note) = try filled(folder)
            try change(folder) { space in
                let number = try space.rows.reading { () throws(PlasmidError) in
                    try space.number(note.entry.coreBytes, HashByte.entry)
                }
                let other = TestAuthor.entry("forged").packed
                return [(SpaceTables.rows, SpaceKey.number(try #require(number)), EntryRow.value(note.entry, other))]
            }
            #expect(try codes(folder) == ["entryHashWrong"])
        }
        try withFolder { folder in
            _ = try filled(folder)
            try change(folder) { space in
                var rows: [(TableID, [UInt8], [UInt8]?)] = []
                try space.rows.reading { () throws(PlasmidError) in
                    try space.rows.scan(SpaceTables.links, RowRange(prefix: [])) { key, value in
                        var bytes = [UInt8](value)
                        bytes[0] ^= 1
                        rows.append((SpaceTables.links, [UInt8](key), bytes))
                        return true
                    }
                }
                return rows
            }
            #expect(try codes(folder) == ["indexWrong"])
        }
    }

    @Test("flags of rows: an entry that is there and said not to be, one that is private and said to be public")
    func flags() throws {
        for which in 0..<3 {
            try withFolder { folder in
                let (alice, note) = try filled(folder)
                try change(folder) { space in
                    let number = try number(space, note.action)
                    let place = try space.rows.reading { () throws(PlasmidError) in
                        which < 2 ? number : try space.number(note.entry.coreBytes, HashByte.entry) ?? 0
                    }
                    var row = try space.rows.reading { () throws(PlasmidError) in try space.row(place) { [UInt8]($0) } }
                    row[1] ^= [1, 2, 1][which]
                    return [(SpaceTables.rows, SpaceKey.number(place), row)]
                }
                let found = try codes(folder)
                #expect(found.contains(which < 2 ? "entryWrong" : "rowUnreadable"), "\(which): \(found)")
                let read = code {
                    _ = try withDatabase(folder) { database, _ in
                        try database.space(dna(1), mustExist: true).chain(of: alice.key)
                    }
                }
                #expect(read == .storageCorrupt)
            }
        }
    }

    @Test("overwritten pages and damaged journals are told, not followed")
    func bytes() throws {
        try withFolder { folder in
            _ = try filled(folder)
            let data = URL(fileURLWithPath: folder + "/spaces/" + dna(1).text + "/data.mdb")
            let good = [UInt8](try Data(contentsOf: data))
            for fill in [UInt8(0), 0xFF, 0x55] {
                var found = 0
                for page in 2..<good.count / 4096 {
                    var bytes = good
                    for index in page * 4096..<(page + 1) * 4096 { bytes[index] = fill }
                    try Data(bytes).write(to: data)
                    // A page that is free now may hold anything.
                    if try !codes(folder).isEmpty { found += 1 }
                }
                #expect(found > 5)
            }
            try Data(good).write(to: data)
            #expect(try codes(folder) == [])
            for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/journal") {
                try Data([1, 2, 3]).write(to: URL(fileURLWithPath: folder + "/journal/" + name))
            }
            #expect(try codes(folder) == ["journalDamaged"])
        }
    }
}
