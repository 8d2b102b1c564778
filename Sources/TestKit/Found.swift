import Synchronization

/// What a waiting condition found, for the one who waits.
final class Found: Sendable {
    private let state = Mutex<[UInt8]>([])

    var bytes: [UInt8] { state.withLock { $0 } }

    func set(_ bytes: [UInt8]) { state.withLock { $0 = bytes } }
}
