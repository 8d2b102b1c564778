import Chain
import Integrity
import Logging

/// How often the modules of an app may end badly before the app is disabled.
public struct FailureBound: Sendable, Hashable {
    /// So many ends; 0: never disabled.
    public var count: Int
    /// Within this time, in microseconds.
    public var windowMicroseconds: UInt64

    /// Ten within a minute unless told: more than a fault that a caller meets and tries again a few times.
    public init(count: Int = 10, windowMicroseconds: UInt64 = 60_000_000) {
        self.count = count
        self.windowMicroseconds = windowMicroseconds
    }
}

/// The bad ends of one app's modules. Pure: time comes in.
struct FailureWindow: Sendable {
    private var times: [UInt64] = []

    /// Notes one, and says whether it is one too many.
    mutating func failed(now: UInt64, _ bound: FailureBound) -> Bool {
        guard bound.count > 0 else { return false }
        times.removeAll { now - min($0, now) >= bound.windowMicroseconds }
        times.append(now)
        return times.count >= bound.count
    }
}

/// An app whose modules trap or hang again and again costs everybody processor time and tells its users nothing: it is
/// disabled, durably and with the reason, until somebody enables it.
extension Conductor {
    /// A module process of the cell ended otherwise than asked to.
    func moduleEnded(_ cell: Cell, _ reason: PlasmidError) {
        let isTooMuch = failures[cell.appID, default: FailureWindow()].failed(
            now: monotonicMicroseconds, options.failureBound)
        guard isTooMuch else { return }
        let (appID, bound) = (cell.appID, options.failureBound)
        let words =
            "its modules ended badly \(bound.count) times within \(bound.windowMicroseconds / 1_000_000) s; the last time: "
            + reason.message
        // Later: the runner that tells of it is in the midst of its own work.
        after(microseconds: 0) { [self] in disable(appID, because: words) }
    }

    private func disable(_ appID: String, because words: String) {
        guard var app = apps[appID], app.isEnabled else { return }
        app.isEnabled = false
        app.disabledBecause = words
        logger.error("an app is disabled", metadata: ["app": "\(appID)", "reason": "\(words)"])
        do throws(PlasmidError) {
            try change(app, { [self] in noted($0, appID) }) { .null }
        } catch {
            // Somebody is changing the app; if it goes on failing, the next time does it.
            noted(.failure(error), appID)
        }
    }

    private func noted(_ result: Result<MessagePackValue, PlasmidError>, _ appID: String) {
        guard case .failure(let error) = result else { return }
        logger.error(
            "an app could not be disabled", metadata: ["app": "\(appID)", "code": "\(error.code.rawValue)"])
    }
}
