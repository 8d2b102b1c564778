import Foundation
import Integrity
import Testing

@testable import Storage

/// The journal's files after faults, and what opening them says.
@Suite struct JournalTests {
    /// Options under which nothing is applied to LMDB by itself, so that only the journal holds the commits.
    private var journalOnly: Database.Options {
        var options = smallOptions()
        options.applyDelayMilliseconds = 600_000
        return options
    }

    /// Makes a folder whose journal alone holds `count` commits, each in a group of its own, and leaves it as a crash would.
    private func crashed(_ folder: String, commits count: Int) throws -> TestAuthor {
        let copy = folder + ".copy"
        var alice = TestAuthor("alice")
        try withDatabase(folder, journalOnly) { database, loop in
            let space = try database.space(dna(1))
            alice.act(.dna(dna(1)))
            for index in 0..<count {
                alice.create("note \(index)")
                #expect(database.commitNow(space, alice.take(), loop).code == nil)
            }
            try FileManager.default.copyItem(atPath: folder, toPath: copy)
        }
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.moveItem(atPath: copy, toPath: folder)
        return alice
    }

    /// The places of the records in the segment that holds them.
    private func records(_ folder: String) throws -> (path: String, bytes: [UInt8], starts: [Int]) {
        var best: (path: String, bytes: [UInt8], starts: [Int]) = ("", [], [])
        for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/journal") {
            let path = folder + "/journal/" + name
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            var starts: [Int] = []
            var position = SegmentHeader.blockBytes
            bytes.withUnsafeBytes { bytes in
                while let record = RecordHeader(bytes, at: position) {
                    starts.append(position)
                    position += RecordHeader.room(record.payloadCount)
                }
            }
            if starts.count > best.starts.count { best = (path, bytes, starts) }
        }
        return best
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    private func chainCount(_ folder: String, _ author: AgentPubKey) throws -> Int {
        try withDatabase(folder) { database, _ in
            try database.space(dna(1), mustExist: true).chain(of: author).count
        }
    }

    @Test("what only the journal holds is there after a crash, however often the start is repeated")
    func replay() throws {
        try withFolder { folder in
            let alice = try crashed(folder, commits: 8)
            for _ in 0..<3 { #expect(try chainCount(folder, alice.key) == 9) }
        }
    }

    @Test("a tail torn off anywhere in the last record costs that record alone")
    func tornTail() throws {
        try withFolder { folder in
            let alice = try crashed(folder, commits: 5)
            let saved = folder + ".saved"
            try FileManager.default.copyItem(atPath: folder, toPath: saved)
            let (path, bytes, starts) = try records(folder)
            let last = try #require(starts.last)
            let end = bytes.withUnsafeBytes {
                RecordHeader($0, at: last).map { last + RecordHeader.room($0.payloadCount) }
            }
            for cut in [last, last + 1, last + 79, last + 80, last + 200, try #require(end) - 9] {
                try FileManager.default.removeItem(atPath: folder)
                try FileManager.default.copyItem(atPath: saved, toPath: folder)
                var torn = bytes
                for index in cut..<torn.count { torn[index] = 0 }
                try write(torn, path)
                #expect(try chainCount(folder, alice.key) == 5, "cut at \(cut)")
            }
        }
    }

    @Test("a flipped bit in a record that later ones call synced is refused by name, and nothing is changed")
    func lostRecord() throws {
        try withFolder { folder in
            _ = try crashed(folder, commits: 5)
            let (path, bytes, starts) = try records(folder)
            for offset in [0, 5, 9, 30, 76, 90, 300] {
                var damaged = bytes
                damaged[starts[1] + offset] ^= 4
                try write(damaged, path)
                #expect(code { _ = try withDatabase(folder) { _, _ in } } == .journalDamaged, "offset \(offset)")
                #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == damaged)
            }
            try write(bytes, path)
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == nil)
        }
    }

