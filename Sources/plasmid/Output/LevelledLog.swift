import Logging
import Synchronization

/// Which lines are logged, for every logger of the process at once: changed while a conductor runs.
final class LogSwitch: Sendable {
    private let current: Mutex<Logger.Level>

    init(_ level: Logger.Level) {
        current = Mutex(level)
    }

    var level: Logger.Level {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// A log handler that asks a switch for its level, so that the copies that loggers keep follow it.
struct LevelledLog: LogHandler {
    private var inner: any LogHandler
    private let level: LogSwitch

    init(_ inner: any LogHandler, _ level: LogSwitch) {
        self.inner = inner
        self.inner.logLevel = .trace
        self.level = level
    }

    var logLevel: Logger.Level {
        get { level.level }
        set { level.level = newValue }
    }

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { inner.log(event: event) }
}

/// Lines of text that stay lines: what a module printed before its end, or a file's name, can neither begin a line of its own
/// nor steer the terminal.
struct TextLog: LogHandler {
    private var inner: any LogHandler

    init(_ inner: any LogHandler) { self.inner = inner }

    var logLevel: Logger.Level {
        get { inner.logLevel }
        set { inner.logLevel = newValue }
    }

    var metadata: Logger.Metadata {
        get { inner.metadata }
        set { inner.metadata = newValue.mapValues(Self.harmless) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { inner[metadataKey: key] }
        set { inner[metadataKey: key] = newValue.map(Self.harmless) }
    }

    func log(event: LogEvent) {
        var event = event
        event.message = "\(Words.oneLine(event.message.description))"
        event.metadata = event.metadata?.mapValues(Self.harmless)
        inner.log(event: event)
    }

    private static func harmless(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        switch value {
        case .array(let values): .array(values.map(harmless))
        case .dictionary(let values): .dictionary(values.mapValues(harmless))
        default: .string(Words.oneLine(value.description))
        }
    }
}
