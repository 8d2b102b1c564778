import Foundation
import Logging

/// Log lines as JSON, one object each, for what collects logs: `time` (UTC, RFC 3339), `level`, `message`, and the metadata
/// under their own names. Metadata never hold payloads, keys or tokens, so the lines do not either.
struct JSONLog: LogHandler {
    /// Keys that metadata may not take: theirs get an underscore in front.
    private static let reserved: Set<String> = ["time", "level", "message"]

    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    private let write: @Sendable (String) -> Void

    init(write: @escaping @Sendable (String) -> Void = { Output.note($0) }) {
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        write(
            Self.line(
                event.level, event.message.description, metadata.merging(event.metadata ?? [:]) { $1 },
                seconds: now.tv_sec, nanoseconds: now.tv_nsec))
    }

    /// One line; the keys of metadata in the order of the alphabet.
    static func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, seconds: Int, nanoseconds: Int
    ) -> String {
        var parts = [
            "\"time\":\(quoted(time(seconds, nanoseconds)))", "\"level\":\(quoted(level.rawValue))",
            "\"message\":\(quoted(message))",
        ]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            parts.append("\(quoted(reserved.contains(key) ? "_" + key : key)):\(json(value))")
        }
        return "{" + parts.joined(separator: ",") + "}"
    }

    private static func json(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .stringConvertible(let value): quoted(value.description)
        case .array(let values): "[" + values.map(json).joined(separator: ",") + "]"
        case .dictionary(let values):
            "{" + values.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private static func time(_ seconds: Int, _ nanoseconds: Int) -> String {
        var (clock, parts) = (time_t(seconds), tm())
        gmtime_r(&clock, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        let micro = String(nanoseconds / 1_000)
        let date = "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let day = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(date)T\(day).\(String(repeating: "0", count: 6 - micro.count))\(micro)Z"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
