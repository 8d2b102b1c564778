import Integrity

/// What goes wrong in a simulated network, and how much of it.
public struct SimFaults: Sendable, Hashable, CustomStringConvertible {
    /// The share of messages that are lost.
    public var loss = 0.0
    /// The share of messages that come twice.
    public var duplicate = 0.0
    /// Whether messages overtake each other: latencies of 5 ms to 2 s instead of 20 to 80 ms.
    public var reorder = false
    /// Whether the network falls into two parts now and then.
    public var partition = false
    /// The share of nodes that crash each minute; they come back after 10 to 40 s, with what was durable.
    public var churn = 0.0
    /// Whether clocks are up to an hour apart.
    public var skew = false
    /// The share of nodes that are malicious.
    public var malicious = 0.0

    /// Nothing goes wrong.
    public static let none = SimFaults()
    /// Everything does, some of it.
    public static let all: SimFaults = {
        var faults = SimFaults()
        faults.loss = 0.05
        faults.duplicate = 0.05
        faults.reorder = true
        faults.partition = true
        faults.churn = 0.33
        faults.skew = true
        faults.malicious = 0.15
        return faults
    }()

    init() {}

    /// Reads `none`, `all`, or a list such as `loss=0.05,churn=0.33,skew`. A name without a number takes the one that `all` has.
    /// - Throws: `simulationRefused` for a name that is not known, or a number that is not a share of 0…1.
    public init(_ text: String) throws(PlasmidError) {
        if text == "none" || text.isEmpty { return }
        if text == "all" {
            self = .all
            return
        }
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let share = pair.count == 2 ? Double(pair[1]) : nil
            guard pair.count == 1 || share.map({ (0...1).contains($0) }) == true else {
                throw PlasmidError(
                    .simulationRefused, "'\(part)' is no fault: after '=' stands a share of 0 to 1.",
                    hint: "--faults \(SimFaults.all)")
            }
            try set(String(pair[0]), share)
        }
    }

    private mutating func set(_ name: String, _ share: Double?) throws(PlasmidError) {
        switch name {
        case "loss": loss = share ?? Self.all.loss
        case "duplicate": duplicate = share ?? Self.all.duplicate
        case "churn": churn = share ?? Self.all.churn
        case "malicious": malicious = share ?? Self.all.malicious
        case "reorder": reorder = share != 0
        case "partition": partition = share != 0
        case "skew": skew = share != 0
        default:
            throw PlasmidError(
                .simulationRefused, "No fault is called '\(name)'.",
                hint:
                    "none, all, or of loss, duplicate, reorder, partition, churn, skew, malicious, with commas between")
        }
    }

    /// The list that reads back as the same.
    public var description: String {
        var parts: [String] = []
        if loss > 0 { parts.append("loss=\(loss)") }
        if duplicate > 0 { parts.append("duplicate=\(duplicate)") }
        if reorder { parts.append("reorder") }
        if partition { parts.append("partition") }
        if churn > 0 { parts.append("churn=\(churn)") }
        if skew { parts.append("skew") }
        if malicious > 0 { parts.append("malicious=\(malicious)") }
        return parts.isEmpty ? "none" : parts.joined(separator: ",")
    }
}
