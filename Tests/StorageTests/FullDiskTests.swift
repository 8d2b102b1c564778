import Foundation
import Glibc
import Integrity
import Testing

@testable import Storage

@Suite struct FullDiskTests {
    private static let mayMount = geteuid() == 0 && FullDisk.works

    @Test("a full map: commits stay in the journal, then are refused; nothing acknowledged is lost")
    func fullMap() throws {
        try withFolder { folder in
            var options = smallOptions()
            options.mapBytes = 400 << 10
            options.journalBytesMax = 192 << 10
            let said = try fill(folder, options)
            #expect(said > 0)
            // With a larger map the start applies what waited in the journal.
            options.mapBytes = 64 << 20
            try expect(said, folder, options)
        }
    }

    @Test(
        "a full disk: refused with diskFull, and commits go on when space returns",
        .enabled(if: FullDiskTests.mayMount, "needs root and mount"))
    func fullDisk() throws {
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let disk = try FullDisk(folder, kilobytes: 1200)
            defer { disk.unmount() }
            var options = smallOptions()
            options.journalBytesMax = 192 << 10
            let ballast = folder + "/ballast"
            try Data(count: 300 << 10).write(to: URL(fileURLWithPath: ballast))
            let said = try fill(folder, options) { database, loop, alice in
                // Space returns while the database is open.
                unlink(ballast)
                alice.create("after")
                let space = try database.space(dna(1))
                let commit = alice.take()
                var code: PlasmidError.Code? = .diskFull
                for _ in 0..<200 where code == .diskFull {
                    code = database.commitNow(space, commit, loop).code
                    if code == .diskFull { loop.pumpOnce() }
                }
                #expect(code == nil)
            }
            #expect(said > 0)
            try expect(said, folder, options)
        }
    }

    /// Commits until it is refused; how many were acknowledged.
    private func fill(
        _ folder: String, _ options: Database.Options,
        then: ((Database, TestLoop, inout TestAuthor) throws -> Void)? = nil
    ) throws -> Int {
        try withDatabase(folder, options) { (database: Database, loop: TestLoop) throws in
            let space = try database.space(dna(1))
            var alice = TestAuthor("alice")
            alice.act(.dna(dna(1)))
            var said = 0
            var refusal: PlasmidError.Code?
            for index in 0..<5000 where refusal == nil {
                var next = alice
                next.create(String(repeating: "x", count: 1000) + "\(index)")
                refusal = database.commitNow(space, next.take(), loop).code
                if refusal == nil {
                    alice = next
                    said += 1
                }
            }
            #expect(refusal == .diskFull)
            // What was taken can still be read.
            #expect(try space.head(of: alice.key) == alice.head)
            _ = alice.take()
            try then?(database, loop, &alice)
            return said
        }
    }

    private func expect(_ said: Int, _ folder: String, _ options: Database.Options) throws {
        try withDatabase(folder, options) { database, _ in
            let space = try database.space(dna(1), mustExist: true)
            #expect(try space.chain(of: TestAuthor("alice").key).count > said)
        }
    }
}

/// A small file system in memory over a folder.
private struct FullDisk {
    let path: String

    init(_ path: String, kilobytes: Int) throws {
        self.path = path
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    func unmount() {
        umount2(path, Int32(MNT_DETACH))
    }

    /// Whether this system lets the tests mount one.
    static let works: Bool = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plasmid-mount-\(UUID().uuidString)")
            .path
        guard mkdir(folder, 0o700) == 0 else { return false }
        defer { rmdir(folder) }
        guard let disk = try? FullDisk(folder, kilobytes: 64) else { return false }
        disk.unmount()
        return true
    }()
}
