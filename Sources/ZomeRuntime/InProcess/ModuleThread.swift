import CZome
import Glibc
import Integrity
import NIOCore
import Synchronization

/// A thread that owns modules loaded into this process, and runs their `run`.
///
/// `@unchecked`: everything but `inbox`, `outbox` and the immutable members is touched by the thread itself only.
final class ModuleThread: @unchecked Sendable {
    enum Order: Sendable {
        case invoke(call: UInt64, zome: Int, kind: UInt32, name: String, bytes: [UInt8])
        case answer(id: UInt32, zome: Int, status: UInt32, bytes: [UInt8])
        case cancel(call: UInt64, zome: Int)
        case close
    }

    enum Event: Sendable {
        case ready([ModuleDescription])
        case refused(PlasmidError)
        case result(call: UInt64, status: UInt32, bytes: [UInt8])
        case request(call: UInt64, id: UInt32, zome: Int, operation: UInt32, bytes: [UInt8])
    }

    private struct Outbox {
        var events: [Event] = []
        var isScheduled = false
    }

    /// What a module gets as the context of its `zome_host`; lives as long as the process does.
    fileprivate final class Seat {
        let thread: ModuleThread
        let zome: Int

        init(_ thread: ModuleThread, _ zome: Int) {
            self.thread = thread
            self.zome = zome
        }
    }

    let inbox = Mailbox<Order>()
    private let outbox = Mutex(Outbox())
    private let specs: [ModuleSpec]
    private let loop: any EventLoop
    private let deliver: @Sendable ([Event]) -> Void

    private var modules: [UnsafePointer<zome_module>] = []
    private var isTouched: [Bool] = []
    /// Live calls by the number that the module got as its waiter.
    private var calls: [UInt: UInt64] = [:]
    private var lastCall: UInt = 0
    private var requests: [UInt32: (waiter: UnsafeMutableRawPointer?, complete: zome_complete)] = [:]
    private var lastRequest: UInt32 = 0
    /// Events since the last delivery.
    private var pending: [Event] = []
    fileprivate var number = pthread_self()

    private static let stackBytes = 8 << 20

    /// - Parameter deliver: called on the loop, once for every batch
    init(specs: [ModuleSpec], loop: any EventLoop, deliver: @escaping @Sendable ([Event]) -> Void) {
        self.specs = specs
        self.loop = loop
        self.deliver = deliver
    }

    /// Starts the thread; it ends with the order `close`.
    func start() {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, Self.stackBytes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        let me = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let result = pthread_create(&thread, attributes, moduleThread, me.toOpaque())
        pthread_attr_destroy(attributes)
        guard result != 0 else { return }
        me.release()
        post([.refused(PlasmidError(.startFailed, "No thread for modules: \(String(cString: strerror(result)))."))])
    }

    // MARK: The thread

    fileprivate func live() {
        number = pthread_self()
        pthread_setspecific(threadKey, Unmanaged.passUnretained(self).toOpaque())
        do throws(PlasmidError) {
            post([.ready(try load())])
        } catch {
            post([.refused(error)])
        }
        var orders: [Order] = []
        while true {
            if inbox.takeAll(into: &orders) {
                for index in modules.indices { isTouched[index] = true }
            }
            for order in orders {
                if case .close = order { return close() }
                take(order)
            }
            runTouched()
            let events = pending
            pending.removeAll(keepingCapacity: true)
            if !events.isEmpty { post(events) }
        }
    }

    private func load() throws(PlasmidError) -> [ModuleDescription] {
        var descriptions: [ModuleDescription] = []
        for (index, spec) in specs.enumerated() {
            let seat = Unmanaged.passRetained(Seat(self, index))
            let host = UnsafeMutablePointer<zome_host>.allocate(capacity: 1)
            host.initialize(
                to: zome_host(
                    abi: ZOME_ABI, size: UInt32(MemoryLayout<zome_host>.size), context: seat.toOpaque(),
                    request: hostRequest, wake: hostWake))
            let (module, description) = try ModuleLibrary.load(spec, host: host)
            modules.append(module)
            isTouched.append(true)
            descriptions.append(description)
        }
        return descriptions
    }

    private func close() {
        for module in modules { module.pointee.close?(module.pointee.context) }
        pthread_setspecific(threadKey, nil)
    }

