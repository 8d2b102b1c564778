import Glibc
import Integrity
import Storage

/// Backs up, restores or compacts, and dies at a step. Arguments: `backup|restore|compact`, source, destination, step, n-th
/// time; prints `D` when it has come to its end.
enum BackupKiller {
    static func run(_ arguments: [String]) -> Int32? {
        guard arguments.count == 5, ["backup", "restore", "compact"].contains(arguments[0]),
            let nth = Int(arguments[4])
        else { return nil }
        let counter = Counter()
        let step = BackupStep(rawValue: arguments[3])
        let atStep: @Sendable (BackupStep) -> Void = { reached in
            if reached == step, counter.next() == nth { kill(getpid(), SIGKILL) }
        }
        var options = Database.Options()
        options.mapBytes = 256 << 20
        options.segmentBytes = 16 << 10
        do {
            switch arguments[0] {
            case "backup": try backup(arguments[1], arguments[2], options, atStep)
            case "restore":
                let request = RestoreRequest(
                    backup: arguments[1], folder: arguments[2], now: 7, checks: false, atStep: atStep)
                _ = try Database.restore(request, options: options)
            default: _ = try Database.compact(folder: arguments[1], options: options, atStep: atStep)
            }
            Killer.say("D\n")
            return 0
        } catch {
            Killer.say("E \(error)\n")
            return 1
        }
    }

    private static func backup(
        _ folder: String, _ destination: String, _ options: Database.Options,
        _ atStep: @escaping @Sendable (BackupStep) -> Void
    ) throws {
        let loop = HelperLoop()
        let database = try Database(folder: folder, options: options, deliver: loop.deliver)
        var result: Result<BackupManifest, PlasmidError>?
        let request = BackupRequest(
            destination: destination, others: ["keystore", "modules"], createdAt: 5, program: "test", atStep: atStep)
        database.backup(request) { result = $0 }
        loop.run { result != nil }
        database.close()
        _ = try result?.get()
    }
}
