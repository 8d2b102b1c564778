import Foundation
import Glibc
import Manifests

/// Checks again whenever something changes that the last check read.
///
/// The kernel tells of changes in the folders of those files (inotify); what changed is found by comparing times, sizes and
/// numbers of the files themselves, so that an editor's backup beside a manifest starts nothing.
struct Watch {
    let kind: ManifestKind
    let options: CheckOptions

    /// Milliseconds without another change after which a change counts as done: editors write a file in several steps.
    static let settleMilliseconds: Int32 = 60

    /// Checks, then waits, until somebody ends it. Does not return: the exit status is that of the last check.
    /// - Parameters:
    ///   - inputs: the files that the command line means, asked before each check, since a folder may have new ones
    ///   - check: checks and tells; nil when a file is faulty
    func run(inputs: () throws -> [String], check: () -> Void?) throws {
        let interrupt = Watch.interruptDescriptor()
        while true {
            let watched = Watched(files: try files(try inputs()))
            // Before the check: a change during it starts the next one.
            let before = watched.fingerprints()
            let notifier = Notifier()
            notifier.watch(watched.folders)
            let isValid = check() != nil
            Output.note("watching \(Words.count(watched.files.count, "file")) and folders; Ctrl-C ends")
            while watched.fingerprints() == before {
                if notifier.wait(or: interrupt) { exit(isValid ? 0 : 1) }
                // Folders may have come since, with what they hold: watched first, looked at afterwards.
                notifier.watch(watched.folders)
            }
            if Output.isTerminal, options.chosen == .text {
                FileHandle.standardOutput.write(Data("\u{1B}[2J\u{1B}[3J\u{1B}[H".utf8))
            } else {
                Output.note("changed: \(watched.changed(since: before).joined(separator: ", "))")
            }
        }
    }

    /// Every file and folder that a check of the inputs reads.
    private func files(_ inputs: [String]) throws -> [String] {
        var files: [String] = []
        for input in inputs {
            let manifests = CheckedFiles.manifests(of: input, kind: kind)
            files += manifests
            for path in kind == .happ ? Array(manifests.dropFirst()) : manifests {
                files += CheckedFiles.sourceFolders(ofDna: path)
                if let describer = options.describer, let dna = ManifestReader.dna(at: path).manifest {
                    files += describer.places(of: dna.modules, path)
                }
            }
        }
        return Array(Set(files)).sorted()
    }

    /// A descriptor that becomes readable on Ctrl-C and SIGTERM, which do nothing else from now on.
    private static func interruptDescriptor() -> Int32 {
        _ = pipe(&interruptEnds)
        for end in interruptEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        for number in [SIGINT, SIGTERM] { signal(number, tellOfSignal) }
        // Whoever started this may have blocked them, and a mask is inherited.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in [SIGINT, SIGTERM] { sigaddset(&wanted, number) }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
        return interruptEnds[0]
    }
}

/// The two ends of the pipe that a signal writes to.
/// Invariant: written once, before the handler is installed and before any other thread runs.
nonisolated(unsafe) private var interruptEnds: [Int32] = [-1, -1]

/// Calls nothing but `write`, as a signal handler must.
private func tellOfSignal(_ number: Int32) {
    var byte: UInt8 = 1
    _ = write(interruptEnds[1], &byte, 1)
}

/// Files and folders, and what they look like from outside.
struct Watched {
    /// Paths of files and of folders with everything below them.
    let files: [String]

    struct Fingerprint: Equatable {
        var seconds = 0
        var nanoseconds = 0
        var size = -1
        var number: UInt64 = 0
    }

    /// What each file looks like now; one that is not there has a fingerprint too.
    func fingerprints() -> [String: Fingerprint] {
        var result: [String: Fingerprint] = [:]
        for file in files { Watched.look(file, &result, depth: 0) }
        return result
    }

    private static func look(_ path: String, _ result: inout [String: Fingerprint], depth: Int) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            result[path] = Fingerprint()
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            result[path] = Fingerprint(
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, size: Int(status.st_size),
                number: UInt64(status.st_ino))
            return
        }
        guard depth < 16, result.count < 20_000 else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            look(path + "/" + name, &result, depth: depth + 1)
        }
    }

    /// Which files look otherwise than before.
    func changed(since before: [String: Fingerprint]) -> [String] {
        let now = fingerprints()
        return Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }.sorted()
    }

    /// The folders in which a change would show: those of the files, and the folders themselves with all below.
    var folders: [String] {
        var result: Set<String> = []
        for file in files {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
            result.insert(Watched.nearest(URL(fileURLWithPath: file).deletingLastPathComponent()))
            guard isFolder.boolValue else { continue }
            result.insert(file)
            for path in FileManager.default.subpaths(atPath: file) ?? [] {
                result.insert(URL(fileURLWithPath: file + "/" + path).deletingLastPathComponent().path)
            }
        }
        return result.sorted()
    }

    /// The folder, or the nearest one above it that is there: a build makes folders before files.
    private static func nearest(_ folder: URL) -> String {
        var folder = folder
        while folder.path != "/", access(folder.path, F_OK) != 0 { folder = folder.deletingLastPathComponent() }
        return folder.path
    }
}

/// The kernel's word that something happened in some folders.
final class Notifier {
    private let descriptor: Int32

    init() {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
    }

    /// Watches these folders too. One that is watched already goes on being so.
    func watch(_ folders: [String]) {
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MODIFY)
        for folder in folders { _ = inotify_add_watch(descriptor, folder, mask) }
    }

    deinit { close(descriptor) }

    /// Waits until something happened and nothing more follows.
    /// - Returns: whether `other` became readable instead.
    func wait(or other: Int32) -> Bool {
        var both = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        var timeout: Int32 = -1
        while true {
            let ready = poll(&both, 2, timeout)
            if ready < 0, errno == EINTR { continue }
            if both[1].revents != 0 { return true }
            if ready <= 0 { return false }
            var events = [UInt8](repeating: 0, count: 16 << 10)
            while read(descriptor, &events, events.count) > 0 {}
            timeout = Watch.settleMilliseconds
        }
    }
}
