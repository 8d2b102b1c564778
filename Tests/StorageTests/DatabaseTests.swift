import Foundation
import Integrity
import Testing

@testable import Storage

@Suite struct DatabaseTests {
    private func oneNote(_ folder: String, upgrades: [SchemaUpgrade]? = nil) throws -> TestAuthor {
        var options = smallOptions()
        if let upgrades { options.spaceUpgrades = upgrades }
        return try withDatabase(folder, options) { (database: Database, loop: TestLoop) throws in
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            alice.create("note")
            #expect(database.commitNow(try database.space(dna(1)), alice.take(), loop).code == nil)
            return alice
        }
    }

    @Test("a second opener of the same folder is refused, and may come once the first has closed")
    func lock() throws {
        try withFolder { folder in
            try withDatabase(folder) { _, _ in
                #expect(code { _ = try withDatabase(folder) { _, _ in } } == .storageInUse)
            }
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == nil)
        }
    }

    @Test("a folder of a newer version is refused and left as it is")
    func newerFolder() throws {
        try withFolder { folder in
            _ = try oneNote(folder)
            let format = URL(fileURLWithPath: folder + "/format")
            try Data("plasmid-data 2\n".utf8).write(to: format)
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == .storageVersion)
            #expect(try String(decoding: Data(contentsOf: format), as: UTF8.self) == "plasmid-data 2\n")
            try Data("something else".utf8).write(to: format)
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == .storageCorrupt)
        }
    }

    @Test("a lost format file or part is an error, never a new start")
    func lostParts() throws {
        for part in ["format", "conductor", "spaces", "journal"] {
            try withFolder { folder in
                _ = try oneNote(folder)
                try FileManager.default.removeItem(atPath: folder + "/" + part)
                #expect(code { _ = try withDatabase(folder) { _, _ in } } == .storageCorrupt, "without \(part)")
            }
        }
    }

    @Test("a space's folder that cannot be opened is an error, never a new chain")
    func brokenSpace() throws {
        try withFolder { folder in
            let alice = try oneNote(folder)
            let data = folder + "/spaces/" + dna(1).text + "/data.mdb"
            let good = try Data(contentsOf: URL(fileURLWithPath: data))
            let ask = { try withDatabase(folder) { database, _ in try database.space(dna(1)).head(of: alice.key) } }
            #expect(try ask() == alice.head)
            // Both meta pages gone; cut short; another file's bytes; not there.
            var bytes = [UInt8](good)
            for index in 0..<8192 { bytes[index] = 0 }
            for broken in [bytes, Array(good.prefix(100)), Array("no database".utf8)] {
                try Data(broken).write(to: URL(fileURLWithPath: data))
                #expect(throws: PlasmidError.self) { _ = try ask() }
                #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: data))) == broken)
            }
            try FileManager.default.removeItem(atPath: data)
            #expect(throws: PlasmidError.self) { _ = try ask() }
            try good.write(to: URL(fileURLWithPath: data))
            #expect(try ask() == alice.head)
        }
    }

    @Test("overwritten pages give an error when they are read, not another answer")
    func corruptPages() throws {
        try withFolder { folder in
            let alice = try oneNote(folder)
            let data = URL(fileURLWithPath: folder + "/spaces/" + dna(1).text + "/data.mdb")
            var bytes = [UInt8](try Data(contentsOf: data))
            for index in 8192..<bytes.count { bytes[index] = 0 }
            try Data(bytes).write(to: data)
            #expect(throws: PlasmidError.self) {
                try withDatabase(folder) { database, _ in _ = try database.space(dna(1)).chain(of: alice.key) }
            }
        }
    }

    @Test("a folder under another space's name is refused")
    func swappedSpaces() throws {
        try withFolder { folder in
            _ = try oneNote(folder)
            // Once more, so that the journal does not ask for the space by itself.
            try withDatabase(folder) { _, _ in }
            let spaces = folder + "/spaces/"
            try FileManager.default.moveItem(atPath: spaces + dna(1).text, toPath: spaces + dna(2).text)
            #expect(
                code { try withDatabase(folder) { database, _ in _ = try database.space(dna(2)) } } == .storageCorrupt)
            #expect(
                code { try withDatabase(folder) { database, _ in _ = try database.space(dna(1), mustExist: true) } }
                    == .notFound)
        }
    }

    @Test("the conductor's tables: put, get, scan, delete, all or nothing, and there after a restart")
    func conductorTables() throws {
        try withFolder { folder in
            let long = [UInt8](repeating: 200, count: 511)
            try withDatabase(folder) { (database: Database, loop: TestLoop) throws in
                let changes = (UInt8(0)..<10).map { ConductorStore.Change.put(.apps, key: [1, $0], value: [$0]) }
                #expect(try database.writeNow(changes + [.put(.tokens, key: long, value: [9])], loop).code == nil)
                #expect(try database.conductor.apps.get([1, 3]) == [3])
                #expect(try database.conductor.tokens.get([1, 3]) == nil)
                #expect(try database.conductor.tokens.get(long) == [9])
                #expect(try database.conductor.apps.scan(prefix: [1], after: [1, 7]).map(\.value) == [[8], [9]])
                #expect(try database.conductor.apps.scan(limit: 2).map(\.key) == [[1, 0], [1, 1]])
                #expect(try database.conductor.apps.scan(prefix: [2]).isEmpty)
                let bad: [ConductorStore.Change] = [
                    .delete(.apps, key: [1, 0]), .put(.apps, key: long + [1], value: []),
                ]
                #expect(try database.writeNow(bad, loop).code == .commitMalformed)
                #expect(try database.writeNow([.put(.apps, key: [], value: [])], loop).code == .commitMalformed)
                #expect(try database.conductor.apps.get([1, 0]) == [0])
                #expect(
                    try database.writeNow([.delete(.apps, key: [1, 0]), .put(.apps, key: [1, 1], value: [])], loop).code
                        == nil)
                #expect(try database.conductor.apps.get([1, 0]) == nil)
            }
            try withDatabase(folder) { (database: Database, _: TestLoop) throws in
                #expect(try database.conductor.apps.get([1, 0]) == nil)
                #expect(try database.conductor.apps.get([1, 1]) == [])
                #expect(try database.conductor.apps.scan().count == 9)
                #expect(try database.conductor.tokens.get(long) == [9])
            }
        }
    }

    @Test("what was taken is durable when close returns; after it everything is refused")
    func closing() throws {
        try withFolder { folder in
            let loop = TestLoop()
            let database = try Database(folder: folder, options: smallOptions(), deliver: loop.deliver)
            let space = try database.space(dna(1))
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            var answers: [PlasmidError.Code?] = []
            space.commit(alice.take()) { answers.append($0.code) }
            database.close()
            #expect(answers == [nil])
            alice.create("late")
            space.commit(alice.take()) { answers.append($0.code) }
            #expect(answers == [nil, .storageClosed])
            #expect(code { _ = try database.space(dna(2)) } == .storageClosed)
            #expect(code { _ = try space.authors() } == .storageClosed)
            loop.pumpReady()
            try withDatabase(folder) { (database: Database, _: TestLoop) throws in
                #expect(try database.space(dna(1)).head(of: alice.key)?.seq == 0)
            }
        }
    }

    @Test("a removed space is gone, its journal records are not missed, and it may be made again")
    func removal() throws {
        try withFolder { folder in
            var options = smallOptions()
            options.applyDelayMilliseconds = 600_000
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            let first = alice.take()
            try withDatabase(folder, options) { (database: Database, loop: TestLoop) throws in
                let space = try database.space(dna(1))
                #expect(database.commitNow(space, first, loop).code == nil)
                var removed: Result<Void, PlasmidError>?
                database.removeSpace(dna(1)) { removed = $0 }
                loop.pump { removed != nil }
                #expect(removed?.code == nil)
                #expect(try database.spaces() == [])
                #expect(code { _ = try space.authors() } == .storageClosed)
            }
            try withDatabase(folder, options) { (database: Database, loop: TestLoop) throws in
                #expect(code { _ = try database.space(dna(1), mustExist: true) } == .notFound)
                let space = try database.space(dna(1))
                #expect(try space.head(of: alice.key) == nil)
                #expect(database.commitNow(space, first, loop).code == nil)
            }
            for _ in 0..<2 {
                try withDatabase(folder, options) { (database: Database, _: TestLoop) throws in
                    #expect(try database.space(dna(1), mustExist: true).head(of: alice.key) == alice.head)
                }
            }
        }
    }

    @Test("commits beyond the memory's bound wait, in order, and all come through")
    func backPressure() throws {
        try withFolder { folder in
            var options = smallOptions()
            options.pendingBytesMax = 4000
            try withDatabase(folder, options) { (database: Database, loop: TestLoop) throws in
                let space = try database.space(dna(1))
                var alice = TestAuthor("alice")
                alice.act(.dna(dna(1)))
                var order: [Int] = []
                for index in 0..<50 {
                    alice.create("note \(index)")
                    space.commit(alice.take()) { if $0.code == nil { order.append(index) } }
                }
                #expect(try (space.head(of: alice.key)?.seq ?? 0) < 50)
                loop.pump { order.count == 50 }
                #expect(order == Array(0..<50))
                #expect(try space.head(of: alice.key) == alice.head)
            }
        }
    }

    @Test("an older schema is upgraded in one step or not at all; a newer one is refused")
    func upgrade() throws {
        try withFolder { folder in
            let alice = try oneNote(folder, upgrades: [])
            let open = { (upgrades: [SchemaUpgrade]) in
                var options = smallOptions()
                options.spaceUpgrades = upgrades
                return try withDatabase(folder, options) { database, _ in
                    let space = try database.space(dna(1))
                    #expect(try space.head(of: alice.key) == alice.head)
                    return try space.rows.reading { () throws(PlasmidError) in
                        try space.rows.get(SpaceTables.meta, [7]) { value in value.map { [UInt8]($0) } }
                    }
                }
            }
            let failing = SchemaUpgrade { _ throws(PlasmidError) in throw StorageFault.damaged("on purpose") }
            #expect(code { _ = try open([failing]) } == .storageCorrupt)
            #expect(try open([]) == nil)
            // Reads what is there and writes something from it, as a real step would.
            let step = SchemaUpgrade { old throws(PlasmidError) in
                var count: UInt8 = 0
                try old.scan(SpaceTables.rows, RowRange(prefix: [])) { _, _ in
                    count += 1
                    return true
                }
                var batch = WriteBatch()
                batch.add(SpaceTables.meta, [7], [count])
                return batch
            }
            #expect(try open([step]) == [3])
            #expect(try open([step]) == [3])
            #expect(code { _ = try open([]) } == .storageVersion)
        }
    }
}
