import CSeccomp
import Glibc
import Integrity

/// Descriptor 3: the conductor's end is a stream socket.
private let socket: Int32 = 3

/// What arrived and is not yet dispatched: one reused piece of memory.
struct Input {
    private var memory = UnsafeMutableRawPointer.allocate(byteCount: Input.usual, alignment: 16)
    private var capacity = Input.usual
    private var start = 0
    private var end = 0
    private static let usual = 128 << 10

    /// Bytes that wait; the output stops reading ahead beyond a bound.
    var count: Int { end - start }

    /// Reads once. `wait: false` returns at once when nothing is there. `false` when the conductor has gone.
    ///
    /// Waits in `poll` and not in `read`: whenever the conductor takes in what we sent, the kernel wakes everyone who
    /// sleeps on our socket, but of those who poll only the ones that wait for room to write.
    mutating func fill(wait: Bool) -> Bool {
        makeRoom()
        var mustWait = wait
        while true {
            if mustWait {
                var place = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                _ = poll(&place, 1, -1)
                mustWait = false
            }
            let count = recv(socket, memory + end, capacity - end, Int32(MSG_DONTWAIT))
            if count > 0 {
                end += count
                return true
            }
            if count < 0 && errno == EINTR { continue }
            guard count < 0 && errno == EAGAIN else { return false }
            if !wait { return true }
            mustWait = true
        }
    }

    /// The next whole frame; its payload is valid until the next `fill`.
    mutating func next() -> (frame: ModuleFrame, payload: UnsafeRawPointer)? {
        guard count >= ModuleFrame.headerBytes, count >= ModuleFrame.totalBytes(at: memory + start),
            let frame = ModuleFrame(reading: memory + start)
        else { return nil }
        let payload = UnsafeRawPointer(memory + start + ModuleFrame.headerBytes)
        start += ModuleFrame.headerBytes + frame.payloadCount
        if start == end { (start, end) = (0, 0) }
        return (frame, payload)
    }

    /// Space for what is left of the first frame, or for a usual read.
    private mutating func makeRoom() {
        let needed = count >= ModuleFrame.headerBytes ? ModuleFrame.totalBytes(at: memory + start) : Input.usual
        let room = max(needed, count + Input.usual / 2)
        guard capacity - end < max(needed - count, 1) || (capacity > Input.usual && count == 0) else { return }
        if room <= capacity && capacity <= Input.usual {
            memmove(memory, memory + start, count)
        } else {
            let size = count == 0 && needed <= Input.usual ? Input.usual : room
            let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
            larger.copyMemory(from: memory + start, byteCount: count)
            memory.deallocate()
            (memory, capacity) = (larger, size)
        }
        (start, end) = (0, end - start)
    }
}

/// What leaves: frames are gathered and written together.
struct Output {
    private var memory = UnsafeMutableRawPointer.allocate(byteCount: Output.usual, alignment: 16)
    private var capacity = Output.usual
    private var end = 0
    private static let usual = 64 << 10

    /// Appends one frame.
    mutating func append(_ frame: ModuleFrame, _ payload: UnsafeRawPointer?) {
        let size = ModuleFrame.headerBytes + frame.payloadCount
        if capacity - end < size { grow(to: end + size) }
        frame.write(to: memory + end)
        if frame.payloadCount > 0, let payload {
            (memory + end + ModuleFrame.headerBytes).copyMemory(from: payload, byteCount: frame.payloadCount)
        }
        end += size
    }

    /// Writes everything. While the conductor does not read, what it sends is taken in, so that two full sockets never
    /// wait for each other. `false` when the conductor has gone.
    mutating func flush(readingInto input: inout Input, upTo bound: Int) -> Bool {
        var sent = 0
        while sent < end {
            let count = send(socket, memory + sent, end - sent, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            if count > 0 {
                sent += count
                continue
            }
            if count < 0 && errno == EINTR { continue }
            guard count < 0 && errno == EAGAIN else { return false }
            var place = pollfd(fd: socket, events: Int16(POLLOUT | (input.count < bound ? POLLIN : 0)), revents: 0)
            _ = poll(&place, 1, -1)
            if place.revents & Int16(POLLIN) != 0, !input.fill(wait: false) { return false }
        }
        end = 0
        if capacity > 1 << 20 { shrink() }
        return true
    }

    private mutating func grow(to size: Int) {
        let room = max(size, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
        larger.copyMemory(from: memory, byteCount: end)
        memory.deallocate()
        (memory, capacity) = (larger, room)
    }

    private mutating func shrink() {
        memory.deallocate()
        memory = UnsafeMutableRawPointer.allocate(byteCount: Output.usual, alignment: 16)
        capacity = Output.usual
    }
}

/// Waits until descriptor 3 or `other` can be read; says which.
func waitForInput(orFor other: Int32) -> (socket: Bool, other: Bool) {
    var places = [
        pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&places, 2, -1) < 0 && errno == EINTR {}
    return (places[0].revents != 0, places[1].revents != 0)
}
