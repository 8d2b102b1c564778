import NIOCore

/// The connections of one interface, bounded: a newcomer takes the place of the oldest that has shown no token yet, so that
/// however many are opened and left idle, whoever has a token is served.
struct ConnectionTable {
    /// What became of a newcomer.
    enum Room {
        case free
        /// It may stay; this one has to go.
        case afterClosing(any Channel)
        /// Every place is taken by who has shown a token.
        case none
    }

    let bound: Int
    private var channels: [ObjectIdentifier: any Channel] = [:]
    /// Those without a token, oldest first; who has left or shown one is found out when its turn comes.
    private var unproved: [ObjectIdentifier] = []
    private var firstUnproved = 0
    private var proved: Set<ObjectIdentifier> = []
    /// True once for each time the table fills up, until half of it is free again.
    private(set) var isNewlyFull = false
    private var wasFull = false

    init(bound: Int) { self.bound = bound }

    var all: [any Channel] { Array(channels.values) }

    var count: Int { channels.count }

    mutating func add(_ channel: any Channel) -> Room {
        let room = makeRoom()
        if case .none = room { return room }
        let id = ObjectIdentifier(channel)
        channels[id] = channel
        unproved.append(id)
        return room
    }

    private mutating func makeRoom() -> Room {
        isNewlyFull = false
        guard channels.count >= bound else { return .free }
        isNewlyFull = !wasFull
        wasFull = true
        while firstUnproved < unproved.count {
            let id = unproved[firstUnproved]
            firstUnproved += 1
            if let oldest = channels[id], !proved.contains(id) {
                // It leaves the table at once: its end comes later, and more newcomers may come first.
                channels[id] = nil
                trim()
                return .afterClosing(oldest)
            }
        }
        trim()
        return .none
    }

    /// Keeps the queue no longer than twice what is in it.
    private mutating func trim() {
        guard firstUnproved > 64, firstUnproved * 2 > unproved.count else { return }
        unproved.removeFirst(firstUnproved)
        firstUnproved = 0
    }

    mutating func prove(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        if channels[id] != nil { proved.insert(id) }
    }

    mutating func remove(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        channels[id] = nil
        proved.remove(id)
        if channels.count * 2 < bound { wasFull = false }
        // Who came and went leaves no name behind for ever.
        if unproved.count > 2 * bound + 64 {
            unproved = unproved[firstUnproved...].filter { channels[$0] != nil && !proved.contains($0) }
            firstUnproved = 0
        }
    }
}
