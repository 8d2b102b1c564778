import Glibc

/// What the system says about a failed call.
enum SystemError {
    /// The present `errno`.
    static var number: Int32 { errno }

    /// The words for an error number.
    static func text(_ number: Int32) -> String {
        guard let words = strerror(number) else { return "error \(number)" }
        return String(cString: words)
    }

    /// Runs a call again while a signal interrupts it.
    static func retrying<T: SignedInteger>(_ call: () -> T) -> T {
        while true {
            let result = call()
            if result == -1, errno == EINTR { continue }
            return result
        }
    }
}
