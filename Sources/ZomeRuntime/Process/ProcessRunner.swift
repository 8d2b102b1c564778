import Glibc
import Integrity
import NIOCore
import NIOPosix

/// Modules in a sandboxed process of their own (docs/spec/zome-process.md): started at the first call, restarted after a
/// crash, stopped when idle. The shell of `RunnerState`.
public final class ProcessRunner: ZomeRunner {
    typealias Completion = (Result<ModuleReply, PlasmidError>) -> Void

    private let loop: any EventLoop
    private let executable: String
    private let role: RunnerRole
    private let specs: [ModuleSpec]
    private let limits: RuntimeLimits
    private weak var handler: (any ZomeHostHandler)?

    private var state: RunnerState<Completion>
    private var child: ChildProcess?
    private var channel: (any Channel)?
    /// From the start of a process until its socket has given its last bytes.
    private var isSocketOpen = false
    /// The socket shall be closed as soon as it is a channel.
    private var isClosing = false
    /// How the process ended, kept until its last bytes were read: they may say why.
    private var exit: ChildExit?
    private var stream: FrameStream
    /// Frames that wait for the end of the loop's turn.
    private var output = ByteBuffer()
    private var isFlushScheduled = false
    /// Frames are being taken in: what they cause is sent in one write afterwards.
    private var isReading = false
    private var tickAt: NIODeadline?
    private var tickTask: Scheduled<Void>?
    private var waitingForEnd: [() -> Void] = []
    private var waitingForLoad: [(Result<[ModuleDescription], PlasmidError>) -> Void] = []

    /// More gathered than this is handed to the socket before more is taken in.
    private static let gatherBytes = 1 << 20
    /// What a process gets for its modules' `close`.
    private static let closeGrace = TimeAmount.seconds(1)

    /// Makes a runner; nothing is started before the first call.
    ///
    /// - Parameters:
    ///   - loop: the loop of all its methods and closures; the child's socket is a channel on it
    ///   - executable: absolute path of `plasmid-zome-host`
    ///   - modules: one to 256; their order is the zome index
    ///   - handler: answers the modules; held weakly
    public init(
        loop: any EventLoop, executable: String, role: RunnerRole, modules: [ModuleSpec], limits: RuntimeLimits,
        handler: any ZomeHostHandler
    ) {
        self.loop = loop
        self.executable = executable
        self.role = role
        self.specs = modules
        self.limits = limits
        self.handler = handler
        state = RunnerState(zomes: modules.map(\.zome), limits: limits)
        stream = FrameStream(maxFrameBytes: limits.maxFrameBytes)
    }

    deinit {
        // Without this the process would only learn from its socket that nobody is left.
        child?.kill()
        tickTask?.cancel()
    }

    /// What the modules say of themselves; `nil` until they were loaded once.
    public var descriptions: [ModuleDescription]? { state.descriptions }

    /// Counters; reads the memory of the process from the kernel.
    public var statistics: RunnerStatistics {
        var statistics = state.statistics
        statistics.inFlight = state.inFlight
        statistics.processID = child?.number
        statistics.residentBytes = statistics.processID.map(ProcessMemory.residentBytes) ?? 0
        return statistics
    }

    /// Loads the modules; see `ZomeRunner`.
    public func load(_ done: @escaping (Result<[ModuleDescription], PlasmidError>) -> Void) {
        loop.preconditionInEventLoop()
        if let descriptions { return done(.success(descriptions)) }
        let now = NIODeadline.now()
        switch state.load(now) {
        case .failure(let error): done(.failure(error))
        case .success(let effects):
            waitingForLoad.append(done)
            perform(effects)
            armTick(now)
        }
    }

    private func loaded(_ result: Result<[ModuleDescription], PlasmidError>) {
        let waiting = waitingForLoad
        waitingForLoad = []
        for done in waiting { done(result) }
    }

    // MARK: Calls

