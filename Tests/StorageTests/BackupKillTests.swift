import Foundation
import Integrity
import Testing

@testable import Storage

/// A backup, restore or compaction dies at each of its steps: what it made is whole or not there, what it read is as it was.
@Suite struct BackupKillTests {
    private static func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private static func run(_ what: String, _ source: String, _ destination: String, _ step: String, _ nth: Int) throws
        -> String
    {
        try KilledProcess.run([what, source, destination, step, "\(nth)"], killAfterLines: nil)
    }

    /// Everything of `authors` is in a folder, and nothing in it is damaged.
    private static func expectWhole(_ folder: String, _ authors: [TestAuthor]) throws {
        let report = try Database.check(folder: folder, options: smallOptions(), verifiesSignatures: false)
        #expect(report.faults == [])
        try withDatabase(folder) { (database: Database, _: TestLoop) throws in
            for index in authors.indices {
                let space = try database.space(dna(index), mustExist: true)
                let head = try space.head(of: authors[index].key)
                #expect(head == authors[index].head)
            }
        }
    }

    @Test("killed at a step of a backup", arguments: BackupStep.allCases.filter { $0.rawValue.hasPrefix("backup") })
    func backup(step: BackupStep) throws {
        try withFolder { folder in
            let authors = try BackupTests.fill(folder, commits: 4)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            let said = try Self.run("backup", folder, backup, step.rawValue, 1)
            #expect(said.isEmpty)
            #expect(Self.isThere(backup) == (step == .backupAfterRename))
            try Self.expectWhole(folder, authors)
            // Again: what the first left is no obstacle, unless it was whole.
            if !Self.isThere(backup) { #expect(try Self.run("backup", folder, backup, "none", 0) == "D\n") }
            #expect(!Self.isThere(backup + ".new"))
            try BackupTests.restore(backup, restored)
            try Self.expectWhole(restored, authors)
        }
    }

    @Test("killed at a step of a restore", arguments: BackupStep.allCases.filter { $0.rawValue.hasPrefix("restore") })
    func restore(step: BackupStep) throws {
        try withFolder { folder in
            let authors = try BackupTests.fill(folder, commits: 4)
            let (backup, restored) = (folder + "-backup", folder + "-restored")
            try withDatabase(folder) { database, loop in
                _ = try BackupTests.backUp(database, loop, to: backup).get()
            }
            for nth in 1...(step == .restoreFileCopied ? 4 : 1) {
                #expect(try Self.run("restore", backup, restored, step.rawValue, nth).isEmpty)
                #expect(Self.isThere(restored) == (step == .restoreAfterRename))
            }
            if !Self.isThere(restored) { #expect(try Self.run("restore", backup, restored, "none", 0) == "D\n") }
            #expect(!Self.isThere(restored + ".new"))
            try Self.expectWhole(restored, authors)
        }
    }

    @Test(
        "killed at a step of a compaction", arguments: BackupStep.allCases.filter { $0.rawValue.hasPrefix("compact") })
    func compact(step: BackupStep) throws {
        try withFolder { folder in
            let authors = try BackupTests.fill(folder, commits: 20)
            for nth in 1...3 {
                #expect(try Self.run("compact", folder, "-", step.rawValue, nth).isEmpty)
                try Self.expectWhole(folder, authors)
            }
            #expect(try Self.run("compact", folder, "-", "none", 0) == "D\n")
            try Self.expectWhole(folder, authors)
            let left = BackupTests.listing(folder).filter { $0.hasSuffix(".new") && !$0.hasPrefix("modules") }
            #expect(left.isEmpty)
        }
    }
}
