import Integrity
import Logging
import NIOCore
import Storage

/// `admin/backup`: a copy of everything while everything goes on.
extension Conductor {
    /// The version of this program, as it shows itself.
    public static let version = "0.1.0"

    func backUp(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let path = try params.text("path")
        guard path.hasPrefix("/"), path.utf8.count < 4_000 else {
            throw PlasmidError(.badParameter, "`path` has to be a whole path, from the root on")
        }
        guard backupProgress == nil else {
            throw PlasmidError(.overloaded, "a backup is under way", hint: "`admin/backup/status` tells how far it is")
        }
        let progress = BackupProgress()
        backupProgress = progress
        let request = Self.backupRequest(to: path, now: options.clock())
        database.backup(request, progress: progress) { [self] result in
            backupProgress = nil
            if case .failure(let error) = result {
                logger.error("a backup failed", metadata: ["code": "\(error.code.rawValue)"])
            }
            reply(result.map { Self.view(of: $0, at: path) })
        }
    }

    /// What a backup holds beside the databases.
    public static func backupRequest(to path: String, now: Timestamp) -> BackupRequest {
        BackupRequest(
            destination: path, others: ["keystore", "modules"], createdAt: now.microseconds,
            program: "plasmid \(version)")
    }

    /// What a backup came to.
    public static func view(of manifest: BackupManifest, at path: String) -> MessagePackValue {
        .object([
            "path": .string(path), "created_at": .number(manifest.createdAt),
            "files": .number(manifest.files.count), "bytes": .number(manifest.bytes),
        ])
    }

    /// `admin/backup/status`
    func backupStatus() -> MessagePackValue {
        .object([
            "running": .bool(backupProgress != nil), "done_bytes": .number(backupProgress?.done ?? 0),
            "total_bytes": .number(backupProgress?.total ?? 0),
        ])
    }
}