    @Test("a segment whose header is damaged is not taken for an empty one")
    func lostHeader() throws {
        try withFolder { folder in
            _ = try crashed(folder, commits: 5)
            let (path, bytes, _) = try records(folder)
            var damaged = bytes
            damaged[20] ^= 1
            try write(damaged, path)
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == .journalDamaged)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/journal") {
                try FileManager.default.removeItem(atPath: folder + "/journal/" + name)
            }
            #expect(code { _ = try withDatabase(folder) { _, _ in } } == .journalDamaged)
        }
    }

    @Test("a journal older than the spaces is refused")
    func olderJournal() throws {
        try withFolder { folder in
            let alice = try crashed(folder, commits: 2)
            let saved = folder + ".journal"
            try FileManager.default.copyItem(atPath: folder + "/journal", toPath: saved)
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(1))
                var author = TestAuthor(alice.key, head: try space.head(of: alice.key))
                author.create("later")
                #expect(database.commitNow(space, author.take(), loop).code == nil)
            }
            try FileManager.default.removeItem(atPath: folder + "/journal")
            try FileManager.default.moveItem(atPath: saved, toPath: folder + "/journal")
            #expect(
                code { try withDatabase(folder) { database, _ in _ = try database.space(dna(1)) } } == .journalDamaged)
        }
    }

    @Test("commits that wait together share one sync")
    func groups() throws {
        try withFolder { folder in
            let syncs = Monitor(0)
            // The first sync is held until all the others wait behind it.
            let gate = Monitor(false)
            var options = journalOnly
            options.segmentBytes = 1 << 20
            options.journalBytesMax = 4 << 20
            let armed = Monitor(false)
            options.calls.fdatasync = { file in
                if armed.with({ $0 }) {
                    syncs.with { $0 += 1 }
                    _ = gate.wait { $0 ? true : nil }
                }
                return FileCalls.system.fdatasync(file)
            }
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(1))
                armed.with { $0 = true }
                var done = 0
                for index in 0..<33 {
                    var author = TestAuthor("author \(index)")
                    author.act(.dna(dna(1)))
                    space.commit(author.take()) { if $0.code == nil { done += 1 } }
                    if index == 0 { while syncs.with({ $0 }) == 0 { sched_yield() } }
                }
                gate.with(wake: true) { $0 = true }
                loop.pump { done == 33 }
                #expect(done == 33)
                #expect(syncs.with { $0 } == 2)
                armed.with { $0 = false }
            }
        }
    }

    @Test("short writes are finished, interrupted calls repeated")
    func shortWrites() throws {
        try withFolder { folder in
            var options = journalOnly
            let turn = Monitor(0)
            options.calls.pwrite = { file, bytes, offset in
                let count = turn.with { turn in
                    turn += 1
                    return turn
                }
                if count % 3 == 0 { return -Int(EINTR) }
                return FileCalls.system.pwrite(file, bytes.slice(0, (bytes.count + 1) / 2), offset)
            }
            let alice = try withDatabase(folder, options) { database, loop in
                var alice = TestAuthor("alice")
                let space = try database.space(dna(1))
                alice.act(.dna(dna(1)))
                #expect(database.commitNow(space, alice.take(), loop).code == nil)
                return alice
            }
            #expect(try chainCount(folder, alice.key) == 1)
        }
    }

    @Test("a failed write or sync ends all writing; a restart has what was acknowledged", arguments: [true, false])
    func poison(failsSync: Bool) throws {
        try withFolder { folder in
            var options = journalOnly
            let failing = Monitor(false)
            if failsSync {
                options.calls.fdatasync = { failing.with { $0 } ? -EIO : FileCalls.system.fdatasync($0) }
            } else {
                options.calls.pwrite = { failing.with { $0 } ? -Int(EIO) : FileCalls.system.pwrite($0, $1, $2) }
            }
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(1))
                #expect(database.commitNow(space, alice.take(), loop).code == nil)
                failing.with { $0 = true }
                alice.create("lost")
                #expect(database.commitNow(space, alice.take(), loop).code == .storageFailed)
                failing.with { $0 = false }
                // The disk works again, but what it did with the bytes is not known.
                alice.create("refused")
                #expect(database.commitNow(space, alice.take(), loop).code == .storageFailed)
                #expect(try database.writeNow([.put(.settings, key: [1], value: [])], loop).code == .storageFailed)
                #expect(database.failure?.code == .storageFailed)
            }
            #expect(try chainCount(folder, alice.key) >= 1)
        }
    }

    @Test("segments are used again once their commits are in LMDB, and the journal stays within its size")
    func reuse() throws {
        try withFolder { folder in
            var options = smallOptions()
            options.journalBytesMax = 256 << 10
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(1))
                var alice = TestAuthor("alice")
                alice.act(.dna(dna(1)))
                var open = 0
                for index in 0..<600 {
                    alice.create(String(repeating: "x", count: 2000) + "\(index)")
                    open += 1
                    space.commit(alice.take()) { if $0.code == nil { open -= 1 } }
                    loop.pump { open < 4 }
                }
                loop.pump { open == 0 }
                #expect(open == 0)
                #expect(try space.chain(of: alice.key).count == 601)
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/journal")
            #expect(files.count <= 4)
        }
    }

    @Test("a commit larger than a segment is refused")
    func tooLarge() throws {
        try withFolder { folder in
            try withDatabase(folder) { database, loop in
                var alice = TestAuthor("alice")
                alice.act(.dna(dna(1)))
                alice.create(String(repeating: "x", count: 70_000))
                let space = try database.space(dna(1))
                #expect(database.commitNow(space, alice.take(), loop).code == .tooLarge)
                #expect(try space.head(of: alice.key) == nil)
            }
        }
    }

    @Test("CRC-32C of the usual nine digits, and in parts")
    func checksum() {
        let digits = Array("123456789".utf8)
        digits.withUnsafeBytes { bytes in
            #expect(CRC32C.checksum(bytes) == 0xE306_9283)
            #expect(CRC32C.checksum(bytes.from(4), previous: CRC32C.checksum(bytes.slice(0, 4))) == 0xE306_9283)
        }
        let zeros = [UInt8](repeating: 0, count: 32)
        zeros.withUnsafeBytes { #expect(CRC32C.checksum($0) == 0x8A91_36AA) }
    }
}
