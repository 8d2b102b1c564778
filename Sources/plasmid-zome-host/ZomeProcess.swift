import CSeccomp
import CZome
import Glibc
import Integrity

/// The process after lockdown: reads frames, drives the modules, writes frames.
final class ZomeProcess {
    /// What a module gets as the context of its `zome_host`.
    final class Seat {
        unowned let process: ZomeProcess
        let zome: UInt8

        init(process: ZomeProcess, zome: UInt8) {
            self.process = process
            self.zome = zome
        }
    }

    private var modules: [LoadedModule] = []
    private var seats: [Seat] = []
    fileprivate var board = Switchboard()
    fileprivate var output = Output()
    private var input = Input()
    private let maxFrameBytes: Int
    /// Written by `wake` when it comes from another thread. Opened with the first module: lockdown closes descriptors.
    private(set) var bell: Int32 = -1
    let thread = pthread_self()
    /// Modules to `run`, and how many calls of each wait for something else than the host.
    fileprivate var isTouched: [Bool] = []
    private var waiting: [Int] = []

    init(maxFrameBytes: Int) {
        self.maxFrameBytes = maxFrameBytes
    }

    /// Loads one module; its index is the number of those before it.
    func load(_ module: Arguments.Module) throws(Refusal) {
        if bell < 0 { bell = plasmid_eventfd() }
        let seat = Seat(process: self, zome: UInt8(modules.count))
        let host = UnsafeMutablePointer<zome_host>.allocate(capacity: 1)
        host.initialize(
            to: zome_host(
                abi: ZOME_ABI, size: UInt32(MemoryLayout<zome_host>.size),
                context: Unmanaged.passUnretained(seat).toOpaque(), request: hostRequest, wake: hostWake))
        seats.append(seat)
        isTouched.append(false)
        waiting.append(0)
        modules.append(try LoadedModule(module, host: host))
    }

    /// Tells the conductor that calls may come.
    func announce(_ lockdown: Lockdown) {
        let sandbox = ModuleReadiness.Sandbox(landlock: UInt32(lockdown.landlockABI), seccomp: lockdown.seccomp)
        let readiness = ModuleReadiness(abi: ZOME_ABI, sandbox: sandbox, modules: modules.map(\.description))
        send(.ready, readiness.packed)
    }

    /// The last words of a process that will not serve.
    func refuse(_ refusal: Refusal) {
        send(.refused, ModuleError(code: refusal.code.rawValue, message: refusal.message).packed)
        _ = output.flush(readingInto: &input, upTo: 0)
    }

    private func send(_ kind: ModuleFrame.Kind, _ payload: [UInt8]) {
        payload.withUnsafeBytes {
            output.append(ModuleFrame(kind, payloadCount: $0.count), $0.baseAddress)
        }
    }

    /// Serves until the conductor closes its end.
    func serve() {
        // A module may have queued work, or asked for something, while it was loaded.
        for index in modules.indices { isTouched[index] = true }
        repeat {
            runTouched()
            guard output.flush(readingInto: &input, upTo: 4 * maxFrameBytes) else { return }
        } while takeIn()
    }

    /// Waits for frames or a `wake`, and dispatches what came. `false` at the end.
    private func takeIn() -> Bool {
        // What came in while the output was being written.
        if dispatchAll() { return true }
        guard waiting.contains(where: { $0 > 0 }) else {
            guard input.fill(wait: true) else { return false }
            _ = dispatchAll()
            return true
        }
        let came = waitForInput(orFor: bell)
        if came.other {
            var count: UInt64 = 0
            _ = read(bell, &count, 8)
            for index in modules.indices { isTouched[index] = true }
        }
        if came.socket {
            guard input.fill(wait: false) else { return false }
            _ = dispatchAll()
        }
        return true
    }

    private func dispatchAll() -> Bool {
        var some = false
        while let (frame, payload) = input.next() {
            some = true
            dispatch(frame, payload)
        }
        return some
    }

    private func dispatch(_ frame: ModuleFrame, _ payload: UnsafeRawPointer) {
        switch frame.kind {
        case .invoke: invoke(frame, payload)
        case .answer:
            guard let request = board.close(request: frame.id) else { return }
            if Int(frame.zome) < modules.count { isTouched[Int(frame.zome)] = true }
            request.complete(
                request.waiter, Int32(truncatingIfNeeded: frame.value), payload.assumingMemoryBound(to: UInt8.self),
                frame.payloadCount)
        case .cancel:
            guard Int(frame.zome) < modules.count else { return }
            let module = modules[Int(frame.zome)].functions
            module.pointee.cancel?(module.pointee.context, frame.call)
            isTouched[Int(frame.zome)] = true
        case .close:
            for module in modules { module.functions.pointee.close?(module.functions.pointee.context) }
            _ = output.flush(readingInto: &input, upTo: 0)
            _exit(0)
        case .ready, .result, .request, .refused: _exit(2)
        }
    }