    private func take(_ order: Order) {
        switch order {
        case .invoke(let call, let zome, let kind, let name, let bytes):
            guard zome < modules.count else { return }
            lastCall += 1
            calls[lastCall] = call
            isTouched[zome] = true
            invoke(modules[zome], call, kind, name, bytes)
        case .answer(let id, let zome, let status, let bytes):
            guard let request = requests.removeValue(forKey: id) else { return }
            isTouched[zome] = true
            bytes.withUnsafeBufferPointer {
                request.complete(request.waiter, Int32(truncatingIfNeeded: status), $0.baseAddress, $0.count)
            }
        case .cancel(let call, let zome):
            guard zome < modules.count else { return }
            isTouched[zome] = true
            modules[zome].pointee.cancel?(modules[zome].pointee.context, call)
        case .close: break
        }
    }

    private func invoke(
        _ module: UnsafePointer<zome_module>, _ call: UInt64, _ kind: UInt32, _ name: String, _ bytes: [UInt8]
    ) {
        let waiter = UnsafeMutableRawPointer(bitPattern: lastCall)
        var name = name
        name.withUTF8 { text in
            bytes.withUnsafeBufferPointer { input in
                module.pointee.invoke(
                    module.pointee.context, call, kind, text.baseAddress, text.count, input.baseAddress, input.count,
                    waiter, callComplete)
            }
        }
    }

    private func runTouched() {
        for index in modules.indices where isTouched[index] {
            isTouched[index] = false
            _ = modules[index].pointee.run(modules[index].pointee.context)
        }
    }

    fileprivate func finish(_ waiter: UnsafeMutableRawPointer?, _ status: Int32, _ bytes: [UInt8]) {
        // A second completion of the same call finds nothing.
        guard let call = calls.removeValue(forKey: UInt(bitPattern: waiter)) else { return }
        pending.append(.result(call: call, status: UInt32(bitPattern: status), bytes: bytes))
    }

    fileprivate func request(
        _ zome: Int, _ call: UInt64, _ operation: UInt32, _ bytes: [UInt8], _ waiter: UnsafeMutableRawPointer?,
        _ complete: @escaping zome_complete
    ) {
        lastRequest &+= 1
        requests[lastRequest] = (waiter, complete)
        pending.append(.request(call: call, id: lastRequest, zome: zome, operation: operation, bytes: bytes))
    }

    fileprivate func wake(_ zome: Int) {
        if pthread_equal(pthread_self(), number) != 0 {
            isTouched[zome] = true
        } else {
            inbox.ring()
        }
    }

    // MARK: To the loop

    private func post(_ events: [Event]) {
        let mustSchedule = outbox.withLock { box in
            box.events += events
            defer { box.isScheduled = true }
            return !box.isScheduled
        }
        guard mustSchedule else { return }
        loop.execute { [self] in
            let batch = outbox.withLock { box in
                box.isScheduled = false
                let events = box.events
                box.events = []
                return events
            }
            deliver(batch)
        }
    }
}

/// Where a completion finds its thread: `zome_complete` carries no context of the host, but comes on the host's thread.
private let threadKey: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
}()

private func moduleThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ModuleThread>.fromOpaque(argument).takeRetainedValue().live()
    return nil
}

private func copied(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
}

private func callComplete(
    waiter: UnsafeMutableRawPointer?, status: Int32, bytes: UnsafePointer<UInt8>?, count: Int
) {
    guard let thread = pthread_getspecific(threadKey) else { return }
    Unmanaged<ModuleThread>.fromOpaque(thread).takeUnretainedValue().finish(waiter, status, copied(bytes, count))
}

private func hostRequest(
    context: UnsafeMutableRawPointer?, call: UInt64, operation: UInt32, bytes: UnsafePointer<UInt8>?, count: Int,
    waiter: UnsafeMutableRawPointer?, complete: zome_complete?
) {
    guard let context, let complete else { return }
    let seat = Unmanaged<ModuleThread.Seat>.fromOpaque(context).takeUnretainedValue()
    seat.thread.request(seat.zome, call, operation, copied(bytes, count), waiter, complete)
}

private func hostWake(context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    let seat = Unmanaged<ModuleThread.Seat>.fromOpaque(context).takeUnretainedValue()
    seat.thread.wake(seat.zome)
}
