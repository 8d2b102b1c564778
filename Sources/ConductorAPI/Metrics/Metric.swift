import Integrity

/// One family of measurements, as Prometheus' text format 0.0.4 groups them.
public struct Metric: Sendable, Hashable {
    /// What the samples mean.
    public enum Kind: String, Sendable {
        /// Only rises, from the start of the conductor on.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts below bounds, their sum and their number.
        case histogram
    }

    /// One value with the labels that tell it from its neighbours.
    public struct Sample: Sendable, Hashable {
        /// What follows the family's name: `_bucket`, `_sum` and `_count` of a histogram, nothing otherwise.
        public var suffix: String
        /// Names and values; names are `[a-z_]+`, values any text.
        public var labels: [Label]
        /// The value, in the unit that the family's name ends with.
        public var value: Double

        /// A sample from its parts.
        public init(_ value: Double, _ labels: KeyValuePairs<String, String> = [:], suffix: String = "") {
            self.value = value
            self.labels = labels.map { Label(name: $0.key, value: $0.value) }
            self.suffix = suffix
        }
    }

    /// A label of a sample.
    public struct Label: Sendable, Hashable {
        /// `[a-z_]+`
        public var name: String
        /// Any text.
        public var value: String
    }

    /// Starts with `plasmid_`; ends with the unit, and `_total` for counters.
    public var name: String
    /// One sentence for people.
    public var help: String
    /// What the samples mean.
    public var kind: Kind
    /// The values.
    public var samples: [Sample]

    /// A family from its parts.
    public init(_ name: String, _ help: String, _ kind: Kind = .gauge, _ samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A family of one value without labels.
    public init(_ name: String, _ help: String, _ kind: Kind = .gauge, value: Double) {
        self.init(name, help, kind, [Sample(value)])
    }
}

/// How a conductor fares, as `/healthz` tells it to whoever asks, without a token: no names.
public enum Health: Sendable, Hashable {
    /// All that should run runs.
    case ok
    /// Some cells cannot run, or some interfaces do not listen; the others do.
    case degraded(cells: Int, of: Int, interfaces: Int = 0)
    /// Nothing can be written any more.
    case failing(code: String)
}

/// Prometheus' text format 0.0.4.
enum MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func text(_ metrics: [Metric]) -> [UInt8] {
        var out: [UInt8] = []
        for metric in metrics where !metric.samples.isEmpty {
            out += Array("# HELP \(metric.name) \(escaped(metric.help, quotes: false))\n".utf8)
            out += Array("# TYPE \(metric.name) \(metric.kind.rawValue)\n".utf8)
            for sample in metric.samples {
                out += Array("\(metric.name)\(sample.suffix)\(labels(sample.labels)) \(number(sample.value))\n".utf8)
            }
        }
        return out
    }

    private static func labels(_ labels: [Metric.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\"" where quotes: out += "\\\""
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Whole numbers without a point: what counts calls should look like a count.
    private static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        guard let whole = Int64(exactly: value) else { return "\(value)" }
        return String(whole)
    }
}
