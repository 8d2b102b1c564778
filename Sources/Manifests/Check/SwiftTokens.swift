/// Words, texts and signs of a Swift source: enough to find which function calls which. Comments are left out; code inside
/// of a text's interpolation counts as text.
struct SwiftTokens {
    enum Kind: Equatable {
        /// An identifier or keyword.
        case word
        /// A text without its quotes, escapes as written.
        case text
        /// One other byte.
        case sign
    }

    struct Token: Equatable {
        let kind: Kind
        let string: String
        let position: Position
    }

    /// The tokens of a source, in order.
    static func read(_ bytes: [UInt8]) -> [Token] {
        var lexer = SwiftTokens(bytes: bytes)
        while let token = lexer.next() { lexer.tokens.append(token) }
        return lexer.tokens
    }

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var column = 1
    private var tokens: [Token] = []

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func peek(_ offset: Int = 0) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }

    private func starts(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            index + wanted.count <= bytes.count && bytes[index..<(index + wanted.count)].elementsEqual(wanted)
        }
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == 0x0A {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80 {
                column += 1
            }
            index += 1
        }
    }

    private mutating func next() -> Token? {
        skipSpace()
        guard index < bytes.count else { return nil }
        let place = Position(line: line, column: column)
        if Self.isWord(peek()) {
            let start = index
            while index < bytes.count, Self.isWord(peek()) { advance() }
            return Token(kind: .word, string: String(decoding: bytes[start..<index], as: UTF8.self), position: place)
        }
        var hashes = 0
        while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
        if peek(hashes) == UInt8(ascii: "\"") { return Token(kind: .text, string: text(hashes), position: place) }
        let sign = String(decoding: [peek()], as: UTF8.self)
        advance()
        return Token(kind: .sign, string: sign, position: place)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x5F
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            if starts("//") {
                while index < bytes.count, peek() != 0x0A { advance() }
            } else if starts("/*") {
                blockComment()
            } else if peek() == 0x20 || (0x09...0x0D).contains(peek()) {
                advance()
            } else {
                return
            }
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                advance(2)
            } else if starts("*/") {
                depth -= 1
                advance(2)
            } else {
                advance()
            }
        } while depth > 0 && index < bytes.count
    }

    private mutating func text(_ hashes: Int) -> String {
        advance(hashes)
        let isLong = starts("\"\"\"")
        let quotes = isLong ? 3 : 1
        advance(quotes)
        let start = index
        while index < bytes.count, isLong || peek() != 0x0A {
            if isLong ? starts("\"\"\"") : peek() == UInt8(ascii: "\""),
                (0..<hashes).allSatisfy({ peek(quotes + $0) == UInt8(ascii: "#") })
            {
                break
            }
            if peek() == UInt8(ascii: "\\"), (0..<hashes).allSatisfy({ peek(1 + $0) == UInt8(ascii: "#") }) {
                advance(1 + hashes)
                if peek() == UInt8(ascii: "(") {
                    interpolation()
                    continue
                }
            }
            advance()
        }
        let result = String(decoding: bytes[start..<index], as: UTF8.self)
        advance(quotes + hashes)
        return result
    }

    /// Past an interpolation, with the texts in it.
    private mutating func interpolation() {
        var depth = 0
        repeat {
            switch peek() {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\""):
                advance()
                while index < bytes.count, peek() != UInt8(ascii: "\""), peek() != 0x0A {
                    advance(peek() == UInt8(ascii: "\\") ? 2 : 1)
                }
            default: break
            }
            advance()
        } while depth > 0 && index < bytes.count
    }
}
