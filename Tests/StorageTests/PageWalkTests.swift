import CLMDB
import Foundation
import Glibc
import Integrity
import Testing

@testable import Storage

/// An LMDB environment of its own, written by random transactions.
struct RandomEnvironment {
    let folder: String
    static let tables = (0..<4).map { TableID(number: UInt8($0), name: "table\($0)") }
    var path: String { folder + "/data.mdb" }

    /// Writes a transaction of random rows: short and long values, keys that come again, deletions.
    static func write(_ lmdb: LMDBEnvironment, _ random: inout SeededRandom, rows: Int, keys: Int = 400) throws {
        var batch = WriteBatch()
        for _ in 0..<rows {
            let table = tables[Int.random(in: 1..<4, using: &random)]
            let number = Int.random(in: 0..<keys, using: &random)
            let width = [4, 30, 200, 500][number % 4]
            let key = Array(String(number).utf8) + [UInt8](repeating: UInt8(number % 251), count: width)
            if Int.random(in: 0..<4, using: &random) == 0 {
                batch.add(table, key, nil)
            } else {
                let length = [0, 7, 100, 900, 2_500, 9_000][Int.random(in: 0..<6, using: &random)]
                batch.add(table, key, [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length))
            }
        }
        try RowApplier(environment: lmdb, meta: tables[0], atSyncPoint: nil)
            .apply([DurableCommit(lsn: 1, payload: batch.bytes)])
    }

    /// Opens the environment, and closes it after `body`.
    func open<Value>(_ body: (LMDBEnvironment) throws -> Value) throws -> Value {
        let lmdb = try LMDBEnvironment(folder: folder, tables: Self.tables, mapBytes: 256 << 20)
        defer { lmdb.close() }
        return try body(lmdb)
    }

    /// Every row of every table, forwards, then their number backwards.
    static func rows(_ lmdb: LMDBEnvironment) throws -> (rows: [[UInt8]], backwards: Int) {
        let reader = SnapshotReader(lmdb)
        defer { reader.close() }
        let source = OverlayRows(reader: reader)
        var (found, backwards): ([[UInt8]], Int) = ([], 0)
        for table in lmdb.tables {
            try source.reading { () throws(PlasmidError) in
                try source.scan(table, RowRange(prefix: [])) { key, value in
                    found.append([table.number] + key + [0] + value)
                    return true
                }
                try source.scan(table, RowRange(prefix: [], reverse: true)) { _, value in
                    backwards += value.reduce(0) { $0 ^ Int($1) } >= 0 ? 1 : 0
                    return true
                }
            }
        }
        return (found, backwards)
    }

    func walk(_ path: String? = nil, faultsMax: Int = 100) -> PageWalk.Result {
        PageWalk.walk(path ?? self.path, tables: Self.tables, faultsMax: faultsMax)
    }

    /// A folder with an environment that some transactions went through.
    static func with(
        seed: UInt64, transactions: Int, rows: Int, keys: Int = 400, _ body: (RandomEnvironment) throws -> Void
    ) throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let environment = RandomEnvironment(folder: folder)
            var random = SeededRandom(seed: seed)
            try environment.open { lmdb in
                for _ in 0..<transactions { try write(lmdb, &random, rows: rows, keys: keys) }
            }
            try body(environment)
        }
    }
}

