import CSeccomp
import Glibc

/// Which system calls the process may make: two filters, both built before the first is loaded.
///
/// The loading filter lets the dynamic linker map a library and its constructors run; the running filter on top of it
/// takes away opening files and mapping executable memory. What no rule names kills the process, so that the conductor
/// sees SIGSYS and can name the module; calls that ordinary libraries make and survive without get an error number.
struct Seccomp {
    private let loading: scmp_filter_ctx
    private let running: scmp_filter_ctx

    /// Builds both filters; `nil` where libseccomp or the kernel cannot.
    init?() {
        guard let first = seccomp_init(SCMP_ACT_KILL_PROCESS) else { return nil }
        guard let second = seccomp_init(SCMP_ACT_ALLOW) else { return nil }
        loading = first
        running = second
        guard Self.prepare(first), Self.prepare(second), Self.addLoadingRules(to: first),
            Self.addRunningRules(to: second)
        else { return nil }
    }

    /// From here on: files read-only where Landlock allows it, no sockets, no processes.
    func enterLoading() -> Bool { seccomp_load(loading) == 0 }

    /// From here on: no file can be opened, nothing new can become executable. There is no way back.
    func enterRunning() -> Bool { seccomp_load(running) == 0 }

    private static func prepare(_ filter: scmp_filter_ctx) -> Bool {
        // All threads get the filter: a module's constructors may have started some.
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0
            && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) == 0
            // A tree instead of a list: the calls of every frame pass in a few steps.
            && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0
            && seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0
    }

    /// Harmless with any argument: memory, time, threads of this process, descriptors that are already open.
    private static let plain = [
        "read", "write", "close", "munmap", "mremap", "brk", "madvise", "futex", "exit", "exit_group", "rt_sigreturn",
        "rt_sigprocmask", "rt_sigaction", "sigaltstack", "gettid", "getpid", "clock_gettime", "clock_getres",
        "clock_nanosleep", "nanosleep", "gettimeofday", "getrandom", "rseq", "set_robust_list", "sched_getaffinity",
        "sched_yield", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "timerfd_create", "timerfd_settime",
        "eventfd2", "poll", "ppoll", "fstat", "pread64", "lseek", "restart_syscall", "seccomp", "getuid", "geteuid",
        "getgid", "getegid",
    ]

    /// Refused with an error number, because libraries try them and go on: looking for files, asking about the machine.
    private static let refused: [(name: String, error: Int32)] = [
        ("open", EACCES), ("stat", ENOENT), ("lstat", ENOENT), ("statx", ENOENT), ("access", ENOENT),
        ("faccessat", ENOENT), ("faccessat2", ENOENT), ("readlink", ENOENT), ("readlinkat", ENOENT), ("getcwd", ENOENT),
        ("creat", EACCES), ("mkdir", EACCES), ("unlink", EACCES), ("unlinkat", EACCES), ("rename", EACCES),
        ("openat2", ENOSYS), ("getdents64", EBADF), ("ioctl", ENOTTY), ("fcntl", EPERM), ("dup", EPERM),
        ("pipe2", EPERM), ("uname", EPERM), ("sysinfo", EPERM), ("getrusage", EPERM), ("mlock", EPERM),
        ("munlock", EPERM), ("membarrier", ENOSYS), ("sched_setaffinity", EPERM), ("sched_setscheduler", EPERM),
        ("clone3", ENOSYS), ("memfd_create", EPERM),
    ]

    private static func addLoadingRules(to filter: scmp_filter_ctx) -> Bool {
        var good = plain.allSatisfy { add(filter, SCMP_ACT_ALLOW, $0, []) }
        for (name, error) in refused {
            good = good && add(filter, plasmid_seccomp_errno(UInt16(error)), name, [])
        }
        // A read-only file; which one, Landlock decides.
        let writing = O_ACCMODE | O_CREAT | O_TRUNC
        good =
            good
            && addOr(filter, "openat", EACCES, when: masked(2, UInt64(writing), 0), else: masked(2, UInt64(writing)))
        good = good && add(filter, SCMP_ACT_ALLOW, "newfstatat", [])
        // Threads, never processes.
        good = good && add(filter, SCMP_ACT_ALLOW, "clone", [masked(0, plasmid_clone_thread, plasmid_clone_thread)])
        // Shared memory is not counted by RLIMIT_DATA.
        good =
            good
            && addOr(
                filter, "mmap", EACCES, when: masked(3, UInt64(MAP_SHARED), 0), else: masked(3, UInt64(MAP_SHARED)))
        good = good && add(filter, SCMP_ACT_ALLOW, "mprotect", [])
        return good && addOwnProcessRules(to: filter)
    }

    /// Calls that could reach another process of the same user, narrowed to this one and to descriptor 3.
    private static func addOwnProcessRules(to filter: scmp_filter_ctx) -> Bool {
        // abort() raises its signal with tgkill and loops for ever where that is denied.
        var good = add(filter, SCMP_ACT_ALLOW, "tgkill", [equals(0, UInt64(getpid()))])
        good = good && add(filter, SCMP_ACT_ALLOW, "setpriority", [equals(0, 0), equals(1, 0)])
        good = good && add(filter, SCMP_ACT_ALLOW, "prlimit64", [equals(0, 0), equals(2, 0)])
        // Plain bytes only: sendmsg could pass descriptors.
        good = good && add(filter, SCMP_ACT_ALLOW, "sendto", [equals(0, 3), equals(4, 0)])
        good = good && add(filter, SCMP_ACT_ALLOW, "recvfrom", [equals(0, 3), equals(4, 0)])
        for option in [PR_SET_NAME, PR_GET_NAME] {
            good = good && add(filter, SCMP_ACT_ALLOW, "prctl", [equals(0, UInt64(option))])
        }
        // glibc names anonymous memory; it survives a refusal, but a kill would name the wrong culprit.
        return good && add(filter, plasmid_seccomp_errno(UInt16(EINVAL)), "prctl", [equals(0, 0x5356_4d41)])
    }

    private static func addRunningRules(to filter: scmp_filter_ctx) -> Bool {
        let denied = plasmid_seccomp_errno(UInt16(EACCES))
        let absent = plasmid_seccomp_errno(UInt16(ENOENT))
        let executable = UInt64(PROT_EXEC)
        return add(filter, denied, "mmap", [masked(2, executable, executable)])
            && add(filter, denied, "mprotect", [masked(2, executable, executable)])
            && add(filter, absent, "openat", []) && add(filter, absent, "newfstatat", [])
            && add(filter, plasmid_seccomp_errno(UInt16(EPERM)), "seccomp", [])
    }

    /// Adds one rule. A name that this architecture does not have needs none.
    private static func add(
        _ filter: scmp_filter_ctx, _ action: UInt32, _ name: String, _ conditions: [scmp_arg_cmp]
    ) -> Bool {
        let number = seccomp_syscall_resolve_name(name)
        guard number >= 0 else { return true }
        return seccomp_rule_add_array(filter, action, number, UInt32(conditions.count), conditions) == 0
    }

    /// Allows `name` under one condition and answers an error number under the other.
    private static func addOr(
        _ filter: scmp_filter_ctx, _ name: String, _ error: Int32, when allowed: scmp_arg_cmp,
        else refused: [scmp_arg_cmp]
    ) -> Bool {
        add(filter, SCMP_ACT_ALLOW, name, [allowed])
            && refused.allSatisfy { add(filter, plasmid_seccomp_errno(UInt16(error)), name, [$0]) }
    }

    private static func equals(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
    }

    private static func masked(_ argument: UInt32, _ mask: UInt64, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
    }

    /// One condition for every bit of the mask: together they say "not all of it is zero".
    private static func masked(_ argument: UInt32, _ mask: UInt64) -> [scmp_arg_cmp] {
        (0..<64).map { UInt64(1) << UInt64($0) }.filter { mask & $0 != 0 }.map { masked(argument, $0, $0) }
    }
}
