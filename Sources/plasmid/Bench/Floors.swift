import Foundation
import Glibc
import Integrity
import Keystore
import Sodium

/// A program of ours as a child, heard through a pipe.
final class FloorChild {
    private let process = Process()
    private let input: Pipe?
    private let output = Pipe()

    /// Starts `plasmid bench-floor KIND`.
    /// - Parameter socket: the child's standard input; a pipe that ends it where nil.
    init(_ kind: FloorProgram.Kind, socket: FileHandle? = nil) throws {
        process.executableURL = URL(fileURLWithPath: RunSettings.programFolder() + "/plasmid")
        process.arguments = ["bench-floor", kind.rawValue]
        input = socket == nil ? Pipe() : nil
        process.standardInput = socket ?? input
        process.standardOutput = output
        try process.run()
    }

    var processID: Int32 { process.processIdentifier }

    /// The child's first line.
    func word() throws -> String {
        let bytes = output.fileHandleForReading.availableData
        guard !bytes.isEmpty else { throw Failure(PlasmidError(.startFailed, "a floor's program did not start")) }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func wait() { process.waitUntilExit() }

    func stop() {
        try? input?.fileHandleForWriting.close()
        process.terminate()
        process.waitUntilExit()
    }
}

/// A socket pair to a process that sends back what it gets: blocking reads and writes on both sides.
final class BarePair {
    /// Bytes of a frame: about those of a call without arguments.
    static let frameBytes = 72
    private let descriptor: Int32
    private let child: FloorChild

    init() throws {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Failure(
                PlasmidError(.startFailed, "there is no socket pair", cause: String(cString: strerror(errno))))
        }
        descriptor = ends[0]
        child = try FloorChild(.pair, socket: FileHandle(fileDescriptor: ends[1], closeOnDealloc: true))
        _ = exchange(100)
    }

    var processID: Int32 { child.processID }

    /// Round trips of one frame after the other, or of so many at once.
    func exchange(_ trips: Int, frames: Int = 1) -> Samples {
        Self.exchange(over: descriptor, trips, bytes: Self.frameBytes * frames)
    }

    /// Round trips of so many bytes to whoever sends them back.
    static func exchange(over descriptor: Int32, _ trips: Int, bytes size: Int) -> Samples {
        var samples = Samples()
        withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
            buffer.initializeMemory(as: UInt8.self, repeating: 7)
            for _ in 0..<trips {
                let start = monotonicSeconds()
                guard write(descriptor, buffer.baseAddress, size) == size else { return }
                var got = 0
                while got < size {
                    let count = read(descriptor, buffer.baseAddress, size - got)
                    guard count > 0 else { return }
                    got += count
                }
                samples.add(monotonicSeconds() - start)
            }
        }
        return samples
    }

    func stop() {
        close(descriptor)
        child.stop()
    }
}

/// A TCP connection to a process that sends back what it gets: blocking reads and writes on both sides.
final class BareTCP {
    let port: Int
    private let descriptor: Int32
    private let child: FloorChild

    init() throws {
        child = try FloorChild(.tcp)
        port = Int(try child.word().dropFirst("ready ".count)) ?? 0
        descriptor = try LoopbackSocket.connect(port: port)
        _ = exchange(100, bytes: 72)
    }

    var processID: Int32 { child.processID }

    /// Round trips of so many bytes, one after the other.
    func exchange(_ trips: Int, bytes: Int) -> Samples { BarePair.exchange(over: descriptor, trips, bytes: bytes) }

    func stop() {
        close(descriptor)
        child.stop()
    }
}

/// TCP on 127.0.0.1 without anything around it.
enum LoopbackSocket {
    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func make() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        guard descriptor >= 0,
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
        else { throw failure("there is no TCP socket") }
        return descriptor
    }

    private static func failure(_ words: String) -> Failure {
        Failure(PlasmidError(.startFailed, words, cause: String(cString: strerror(errno))))
    }

    private static func with(
        _ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafeBytes(of: address) { raw in
            // A socket address of any family begins as `sockaddr` does.
            raw.assumingMemoryBound(to: sockaddr.self).baseAddress.map { body($0, socklen_t(raw.count)) } ?? -1
        }
    }

    static func connect(port: Int) throws -> Int32 {
        let descriptor = try make()
        guard with(address(port), { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw failure("nothing listens on port \(port)")
        }
        return descriptor
    }

    /// A socket that listens, and its port.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = try make()
        guard with(address(0), { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 64) == 0 else {
            throw failure("a port cannot be listened on")
        }
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutableBytes(of: &bound) { raw in
            raw.assumingMemoryBound(to: sockaddr.self).baseAddress.map { getsockname(descriptor, $0, &size) } ?? -1
        }
        guard status == 0 else { throw failure("a port cannot be listened on") }
        return (descriptor, Int(UInt16(bigEndian: bound.sin_port)))
    }

    /// The next connection to a listening socket.
    static func accept(_ listening: Int32) throws -> Int32 {
        let descriptor = Glibc.accept(listening, nil, nil)
        var on: Int32 = 1
        guard descriptor >= 0,
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
        else { throw failure("a connection cannot be taken") }
        return descriptor
    }
}

/// A preallocated file like the journal's: written full of zeros, then synced under its name with its folder.
final class SyncedFile {
    private static let size = 32 << 20
    private let path: String
    private let descriptor: Int32
    private var position = 0

    init(folder: String) throws {
        path = folder + "/sync-floor"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for block in 0..<(Self.size >> 20) {
            guard pwrite(descriptor, zeros, zeros.count, block << 20) == zeros.count else { throw failure }
        }
        let parent = open(folder, O_RDONLY | O_CLOEXEC)
        defer { close(parent) }
        guard fdatasync(descriptor) == 0, fsync(parent) == 0 else { throw failure }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    private var failure: Failure { Failure(PlasmidError(.startFailed, "\(path) cannot be written")) }

    /// The time to write `bytes` bytes behind the last ones and have them on the disk, so many times.
    func write(bytes: Int, count: Int) throws -> Samples {
        let record = [UInt8](repeating: 7, count: bytes)
        var samples = Samples()
        for _ in 0..<count {
            if position + bytes > Self.size { position = 0 }
            let start = monotonicSeconds()
            guard pwrite(descriptor, record, bytes, position) == bytes, fdatasync(descriptor) == 0 else {
                throw failure
            }
            samples.add(monotonicSeconds() - start)
            position += bytes
        }
        return samples
    }
}

/// What a commit cannot do without, beside its sync.
enum CommitFloor {
    /// The time of one signature over an action's bytes.
    static func signature(_ keystore: Keystore, by agent: AgentPubKey, count: Int) throws -> Samples {
        let message = [UInt8](repeating: 7, count: 330)
        var samples = Samples()
        for _ in 0..<count {
            let start = monotonicSeconds()
            _ = try keystore.sign(message, by: agent)
            samples.add(monotonicSeconds() - start)
        }
        return samples
    }
}
