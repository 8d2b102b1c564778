/// Swift source with the words taken out that are not code: every character of a comment or a string literal becomes a
/// space, line breaks stay, so that a position in the blanked text is the same position in the file.
///
/// Interpolations count as part of their literal. That loses calls inside `"\(…)"`, which no house rule needs.
struct Blanking {
    private let input: [UInt8]
    private var output: [UInt8]
    private var position = 0

    /// What to take out.
    enum Part { case comments, literals, both }
    private let part: Part

    static func blank(_ text: String, _ part: Part = .both) -> String {
        var blanking = Blanking(text, part)
        blanking.run()
        return String(decoding: blanking.output, as: UTF8.self)
    }

    private init(_ text: String, _ part: Part) {
        input = Array(text.utf8)
        output = input
        self.part = part
    }

    private mutating func run() {
        while position < input.count {
            if starts(with: "//") {
                take(from: position, to: endOfLine(position), when: part != .literals)
            } else if starts(with: "/*") {
                take(from: position, to: endOfBlockComment(position), when: part != .literals)
            } else if let hashes = literalStart(position) {
                take(from: position, to: endOfLiteral(position, hashes: hashes), when: part != .comments)
            } else {
                position += 1
            }
        }
    }

    private mutating func take(from start: Int, to end: Int, when blank: Bool) {
        if blank {
            for index in start..<end where input[index] != UInt8(ascii: "\n") { output[index] = UInt8(ascii: " ") }
        }
        position = end
    }

    private func starts(with text: StaticString, at start: Int? = nil) -> Bool {
        let start = start ?? position
        guard start + text.utf8CodeUnitCount <= input.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { input[start + $0] == text.utf8Start[$0] }
    }

    private func endOfLine(_ start: Int) -> Int {
        input[start...].firstIndex(of: UInt8(ascii: "\n")) ?? input.count
    }

    private func endOfBlockComment(_ start: Int) -> Int {
        var index = start + 2
        var depth = 1
        while index < input.count, depth > 0 {
            if starts(with: "/*", at: index) {
                depth += 1
                index += 2
            } else if starts(with: "*/", at: index) {
                depth -= 1
                index += 2
            } else {
                index += 1
            }
        }
        return index
    }

    /// The number of `#` before the quote, when a string literal begins here.
    private func literalStart(_ start: Int) -> Int? {
        var index = start
        while index < input.count, input[index] == UInt8(ascii: "#") { index += 1 }
        return index < input.count && input[index] == UInt8(ascii: "\"") ? index - start : nil
    }

    private func endOfLiteral(_ start: Int, hashes: Int) -> Int {
        var index = start + hashes
        let long = starts(with: "\"\"\"", at: index)
        index += long ? 3 : 1
        while index < input.count {
            if input[index] == UInt8(ascii: "\\"), hasHashes(hashes, after: index) {
                index += 1 + hashes
                if index < input.count, input[index] == UInt8(ascii: "(") {
                    index = endOfInterpolation(index)
                } else {
                    index += 1
                }
            } else if long ? starts(with: "\"\"\"", at: index) : input[index] == UInt8(ascii: "\""),
                hasHashes(hashes, after: index + (long ? 2 : 0))
            {
                return index + (long ? 3 : 1) + hashes
            } else if !long, input[index] == UInt8(ascii: "\n") {
                return index
            } else {
                index += 1
            }
        }
        return min(index, input.count)
    }

    private func hasHashes(_ count: Int, after index: Int) -> Bool {
        guard index + count < input.count else { return false }
        return (0..<count).allSatisfy { input[index + 1 + $0] == UInt8(ascii: "#") }
    }

    private func endOfInterpolation(_ start: Int) -> Int {
        var index = start
        var depth = 0
        while index < input.count {
            if let hashes = literalStart(index) {
                index = endOfLiteral(index, hashes: hashes)
                continue
            }
            if input[index] == UInt8(ascii: "(") { depth += 1 }
            if input[index] == UInt8(ascii: ")") { depth -= 1 }
            index += 1
            if depth == 0 { break }
        }
        return index
    }
}
