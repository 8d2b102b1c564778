import Glibc
import Synchronization

/// One started process, and the thread that starts it, reads what it prints and waits for its end.
///
/// The thread lives as long as the process: the kernel's parent-death signal is sent when the *thread* that started a
/// process ends. No other thread ever blocks.
final class ChildProcess: Sendable {
    struct Command: Sendable {
        var executable: String
        var arguments: [String]
        var environment: [String]
        /// Becomes descriptor 3 of the process; closed here once it was started.
        var socket: Int32
    }

    /// The process number while it can be signalled: from its start until just before it is reaped.
    private let process = Mutex<pid_t?>(nil)
    private let isKilled = Mutex<Bool>(false)
    private let command: Command
    private let ended: @Sendable (ChildExit) -> Void

    /// How much of what a process prints is kept for messages, in bytes: a trap's reason stands before its whole stack.
    private static let lastWordsBytes = 8_192
    private static let stackBytes = 128 << 10

    /// Starts it on a thread of its own. `ended` is called once, on that thread.
    init(_ command: Command, ended: @escaping @Sendable (ChildExit) -> Void) {
        self.command = command
        self.ended = ended
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, Self.stackBytes)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        let me = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let result = pthread_create(&thread, attributes, childThread, me.toOpaque())
        pthread_attr_destroy(attributes)
        if result != 0 {
            me.release()
            close(command.socket)
            ended(ChildExit(status: .notStarted(errno: result)))
        }
    }

    /// Its number, while it lives.
    var number: pid_t? { process.withLock { $0 } }

    /// Ends it at once; harmless when it has ended, effective also when it is only about to start.
    func kill() {
        isKilled.withLock { $0 = true }
        process.withLock { if let number = $0 { _ = Glibc.kill(number, SIGKILL) } }
    }

    /// The thread's whole life.
    fileprivate func run() {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            close(command.socket)
            return ended(ChildExit(status: .notStarted(errno: errno)))
        }
        // What it prints must never make it wait for us.
        let writer = ends[1]
        _ = fcntl(writer, F_SETFL, fcntl(writer, F_GETFL) | O_NONBLOCK)
        let (number, error) = Spawn.start(command, output: writer)
        let startPeak = Self.ownPeakBytes
        close(writer)
        close(command.socket)
        guard let number else {
            close(ends[0])
            return ended(ChildExit(status: .notStarted(errno: error)))
        }
        process.withLock { $0 = number }
        if isKilled.withLock({ $0 }) { kill() }
        let words = Self.readToEnd(ends[0])
        var exit = reap(number)
        // The kernel counts what this process had in memory when it became the other one: no more than that says nothing.
        if exit.peakBytes <= startPeak { exit.peakBytes = 0 }
        close(ends[0])
        exit.lastWords = words
        ended(exit)
    }

    /// Waits without reaping, takes the number out of use, then reaps: a kill never meets a number that was given anew.
    private func reap(_ number: pid_t) -> ChildExit {
        var information = siginfo_t()
        while waitid(P_PID, id_t(number), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        process.withLock { $0 = nil }
        var status: Int32 = 0
        var usage = rusage()
        while wait4(number, &status, 0, &usage) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        let how: ChildExit.Status = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
        return ChildExit(status: how, peakBytes: usage.ru_maxrss << 10)
    }

    /// The most memory that the conductor has had so far, in bytes.
    private static var ownPeakBytes: Int {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    /// Reads what the process prints until it has closed its end, and keeps the last of it.
    private static func readToEnd(_ descriptor: Int32) -> String {
        var tail: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            tail += piece[..<count]
            if tail.count > lastWordsBytes { tail.removeFirst(tail.count - lastWordsBytes) }
        }
        let text = String(decoding: tail, as: UTF8.self)
        // A hostile module chooses these words: no control characters reach a terminal.
        return String(
            String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 || $0 == "\n" }))
    }
}

private func childThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ChildProcess>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}

/// `posix_spawn` with nothing inherited but three descriptors, an explicit environment and default signals.
enum Spawn {
    static func start(_ command: ChildProcess.Command, output: Int32) -> (number: pid_t?, error: Int32) {
        // Above the numbers that are handed over, so that no action overwrites the source of a later one.
        let socket = fcntl(command.socket, F_DUPFD_CLOEXEC, 10)
        let printed = fcntl(output, F_DUPFD_CLOEXEC, 10)
        defer {
            close(socket)
            close(printed)
        }
        guard socket >= 0, printed >= 0 else { return (nil, errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, printed, 1)
        posix_spawn_file_actions_adddup2(&actions, printed, 2)
        posix_spawn_file_actions_adddup2(&actions, socket, 3)
        closeFrom(4, &actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A session of its own: an interrupt from the terminal is the conductor's business.
        let flags = Int32(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | 0x80
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var number = pid_t()
        let error = withStrings([command.executable] + command.arguments) { arguments in
            withStrings(command.environment) { environment -> Int32 in
                guard let arguments, let environment else { return EINVAL }
                return posix_spawn(&number, command.executable, &actions, &attributes, arguments, environment)
            }
        }
        return error == 0 ? (number, 0) : (nil, error)
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

    /// NIO's sockets lack close-on-exec. The function is hidden from Swift by glibc's feature macros, and absent before
    /// glibc 2.34, where the process closes the rest itself as its first act.
    private static func closeFrom(_ first: Int32, _ actions: inout posix_spawn_file_actions_t) {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, first)
    }

    private static func withStrings<R>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> R
    ) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress) }
    }
}
