import Foundation
import Storage
import Synchronization

/// Kills this process at the n-th pass of a named step on the way to the disk (`NAME:N`; those of commits and of saving the
/// configuration), so that a test can look at what a power cut leaves. In test mode only.
final class KillPoint: Sendable {
    private let name: String
    private let left: Mutex<Int>

    private init(name: String, pass: Int) {
        self.name = name
        left = Mutex(pass)
    }

    /// `PLASMID_KILL_AT`; nil where it is not set or names no step.
    static func fromEnvironment(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> KillPoint? {
        guard let parts = environment["PLASMID_KILL_AT"]?.split(separator: ":").map(String.init), parts.count == 2,
            SyncPoint(rawValue: parts[0]) != nil || ConfigStep(rawValue: parts[0]) != nil, let pass = Int(parts[1])
        else { return nil }
        return KillPoint(name: parts[0], pass: pass)
    }

    @Sendable
    func atSyncPoint(_ reached: SyncPoint) { pass(reached.rawValue) }

    @Sendable
    func atConfigStep(_ reached: ConfigStep) { pass(reached.rawValue) }

    private func pass(_ reached: String) {
        guard reached == name else { return }
        let now = left.withLock { count in
            count -= 1
            return count
        }
        if now == 0 { kill(getpid(), SIGKILL) }
    }
}
