import NIOCore

/// The yamux multiplexer of one connection, without a connection: bytes of the peer and wishes of this side go in, events
/// and bytes to send come out. The clock is an argument.
///
/// Whoever holds it delivers every `.data` to somebody and says ``consumed(_:_:now:)`` for each of its bytes exactly once,
/// delivered or thrown away; until then they count against the window of the stream and the memory of the connection.
struct YamuxSession: Sendable {
    enum Role: Sendable { case client, server }

    /// What the holder has to know of.
    enum Event: Hashable, Sendable {
        /// The peer opened a stream.
        case opened(UInt32)
        case data(UInt32, ByteBuffer)
        /// The peer sends no more on it.
        case finished(UInt32)
        /// Nothing more comes or goes on it, and nothing of it is known here any more.
        case reset(UInt32, code: UInt32)
        /// So little is unsent that the writer may go on.
        case writable(UInt32)
        /// Both sides have finished; nothing of it is known here any more.
        case ended(UInt32)
        /// The peer takes no new streams.
        case goingAway(code: UInt32)
        /// The connection is over once what ``fill(_:limit:events:)`` still gives has been sent.
        case failed(YamuxFault)
    }

    struct Stream: Sendable {
        /// Bytes the peer lets us send.
        var sendWindow = UInt32(YamuxLimits.initialWindow)
        /// Bytes we let the peer send.
        var receiveWindow = YamuxLimits.initialWindow
        /// Bytes received and not consumed.
        var buffered = 0
        /// What window and unread bytes together come to after an update.
        var target = YamuxLimits.initialWindow
        var lastUpdate: NIODeadline?
        var queue = CircularBuffer<ByteBuffer>(initialCapacity: 2)
        var queued = 0
        var isOurs: Bool
        var isSynDue = false
        var isAckDue = false
        /// Ours, and the peer has not answered.
        var isUnanswered = false
        /// The peer's, and no protocol was agreed on yet.
        var isInBacklog = false
        var isFinishWanted = false
        var isFinishSent = false
        var isRemoteFinished = false
        /// Stands in `ready` or `waiting`.
        var isScheduled = false
        /// The writer was asked to wait.
        var isFull = false

        var hasOutput: Bool {
            isSynDue || isAckDue || (queued > 0 && sendWindow > 0) || (isFinishWanted && !isFinishSent && queued == 0)
        }
    }

    let role: Role
    let limits: YamuxLimits
    var streams: [UInt32: Stream] = [:]
    var nextID: UInt32
    var inboundCount = 0
    var outboundCount = 0
    var backlogCount = 0
    var unansweredCount = 0
    /// Unread bytes of all streams, dead ones included.
    private(set) var bufferedTotal = 0
    var targetTotal = 0

    /// Streams that have something to send, in the order in which their turn comes.
    var ready = CircularBuffer<UInt32>(initialCapacity: 16)
    /// Streams of ours whose SYN waits until the peer has answered others.
    var waiting = CircularBuffer<UInt32>(initialCapacity: 2)
    /// Whole frames that go before any data.
    var control = ByteBuffer()
    var pongsQueued = 0

    /// A header that has come in part.
    var partial = ByteBuffer()
    /// What is missing of the body of the DATA frame that is coming in.
    var body: (stream: UInt32, rest: Int)?
    /// The stream whose last bytes that body is.
    var finishingBody: UInt32?

    var lastHeard: NIODeadline
    var lastAsked: NIODeadline
    var missed = 0
    var pingNumber: UInt32 = 0
    var pingSent: NIODeadline?
    /// The last round trip that a ping measured.
    var roundTrip: TimeAmount?
    private(set) var isGoingAway = false
    /// The code of a farewell that waits for streams that were opened before it.
    var farewell: UInt32?
    /// Streams of ours whose SYN has not been sent.
    var unsentOpenings = 0
    var isPeerGoingAway = false
    private(set) var fault: YamuxFault?

    init(role: Role, limits: YamuxLimits = YamuxLimits(), now: NIODeadline) {
        self.role = role
        self.limits = limits
        nextID = role == .client ? 1 : 2
        lastHeard = now
        lastAsked = now
    }

    /// Whether there is anything to send now.
    var hasOutput: Bool {
        control.readableBytes > 0 || (fault == nil && (!ready.isEmpty || mayOpenWaiting || isFarewellDue))
    }

    var isFarewellDue: Bool { farewell != nil && unsentOpenings == 0 }

    /// Streams of ours wait for an answer to others, and there is room for one more.
    var mayOpenWaiting: Bool { !waiting.isEmpty && unansweredCount < limits.unanswered }

    /// The peer does not take our answers: reading more of it would only make more of them.
    var isCongested: Bool { control.readableBytes > limits.controlMaximum }

    /// Whether a stream can be opened.
    var canOpen: Bool {
        fault == nil && !isGoingAway && !isPeerGoingAway && outboundCount < limits.outbound && nextID <= UInt32.max - 2
    }

    // MARK: What this side wants

    /// Opens a stream and gives its id; nil where ``canOpen`` says no. Its first frame carries what is written before the
    /// next ``fill(_:limit:events:)``.
    mutating func open() -> UInt32? {
        guard canOpen else { return nil }
        let id = nextID
        nextID += 2
        var stream = Stream(isOurs: true)
        stream.isSynDue = true
        stream.isScheduled = true
        streams[id] = stream
        outboundCount += 1
        unsentOpenings += 1
        targetTotal += YamuxLimits.initialWindow
        ready.append(id)
        return id
    }

    /// A protocol was agreed on for a stream of the peer: it leaves the backlog.
    mutating func accept(_ id: UInt32) {
        guard streams[id]?.isInBacklog == true else { return }
        streams[id]?.isInBacklog = false
        backlogCount -= 1
    }

