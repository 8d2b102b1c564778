/// Finds the imports of a Swift source: just enough of a lexer to tell code from comments and texts.
///
/// `import` is a keyword, so outside comments, texts, back-ticks and member access every one of them is an import,
/// whatever attributes stand before it. Regular expression literals are not understood; a quote inside one hides at
/// most the rest of its line.
enum ImportScanner {
    struct Found: Equatable {
        let module: String
        let position: Position
    }

    /// Every import, in order.
    static func imports(in bytes: [UInt8]) -> [Found] {
        var scanner = Scanner(bytes: bytes)
        return scanner.run()
    }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0
        var line = 1
        var column = 1
        var found: [Found] = []
        /// Whether the byte before the present word binds it to something: `.import`, `` `import` ``, `$import`.
        var isBound = false
        /// How many interpolations enclose the place; a text nested deeper is read as plain text.
        var nesting = 0

        mutating func run() -> [Found] {
            // A byte order mark is no letter of the first word.
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
            code(untilParenthesis: false)
            return found
        }

        func peek(_ offset: Int = 0) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        func starts(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { wanted in
                index + wanted.count <= bytes.count && bytes[index..<(index + wanted.count)].elementsEqual(wanted)
            }
        }

        mutating func advance(_ count: Int = 1) {
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

        /// Code up to the end, or up to the parenthesis that closes an interpolation.
        mutating func code(untilParenthesis: Bool) {
            var depth = 0
            while index < bytes.count {
                let byte = peek()
                if starts("//") {
                    lineComment()
                } else if starts("/*") {
                    blockComment()
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") {
                    textOrHash()
                } else if isWordByte(byte) {
                    word()
                } else {
                    if byte == UInt8(ascii: "(") { depth += 1 }
                    if byte == UInt8(ascii: ")") {
                        if untilParenthesis, depth == 0 { return }
                        depth -= 1
                    }
                    isBound = byte == UInt8(ascii: ".") || byte == UInt8(ascii: "`") || byte == UInt8(ascii: "$")
                    advance()
                }
            }
        }

        func isWordByte(_ byte: UInt8) -> Bool {
            byte >= 0x80 || (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x5F
        }

        mutating func readWord() -> String {
            let start = index
            while index < bytes.count, isWordByte(peek()) { advance() }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }

        mutating func word() {
            let place = Position(line: line, column: column)
            let bound = isBound
            isBound = false
            guard readWord() == "import", !bound, peek() != UInt8(ascii: "`") else { return }
            found.append(Found(module: module(), position: place))
        }

        /// The module after `import`, past the kind of a single declaration (`import struct A.B`).
        mutating func module() -> String {
            let kinds = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor", "macro"]
            skipSpace()
            var name = moduleWord()
            if kinds.contains(name) {
                skipSpace()
                name = moduleWord()
            }
            return name.isEmpty ? "something unnamed" : name
        }

        mutating func moduleWord() -> String {
            let isQuoted = peek() == UInt8(ascii: "`")
            if isQuoted { advance() }
            let name = readWord()
            if isQuoted, peek() == UInt8(ascii: "`") { advance() }
            return name
        }

        mutating func skipSpace() {
            while index < bytes.count {
                if starts("//") {
                    lineComment()
                } else if starts("/*") {
                    blockComment()
                } else if peek() == 0x20 || (0x09...0x0D).contains(peek()) {
                    advance()
                } else {
                    return
                }
            }
        }

        mutating func lineComment() {
            while index < bytes.count, peek() != 0x0A { advance() }
        }

        mutating func blockComment() {
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

        /// A text, perhaps with `#` around it, or a `#` of something else.
        mutating func textOrHash() {
            isBound = false
            var hashes = 0
            while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
            guard peek(hashes) == UInt8(ascii: "\"") else {
                advance(max(hashes, 1))
                return
            }
            advance(hashes)
            let isLong = starts("\"\"\"")
            advance(isLong ? 3 : 1)
            while index < bytes.count {
                if closes(isLong, hashes) {
                    advance((isLong ? 3 : 1) + hashes)
                    return
                }
                if !isLong, peek() == 0x0A { return }
                if peek() == UInt8(ascii: "\\"), hasHashes(hashes, at: 1) {
                    advance(1 + hashes)
                    if peek() == UInt8(ascii: "("), nesting < 32 {
                        advance()
                        nesting += 1
                        code(untilParenthesis: true)
                        nesting -= 1
                    }
                    advance()
                } else {
                    advance()
                }
            }
        }

        func hasHashes(_ count: Int, at offset: Int) -> Bool {
            (0..<count).allSatisfy { peek(offset + $0) == UInt8(ascii: "#") }
        }

        func closes(_ isLong: Bool, _ hashes: Int) -> Bool {
            guard isLong ? starts("\"\"\"") : peek() == UInt8(ascii: "\"") else { return false }
            return hasHashes(hashes, at: isLong ? 3 : 1)
        }
    }
}