    /// Starts a call; see `ZomeRunner`.
    public func invoke(
        call: UInt64, zome: Int, kind: InvocationKind, name: String, invocation: Invocation, timeout: TimeAmount?,
        completion: @escaping (Result<ModuleReply, PlasmidError>) -> Void
    ) {
        loop.preconditionInEventLoop()
        let bytes = invocation.packed
        let now = NIODeadline.now()
        let admission = state.invoke(
            call: call, zome: zome, kind: kind, name: name, invocation: bytes, timeout: timeout, waiter: completion,
            now: now)
        switch admission {
        case .send: sendInvocation(call: call, zome: zome, kind: kind, name: name, bytes: bytes)
        case .queued(let effects): perform(effects)
        case .refused(let error): completion(.failure(error))
        }
        armTick(now)
    }

    private func sendInvocation(call: UInt64, zome: Int, kind: InvocationKind, name: String, bytes: [UInt8]) {
        let length = name.utf8.count
        let frame = ModuleFrame(
            .invoke, zome: UInt8(zome), aux: UInt16(length), call: call, value: UInt32(kind.rawValue),
            payloadCount: length + bytes.count)
        output.writeFrame(frame, name: name, payload: bytes)
        scheduleFlush()
    }

    /// Asks a call to end; see `ZomeRunner`.
    public func cancel(call: UInt64) {
        loop.preconditionInEventLoop()
        let (zome, effects) = state.cancel(call: call)
        if let zome {
            output.writeFrame(ModuleFrame(.cancel, zome: UInt8(zome), call: call))
            scheduleFlush()
        }
        perform(effects)
    }

    /// Stops the clock of a call.
    public func pauseDeadline(call: UInt64) { state.pause(call: call, now: .now()) }

    /// Lets the clock of a call go on.
    public func resumeDeadline(call: UInt64) { state.resume(call: call, now: .now()) }

    /// Ends the modules; live calls fail with `moduleStopped`.
    public func stop() {
        loop.preconditionInEventLoop()
        perform(state.stop())
        tickTask?.cancel()
        loaded(.failure(PlasmidError(.moduleStopped, "The modules were stopped while they were loaded.")))
    }

    /// Calls back when no process of a stopped runner is left.
    public func whenGone(_ done: @escaping () -> Void) {
        loop.preconditionInEventLoop()
        if child == nil { done() } else { waitingForEnd.append(done) }
    }

    /// Sends what has gathered at once.
    public func flush() {
        guard let channel, output.readableBytes > 0 else { return }
        // The channel keeps the storage only until it is written; then it is reused.
        let ready = output
        output = ByteBuffer()
        channel.writeAndFlush(ready, promise: nil)
        output = ready
        output.clear()
    }

    private func scheduleFlush() {
        if output.readableBytes > Self.gatherBytes { return flush() }
        guard !isReading, !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.assumeIsolated().execute { [weak self] in
            guard let self else { return }
            isFlushScheduled = false
            flush()
        }
    }

    // MARK: Effects

    private func perform(_ effects: [RunnerState<Completion>.Effect]) {
        for effect in effects {
            switch effect {
            case .start(let generation): start(generation)
            case .send(let call, let zome, let kind, let name, let invocation):
                sendInvocation(call: call, zome: zome, kind: kind, name: name, bytes: invocation)
            case .fail(let completion, let error): completion(.failure(error))
            case .kill:
                child?.kill()
                disconnect()
            case .close:
                output.writeFrame(ModuleFrame(.close))
                flush()
                disconnect()
                killAfterGrace()
            case .report(let error):
                loaded(.failure(ModuleFailure.brief(error)))
                handler?.runnerStopped(error)
            }
        }
    }

    /// A module that never comes back to its socket does not learn that it was closed.
    private func killAfterGrace() {
        guard let child else { return }
        loop.scheduleTask(in: Self.closeGrace) { child.kill() }
    }

    private func disconnect() {
        output = ByteBuffer()
        isClosing = true
        guard let channel else { return }
        self.channel = nil
        // Later, because this may be called from within the channel's own events.
        loop.execute { channel.close(promise: nil) }
    }