    /// Queues bytes; gives whether the writer may go on at once (false: `.writable` comes when it may, or the stream's end).
    @discardableResult
    mutating func write(_ id: UInt32, _ bytes: ByteBuffer) -> Bool {
        guard let index = streams.index(forKey: id), !streams.values[index].isFinishWanted else { return false }
        let isFull = streams.values[index].append(bytes, high: limits.sendHigh)
        schedule(id)
        return !isFull
    }

    /// Unsent bytes of a stream.
    func queued(_ id: UInt32) -> Int { streams[id]?.queued ?? 0 }

    /// Ends this side of a stream after what was written.
    mutating func finish(_ id: UInt32) {
        guard streams[id]?.isFinishWanted == false else { return }
        streams[id]?.isFinishWanted = true
        schedule(id)
    }

    /// Ends both sides at once and forgets the stream; the peer is told unless it never heard of it.
    mutating func reset(_ id: UInt32, code: UInt32 = YamuxCode.normal) {
        guard let stream = streams[id] else { return }
        if !stream.isSynDue { sendReset(id, code: code) }
        drop(id)
    }

    /// Bytes of a stream have left our memory. The window is given back in steps of half of it, and doubled where the peer
    /// uses it up within four round trips.
    mutating func consumed(_ id: UInt32, _ count: Int, now: NIODeadline) {
        bufferedTotal -= count
        guard fault == nil, var stream = streams[id] else { return }
        stream.buffered -= count
        var delta = stream.target - stream.receiveWindow - stream.buffered
        guard !stream.isRemoteFinished, delta >= stream.target / 2 else {
            streams[id]?.buffered = stream.buffered
            return
        }
        if let last = stream.lastUpdate, let roundTrip, now - last < roundTrip * 4 {
            let more = min(stream.target, limits.windowMaximum - stream.target)
            if more > 0, targetTotal + more <= limits.bufferMaximum {
                stream.target += more
                targetTotal += more
                delta += more
            }
        }
        if roundTrip == nil, pingSent == nil { ping(now: now) }
        let flags = stream.isAckDue ? YamuxHeader.Flags.ack : 0
        YamuxHeader(YamuxHeader.Kind.windowUpdate, flags: flags, stream: id, length: UInt32(delta)).write(to: &control)
        stream.isAckDue = false
        stream.receiveWindow += delta
        stream.lastUpdate = now
        streams[id] = stream
    }

    /// No new streams from now on, of either side; the live ones go on.
    mutating func goAway(code: UInt32 = YamuxCode.normal) {
        guard !isGoingAway else { return }
        isGoingAway = true
        farewell = code
    }

    // MARK: Time

    /// When ``tick(now:events:)`` has to be called next.
    var deadline: NIODeadline { max(lastHeard, lastAsked) + limits.idle }

    /// Asks a silent peer whether it is there, and gives up on one that was asked often enough.
    mutating func tick(now: NIODeadline, events: inout [Event]) {
        guard fault == nil, now >= deadline else { return }
        if lastHeard >= lastAsked { missed = 0 } else { missed += 1 }
        guard missed < limits.missedPings else { return fail(.silent, events: &events) }
        lastAsked = now
        ping(now: now)
    }

    /// Measures the round trip, unless that is under way.
    mutating func measure(now: NIODeadline) {
        guard fault == nil, pingSent == nil else { return }
        ping(now: now)
    }

    private mutating func ping(now: NIODeadline) {
        pingNumber &+= 1
        pingSent = now
        YamuxHeader(YamuxHeader.Kind.ping, flags: YamuxHeader.Flags.syn, length: pingNumber).write(to: &control)
    }

    // MARK: Shared by both directions

    /// Puts a stream in line if it has something to send and does not stand there yet.
    mutating func schedule(_ id: UInt32) {
        guard let index = streams.index(forKey: id), streams.values[index].schedule() else { return }
        ready.append(id)
    }

    mutating func sendReset(_ id: UInt32, code: UInt32) {
        let kind = YamuxHeader.Kind.windowUpdate
        YamuxHeader(kind, flags: YamuxHeader.Flags.rst, stream: id, length: code).write(to: &control)
    }

    /// Counts received bytes until they are consumed.
    mutating func hold(_ count: Int) { bufferedTotal += count }

    /// Forgets a stream.
    mutating func drop(_ id: UInt32) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        targetTotal -= stream.target
        if stream.isOurs { outboundCount -= 1 } else { inboundCount -= 1 }
        if stream.isInBacklog { backlogCount -= 1 }
        if stream.isUnanswered { unansweredCount -= 1 }
        if stream.isSynDue { unsentOpenings -= 1 }
        // Streams that come and go while nothing can be sent leave their places in line behind.
        if ready.count > 2 * streams.count + 256 { ready.removeAll { streams[$0] == nil } }
        if waiting.count > 2 * streams.count + 256 { waiting.removeAll { streams[$0] == nil } }
    }

    /// Forgets a stream that both sides have finished.
    mutating func dropIfEnded(_ id: UInt32, events: inout [Event]) {
        guard let stream = streams[id], stream.isFinishSent, stream.isRemoteFinished else { return }
        drop(id)
        events.append(.ended(id))
    }

    /// The end: nothing is read any more, a farewell is the last thing sent.
    mutating func fail(_ fault: YamuxFault, events: inout [Event]) {
        guard self.fault == nil else { return }
        self.fault = fault
        // A connection that went silent is not told so.
        if fault != .silent {
            YamuxHeader(YamuxHeader.Kind.goAway, length: YamuxCode.protocolError).write(to: &control)
        }
        events.append(.failed(fault))
    }
}