/// What is walked before LMDB sees it: no good file is refused, no bad one gets through to end the process.
@Suite struct PageWalkTests {
    @Test("a file that LMDB wrote is never refused, whatever was written", arguments: [UInt64](1...8))
    func goodFiles(round: UInt64) throws {
        try RandomEnvironment.with(seed: round, transactions: 0, rows: 0) { environment in
            var random = SeededRandom(seed: round)
            #expect(throws: Never.self) {
                try environment.open { lmdb in
                    for step in 0..<40 {
                        try RandomEnvironment.write(
                            lmdb, &random, rows: [1, 3, 20, 300, 1_500][step % 5], keys: [20, 400, 3_000][step % 3])
                        let result = environment.walk()
                        #expect(result.faults == [], "seed \(round), step \(step)")
                        #expect(result.pages > 2)
                    }
                    let copies = [environment.folder + "/copy0", environment.folder + "/copy1"]
                    for (index, copy) in copies.enumerated() {
                        try LMDBCopy.copy(lmdb, to: copy, compacting: index == 1)
                        #expect(environment.walk(copy).faults == [])
                    }
                }
            }
            // Taken away again, all of it.
            try environment.open { lmdb in
                var batch = WriteBatch()
                for row in try RandomEnvironment.rows(lmdb).rows {
                    let key = Array(row[1...].prefix { $0 != 0 })
                    if row[0] != 0 { batch.add(RandomEnvironment.tables[Int(row[0])], key, nil) }
                }
                try RowApplier(environment: lmdb, meta: RandomEnvironment.tables[0], atSyncPoint: nil)
                    .apply([DurableCommit(lsn: 2, payload: batch.bytes)])
            }
            #expect(environment.walk().faults == [])
        }
    }

    @Test("a value that is overwritten by a shorter one in one transaction keeps its pages, and is no fault")
    func shrunkValue() throws {
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                var answers = 0
                for length in [30_000, 5_000, 10] {
                    try database.conductor.settings.put([1], [UInt8](repeating: 1, count: length)) {
                        #expect($0.code == nil)
                        answers += 1
                    }
                }
                loop.pump { answers == 3 }
            }
            #expect(try Database.check(folder: folder, options: smallOptions()).faults == [])
            let value = try withDatabase(folder) { database, _ in try database.conductor.settings.get([1]) }
            #expect(value?.count == 10)
        }
    }

    /// Changes a copy of a good file, walks it and, where it passes, lets LMDB read and write all of it.
    private func hold(
        _ good: [UInt8], _ environment: RandomEnvironment, _ number: Int, writing: Bool,
        _ change: (inout [UInt8]) -> Void
    ) throws -> Bool {
        var bytes = good
        change(&bytes)
        let copy = RandomEnvironment(folder: environment.folder + "/\(number)")
        try FileManager.default.createDirectory(atPath: copy.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: copy.folder) }
        try Data(bytes).write(to: URL(fileURLWithPath: copy.path))
        let result = copy.walk()
        guard result.faults.isEmpty else {
            #expect(result.faults.count <= 100 && result.faults.allSatisfy { $0.contains("page") })
            #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: copy.path))) == bytes)
            return false
        }
        try copy.open { lmdb in
            let before = try RandomEnvironment.rows(lmdb)
            #expect(before.rows.count == before.backwards)
            guard writing else { return }
            var random = SeededRandom(seed: UInt64(number))
            for _ in 0..<3 { try RandomEnvironment.write(lmdb, &random, rows: 60) }
        }
        #expect(copy.walk().faults == [])
        return true
    }

    /// Whether every offset is tried, and not one in some.
    private static let isSlow = ProcessInfo.processInfo.environment["PLASMID_SLOW"] == "1"

    @Test("a byte turned at any offset: refused, or read and written by LMDB without harm")
    func flippedBytes() throws {
        try RandomEnvironment.with(seed: 3, transactions: 6, rows: 60, keys: 120) { environment in
            let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: environment.path)))
            #expect(environment.walk().faults == [])
            var (refused, passed) = (0, 0)
            var number = 0
            // The parts that LMDB goes by lie at both ends of a page: those are tried more densely.
            for at in good.indices {
                let inPage = at % 4_096
                let isDense = at < 160 || (4_096..<4_096 + 160).contains(at) || inPage < 20
                guard Self.isSlow || at % (isDense ? 7 : 601) == 0 else { continue }
                number += 1
                let mask: UInt8 = [0x01, 0x80, 0xff, 0x10][number % 4]
                let isGood = try hold(good, environment, number, writing: number % 4 == 0) { $0[at] ^= mask }
                if isGood { passed += 1 } else { refused += 1 }
            }
            #expect(refused > 50 && passed > 50)
        }
    }

    @Test("pages changed at random, exchanged, doubled, emptied; files cut: refused, or harmless", arguments: 1...4)
    func randomDamage(round: Int) throws {
        try RandomEnvironment.with(seed: UInt64(round), transactions: 8, rows: 80, keys: 300) { environment in
            let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: environment.path)))
            let pages = good.count / 4_096
            let seed = UInt64.random(in: 0...99_999)
            var random = SeededRandom(seed: seed)
            var refused = 0
            for number in 0..<(Self.isSlow ? 3_000 : 100) {
                let page = Int.random(in: 0..<pages, using: &random)
                let other = Int.random(in: 0..<pages, using: &random)
                let span = page * 4_096..<(page + 1) * 4_096
                let kind = number % 8
                let isGood = try hold(good, environment, number, writing: number % 2 == 0) { bytes in
                    switch kind {
                    case 0: for at in span { bytes[at] = UInt8.random(in: 0...255, using: &random) }
                    case 1: for at in span { bytes[at] = 0 }
                    case 2: bytes.replaceSubrange(span, with: good[other * 4_096..<(other + 1) * 4_096])
                    case 3:
                        // With its own number, so that nothing but its content is wrong.
                        bytes.replaceSubrange(span, with: good[other * 4_096..<(other + 1) * 4_096])
                        bytes.replaceSubrange(span.prefix(8), with: good[span.prefix(8)])
                    case 4: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
                    case 5: for at in span.dropFirst(16) { bytes[at] = UInt8.random(in: 0...255, using: &random) }
                    case 6:
                        for _ in 0..<4 {
                            let at = span.lowerBound + Int.random(in: 8..<80, using: &random)
                            bytes[at] = UInt8.random(in: 0...255, using: &random)
                        }
                    default: for at in span.suffix(600) { bytes[at] ^= 0xff }
                    }
                }
                if !isGood { refused += 1 }
            }
            #expect(refused > 20, "seed \(seed)")
        }
    }

    @Test("what is no file, or none of LMDB's, is told")
    func noFiles() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let path = folder + "/data.mdb"
            let walk = { PageWalk.walk(path, tables: []).faults.count }
            #expect(walk() == 1)
            for length in [0, 1, 100, 4_096, 8_192, 100_000] {
                for fill in [UInt8(0), 0xff, 0x55] {
                    try Data([UInt8](repeating: fill, count: length)).write(to: URL(fileURLWithPath: path))
                    #expect(walk() == 1)
                }
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(mkfifo(path, 0o600) == 0)
            #expect(walk() == 1)
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            #expect(walk() == 1)
        }
    }

    @Test("a table whose name was turned is told: LMDB would make the missing one anew, without rows")
    func names() throws {
        try RandomEnvironment.with(seed: 9, transactions: 3, rows: 40) { environment in
            var data = try Data(contentsOf: URL(fileURLWithPath: environment.path))
            var turned = 0
            while let found = data.range(of: Data("table3".utf8)) {
                data[found.upperBound - 1] = UInt8(ascii: "4")
                turned += 1
            }
            try data.write(to: URL(fileURLWithPath: environment.path))
            #expect(turned > 0)
            #expect(environment.walk().faults.contains { $0.contains("unknown table") && $0.contains("'table3'") })
            // A newer version's tables beside ours are its own affair.
            let more = RandomEnvironment.tables.dropLast() + [TableID(number: 9, name: "table4")]
            #expect(PageWalk.walk(environment.path, tables: Array(more)).faults == [])
        }
    }

    @Test("a page that is free and used, a page with two parents, rows and counts that do not fit are named")
    func structure() throws {
        try RandomEnvironment.with(seed: 5, transactions: 12, rows: 300, keys: 2_000) { environment in
            let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: environment.path)))
            func word(_ at: Int) -> Int { good.withUnsafeBytes { Int($0.word64(at)) } }
            let newest = word(144) > word(4_096 + 144) ? 0 : 4_096
            func faults(_ change: (inout [UInt8]) -> Void) throws -> String {
                var bytes = good
                change(&bytes)
                try Data(bytes).write(to: URL(fileURLWithPath: environment.path))
                return environment.walk().faults.joined(separator: "\n")
            }
            // The number of rows, in the record of the tree of tables; the last page; the transaction.
            #expect(try faults { $0[newest + 88 + 32] ^= 1 }.contains("is the root of"))
            #expect(try faults { $0[newest + 136] ^= 0x40 }.contains("not in the file"))
            #expect(try faults { $0[newest + 144 + 3] ^= 1 }.contains("transaction"))
            #expect(try faults { $0[newest + 40 + 40] = 2 }.contains("page 2"))
            // The first branch's second child is its first once more.
            let branch = try #require(
                (2..<good.count / 4_096).first { page in
                    good[page * 4_096 + 10] == 1 && (try? faults { $0[page * 4_096 + 10] = 4 }.isEmpty) == false
                })
            let places = (0..<2).map { index in
                branch * 4_096 + Int(good.withUnsafeBytes { $0.word16(branch * 4_096 + 16 + index * 2) })
            }
            let twice = try faults { bytes in
                for byte in 0..<4 { bytes[places[1] + byte] = good[places[0] + byte] }
            }
            #expect(twice.contains("two parents"))
            // Its second key turned.
            #expect(try faults { $0[places[1] + 8] ^= 0xff }.contains("out of order"))
            #expect(try faults { _ in } == "")
        }
    }
}
