import Glibc

/// Says why, where the C library gives up without a word: `abort` after an allocation that failed.
///
/// The conductor cannot see it from outside: the kernel's figure for the most memory of a process starts at what its
/// parent had when it started it.
enum LastWords {
    static func listen() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = sayWhy
        // Once: `abort` raises the signal again when this has returned.
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGABRT, &action, nil)
    }
}

/// Uses only what a signal handler may: asks for a little memory and tells if there is none.
private func sayWhy(_ signal: Int32) {
    let size = 8 << 20
    let piece = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard piece == MAP_FAILED else {
        munmap(piece, size)
        return
    }
    let words: StaticString = "cannot allocate memory\n"
    _ = write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
}
