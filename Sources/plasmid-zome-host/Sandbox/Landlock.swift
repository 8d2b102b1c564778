import CSeccomp
import Glibc

/// Which files the process may read: nothing but the folders given, nothing written, no TCP, no signals to others.
enum Landlock {
    /// What the kernel granted.
    struct Outcome {
        /// The kernel's Landlock ABI (1…); 0 where it has none or refused.
        var abi: Int
    }

    /// Locks the calling thread and all that it will start. Earlier threads stay free: call it while there is one.
    ///
    /// - Parameters:
    ///   - folders: may be read and mapped, with all below them; those that do not exist are passed over
    ///   - files: single files that may be read
    static func restrict(folders: [String], files: [String]) -> Outcome {
        let abi = Int(plasmid_landlock_abi())
        guard abi >= 1 else { return Outcome(abi: 0) }
        var rules = handled(abi)
        let size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8
        let ruleset = plasmid_landlock_create(&rules, size)
        guard ruleset >= 0 else { return Outcome(abi: 0) }
        defer { close(ruleset) }
        for path in folders { allow(path, in: ruleset, plasmid_landlock_read_file | plasmid_landlock_execute) }
        for path in files { allow(path, in: ruleset, plasmid_landlock_read_file) }
        return Outcome(abi: plasmid_landlock_restrict(ruleset) == 0 ? abi : 0)
    }

    /// Everything that an ABI can forbid is forbidden unless a rule allows it.
    private static func handled(_ abi: Int) -> plasmid_landlock_ruleset {
        var rules = plasmid_landlock_ruleset()
        rules.handled_access_fs = plasmid_landlock_all_abi1
        if abi >= 2 { rules.handled_access_fs |= plasmid_landlock_refer }
        if abi >= 3 { rules.handled_access_fs |= plasmid_landlock_truncate }
        if abi >= 4 { rules.handled_access_net = plasmid_landlock_net_all }
        if abi >= 5 { rules.handled_access_fs |= plasmid_landlock_ioctl_dev }
        if abi >= 6 { rules.scoped = plasmid_landlock_scope_all }
        return rules
    }

    private static func allow(_ path: String, in ruleset: Int32, _ access: UInt64) {
        let place = open(path, plasmid_open_path_only | O_CLOEXEC)
        guard place >= 0 else { return }
        // A rule that cannot be added only takes rights away.
        _ = plasmid_landlock_allow(ruleset, place, access)
        close(place)
    }
}
