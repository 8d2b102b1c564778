import CSeccomp
import Glibc

/// The order in which the process gives up its rights (docs/spec/zome-process.md, "Start-up").
struct Lockdown {
    /// What was achieved; the conductor reads it from the `ready` frame.
    private(set) var landlockABI = 0
    private(set) var seccomp = false

    private var filters: Seccomp?

    /// Whether a host that was told `--sandbox required` may go on.
    var isComplete: Bool { landlockABI >= 1 && seccomp }

    /// What a host says that must not run in a degraded sandbox.
    var incomplete: Refusal {
        let landlock = landlockABI >= 1 ? "Landlock ABI \(landlockABI)" : "no Landlock"
        return Refusal(
            .sandboxUnavailable,
            "The sandbox is required, but this kernel gives \(landlock) and \(seccomp ? "" : "no ")system call filters."
        )
    }

    /// Everything before the first byte of a module is mapped.
    mutating func beforeModules(memoryBytes: Int, modules: [String]) throws(Refusal) {
        // Landlock binds the calling thread and its offspring only: a second thread would stay outside.
        guard Self.threadCount() == 1 else {
            throw Refusal(.sandboxUnavailable, "The zome process has more than one thread before it is locked down.")
        }
        _ = plasmid_parent_death_signal(SIGKILL)
        guard plasmid_close_from(4) == 0 else {
            throw Refusal(.sandboxUnavailable, "The zome process cannot close inherited descriptors: \(lastError()).")
        }
        try Self.limitResources(memoryBytes: memoryBytes)
        LastWords.listen()
        guard plasmid_no_new_privileges() == 0 else {
            throw Refusal(.sandboxUnavailable, "The zome process cannot give up privileges: \(lastError()).")
        }
        filters = Seccomp()
        let folders = modules.map(folder(of:)) + RuntimeLibraries.folders()
        landlockABI = Landlock.restrict(folders: folders, files: RuntimeLibraries.linkerFiles).abi
        seccomp = filters?.enterLoading() ?? false
    }

    /// After the modules are mapped and before they get a call.
    mutating func afterModules() {
        guard seccomp, let filters else { return }
        seccomp = filters.enterRunning()
    }

    /// `/proc/self/task` has a link for every thread beside its own two.
    private static func threadCount() -> Int {
        var status = stat()
        guard stat("/proc/self/task", &status) == 0 else { return 1 }
        return Int(status.st_nlink) - 2
    }

    private static func limitResources(memoryBytes: Int) throws(Refusal) {
        // RLIMIT_DATA counts private writable memory; RLIMIT_AS is the second fence, for what that does not count, with
        // room for libraries and the address space that malloc reserves for every thread. No RLIMIT_NPROC: it counts all
        // processes of the user, and new processes are the filter's business.
        let space = memoryBytes + 1 << 30
        let limits: [(__rlimit_resource, Int)] = [
            (RLIMIT_DATA, memoryBytes), (RLIMIT_AS, space), (RLIMIT_NOFILE, 32), (RLIMIT_CORE, 0), (RLIMIT_FSIZE, 0),
        ]
        for (resource, value) in limits {
            var limit = rlimit()
            // A stricter limit of the user's own stays.
            let highest = getrlimit(Int32(resource.rawValue), &limit) == 0 ? limit.rlim_max : rlim_t.max
            limit = rlimit(rlim_cur: min(rlim_t(value), highest), rlim_max: min(rlim_t(value), highest))
            guard setrlimit(Int32(resource.rawValue), &limit) == 0 else {
                throw Refusal(.sandboxUnavailable, "The zome process cannot limit its resources: \(lastError()).")
            }
        }
    }
}

/// Where the libraries lie that a module may need while it is loaded: asked of the ones that this process uses itself.
enum RuntimeLibraries {
    /// What the dynamic linker reads to find system libraries.
    static let linkerFiles = ["/etc/ld.so.cache"]

    /// The folders of the Swift runtime and of the C library.
    static func folders() -> [String] {
        ["swift_retain", "malloc"].compactMap { (symbol) -> String? in
            guard let address = dlsym(nil, symbol) else { return nil }
            var place = plasmid_symbol_place()
            guard plasmid_place_of_symbol(address, &place) != 0, let name = place.file else { return nil }
            guard let real = realpath(name, nil) else { return nil }
            defer { free(real) }
            return folder(of: String(cString: real))
        }
    }
}

/// What stands before the last slash.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The C library's words for the last failed call.
func lastError() -> String { String(cString: strerror(errno)) }