    /// Arms the one timer for the time that the state asks for, unless an earlier one is armed.
    private func armTick(_ now: NIODeadline) {
        guard let due = state.nextTick(now: now) else { return }
        if let tickAt, tickAt <= due { return }
        tickTask?.cancel()
        tickAt = due
        tickTask = loop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
            guard let self else { return }
            tickAt = nil
            let now = NIODeadline.now()
            perform(state.tick(now: now))
            armTick(now)
        }
    }

    // MARK: The process

    private func start(_ generation: Int) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            let error = errno
            return ended(ChildExit(status: .notStarted(errno: error)), generation)
        }
        stream = FrameStream(maxFrameBytes: limits.maxFrameBytes)
        output = ByteBuffer()
        isSocketOpen = true
        isClosing = false
        let me = NIOLoopBound(WeakRunner(self), eventLoop: loop)
        let command = ChildProcess.Command(
            executable: executable, arguments: arguments, environment: environment, socket: ends[1])
        child = ChildProcess(command) { [loop] exit in
            loop.execute { me.value.runner?.ended(exit, generation) }
        }
        connect(ends[0], generation, me)
    }

    private var arguments: [String] {
        [
            "--role", role.rawValue, "--memory", String(limits.memoryBytes), "--sandbox", limits.sandbox.rawValue,
            "--frame", String(limits.maxFrameBytes),
        ] + specs.flatMap { ["--module", "\($0.zome)=\($0.path)"] }
    }

    /// Nothing of the conductor's own environment.
    private var environment: [String] {
        ["SWIFT_BACKTRACE=enable=no"] + (role == .validator ? ["SWIFT_DETERMINISTIC_HASHING=1"] : [])
    }

    private func connect(_ socket: Int32, _ generation: Int, _ me: NIOLoopBound<WeakRunner>) {
        let connected = ClientBootstrap(group: loop)
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 16_384, maximum: 262_144)
            )
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: Self.gatherBytes))
            .channelOption(.autoRead, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RunnerChannel(me.value.runner, generation))
                }
            }
            .withConnectedSocket(socket)
        connected.whenComplete { result in
            guard case .success(let channel) = result else {
                me.value.runner?.inactive(generation)
                return
            }
            guard let runner = me.value.runner, runner.state.generation == generation, !runner.isClosing else {
                return channel.close(promise: nil)
            }
            runner.channel = channel
            runner.flush()
        }
    }

    private func ended(_ exit: ChildExit, _ generation: Int) {
        guard generation == state.generation else { return }
        guard !isSocketOpen else { return self.exit = exit }
        child = nil
        self.exit = nil
        let now = NIODeadline.now()
        perform(state.exited(exit, generation: generation, now: now))
        armTick(now)
        guard child == nil else { return }
        let waiting = waitingForEnd
        waitingForEnd = []
        for done in waiting { done() }
    }

    // MARK: The socket

    fileprivate func received(_ bytes: ByteBuffer, _ generation: Int) {
        guard generation == state.generation else { return }
        stream.append(bytes)
        takeFrames()
    }

    /// Takes in whole frames, as long as what they cause finds room in the socket.
    private func takeFrames() {
        isReading = true
        defer { isReading = false }
        let now = NIODeadline.now()
        // Ends when the socket is full; `writable` goes on from here.
        while channel != nil, state.isWritable {
            switch stream.next() {
            case .incomplete: return
            case .garbage(let what): return perform(state.garbage(what))
            case .frame(let frame): take(frame, now)
            }
        }
    }

    private func take(_ frame: FrameStream.Frame, _ now: NIODeadline) {
        let header = frame.header
        switch header.kind {
        case .result:
            guard let call = state.result(call: header.call, zome: Int(header.zome), now: now) else {
                return perform(state.garbage("answered a call that nobody waits for"))
            }
            finish(call, header.value, frame.payload)
        case .request: request(header, frame.payload, now)
        case .ready:
            do throws(PlasmidError) {
                perform(state.ready(try ModuleReadiness(packed: frame.payload), specs: specs, now: now))
                armTick(now)
                if let descriptions { loaded(.success(descriptions)) }
            } catch {
                perform(state.garbage("described itself in bytes that cannot be read"))
            }
        case .refused:
            guard let error = try? ModuleError(packed: frame.payload) else {
                return perform(state.garbage("refused in bytes that cannot be read"))
            }
            perform(state.refused(PlasmidError(.init(rawValue: error.code), error.message)))
        case .invoke, .answer, .cancel, .close: break
        }
    }

    private func finish(_ call: CallTable<Completion>.Call, _ status: UInt32, _ bytes: [UInt8]) {
        let zome = specs[call.zome].zome
        let reply = ModuleStatus.reply(status, bytes, zome: zome, kind: call.kind, name: call.name)
        call.waiter(reply)
        guard case .failure(let error) = reply, error.code == .moduleGarbage else { return }
        let culprit = "\(ModuleFailure.label(call.kind, call.name)) of zome '\(zome)'"
        perform(state.garbage("answered \(culprit) with what means nothing", culprit: culprit))
    }

    private func request(_ header: ModuleFrame, _ bytes: [UInt8], _ now: NIODeadline) {
        guard Int(header.zome) < specs.count else {
            return perform(state.garbage("asked in the name of a zome that is not there"))
        }
        switch state.request(call: header.call, id: header.id, now: now) {
        case .garbage: perform(state.garbage("used the number of an open request again"))
        case .notLive: sendAnswer(header, status: 3, [])
        case .deliver:
            guard let handler else { return sendAnswer(header, status: 3, []) }
            let generation = state.generation
            handler.hostRequest(call: header.call, zome: Int(header.zome), operation: header.value, bytes: bytes) {
                [weak self] status, answer in
                guard let self, state.answered(id: header.id, generation: generation, now: .now()) else { return }
                sendAnswer(header, status: status, answer)
            }
        }
    }

    private func sendAnswer(_ request: ModuleFrame, status: UInt32, _ bytes: [UInt8]) {
        guard bytes.count + ModuleFrame.headerBytes <= limits.maxFrameBytes else {
            let error = ModuleError(
                code: PlasmidError.Code.tooLarge.rawValue,
                message: "The answer has \(bytes.count) bytes; no frame holds it.")
            return sendAnswer(request, status: 1, error.packed)
        }
        let frame = ModuleFrame(
            .answer, zome: request.zome, call: request.call, id: request.id, value: status, payloadCount: bytes.count)
        output.writeFrame(frame, payload: bytes)
        boundOutput()
        scheduleFlush()
    }

    /// A process that asks and never reads must not fill our memory with answers.
    private func boundOutput() {
        guard !state.isWritable, let channel,
            let waiting = try? channel.syncOptions?.getOption(.bufferedWritableBytes),
            waiting + output.readableBytes > 8 * limits.maxFrameBytes
        else { return }
        perform(state.garbage("asks without reading the answers"))
    }

    fileprivate func readComplete(_ generation: Int) {
        if generation == state.generation { flush() }
    }

    fileprivate func writability(_ isWritable: Bool, _ channel: any Channel, _ generation: Int) {
        guard generation == state.generation else { return }
        let now = NIODeadline.now()
        // While the socket is full nothing is read either: requests that cannot be answered stay in the kernel.
        _ = try? channel.syncOptions?.setOption(.autoRead, value: isWritable)
        perform(state.writability(isWritable, now: now))
        guard isWritable, !isReading else { return }
        takeFrames()
        flush()
        channel.read()
    }

    fileprivate func inactive(_ generation: Int) {
        guard generation == state.generation else { return }
        channel = nil
        isSocketOpen = false
        perform(state.disconnected())
        if let exit { ended(exit, generation) }
    }
}

/// Lets other threads' closures carry a runner to its loop without keeping it.
private struct WeakRunner {
    weak var runner: ProcessRunner?

    init(_ runner: ProcessRunner) { self.runner = runner }
}

/// The end of the pipeline: hands events to the runner of one process generation.
private final class RunnerChannel: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private weak var runner: ProcessRunner?
    private let generation: Int

    init(_ runner: ProcessRunner?, _ generation: Int) {
        self.runner = runner
        self.generation = generation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        runner?.received(unwrapInboundIn(data), generation)
    }

    func channelReadComplete(context: ChannelHandlerContext) { runner?.readComplete(generation) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        runner?.writability(context.channel.isWritable, context.channel, generation)
    }

    func channelInactive(context: ChannelHandlerContext) { runner?.inactive(generation) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
