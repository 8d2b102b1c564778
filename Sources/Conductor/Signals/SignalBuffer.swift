/// The last signals of one instance, so that a client that comes back misses none, or is told how many.
///
/// Pure: numbers come in rising by one; the oldest go when the bounds are reached.
struct SignalBuffer {
    /// The most signals of one instance that are kept.
    static let maximumCount = 4_096
    /// The most bytes of one instance's signals that are kept.
    static let maximumBytes = 1 << 20

    private var signals: [UserSignal?] = []
    /// Those before it are gone: nil at once, and taken out of the array in one go, now and then.
    private var first = 0
    /// Bytes of the signals kept.
    private(set) var bytes = 0

    /// How many are kept.
    var count: Int { signals.count - first }

    mutating func add(_ signal: UserSignal) {
        signals.append(signal)
        bytes += Self.cost(signal)
        while count > Self.maximumCount || bytes > Self.maximumBytes { dropOldest() }
    }

    /// Lets the oldest go, for room elsewhere.
    mutating func dropOldest() {
        guard first < signals.count else { return }
        if let oldest = signals[first] { bytes -= Self.cost(oldest) }
        signals[first] = nil
        first += 1
        if first >= 64, first * 2 >= signals.count {
            signals.removeFirst(first)
            first = 0
        }
    }

    /// Those with numbers above `number`, and how many such are gone already; `last` is the newest number given out.
    func since(_ number: UInt64, last: UInt64) -> (signals: [UserSignal], missed: UInt64) {
        guard number < last else { return ([], 0) }
        let kept = signals[first...].compactMap { $0 }.drop { $0.sequence <= number }
        return (Array(kept), last - number - UInt64(kept.count))
    }

    /// What a signal takes in memory, about.
    private static func cost(_ signal: UserSignal) -> Int { signal.payload.count + signal.name.utf8.count + 128 }
}
