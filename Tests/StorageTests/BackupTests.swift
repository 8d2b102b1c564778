import Foundation
import Integrity
import Testing

@testable import Storage

/// Backups of a database in use, what is made of them, and what is not.
@Suite struct BackupTests {
    /// A data folder with chains in two spaces, a setting, a keystore and a module.
    static func fill(_ folder: String, commits: Int = 30) throws -> [TestAuthor] {
        try withDatabase(folder) { (database: Database, loop: TestLoop) throws in
            var authors = [TestAuthor("alice"), TestAuthor("bob")]
            for index in authors.indices {
                let space = try database.space(dna(index))
                authors[index].act(.dna(dna(index)))
                #expect(database.commitNow(space, authors[index].take(), loop).code == nil)
                for number in 0..<commits {
                    authors[index].create("note \(number) \(String(repeating: "x", count: 200))")
                    authors[index].create("diary \(number)", type: TestAuthor.secret)
                    #expect(database.commitNow(space, authors[index].take(), loop).code == nil)
                }
            }
            let written = try database.writeNow([.put(.settings, key: [9], value: [7])], loop)
            #expect(written.code == nil)
            try Data("sealed keys".utf8).write(to: URL(fileURLWithPath: folder + "/keystore"))
            let module = folder + "/modules/uhCEk"
            try FileManager.default.createDirectory(atPath: module, withIntermediateDirectories: true)
            try Data("a module".utf8).write(to: URL(fileURLWithPath: module + "/libZome.so"))
            try Data("half".utf8).write(to: URL(fileURLWithPath: module + "/libZome.so.12.new"))
            return authors
        }
    }

    static func backUp(
        _ database: Database, _ loop: TestLoop, to destination: String
    ) -> Result<BackupManifest, PlasmidError> {
        var result: Result<BackupManifest, PlasmidError>?
        let request = BackupRequest(
            destination: destination, others: ["keystore", "modules", "nothing"], createdAt: 5, program: "test")
        database.backup(request) { result = $0 }
        loop.pump { result != nil }
        return result ?? .failure(StorageFault.failed("no answer"))
    }

    static func restore(_ backup: String, _ folder: String, checks: Bool = false) throws {
        let request = RestoreRequest(backup: backup, folder: folder, now: 77, checks: checks)
        _ = try Database.restore(request, options: smallOptions())
    }

