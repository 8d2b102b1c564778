import Foundation
import Glibc
import Integrity
import Sodium
import Testing

@testable import Keystore

@Suite("passphrase sources")
struct PassphraseTests {
    @Test("the three words are read, everything else is refused without repeating it")
    func parse() throws {
        #expect(try PassphraseSource("prompt") == .prompt)
        #expect(try PassphraseSource("fd:0") == .descriptor(0))
        #expect(try PassphraseSource("fd:17") == .descriptor(17))
        #expect(try PassphraseSource("credential:plasmid.keys") == .credential("plasmid.keys"))
        let wrong = [
            "", "Prompt", "fd:", "fd:-1", "fd:x", "fd:99999999999", "credential:", "credential:..", "credential:a/b",
            "credential:.", "env:SECRET", "hunter2",
        ]
        for text in wrong {
            let error = fault { _ = try PassphraseSource(text) }
            #expect(error?.code == .passphraseUnusable, "\(text)")
            #expect(error?.description.contains("hunter2") == false)
        }
    }

    private func read(_ source: PassphraseSource, credentials: String? = nil, confirming: Bool = false) throws
        -> [UInt8]
    {
        try source.read(confirming: confirming, for: "test", credentials: credentials, terminal: "no-terminal")
            .withUnsafeBytes { [UInt8]($0) }
    }

    private func fromPipe(_ content: [UInt8]) throws -> [UInt8] {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        try #require(write(ends[1], content, content.count) == content.count)
        close(ends[1])
        return try read(.descriptor(ends[0]))
    }

    @Test("a descriptor gives one line, without its end")
    func descriptor() throws {
        #expect(try fromPipe(Array("open sesame\n".utf8)) == Array("open sesame".utf8))
        #expect(try fromPipe(Array("open sesame\r\n".utf8)) == Array("open sesame".utf8))
        #expect(try fromPipe(Array("open sesame".utf8)) == Array("open sesame".utf8))
        #expect(try fromPipe(Array(" two words \nsecond line".utf8)) == Array(" two words ".utf8))
        #expect(try fromPipe([0xFF, 0x00, 0x03, 0x41]) == [0xFF, 0x00, 0x03, 0x41])
        let longest = [UInt8](repeating: 0x61, count: PassphraseSource.maxBytes)
        #expect(try fromPipe(longest) == longest)
        #expect(try fromPipe(longest + [0x0A]) == longest)
        #expect(fault { _ = try fromPipe(longest + [0x61]) }?.code == .passphraseUnusable)
        #expect(fault { _ = try fromPipe([]) }?.code == .passphraseUnusable)
        #expect(fault { _ = try fromPipe([0x0A]) }?.code == .passphraseUnusable)
        #expect(fault { _ = try read(.descriptor(9_999)) }?.code == .passphraseUnusable)
    }

    @Test("a credential is a file in the folder that systemd names")
    func credential() throws {
        let folder = try Folder()
        try put(Array("from systemd\n".utf8), folder.file("pass"))
        #expect(try read(.credential("pass"), credentials: folder.path) == Array("from systemd".utf8))
        for source in [PassphraseSource.credential("other")] {
            #expect(fault { _ = try read(source, credentials: folder.path) }?.code == .passphraseUnusable)
            #expect(fault { _ = try read(source) }?.code == .passphraseUnusable)
        }
    }

    @Test("without a terminal the prompt says what to use instead")
    func noTerminal() throws {
        let error = fault { _ = try read(.prompt) }
        #expect(error?.code == .passphraseUnusable)
        #expect(error?.hint?.contains("fd:N") == true)
    }

    /// What a person types at a terminal of their own, and what the terminal shows.
    private func typed(_ lines: [String], confirming: Bool) throws -> (Result<[UInt8], any Error>, shown: String) {
        let master = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY)
        defer { close(master) }
        // TIOCSPTLCK and TIOCGPTN, whose macros Swift does not see: unlock the other end, ask for its number.
        var locked: Int32 = 0
        var number: UInt32 = 0
        try #require(
            master >= 0 && ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        let path = "/dev/pts/\(number)"
        // Held open, so that what is typed is not lost before the prompt opens it.
        let keeper = Glibc.open(path, O_RDWR | O_NOCTTY)
        defer { close(keeper) }
        let typist = Thread {
            // The prompt is shown after echo went off, so typing begins when it is there.
            var seen: [UInt8] = []
            for line in lines {
                var byte: UInt8 = 0
                repeat {
                    guard Glibc.read(master, &byte, 1) == 1 else { return }
                    seen.append(byte)
                } while !seen.suffix(2).elementsEqual(Array(": ".utf8))
                _ = write(master, Array((line + "\n").utf8), line.utf8.count + 1)
            }
        }
        typist.start()
        let result = Result {
            try PassphraseSource.prompt.read(confirming: confirming, for: "test", credentials: nil, terminal: path)
                .withUnsafeBytes { [UInt8]($0) }
        }
        var settings = termios()
        try #require(tcgetattr(keeper, &settings) == 0)
        #expect(settings.c_lflag & tcflag_t(ECHO) != 0, "echo is on again")
        #expect(settings.c_lflag & tcflag_t(ISIG) != 0)
        var buffer = [UInt8](repeating: 0, count: 1_000)
        let flags = fcntl(master, F_GETFL)
        _ = fcntl(master, F_SETFL, flags | O_NONBLOCK)
        let count = max(Glibc.read(master, &buffer, buffer.count), 0)
        return (result, String(decoding: buffer[..<count], as: UTF8.self))
    }

    @Test("the prompt hides what is typed, and asks twice for a new keystore")
    func prompt() throws {
        let (one, shown) = try typed(["open sesame"], confirming: false)
        #expect(try one.get() == Array("open sesame".utf8))
        #expect(!shown.contains("sesame"))
        let (two, _) = try typed(["open sesame", "open sesame"], confirming: true)
        #expect(try two.get() == Array("open sesame".utf8))
        let (different, _) = try typed(["open sesame", "open barley"], confirming: true)
        #expect(fault { _ = try different.get() }?.message == "the two passphrases differ")
        let (interrupted, _) = try typed(["abc\u{3}"], confirming: false)
        #expect(fault { _ = try interrupted.get() }?.message == "no passphrase was given")
    }
}
