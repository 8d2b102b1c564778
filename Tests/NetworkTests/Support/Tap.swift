import Foundation
import Glibc

/// Everything that passes through a namespace's interfaces, byte for byte.
// `@unchecked Sendable`: only its thread touches `bytes` before `isDone` is signalled, and only `stop` after that.
final class Tap: @unchecked Sendable {
    private var bytes: [UInt8] = []
    private let isDone = DispatchSemaphore(value: 0)
    private let isReady = DispatchSemaphore(value: 0)
    private let wake: (read: Int32, write: Int32)
    private var fault: String?

    init(_ namespace: String) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Shell.Failed(description: "there is no pipe") }
        wake = (ends[0], ends[1])
        let thread = Thread { [self] in
            listen(namespace)
            isDone.signal()
        }
        thread.start()
        isReady.wait()
        if let fault { throw Shell.Failed(description: fault) }
    }

    private func listen(_ namespace: String) {
        let everything = Int32(UInt16(3).bigEndian)
        var socket: Int32 = -1
        do {
            try Namespace.enter(namespace)
            socket = Glibc.socket(AF_PACKET, Int32(SOCK_RAW.rawValue), everything)
            if socket < 0 { fault = "no raw socket: \(String(cString: strerror(errno)))" }
        } catch {
            fault = "\(error)"
        }
        isReady.signal()
        guard fault == nil else { return }
        defer { close(socket) }
        var room: Int32 = 64 << 20
        setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &room, socklen_t(MemoryLayout<Int32>.size))
        var packet = [UInt8](repeating: 0, count: 70_000)
        var waits = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&waits, 2, -1) >= 0 || errno == EINTR {
            if waits[0].revents != 0 {
                let count = recv(socket, &packet, packet.count, 0)
                if count > 0 { bytes += packet[0..<count] }
            } else if waits[1].revents != 0 {
                return
            }
        }
    }

    /// Ends it and gives what passed.
    func stop() -> Data {
        var one: UInt8 = 1
        write(wake.write, &one, 1)
        isDone.wait()
        close(wake.read)
        close(wake.write)
        return Data(bytes)
    }
}
