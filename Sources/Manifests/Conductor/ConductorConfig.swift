/// What `plasmid run` is told by conductor.yaml. Every key has a default, so that no file is needed.
public struct ConductorConfig: Hashable, Sendable {
    /// Folder that holds everything the conductor keeps; empty means the user's data folder.
    public var data = ""
    /// The operator's port.
    public var admin = AdminInterface()
    /// The apps' port.
    public var app = AppInterface()
    /// How zome modules run.
    public var zomes = Zomes()
    /// How other conductors are met.
    public var network = Network()
    /// Where the keystore's passphrase comes from.
    public var passphrase = PassphraseSource.prompt
    /// What the conductor itself tells operators' sockets that ask for nothing.
    public var signals = Signals()
    /// What is logged.
    public var log = LogLevel.info
    /// How it is written.
    public var logFormat = LogFormat.text

    /// Every default.
    public init() {}

    /// Largest port number; 0 asks the system for a free one.
    static let ports = 0...65_535

    /// The port for operators, bound to loopback.
    public struct AdminInterface: Hashable, Sendable {
        /// TCP port, 0 for any free one.
        public var port = 9100
        /// Whether the token of `admin.token` must be shown.
        public var auth = Auth.token
        /// Values of `Origin` that browsers may send, besides none.
        public var origins: [String] = []
    }

    /// The port for apps, bound to loopback.
    public struct AppInterface: Hashable, Sendable {
        /// TCP port, 0 for any free one.
        public var port = 9101
        /// Values of `Origin` that browsers may send, besides none.
        public var origins: [String] = []
    }

    /// The conductor's own signals, for clients of 2019 that never subscribe; others ask with `signals/subscribe`.
    public struct Signals: Hashable, Sendable {
        /// Calls and commits, step by step.
        public var trace = false
        /// What still has to happen until all hold what was committed.
        public var consistency = false
        /// The numbers of every cell, twice a second.
        public var statistics = false
    }

    /// What opens the admin port.
    public enum Auth: String, Hashable, Sendable, CaseIterable {
        /// The content of `<data>/admin.token`: the default.
        case token
        /// Nothing: whoever reaches the port.
        case none
    }

    /// How modules run.
    public struct Zomes: Hashable, Sendable {
        /// In a process of their own, or in the conductor.
        public var isolation = Isolation.process
        /// What to do on a kernel that cannot give the whole sandbox.
        public var sandbox = Sandbox.best
        /// Longest time of one call, in milliseconds.
        public var callTimeoutMilliseconds = 30_000
        /// Memory of one module process, in bytes.
        public var memoryBytes = 128 << 20
        /// How many bad ends of an app's module processes within a minute disable the app; 0: none does.
        public var failures = 10
        /// What ``failures`` may be.
        public static let failuresRange = 0...1_000
    }

    /// How other conductors are met. Every address has the shape that ``NetworkAddress`` describes.
    public struct Network: Hashable, Sendable {
        /// Where others may reach this conductor; nowhere when empty. Loopback until an operator opens it.
        public var listen = ["/ip4/127.0.0.1/tcp/0"]
        /// Who is asked first for the members of a space.
        public var bootstrap: [String] = []
        /// Whether to be reached through others where nobody can dial this machine.
        public var relay = Relay.auto
        /// Relays to be reached over, besides those that stand at bootstrap addresses.
        public var relays: [String] = []
    }

    /// Whether relays are used.
    public enum Relay: String, Hashable, Sendable, CaseIterable {
        /// Where this machine cannot be dialled: the default.
        case auto
        /// Never.
        case never
    }

    /// Where modules run.
    public enum Isolation: String, Hashable, Sendable, CaseIterable {
        /// In a sandboxed child process: the default.
        case process
        /// In the conductor itself, for development: a trap ends the conductor.
        case none
    }

    /// How strict the sandbox is.
    public enum Sandbox: String, Hashable, Sendable, CaseIterable {
        /// As much as the kernel can give: the default.
        case best
        /// All of it, or modules do not start.
        case required
    }

    /// Where the keystore's passphrase comes from; never the command line, which every process can read.
    public enum PassphraseSource: Hashable, Sendable {
        /// Asked on the terminal.
        case prompt
        /// Read from an open file descriptor up to its end or a line break.
        case descriptor(Int32)
        /// Read from a file of that name in `$CREDENTIALS_DIRECTORY` (systemd's LoadCredential).
        case credential(String)

        /// Reads `prompt`, `fd:N` or `credential:NAME`; nil for anything else.
        public init?(_ text: String) {
            if text == "prompt" {
                self = .prompt
            } else if text.hasPrefix("fd:"), let number = Int32(text.dropFirst(3)), number >= 0 {
                self = .descriptor(number)
            } else if text.hasPrefix("credential:"), ConductorConfig.isFileName(text.dropFirst(11)) {
                self = .credential(String(text.dropFirst(11)))
            } else {
                return nil
            }
        }
    }

    /// How log lines are written, to standard error.
    public enum LogFormat: String, Hashable, Sendable, CaseIterable {
        /// A line for people: the default.
        case text
        /// A JSON object on a line, for what collects logs.
        case json
    }

    /// What is logged, from everything to failures only.
    public enum LogLevel: String, Hashable, Sendable, CaseIterable {
        /// Every step.
        case trace
        /// What helps to find a fault.
        case debug
        /// What an operator wants to know: the default.
        case info
        /// What is unusual.
        case notice
        /// What a person could act on.
        case warning
        /// What is broken.
        case error
    }

    private static func isFileName(_ text: Substring) -> Bool {
        !text.isEmpty && text != "." && text != ".." && !text.utf8.contains(UInt8(ascii: "/")) && !text.utf8.contains(0)
    }
}
