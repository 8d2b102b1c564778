import Integrity
import Logging

extension PlasmidError {
    /// An error of any type as this one: what a closure's wide type hides is a `PlasmidError` everywhere in the house.
    static func from(_ error: any Error) -> PlasmidError {
        if let error = error as? PlasmidError { return error }
        return PlasmidError(.internal, "an unexpected error: \(error)", hint: "please report this")
    }
}

extension Conductor {
    /// A line that a zome logged: bounded, and marked as the app's words.
    func zomeLog(_ line: LogRequest, cell: String, zome: String) {
        let level = Logger.Level(rawValue: line.level) ?? .info
        logger.log(
            level: level, "\(String(line.message.prefix(Limits.logMessageBytes)))",
            metadata: ["cell": "\(cell)", "zome": "\(zome)"])
    }
}