    /// Every name below a folder but those of locks.
    static func listing(_ folder: String) -> [String] {
        (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
            .filter { !$0.hasSuffix("lock.mdb") && $0 != "lock" }.sorted()
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    @Test("what was acknowledged before a backup began is in it, while commits go on; what is made of it goes on too")
    func whileRunning() throws {
        try withFolder { folder in
            var authors = try Self.fill(folder)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            let before = authors.map(\.head)
            try withDatabase(folder) { database, loop in
                // Some that no database has yet, then more while the backup runs.
                for _ in 0..<20 {
                    for index in authors.indices {
                        authors[index].create("more")
                        try database.space(dna(index)).commit(authors[index].take()) { #expect($0.code == nil) }
                    }
                }
                let acknowledged = authors.map(\.head)
                var result: Result<BackupManifest, PlasmidError>?
                let request = BackupRequest(
                    destination: backup, others: ["keystore", "modules"], createdAt: 5, program: "test")
                database.backup(request) { result = $0 }
                var later = 0
                loop.pump {
                    if result == nil, later < 500 {
                        later += 1
                        authors[0].create("later \(later)")
                        try? database.space(dna(0)).commit(authors[0].take()) { #expect($0.code == nil) }
                    }
                    return result != nil
                }
                let manifest = try #require(try result?.get())
                #expect(manifest.files.map(\.path).first == "conductor/data.mdb" && manifest.files.count == 5)
                #expect(before[0]?.seq ?? 0 < acknowledged[0]?.seq ?? 0)
                try Self.restore(backup, restored)
                try withDatabase(restored) { copy, copyLoop in
                    for index in authors.indices {
                        let space = try copy.space(dna(index), mustExist: true)
                        let head = try #require(try space.head(of: authors[index].key))
                        #expect(head.seq >= acknowledged[index]?.seq ?? .max)
                        #expect(try space.chain(of: authors[index].key).count == Int(head.seq) + 1)
                        var author = TestAuthor(authors[index].key, head: head)
                        author.create("after the restore")
                        #expect(copy.commitNow(space, author.take(), copyLoop).code == nil)
                    }
                    #expect(try copy.conductor.settings.get([9]) == [7])
                    #expect(try copy.conductor.settings.get(Database.restoredKey)?.count == 16)
                }
            }
            #expect(try String(contentsOfFile: restored + "/keystore", encoding: .utf8) == "sealed keys")
            #expect(try String(contentsOfFile: restored + "/modules/uhCEk/libZome.so", encoding: .utf8) == "a module")
            let report = try Database.check(folder: restored, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults == [])
        }
    }

    @Test("a folder that holds something is never written to, be it a backup's or a restored one's")
    func refusals() throws {
        try withFolder { folder in
            _ = try Self.fill(folder, commits: 2)
            let backup = folder + "-backup"
            try withDatabase(folder) { database, loop in
                #expect(code { _ = try Self.backUp(database, loop, to: folder).get() } == .folderNotEmpty)
                try FileManager.default.createDirectory(atPath: backup, withIntermediateDirectories: true)
                // An empty folder will do.
                _ = try Self.backUp(database, loop, to: backup).get()
                let before = Self.listing(backup)
                guard case .failure(let error) = Self.backUp(database, loop, to: backup) else {
                    Issue.record("a second backup was written over the first")
                    return
                }
                #expect(error.code == .folderNotEmpty && Self.listing(backup) == before)
                try FileManager.default.createDirectory(atPath: folder + "-x.new", withIntermediateDirectories: true)
                try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "-x.new/letter"))
                #expect(code { _ = try Self.backUp(database, loop, to: folder + "-x").get() } == .folderNotEmpty)
                guard case .failure(let homeless) = Self.backUp(database, loop, to: folder + "-none/monday") else {
                    Issue.record("a backup was written into a folder that is not there")
                    return
                }
                #expect(homeless.code == .notFound && homeless.message == "The folder \(folder)-none is not there")
                #expect(code { try Database.checkUnused(folder) } == .storageInUse)
            }
            #expect(code { try Database.checkUnused(folder) } == nil)
            #expect(code { try Self.restore(backup, folder) } == .folderNotEmpty)
            #expect(code { try Self.restore(folder, folder + "-r") } == .notFound)
            #expect(code { try Self.restore(folder + "-none", folder + "-r") } == .notFound)
            #expect(!isThere(folder + "-r") && !isThere(folder + "-r.new"))
        }
    }

    @Test("one backup at a time; closing ends it and leaves nothing behind")
    func closing() throws {
        try withFolder { folder in
            _ = try Self.fill(folder, commits: 5)
            var results: [PlasmidError.Code?] = []
            try withDatabase(folder) { database, _ in
                for name in ["-a", "-b"] {
                    let request = BackupRequest(
                        destination: folder + name, others: [], createdAt: 5, program: "test")
                    database.backup(request) { result in
                        if case .failure(let error) = result { results.append(error.code) } else { results.append(nil) }
                    }
                }
                #expect(results == [.overloaded])
            }
            #expect(results.count == 2 && !isThere(folder + "-b"))
            #expect(!isThere(folder + "-a.new") && results.last == .storageClosed)
        }
    }

    @Test("a backup with any file changed, cut, longer or missing is refused before anything is written")
    func damage() throws {
        try withFolder { folder in
            _ = try Self.fill(folder, commits: 3)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            try withDatabase(folder) { database, loop in _ = try Self.backUp(database, loop, to: backup).get() }
            let files = Self.listing(backup).filter { name in
                (try? FileManager.default.attributesOfItem(atPath: backup + "/" + name)[.type]) as? FileAttributeType
                    == .typeRegular
            }
            #expect(files.count == 7)
            var random = SeededRandom(seed: 5)
            for file in files {
                let url = URL(fileURLWithPath: backup + "/" + file)
                let good = try Data(contentsOf: url)
                var changes: [(inout Data) -> Void] = [
                    { $0 = $0.dropLast() }, { $0.append(0) }, { $0 = Data() },
                ]
                for _ in 0..<6 {
                    let (at, bit) = (
                        Int.random(in: 0..<good.count, using: &random), UInt8.random(in: 0..<8, using: &random)
                    )
                    changes.append { $0[at] ^= 1 << bit }
                }
                for change in changes {
                    var data = good
                    change(&data)
                    try data.write(to: url)
                    let found = code { try Self.restore(backup, restored) }
                    #expect([.backupDamaged, .storageVersion].contains(found), "\(file): \(String(describing: found))")
                    #expect(!isThere(restored) && !isThere(restored + ".new"))
                }
                try FileManager.default.removeItem(at: url)
                let found = code { try Self.restore(backup, restored) }
                #expect([.backupDamaged, .notFound].contains(found), "\(file) is missing")
                try good.write(to: url)
            }
            try Self.restore(backup, restored)
        }
    }

    @Test("a manifest that leads out of the backup, or names what a backup does not hold, is refused")
    func paths() throws {
        for path in [
            "../etc", "/etc/passwd", "conductor/../../x", "spaces//x", "format", "journal/1", "modules/.x", "lock",
            "modules/a/b/c/d", "keystore\u{0}", "conductor/data.mdb\u{2f}..", "spaces/ü",
        ] {
            var manifest = BackupManifest(createdAt: 1, program: "test", format: 1, files: [])
            manifest.files = [BackupManifest.File(path: path, bytes: 1, digest: String(repeating: "0", count: 64))]
            let json = try manifest.json()
            #expect(code { _ = try BackupManifest(json: json, of: "x") } == .backupDamaged, "\(path)")
        }
    }

    @Test("what another process is making is left alone; a backup into the data folder itself is refused")
    func places() throws {
        try withFolder { folder in
            _ = try Self.fill(folder, commits: 2)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            try withDatabase(folder) { database, loop in
                for inside in [
                    "/spaces/monday", "/modules/a/b", "/../\(URL(fileURLWithPath: folder).lastPathComponent)/x",
                ] {
                    let error = Self.backUp(database, loop, to: folder + inside).failureCode
                    #expect(error == "badParameter", "\(inside)")
                }
                try FileManager.default.createSymbolicLink(atPath: folder + "-link", withDestinationPath: folder)
                #expect(Self.backUp(database, loop, to: folder + "-link/x").failureCode == "badParameter")
                let other = try NewFolder(backup)
                #expect(Self.backUp(database, loop, to: backup).failureCode == .storageInUse)
                #expect(isThere(backup + ".new"))
                other.abandon()
                let stray = folder + "/modules/a name"
                try Data("x".utf8).write(to: URL(fileURLWithPath: stray))
                #expect(Self.backUp(database, loop, to: backup).failureCode == .storageFailed)
                #expect(!isThere(backup) && !isThere(backup + ".new"))
                try FileManager.default.removeItem(atPath: stray)
                _ = try Self.backUp(database, loop, to: backup).get()
            }
            let other = try NewFolder(restored)
            try Data("half".utf8).write(to: URL(fileURLWithPath: restored + ".new/conductor"))
            #expect(code { try Self.restore(backup, restored) } == .storageInUse)
            #expect(isThere(restored + ".new/conductor"))
            other.abandon()
            try Self.restore(backup, restored)
            #expect(code { try Self.restore(backup, restored) } == .folderNotEmpty)
        }
    }

    @Test("a restore whose rows are damaged, though its digests are right, is refused by its own check")
    func deepCheck() throws {
        try withFolder { folder in
            // The tests' signatures are none: the check finds that.
            _ = try Self.fill(folder, commits: 2)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            try withDatabase(folder) { database, loop in _ = try Self.backUp(database, loop, to: backup).get() }
            #expect(code { try Self.restore(backup, restored, checks: true) } == .backupDamaged)
            #expect(!isThere(restored) && !isThere(restored + ".new"))
        }
    }

    @Test("compacting leaves out free pages and nothing else")
    func compacting() throws {
        try withFolder { folder in
            let authors = try Self.fill(folder, commits: 60)
            try withDatabase(folder) { database, loop in
                // Large values that are taken away again leave free pages.
                for _ in 0..<3 {
                    let big = [UInt8](repeating: 1, count: 30_000)
                    let results = try [
                        database.writeNow([.put(.settings, key: [1], value: big)], loop),
                        database.writeNow([.delete(.settings, key: [1])], loop),
                    ]
                    #expect(results.allSatisfy { $0.code == nil })
                }
                #expect(code { _ = try Database.compact(folder: folder, options: smallOptions()) } == .storageInUse)
            }
            var places: [String] = []
            let reports = try Database.compact(folder: folder, options: smallOptions(), progress: { places.append($0) })
            #expect(reports.map(\.place) == places && places.first == "conductor" && places.count == 3)
            #expect(reports.allSatisfy { $0.after <= $0.before } && reports.contains { $0.after < $0.before })
            let again = try Database.compact(folder: folder, options: smallOptions())
            #expect(again.map(\.before) == reports.map(\.after) && again.map(\.after) == reports.map(\.after))
            #expect(!Self.listing(folder).contains { $0.hasSuffix(".new") && !$0.contains("modules") })
            try withDatabase(folder) { database, loop in
                let space = try database.space(dna(0), mustExist: true)
                #expect(try space.head(of: authors[0].key) == authors[0].head)
                var author = authors[0]
                author.create("on")
                #expect(database.commitNow(space, author.take(), loop).code == nil)
            }
            let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults == [])
            #expect(code { _ = try Database.compact(folder: folder + "-none") } == .notFound)
        }
    }

    @Test("compacting refuses a database with a damaged page and leaves it alone")
    func compactingDamage() throws {
        try withFolder { folder in
            _ = try Self.fill(folder)
            let file = URL(fileURLWithPath: folder + "/spaces/\(dna(0).text)/data.mdb")
            var data = try Data(contentsOf: file)
            for page in 2..<data.count / 4096 { data[page * 4096 + 10] ^= 0x0f }
            try data.write(to: file)
            #expect(code { _ = try Database.compact(folder: folder, options: smallOptions()) } == .storageCorrupt)
            #expect(try Data(contentsOf: file) == data)
        }
    }

    @Test("a check looks into commits that only the journal holds")
    func journalOnly() throws {
        try withFolder { folder in
            var authors = try Self.fill(folder, commits: 1)
            var options = smallOptions()
            options.applyDelayMilliseconds = 600_000
            let copy = folder + "-copy"
            try withDatabase(folder, options) { database, loop in
                let space = try database.space(dna(0))
                authors[0].create("in the journal only")
                #expect(database.commitNow(space, authors[0].take(), loop).code == nil)
                // What a kill would leave at this moment.
                try FileManager.default.copyItem(atPath: folder, toPath: copy)
            }
            let report = try Database.check(folder: copy, options: smallOptions(), verifiesSignatures: false)
            #expect(report.faults == [] && report.waitingRecords == 1 && report.actions == 7)
            let space = dna(0).text
            let signatures = try Database.check(folder: copy, options: smallOptions())
            #expect(signatures.faults.count { $0.place == space && $0.code == "signatureWrong" } == 4)
        }
    }
}