    private func invoke(_ frame: ModuleFrame, _ payload: UnsafeRawPointer) {
        guard Int(frame.zome) < modules.count, Int(frame.aux) <= frame.payloadCount else { _exit(2) }
        let module = modules[Int(frame.zome)].functions
        let bytes = payload.assumingMemoryBound(to: UInt8.self)
        let waiter = board.open(call: frame.call, zome: frame.zome)
        isTouched[Int(frame.zome)] = true
        module.pointee.invoke(
            module.pointee.context, frame.call, frame.value, bytes, Int(frame.aux), bytes + Int(frame.aux),
            frame.payloadCount - Int(frame.aux), waiter, callComplete)
    }

    private func runTouched() {
        for index in modules.indices where isTouched[index] {
            isTouched[index] = false
            let module = modules[index].functions
            waiting[index] = module.pointee.run(module.pointee.context)
        }
    }

    fileprivate func finish(
        _ waiter: UnsafeMutableRawPointer?, _ status: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int
    ) {
        guard let ended = board.close(waiter: waiter) else { return }
        guard count <= maxFrameBytes - ModuleFrame.headerBytes else {
            let words =
                "the result has \(count) bytes; at most \(maxFrameBytes - ModuleFrame.headerBytes) fit into a frame"
            let packed = ModuleError(code: "resultTooLarge", message: words).packed
            let frame = ModuleFrame(
                .result, zome: ended.zome, call: ended.call, value: 1, payloadCount: packed.count)
            packed.withUnsafeBytes { output.append(frame, $0.baseAddress) }
            return
        }
        let frame = ModuleFrame(
            .result, zome: ended.zome, call: ended.call, value: UInt32(bitPattern: status),
            payloadCount: bytes == nil ? 0 : count)
        output.append(frame, bytes)
    }

    fileprivate func request(
        _ zome: UInt8, _ call: UInt64, _ operation: UInt32, _ bytes: UnsafePointer<UInt8>?, _ count: Int,
        _ waiter: UnsafeMutableRawPointer?, _ complete: @escaping zome_complete
    ) {
        guard count <= maxFrameBytes - ModuleFrame.headerBytes, let id = board.open(waiter: waiter, complete: complete)
        else {
            let words = "the request is larger than a frame, or too many requests are open"
            let packed = ModuleError(code: "requestTooLarge", message: words).packed
            packed.withUnsafeBufferPointer { complete(waiter, 1, $0.baseAddress, $0.count) }
            return
        }
        let frame = ModuleFrame(
            .request, zome: zome, call: call, id: id, value: operation, payloadCount: bytes == nil ? 0 : count)
        output.append(frame, bytes)
    }
}

/// The process that completions find: `zome_complete` carries no context of the host.
/// Invariant: written once by `main` before any module is loaded, read only by the thread that runs the modules.
nonisolated(unsafe) private var theProcess: ZomeProcess?

/// Makes `process` the one that completions find.
func install(_ process: ZomeProcess) { theProcess = process }

private func callComplete(
    waiter: UnsafeMutableRawPointer?, status: Int32, bytes: UnsafePointer<UInt8>?, count: Int
) {
    theProcess?.finish(waiter, status, bytes, count)
}

private func hostRequest(
    context: UnsafeMutableRawPointer?, call: UInt64, operation: UInt32, bytes: UnsafePointer<UInt8>?, count: Int,
    waiter: UnsafeMutableRawPointer?, complete: zome_complete?
) {
    guard let context, let complete else { return }
    let seat = Unmanaged<ZomeProcess.Seat>.fromOpaque(context).takeUnretainedValue()
    seat.process.request(seat.zome, call, operation, bytes, count, waiter, complete)
}

private func hostWake(context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let seat = Unmanaged<ZomeProcess.Seat>.fromOpaque(context).takeUnretainedValue()
    if pthread_equal(pthread_self(), seat.process.thread) != 0 {
        seat.process.isTouched[Int(seat.zome)] = true
    } else {
        var one: UInt64 = 1
        _ = write(seat.process.bell, &one, 8)
    }
}
