import Foundation
import Integrity
import Testing

@testable import Storage

/// Damaged files in a data folder: an error of the space they belong to, never the end of the process or another answer.
@Suite struct DamageTests {
    private static func file(_ folder: String, _ index: Int) -> URL {
        URL(fileURLWithPath: folder + "/spaces/\(dna(index).text)/data.mdb")
    }

    private static func spoil(_ url: URL, from: Int = 8_192) throws -> Data {
        var data = try Data(contentsOf: url)
        for at in stride(from: from, to: data.count, by: 16) { data[at] ^= 0xff }
        try data.write(to: url)
        return data
    }

    @Test(
        "§11.32 a damaged space is its own error, at once and after a restart; the others go on, its file stays as it is"
    )
    func oneSpace() throws {
        try withFolder { folder in
            var authors = try BackupTests.fill(folder, commits: 4)
            let spoilt = try Self.spoil(Self.file(folder, 0))
            for round in 0..<3 {
                try withDatabase(folder) { database, loop in
                    for mustExist in [true, false] {
                        let error = #expect(throws: PlasmidError.self) {
                            _ = try database.space(dna(0), mustExist: mustExist)
                        }
                        #expect(error?.code == .storageCorrupt)
                        #expect(error?.message.contains("\(dna(0).text)/data.mdb is damaged: page") == true)
                        #expect(error?.hint?.contains("plasmid db check") == true)
                    }
                    authors[1].create("on \(round)")
                    let space = try database.space(dna(1), mustExist: true)
                    #expect(database.commitNow(space, authors[1].take(), loop).code == nil)
                    var answer: Result<Void, PlasmidError>?
                    database.removeSpace(dna(0)) { answer = $0 }
                    loop.pump { answer != nil }
                    #expect(answer?.code == .storageCorrupt)
                    #expect(BackupTests.backUp(database, loop, to: folder + "-b").failureCode == .storageCorrupt)
                }
                #expect(try Data(contentsOf: Self.file(folder, 0)) == spoilt)
            }
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults.allSatisfy { $0.code == "pageDamaged" && $0.place == dna(0).text })
            #expect(report.faults.contains { $0.message.contains("data.mdb: page ") })
            #expect(try Data(contentsOf: Self.file(folder, 0)) == spoilt)
        }
    }

    @Test(
        "what only the journal has of a damaged space is kept beside it, and applied when the space is readable again")
    func kept() throws {
        try withFolder { folder in
            var authors = try BackupTests.fill(folder, commits: 1)
            var options = smallOptions()
            options.applyDelayMilliseconds = 600_000
            let copy = folder + "-copy"
            try withDatabase(folder, options) { database, loop in
                authors[0].create("in the journal only")
                #expect(database.commitNow(try database.space(dna(0)), authors[0].take(), loop).code == nil)
                // What a kill would leave at this moment.
                try FileManager.default.copyItem(atPath: folder, toPath: copy)
            }
            let good = try Data(contentsOf: Self.file(copy, 0))
            _ = try Self.spoil(Self.file(copy, 0))
            let path = copy + "/spaces/\(dna(0).text)/" + KeptCommits.name
            for _ in 0..<3 {
                try withDatabase(copy) { database, loop in
                    authors[1].create("on")
                    let space = try database.space(dna(1))
                    #expect(database.commitNow(space, authors[1].take(), loop).code == nil)
                }
                let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                let record = bytes.withUnsafeBytes { RecordHeader($0, at: 16) }
                #expect(record?.environment == Array(dna(0).coreBytes))
                #expect(Data(bytes).range(of: Data("in the journal only".utf8)) != nil)
            }
            try good.write(to: Self.file(copy, 0))
            let keptBytes = try Data(contentsOf: URL(fileURLWithPath: path))
            var turned = keptBytes
            turned[turned.count - 20] ^= 1
            try turned.write(to: URL(fileURLWithPath: path))
            let refused = code { try withDatabase(copy) { database, _ in _ = try database.space(dna(0)) } }
            #expect(refused == .storageCorrupt)
            try keptBytes.write(to: URL(fileURLWithPath: path))
            for _ in 0..<2 {
                try withDatabase(copy) { database, loop in
                    let space = try database.space(dna(0), mustExist: true)
                    #expect(try space.head(of: authors[0].key) == authors[0].head)
                    authors[0].create("on")
                    #expect(database.commitNow(space, authors[0].take(), loop).code == nil)
                }
                #expect(!FileManager.default.fileExists(atPath: path))
            }
            let report = try Database.check(folder: copy, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults == [])
        }
    }

    @Test("damaged tables of the conductor keep it from starting, and stay as they are")
    func conductor() throws {
        try withFolder { folder in
            _ = try BackupTests.fill(folder, commits: 2)
            let url = URL(fileURLWithPath: folder + "/conductor/data.mdb")
            let good = try Data(contentsOf: url)
            for from in [0, 4_096, 8_192] {
                let spoilt = try Self.spoil(url, from: from)
                let error = #expect(throws: PlasmidError.self) { try withDatabase(folder) { _, _ in } }
                #expect(error?.code == .storageCorrupt && error?.message.contains("conductor/data.mdb") == true)
                #expect(error?.hint?.contains("backup") == true)
                #expect(try Data(contentsOf: url) == spoilt)
                try good.write(to: url)
            }
            let value = try withDatabase(folder) { database, _ in try database.conductor.settings.get([9]) }
            #expect(value == [7])
        }
    }

    @Test("LMDB's lock file may hold anything")
    func lockFile() throws {
        try withFolder { folder in
            _ = try BackupTests.fill(folder, commits: 2)
            for length in [0, 1, 64, 5_000, 100_000] {
                var random = SeededRandom(seed: UInt64(length))
                for place in ["conductor", "spaces/\(dna(0).text)"] {
                    let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/\(place)/lock.mdb"))
                }
                let authors = try withDatabase(folder) { database, _ in
                    try database.space(dna(0), mustExist: true).authors()
                }
                #expect(authors.count == 1)
            }
        }
    }

    /// What a space says, without what nothing but itself can prove: signatures, sealed entries, what was counted.
    private static func rows(_ folder: String) throws -> [[UInt8]] {
        let own: [TableID] = [
            SpaceTables.sealed, SpaceTables.nonces, SpaceTables.uses, SpaceTables.marks, SpaceTables.meta,
        ]
        let path = folder + "/spaces/" + dna(0).text
        let lmdb = try LMDBEnvironment(folder: path, tables: SpaceTables.all, mapBytes: 256 << 20, readOnly: true)
        defer { lmdb.close() }
        let reader = SnapshotReader(lmdb)
        defer { reader.close() }
        let source = OverlayRows(reader: reader)
        var found: [[UInt8]] = []
        for table in SpaceTables.all where !own.contains(table) {
            try source.reading { () throws(PlasmidError) in
                try source.scan(table, RowRange(prefix: [])) { key, value throws(PlasmidError) in
                    var bytes = [table.number] + key
                    if table == SpaceTables.rows, value[0] == ActionRow.kind {
                        bytes += value.prefix(10) + (try ActionRow.action(value, 0)).action.packed
                    } else {
                        bytes += value
                    }
                    found.append(bytes)
                    return true
                }
            }
        }
        return found
    }

    /// Everything that a space can be asked.
    private static func ask(_ folder: String) throws {
        try withDatabase(folder) { database, _ in
            let space = try database.space(dna(0), mustExist: true)
            for author in try space.authors() {
                _ = try space.head(of: author)
                for record in try space.chain(of: author) {
                    _ = try space.record(record.signedAction.hash)
                    if let entry = record.signedAction.action.entryHash {
                        _ = try space.recordsOfEntry(entry)
                        _ = try space.sealedEntry(author: author, entry)
                    }
                }
                _ = try space.links(LinkRequest(base: AnyLinkableHash(author), types: nil))
                _ = try (space.grants(of: author), space.claims(of: author), space.uses(of: author))
            }
            _ = try space.ops(from: 0, to: .max, limit: 10_000)
        }
    }

    @Test("a byte turned anywhere in a space: an error of the space, or told by the check, or of no consequence")
    func content() throws {
        try withFolder { folder in
            _ = try BackupTests.fill(folder, commits: 6)
            let url = Self.file(folder, 0)
            let good = [UInt8](try Data(contentsOf: url))
            let rows = try Self.rows(folder)
            // Once more, so that the journal does not write the rows anew.
            try withDatabase(folder) { _, _ in }
            let seed = UInt64.random(in: 0...99_999)
            var random = SeededRandom(seed: seed)
            var found: [String: Int] = [:]
            for _ in 0..<400 {
                let at = Int.random(in: 8_192..<good.count, using: &random)
                var bytes = good
                bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                guard bytes[at] != 0 || good[at] != 0 else { continue }
                try Data(bytes).write(to: url)
                let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
                if report.faults.isEmpty {
                    let changed = zip(try Self.rows(folder), rows).first { $0 != $1 }
                    #expect(changed == nil, "seed \(seed): byte \(at)")
                }
                found[report.faults.first?.code ?? "none", default: 0] += 1
                // An error or an answer.
                do { try Self.ask(folder) } catch { #expect(error is PlasmidError, "seed \(seed): byte \(at)") }
            }
            #expect(found.count > 3, "\(found)")
        }
    }
}

extension Result where Failure == PlasmidError {
    /// The code of a failure.
    var failureCode: PlasmidError.Code? {
        if case .failure(let error) = self { return error.code }
        return nil
    }
}
