import Glibc
public import Integrity
public import Sodium

/// Where a passphrase comes from. Never from the command line or the environment, which other processes can read; never as
/// a `String`, which cannot be wiped.
public enum PassphraseSource: Hashable, Sendable {
    /// Asked for on the terminal, without echo.
    case prompt
    /// Read from an open file descriptor, up to its end or the first newline.
    case descriptor(Int32)
    /// Read from the file of this name in `$CREDENTIALS_DIRECTORY`, where systemd puts it.
    case credential(String)

    /// What is thrown where the two passphrases for a new keystore are not the same.
    public static let differing = PlasmidError(
        .passphraseUnusable, "the two passphrases differ", hint: "try again")

    /// Longest passphrase, in bytes.
    public static let maxBytes = 1_024

    /// Reads `prompt`, `fd:N` or `credential:NAME`.
    /// - Throws: `passphraseUnusable` for anything else; the text is not repeated, since it may be a passphrase.
    public init(_ text: String) throws(PlasmidError) {
        if text == "prompt" {
            self = .prompt
        } else if text.hasPrefix("fd:"), let number = Int32(text.dropFirst(3)), number >= 0 {
            self = .descriptor(number)
        } else if text.hasPrefix("credential:"), Self.isCredentialName(text.dropFirst(11)) {
            self = .credential(String(text.dropFirst(11)))
        } else {
            throw PlasmidError(
                .passphraseUnusable, "the passphrase source is none of those that are known",
                hint: "it is prompt, fd:N or credential:NAME; never write the passphrase itself there")
        }
    }

    /// Reads the passphrase into guarded memory. Blocks until it is there.
    /// - Parameters:
    ///   - confirming: ask twice and compare, as for a new keystore; only the prompt does.
    ///   - what: what the passphrase is for, as the prompt says it.
    /// - Throws: `passphraseUnusable`.
    public func read(confirming: Bool = false, for what: String = "keystore") throws(PlasmidError) -> SecretBytes {
        let folder = getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) }
        return try read(confirming: confirming, for: what, credentials: folder, terminal: "/dev/tty")
    }

    func read(
        confirming: Bool, for what: String, credentials: String?, terminal: String
    ) throws(PlasmidError) -> SecretBytes {
        switch self {
        case .prompt:
            let prompt = try Terminal(path: terminal)
            let first = try prompt.ask("Passphrase for the \(what): ")
            guard confirming else { return first }
            let second = try prompt.ask("The same again: ")
            let isSame = first.withUnsafeBytes { left in
                second.withUnsafeBytes { constantTimeEquals(left, $0) }
            }
            guard isSame else { throw Self.differing }
            return first
        case .descriptor(let number):
            return try Self.readLine(number, "file descriptor \(number)")
        case .credential(let name):
            guard let folder = credentials, !folder.isEmpty else {
                throw PlasmidError(
                    .passphraseUnusable, "there is no folder of credentials for \"\(name)\"",
                    hint: "systemd sets CREDENTIALS_DIRECTORY where a unit has LoadCredential=")
            }
            let descriptor = SystemError.retrying { Glibc.open(folder + "/" + name, O_RDONLY | O_CLOEXEC) }
            guard descriptor >= 0 else {
                throw PlasmidError(
                    .passphraseUnusable, "the credential \"\(name)\" cannot be read",
                    cause: SystemError.text(SystemError.number))
            }
            defer { Glibc.close(descriptor) }
            return try Self.readLine(descriptor, "credential \"\(name)\"")
        }
    }

    private static func isCredentialName(_ name: Substring) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        return isPlain && (1...255).contains(name.utf8.count) && name != "." && name != ".."
    }

    /// One line, without its end. Byte by byte, so that nothing after it is swallowed and no copy is made.
    /// - Parameter interrupt: a byte that means that the person gives up.
    fileprivate static func readLine(
        _ descriptor: Int32, _ what: String, interrupt: UInt8? = nil
    ) throws(PlasmidError) -> SecretBytes {
        var buffer = SecretBytes(count: maxBytes + 1)
        var count = 0
        var status = 1
        buffer.withUnsafeMutableBytes { bytes in
            while count < bytes.count {
                status = SystemError.retrying { Glibc.read(descriptor, bytes.baseAddress?.advanced(by: count), 1) }
                guard status == 1, bytes[count] != UInt8(ascii: "\n"), bytes[count] != interrupt else { break }
                count += 1
            }
            if count > 0, count <= maxBytes, bytes[count - 1] == UInt8(ascii: "\r") { count -= 1 }
        }
        guard status >= 0 else {
            throw PlasmidError(
                .passphraseUnusable, "no passphrase can be read from \(what)",
                cause: SystemError.text(SystemError.number))
        }
        let isInterrupted = status == 1 && count <= maxBytes && buffer.withUnsafeBytes { $0[count] == interrupt }
        guard !isInterrupted else { throw PlasmidError(.passphraseUnusable, "no passphrase was given") }
        guard count > 0 else { throw PlasmidError(.passphraseUnusable, "the passphrase from \(what) is empty") }
        guard count <= maxBytes else {
            throw PlasmidError(
                .passphraseUnusable, "the passphrase from \(what) is longer than \(maxBytes) bytes")
        }
        return buffer.withUnsafeBytes { SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}

/// The terminal that the process belongs to, whatever its standard input is.
private struct Terminal: ~Copyable {
    /// What Ctrl-C sends while signals from keys are off.
    static let interrupt: UInt8 = 3

    private let descriptor: Int32

    init(path: String) throws(PlasmidError) {
        descriptor = SystemError.retrying { Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOCTTY) }
        guard descriptor >= 0 else {
            throw PlasmidError(
                .passphraseUnusable, "there is no terminal to ask for the passphrase",
                hint: "give it by a descriptor (fd:N) or a systemd credential (credential:NAME)")
        }
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Asks with echo off. Keys send no signals meanwhile: Ctrl-C arrives as a byte, so that echo is always put back.
    borrowing func ask(_ question: String) throws(PlasmidError) -> SecretBytes {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else {
            throw PlasmidError(.passphraseUnusable, "the terminal cannot hide what is typed")
        }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        guard tcsetattr(descriptor, TCSAFLUSH, &silent) == 0 else {
            throw PlasmidError(.passphraseUnusable, "the terminal cannot hide what is typed")
        }
        defer {
            tcsetattr(descriptor, TCSAFLUSH, &settings)
            write("\n")
        }
        write(question)
        return try PassphraseSource.readLine(descriptor, "the terminal", interrupt: Self.interrupt)
    }

    private borrowing func write(_ text: String) {
        let bytes = Array(text.utf8)
        // A prompt that cannot be shown is no reason to refuse what is typed.
        _ = bytes.withUnsafeBytes { buffer in
            SystemError.retrying { Glibc.write(descriptor, buffer.baseAddress, buffer.count) }
        }
    }
}
