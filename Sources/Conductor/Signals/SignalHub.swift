import Integrity

/// One signal that a zome emitted, or that another agent's zome sent to it, and that its call's commit let out.
public struct UserSignal: Sendable {
    /// `app/role` of the cell.
    public let instanceID: String
    /// Name of the installed app.
    public let appID: String
    /// Zome that emitted it, or that it was sent to.
    public let zome: String
    /// The app's own name for the signal.
    public let name: String
    /// One MessagePack value.
    public let payload: [UInt8]
    /// Number of the signal within its cell, from 1, since the conductor started.
    public let sequence: UInt64
    /// The other agent whose zome sent it, proved; nil for a signal of the cell itself.
    public var from: AgentPubKey?
}

/// Hands signals to whoever registered, in the order in which calls committed, and keeps the last ones for a while.
///
/// Confined to the conductor loop.
final class SignalHub {
    /// The most bytes of kept signals, all instances together.
    static let maximumBytes = 64 << 20

    private var listeners: [(number: UInt64, hear: (UserSignal) -> Void)] = []
    private var lastNumber: UInt64 = 0
    /// The last signal's number of each instance: it rises as long as the conductor runs, stopped cells or not.
    private var numbers: [String: UInt64] = [:]
    private var buffers: [String: SignalBuffer] = [:]
    /// Bytes in all buffers.
    private(set) var bufferedBytes = 0
    /// What the conductor itself has to say.
    let system = SystemSignals()

    var count: Int { listeners.count }

    /// How many signals are kept, all instances together.
    var bufferedCount: Int { buffers.values.reduce(0) { $0 + $1.count } }

    /// How many signals were given numbers since the start.
    var emitted: UInt64 { numbers.values.reduce(0, +) }

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

    /// The number of the newest signal of an instance; 0 if it has emitted none.
    func lastNumber(of instanceID: String) -> UInt64 { numbers[instanceID] ?? 0 }

    func deliver(_ signal: UserSignal) {
        keep(signal)
        for listener in listeners {
            listener.hear(signal)
        }
    }

    /// The signals of an instance with numbers above `number`, as far as they are kept, and how many are not.
    func since(_ number: UInt64, of instanceID: String) -> (signals: [UserSignal], missed: UInt64) {
        (buffers[instanceID] ?? SignalBuffer()).since(number, last: lastNumber(of: instanceID))
    }

    /// Forgets the kept signals of an instance that is there no more; its numbers go on if it comes back.
    func forget(_ instanceID: String) {
        bufferedBytes -= buffers.removeValue(forKey: instanceID)?.bytes ?? 0
    }

    private func keep(_ signal: UserSignal) {
        change(signal.instanceID) { $0.add(signal) }
        while bufferedBytes > Self.maximumBytes, let fullest = buffers.max(by: { $0.value.bytes < $1.value.bytes })?.key
        {
            change(fullest) { $0.dropOldest() }
        }
    }

    private func change(_ instanceID: String, _ body: (inout SignalBuffer) -> Void) {
        // Taken out while it changes, so that it is never copied.
        var buffer = buffers.removeValue(forKey: instanceID) ?? SignalBuffer()
        bufferedBytes -= buffer.bytes
        body(&buffer)
        bufferedBytes += buffer.bytes
        buffers[instanceID] = buffer
    }
}
