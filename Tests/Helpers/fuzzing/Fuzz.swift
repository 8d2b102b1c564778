import Foundation

/// The rounds of a test that makes up its input: as many as the test says, so that `make test` stays short; `make fuzz` has
/// each go on for `FUZZ_SECONDS`, or for `FUZZ_ROUNDS` rounds. The seed is `PLASMID_SEED` or drawn, and said before
/// anything runs, so that even a trap can be run again.
///
/// One file for all targets of tests that fuzz: the others link to it.
struct Fuzz: Sequence, IteratorProtocol {
    let seed: UInt64
    private let rounds: Int
    private let end: ContinuousClock.Instant?
    private var round = 0

    /// - Parameter rounds: how many are enough for every run of the tests.
    init(_ name: String, rounds: Int) {
        let environment = ProcessInfo.processInfo.environment
        seed = environment["PLASMID_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        self.rounds = environment["FUZZ_ROUNDS"].flatMap { Int($0) } ?? rounds
        end = environment["FUZZ_SECONDS"].flatMap { Double($0) }.map { ContinuousClock.now + .seconds($0) }
        FileHandle.standardError.write(Data("fuzz: \(name): PLASMID_SEED=\(seed)\n".utf8))
    }

    mutating func next() -> Int? {
        guard round < rounds || end.map({ ContinuousClock.now < $0 }) == true else { return nil }
        defer { round += 1 }
        return round
    }
}
