import Glibc
import Integrity
import NIOCore

/// Asks a module what it is, in a sandboxed process of its own that ends at once.
///
/// For programs without an event loop: it blocks its thread, for as long as loading takes and no longer than the limits
/// allow. Several modules are started side by side and asked one after the other.
public enum ModuleProbe {
    /// What each library says of itself, in the order given; an error where it cannot be loaded or says nothing usable.
    /// - Parameters:
    ///   - libraries: the names of the zomes, for messages, and absolute paths
    ///   - executable: `plasmid-zome-host`
    public static func describe(
        _ libraries: [(zome: String, path: String)], executable: String, limits: RuntimeLimits = RuntimeLimits()
    ) -> [Result<ModuleDescription, PlasmidError>] {
        // A place for each processor would do; this many keep a machine busy without filling its memory.
        var results: [Result<ModuleDescription, PlasmidError>] = []
        var rest = libraries[...]
        while !rest.isEmpty {
            let started = rest.prefix(8).map { Asked($0.zome, $0.path, executable: executable, limits) }
            rest = rest.dropFirst(8)
            results += started.map { $0.answer() }
        }
        return results
    }
}

/// One process that was asked, and the end of its socket that is ours.
private final class Asked {
    private let zome: String
    private let limits: RuntimeLimits
    private var socket: Int32 = -1
    private var child: ChildProcess?
    private var failure: PlasmidError?

    init(_ zome: String, _ path: String, executable: String, _ limits: RuntimeLimits) {
        self.zome = zome
        self.limits = limits
        guard access(executable, X_OK) == 0 else {
            failure = PlasmidError(
                .moduleStopped, "there is no \(executable) to run modules in",
                hint: "it belongs beside the plasmid program")
            return
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            failure = PlasmidError(.moduleStopped, "no socket for the process of zome '\(zome)' (\(errno))")
            return
        }
        socket = ends[0]
        let arguments = [
            "--role", "coordinator", "--memory", "\(limits.memoryBytes)", "--sandbox", limits.sandbox.rawValue,
            "--frame", "\(limits.maxFrameBytes)", "--module", "\(zome)=\(path)",
        ]
        child = ChildProcess(
            .init(
                executable: executable, arguments: arguments, environment: ["SWIFT_DETERMINISTIC_HASHING=1"],
                socket: ends[1]),
            ended: { _ in })
    }

    deinit {
        if socket >= 0 { close(socket) }
        child?.kill()
    }

    /// Waits for the first frame.
    func answer() -> Result<ModuleDescription, PlasmidError> {
        if let failure { return .failure(failure) }
        defer { child?.kill() }
        do throws(PlasmidError) {
            let (kind, payload) = try frame()
            switch kind {
            case .ready:
                let readiness = try ModuleReadiness(packed: payload)
                guard let module = readiness.modules.first, readiness.modules.count == 1 else { throw garbage }
                return .success(module)
            case .refused:
                let refusal = try ModuleError(packed: payload)
                return .failure(PlasmidError(PlasmidError.Code(rawValue: refusal.code), refusal.message))
            default: throw garbage
            }
        } catch {
            return .failure(error)
        }
    }

    private var garbage: PlasmidError {
        PlasmidError(.moduleGarbage, "zome '\(zome)': its process sent bytes that are no answer")
    }

    private func frame() throws(PlasmidError) -> (ModuleFrame.Kind, [UInt8]) {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        let end =
            deadline.tv_sec * 1_000 + deadline.tv_nsec / 1_000_000 + Int(limits.startTimeout.nanoseconds / 1_000_000)
        let head = try read(ModuleFrame.headerBytes, until: end)
        let header = head.withUnsafeBytes { bytes in bytes.baseAddress.flatMap { ModuleFrame(reading: $0) } }
        guard let header, header.payloadCount <= limits.maxFrameBytes else { throw garbage }
        return (header.kind, try read(header.payloadCount, until: end))
    }

    private func read(_ count: Int, until end: Int) throws(PlasmidError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            let left = end - (now.tv_sec * 1_000 + now.tv_nsec / 1_000_000)
            var waiting = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = left > 0 ? poll(&waiting, 1, Int32(left)) : 0
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else {
                throw PlasmidError(.moduleTimedOut, "zome '\(zome)': its module did not start in time")
            }
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(socket, $0.baseAddress.map { $0 + done }, count - done)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                throw PlasmidError(.moduleTrapped, "zome '\(zome)': its module ended the process while it was loaded")
            }
            done += got
        }
        return bytes
    }
}
