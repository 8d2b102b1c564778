/// What `Database.check` found.
public struct CheckReport: Sendable, Equatable {
    /// One fault.
    public struct Fault: Sendable, Equatable, CustomStringConvertible {
        /// A stable name, for programs: see docs/spec/storage.md.
        public let code: String
        /// `journal`, `conductor`, or the DNA hash of a space.
        public let place: String
        /// One sentence.
        public let message: String

        /// `place: code: message`.
        public var description: String { "\(place): \(code): \(message)" }
    }

    /// The faults, at most ``faultsMax`` of each place.
    public internal(set) var faults: [Fault] = []
    /// How many faults there are in all.
    public internal(set) var faultCount = 0
    /// The spaces looked at.
    public internal(set) var spaces = 0
    /// The actions whose hashes were recomputed.
    public internal(set) var actions = 0
    /// The entries whose hashes were recomputed.
    public internal(set) var entries = 0
    /// The index rows looked at.
    public internal(set) var indexRows = 0
    /// The whole records of the journal.
    public internal(set) var journalRecords = 0
    /// Those of them that no environment has applied yet; looked into like the rest.
    public internal(set) var waitingRecords = 0
    /// The pages of LMDB files walked.
    public internal(set) var pages = 0

    /// The faults listed for one place at most; all are counted.
    public static let faultsMax = 1000

    /// Whether nothing is wrong.
    public var isGood: Bool { faultCount == 0 }

    mutating func add(_ code: String, _ place: String, _ message: String) {
        faultCount += 1
        if faults.count(where: { $0.place == place }) < Self.faultsMax {
            faults.append(Fault(code: code, place: place, message: message))
        }
    }
}
