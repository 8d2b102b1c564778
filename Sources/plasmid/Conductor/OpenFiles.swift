import Foundation

/// How many files and connections this process may have open at a time.
enum OpenFiles {
    /// Room for some tens of interfaces full of connections, beside databases, journal and modules. Systems that know no
    /// bound would let a table of descriptors grow without need.
    static let wanted: rlim_t = 65_536

    /// Raises the bound to ``wanted``, or as far as the system lets a process: many begin with 1,024, which two interfaces
    /// full of connections already reach. Modules' processes get a bound of their own.
    static func raise() {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0, limit.rlim_cur < wanted else { return }
        limit.rlim_cur = min(limit.rlim_max, wanted)
        // What cannot be raised stays as it was: then connections beyond it wait in the system's queue.
        setrlimit(files, &limit)
    }

    /// How many may be open now.
    static var bound: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many connections an interface may hold, so that both ports full of them leave room for everything else: where
    /// nothing more can be opened, no call could start a module and no interface take whoever has a token.
    static func connections(bound: Int = Self.bound, most: Int) -> Int { min(most, max(16, (bound - 192) / 2)) }
}
