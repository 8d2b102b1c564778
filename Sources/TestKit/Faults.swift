import Conductor
import Glibc
import Integrity
import Storage
import Synchronization

/// What becomes of messages between agents, until it is changed again.
public final class MessageFaults: Sendable {
    private struct Way: Hashable {
        let from: AgentPubKey?
        let to: AgentPubKey?
    }

    private let fates = Mutex<[Way: MessageFate]>([:])

    /// From now on messages and remote calls from one person to another are lost: the sender waits until its time is up.
    /// - Parameters:
    ///   - from: the sender; nil for everyone.
    ///   - to: the receiver; nil for everyone.
    public func lose(from: Person? = nil, to: Person? = nil) { set(.lost, from, to) }

    /// From now on they are refused at once, as for an agent who is known to be away (`peerUnreachable`).
    public func refuse(from: Person? = nil, to: Person? = nil) { set(.unreachable, from, to) }

    /// From now on they arrive, whatever holds for others.
    public func deliver(from: Person? = nil, to: Person? = nil) { set(.delivered, from, to) }

    private func set(_ fate: MessageFate, _ from: Person?, _ to: Person?) {
        fates.withLock { $0[Way(from: from?.agent, to: to?.agent)] = fate }
    }

    /// Everything arrives again.
    public func clear() { fates.withLock { $0 = [:] } }

    /// The most particular rule that fits.
    func fate(_ from: AgentPubKey, _ to: AgentPubKey) -> MessageFate {
        fates.withLock { fates in
            fates[Way(from: from, to: to)] ?? fates[Way(from: from, to: nil)] ?? fates[Way(from: nil, to: to)]
                ?? fates[Way(from: nil, to: nil)] ?? .delivered
        }
    }
}

/// The disk under one conductor: a switch in front of the journal's system calls.
final class DiskSwitch: Sendable {
    private let failure = Mutex<Int32?>(nil)

    /// From now on every write and sync fails with this errno; nil for none.
    func fail(with code: Int32?) { failure.withLock { $0 = code } }

    private var code: Int32? { failure.withLock { $0 } }

    /// The real calls behind the switch.
    var calls: FileCalls {
        let system = FileCalls.system
        return FileCalls(
            open: { [self] path, flags, mode in
                if let code, flags & O_CREAT != 0 { return -code }
                return system.open(path, flags, mode)
            },
            pwrite: { [self] file, bytes, offset in
                if let code { return -Int(code) }
                return system.pwrite(file, bytes, offset)
            },
            pread: system.pread,
            fdatasync: { [self] file in
                if let code { return -code }
                return system.fdatasync(file)
            })
    }
}
