import Foundation
import Integrity

/// One event of a community: who said something, how long it was, and which earlier events it answers.
struct Arrival: Equatable {
    var time: Int
    var author: Int
    var bytes: Int
    var answers: [Int]
}

/// Events in their order, read from a file or made from a seed.
struct Workload {
    var arrivals: [Arrival]

    /// How many authors there are: their numbers lie below this.
    var authors: Int { (arrivals.map(\.author).max() ?? -1) + 1 }
    /// How many answers there are, each of which becomes a link.
    var answers: Int { arrivals.reduce(0) { $0 + $1.answers.count } }

    init(arrivals: [Arrival]) {
        self.arrivals = arrivals
    }

    /// Reads JSON lines of `{"t", "who", "bytes", "after"}`.
    /// - Parameter limit: how many events to take at most.
    /// - Throws: a failure that names the line which is no event, or answers one that did not come before it.
    init(file path: String, limit: Int?) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Failure.usage("\(path) cannot be read", hint: "name a file of events, one JSON object a line")
        }
        var arrivals: [Arrival] = []
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            if let limit, arrivals.count >= limit { break }
            guard let value = try? JSONLines.value(Array(line)), let arrival = Arrival(value, at: arrivals.count) else {
                throw Failure(
                    PlasmidError(
                        .badInput, "line \(number + 1) of \(path) is no event",
                        hint: #"for example {"t":0,"who":0,"bytes":32,"after":[]}, answering earlier events only"#))
            }
            arrivals.append(arrival)
        }
        self.init(arrivals: arrivals)
    }

    /// Makes events of a real community's shape: few write most, in bursts with long silences between, and an event
    /// answers one or two that came shortly before.
    init(generate count: Int, seed: UInt64) {
        var dice = SeededDice(seed: seed)
        let authors = max(2, min(84, count / 60))
        var time = 0
        var arrivals: [Arrival] = []
        arrivals.reserveCapacity(count)
        for index in 0..<count {
            time += Int(dice.exponential(mean: dice.below(10) == 0 ? 30_000 : 400))
            // Cubed, so that the first tenth of the authors writes nearly half.
            let share = dice.unit()
            let author = min(authors - 1, Int(share * share * share * Double(authors)))
            let bytes = dice.below(200) == 0 ? 200 + dice.below(5_800) : 1 + Int(dice.exponential(mean: 40))
            var answers: [Int] = []
            if index > 0 { answers.append(max(0, index - 1 - Int(dice.exponential(mean: 6)))) }
            if index > 1, dice.below(10) < 3 {
                let second = dice.below(index)
                if !answers.contains(second) { answers.append(second) }
            }
            arrivals.append(Arrival(time: time, author: author, bytes: min(bytes, 6_100), answers: answers))
        }
        self.init(arrivals: arrivals)
    }
}

extension Arrival {
    /// Nil if the value is no event whose answers all lie before `index`.
    init?(_ value: MessagePackValue, at index: Int) {
        guard let time = value["t"]?.number, let author = value["who"]?.number, let bytes = value["bytes"]?.number,
            case .array(let after)? = value["after"], (0..<100_000).contains(author), (0...1_000_000).contains(bytes)
        else { return nil }
        let answers = after.compactMap(\.number)
        guard answers.count == after.count, answers.allSatisfy({ (0..<Int64(index)).contains($0) }) else { return nil }
        self.init(time: Int(time), author: Int(author), bytes: Int(bytes), answers: answers.map { Int($0) })
    }
}

/// What an event says: text of its length, the same for the same seed.
struct NoteTexts {
    /// The longest note that messenger takes, in bytes.
    static let longest = 4_000
    /// Mostly letters, some of what a codec may stumble over.
    private static let pieces = [
        "e", "t", "a", "o", "i", "n", "s", "r", "h", "l", "d", "u", " ", " ", "\"", "\\", "\n", "/", "ü", "–", "🙂",
    ]

    let seed: UInt64

    /// The text of event `index`: `bytes` bytes of UTF-8, at least 1 and at most ``longest``.
    func text(_ index: Int, bytes: Int) -> String {
        var dice = SeededDice(seed: seed ^ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
        var left = max(1, min(bytes, Self.longest))
        var text = ""
        while left > 0 {
            let piece = Self.pieces[dice.below(Self.pieces.count)]
            let count = piece.utf8.count
            guard count <= left else { continue }
            text += piece
            left -= count
        }
        return text
    }
}

/// Random numbers from a seed (SplitMix64), the same on every machine.
struct SeededDice {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    /// A number from 0 to below 1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }

    /// A waiting time with this mean.
    mutating func exponential(mean: Double) -> Double { -mean * log(1 - unit()) }
}
