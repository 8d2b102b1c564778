import CSeccomp
import Glibc

// libdispatch, which runs the tasks that a module starts beside its calls, counts its working threads once a second by
// reading `/proc/…/stat` of each, and ends the process where that cannot be opened: after the lockdown no file can. So
// this process has an `open` of its own, which the dynamic linker prefers to the C library's, and which answers that one
// question without a file.

/// What `stat` of a thread that runs begins with, as the eight bytes that an event descriptor holds: `1 (t) R `.
private let running: UInt64 = 0x2052_2029_7428_2031

/// `open` of the C library; a thread's `stat` that cannot be opened reads as that of a running thread. Public, or the
/// linker would hide it from libraries.
@_cdecl("open")
public func openInSandbox(_ path: UnsafePointer<CChar>?, _ flags: Int32, _ mode: mode_t) -> Int32 {
    guard let path else {
        errno = EFAULT
        return -1
    }
    let descriptor = openat(AT_FDCWD, path, flags, mode)
    guard descriptor < 0, isThreadState(path) else { return descriptor }
    let event = plasmid_eventfd()
    guard event >= 0 else { return event }
    var bytes = running
    guard write(event, &bytes, MemoryLayout<UInt64>.size) == MemoryLayout<UInt64>.size else {
        close(event)
        errno = EACCES
        return -1
    }
    return event
}

/// `/proc/NUMBER/stat`.
private func isThreadState(_ path: UnsafePointer<CChar>) -> Bool {
    guard strncmp(path, "/proc/", 6) == 0 else { return false }
    let number = path + 6
    let digits = strspn(number, "0123456789")
    return digits > 0 && strcmp(number + Int(digits), "/stat") == 0
}
