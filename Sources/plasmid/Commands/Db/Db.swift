import ArgumentParser
import Conductor
import Foundation
import Integrity
import NIOCore
import NIOPosix
import Storage

/// `plasmid db …`: what a conductor keeps on disk.
struct Db: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Look after what a conductor keeps on disk.",
        subcommands: [DbCheck.self, DbBackup.self, DbRestore.self, DbCompact.self])
}

/// `plasmid db backup DEST`
struct DbBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy everything into a new folder, while the conductor runs or not.",
        discussion: """
            Nothing that was acknowledged before the backup began is missing from it: chains, apps, their modules, \
            tokens and the sealed keystore. The folder gets its name when it is whole; one that ends in .new was cut \
            off. 'plasmid db restore' makes a data folder of it.
            """)

    @Argument(help: "The folder to make; it must not be there yet, or be empty.", completion: .directory)
    var destination: String

    @OptionGroup var output: OutputOptions
    @OptionGroup var conductor: ConductorOptionsForClients

    func run() async throws {
        let folder = try DataFolder(option: conductor.data)
        let path = DataFolder.absolute(destination)
        guard FileManager.default.fileExists(atPath: folder.path + "/format") else {
            throw Failure(
                PlasmidError(
                    .notFound, "\(folder.path) is not a data folder: it has no file 'format'",
                    hint: "name the folder of a conductor with --data DIR"))
        }
        let answer: MessagePackValue
        do {
            answer = try await Self.withoutConductor(folder, path)
        } catch let error as PlasmidError where error.code == .storageInUse {
            answer = try await running(path)
        }
        if output.json { return try Output.json(answer) }
        let (files, bytes) = (answer["files"]?.number ?? 0, answer["bytes"]?.number ?? 0)
        Output.line("\(path): \(Words.count(Int(files), "file")), \(Words.size(bytes))")
    }

    /// Opens the folder itself: no conductor runs.
    private static func withoutConductor(_ folder: DataFolder, _ path: String) async throws -> MessagePackValue {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: MessagePackValue.self)
        let progress = BackupProgress()
        let request = Conductor.backupRequest(to: path, now: DbRestore.now())
        let opened = NIOLoopBoundBox<Database?>.makeBoxSendingValue(nil, eventLoop: loop)
        loop.execute {
            do {
                let database = try Database(folder: folder.path) { work in loop.execute(work) }
                opened.value = database
                database.backup(request, progress: progress) { result in
                    done.completeWith(result.map { Conductor.view(of: $0, at: path) }.mapError { $0 })
                }
            } catch {
                done.fail(error)
            }
        }
        let result = try await DbProgress.watching("backing up", until: done.futureResult) {
            (progress.done, progress.total)
        }
        try await loop.submit { opened.value?.close() }.get()
        return try result.get()
    }

    /// Asks the conductor to do it.
    private func running(_ path: String) async throws -> MessagePackValue {
        let connection = try conductor.connect()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: MessagePackValue.self)
        done.completeWithTask { try await connection.request("admin/backup", .object(["path": .string(path)])) }
        let result = try await DbProgress.watching("backing up", until: done.futureResult) {
            let status = try? await connection.request("admin/backup/status", .map([]))
            return (Int(status?["done_bytes"]?.number ?? 0), Int(status?["total_bytes"]?.number ?? 0))
        }
        return try result.get()
    }
}

/// A bar for work that goes on elsewhere.
enum DbProgress {
    /// Draws how far it is until it has ended; looks five times a second, and only where somebody can see the bar.
    static func watching(
        _ title: String, until end: EventLoopFuture<MessagePackValue>, _ look: @Sendable () async -> (Int, Int)
    ) async throws -> Result<MessagePackValue, any Error> {
        let isOver = end.eventLoop.makePromise(of: Void.self)
        end.whenComplete { _ in isOver.succeed(()) }
        if isatty(STDERR_FILENO) == 1 {
            let start = ProcessInfo.processInfo.systemUptime
            var drawn = false
            while true {
                let pause = end.eventLoop.makePromise(of: Bool.self)
                let timer = end.eventLoop.scheduleTask(in: .milliseconds(200)) { pause.succeed(false) }
                end.whenComplete { _ in pause.succeed(true) }
                let ended = try await pause.futureResult.get()
                timer.cancel()
                if ended { break }
                let (done, total) = await look()
                let seconds = ProcessInfo.processInfo.systemUptime - start
                guard seconds > 1 else { continue }
                drawn = true
                let line = ProgressBar.line(
                    title, done >> 10, of: total >> 10, seconds: seconds, columns: terminalColumns())
                FileHandle.standardError.write(Data("\r\(line)\u{1B}[K".utf8))
            }
            if drawn { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        }
        do {
            return .success(try await end.get())
        } catch {
            return .failure(error)
        }
    }
}

/// `plasmid db restore BACKUP`
struct DbRestore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a data folder out of a backup.",
        discussion: """
            Every file is held against the backup's digests before anything is written, and everything is checked as \
            by 'plasmid db check' before the folder gets its name. The cells are read-only afterwards, until \
            'plasmid admin restored' is told that no other copy of their keys is in use: a chain that is written on \
            in two places forks.
            """)

    @Argument(help: "The folder that 'plasmid db backup' made.", completion: .directory)
    var backup: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The data folder to make. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @Flag(name: .long, help: "Hold the digests only, and leave out the check of every hash, signature and index.")
    var skipCheck = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try DataFolder(option: data)
        let request = RestoreRequest(
            backup: DataFolder.absolute(backup), folder: folder.path, now: DbRestore.now().microseconds,
            checks: !skipCheck)
        let progress = BackupProgress()
        let manifest = try ProgressBar.during("restoring") {
            try Database.restore(request, progress: progress)
        }
        if output.json {
            return try Output.json(Conductor.view(of: manifest, at: folder.path))
        }
        let made = Words.time(microseconds: manifest.createdAt)
        Output.line(
            "\(folder.path): restored from the backup of \(made), \(Words.count(manifest.files.count, "file")), "
                + Words.size(Int64(manifest.bytes)))
        Output.note(
            "hint: its cells are read-only until you say that no other copy of their keys is in use:\n"
                + "      plasmid admin restored")
    }

    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

/// `plasmid db compact`
struct DbCompact: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Rewrite the databases without their free space.",
        discussion:
            "The conductor of the folder must not be running. Each database needs its own size of room meanwhile.")

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The data folder. Default: $XDG_DATA_HOME/plasmid or ~/.local/share/plasmid.", valueName: "dir"),
        completion: .directory)
    var data: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try DataFolder(option: data)
        let bar = ProgressBar("compacting", total: 0)
        var done = 0
        let reports = try Database.compact(
            folder: folder.path,
            progress: { _ in
                done += 1
                bar.update(done)
            })
        bar.finish()
        if output.json {
            let rows = reports.map { report in
                MessagePackValue.object([
                    "place": .string(report.place), "before": .int(Int64(report.before)),
                    "after": .int(Int64(report.after)),
                ])
            }
            return try Output.json(.array(rows))
        }
        let sum = (reports.reduce(0) { $0 + $1.before }, reports.reduce(0) { $0 + $1.after })
        let rows = (reports.map { ($0.place, $0.before, $0.after) } + [("in all", sum.0, sum.1)]).map { row in
            [Words.short(hash: row.0), Words.size(Int64(row.1)), Words.size(Int64(row.2))]
        }
        Output.line(
            Table(headings: ["DATABASE", "BEFORE", "AFTER"], rows: rows, alignments: [.left, .right, .right]).text)
    }
}
