import Integrity

/// How many signals, and how many of their bytes, one agent takes from another: what comes faster is left out, so that no
/// member can fill another's buffers or sockets. Pure.
struct SignalGate {
    /// Signals that may come at once, and in each second after that.
    static let burst = 1_000.0
    static let perSecond = 200.0
    /// Bytes of payload that may come at once, and in each second after that.
    static let burstBytes = Double(8 << 20)
    static let bytesPerSecond = Double(2 << 20)
    /// Pairs of agents that are remembered; beyond that those are forgotten first who have had their whole share again.
    static let maximumPairs = 4_096

    private struct Pair: Hashable {
        let from: AgentPubKey
        let to: AgentPubKey
    }

    private struct Share {
        var count = SignalGate.burst
        var bytes = SignalGate.burstBytes
        var at: UInt64

        mutating func refill(_ now: UInt64) {
            guard now > at else { return }
            let seconds = Double(now - at) / 1_000_000
            count = min(SignalGate.burst, count + seconds * SignalGate.perSecond)
            bytes = min(SignalGate.burstBytes, bytes + seconds * SignalGate.bytesPerSecond)
            at = now
        }

        var isWhole: Bool { count >= SignalGate.burst && bytes >= SignalGate.burstBytes }
    }

    private var shares: [Pair: Share] = [:]
    /// Signals that were left out.
    private(set) var refused: UInt64 = 0

    /// Whether a signal is let in, and counts it.
    /// - Parameter now: monotonic microseconds.
    mutating func admit(from: AgentPubKey, to: AgentPubKey, bytes: Int, now: UInt64) -> Bool {
        let pair = Pair(from: from, to: to)
        if shares[pair] == nil, shares.count >= Self.maximumPairs { forget(now) }
        // Many senders at once: nobody new until the others have been quiet.
        guard shares[pair] != nil || shares.count < Self.maximumPairs else {
            refused += 1
            return false
        }
        var share = shares[pair] ?? Share(at: now)
        share.refill(now)
        let admits = share.count >= 1 && share.bytes >= Double(bytes)
        if admits {
            share.count -= 1
            share.bytes -= Double(bytes)
        } else {
            refused += 1
        }
        shares[pair] = share
        return admits
    }

    private mutating func forget(_ now: UInt64) {
        shares = shares.filter { _, share in
            var share = share
            share.refill(now)
            return !share.isWhole
        }
    }
}
