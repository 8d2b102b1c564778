import Integrity

/// One signal that a zome emitted and that its call's commit let out.
public struct UserSignal: Sendable {
    /// `app/role` of the cell.
    public let instanceID: String
    /// Name of the installed app.
    public let appID: String
    /// Zome that emitted it.
    public let zome: String
    /// The app's own name for the signal.
    public let name: String
    /// One MessagePack value.
    public let payload: [UInt8]
    /// Number of the signal within its cell, from 1, since the conductor started.
    public let sequence: UInt64
}

/// Hands signals to whoever registered, in the order in which calls committed.
///
/// Confined to the conductor loop.
final class SignalHub {
    private var listeners: [(number: UInt64, hear: (UserSignal) -> Void)] = []
    private var lastNumber: UInt64 = 0
    /// The last signal's number of each instance: it rises as long as the conductor runs, stopped cells or not.
    private var numbers: [String: UInt64] = [:]

    var count: Int { listeners.count }

    /// Registers a listener; the returned number unregisters it.
    func add(_ listener: @escaping (UserSignal) -> Void) -> UInt64 {
        lastNumber += 1
        listeners.append((lastNumber, listener))
        return lastNumber
    }

    func remove(_ number: UInt64) {
        listeners.removeAll { $0.number == number }
    }

    func nextNumber(of instanceID: String) -> UInt64 {
        numbers[instanceID, default: 0] += 1
        return numbers[instanceID, default: 0]
    }

    func deliver(_ signal: UserSignal) {
        for listener in listeners {
            listener.hear(signal)
        }
    }
}
