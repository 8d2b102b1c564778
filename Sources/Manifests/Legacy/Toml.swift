import Integrity

/// What TOML text says, with the line of each value: as much of TOML 1.0 as configurations of 2019 use. Dates are refused.
indirect enum TomlValue {
    case text(String, line: Int)
    case integer(Int64, line: Int)
    case float(Double, line: Int)
    case flag(Bool, line: Int)
    case list([TomlValue], line: Int)
    case table(TomlTable)

    var line: Int {
        switch self {
        case .text(_, let line), .integer(_, let line), .float(_, let line), .flag(_, let line), .list(_, let line):
            line
        case .table(let table): table.line
        }
    }

    /// What it is, in the words a message uses.
    var kind: String {
        switch self {
        case .text: "a text"
        case .integer: "a whole number"
        case .float: "a number"
        case .flag: "true or false"
        case .list: "a list"
        case .table: "a table"
        }
    }
}

/// One table, in the order of the file. A class: headers further down in the file add to it.
final class TomlTable {
    let line: Int
    private(set) var entries: [(key: String, value: TomlValue)] = []
    /// Written out whole (`{…}`, or its own header): nothing may be added from elsewhere.
    var isClosed = false

    init(line: Int) { self.line = line }

    subscript(key: String) -> TomlValue? { entries.first { $0.key == key }?.value }

    func set(_ key: String, _ value: TomlValue) {
        if let place = entries.firstIndex(where: { $0.key == key }) {
            entries[place].value = value
        } else {
            entries.append((key, value))
        }
    }
}

/// Where TOML text is broken.
struct TomlFault: Error, Equatable {
    var line: Int
    var reason: String
}

/// Reads TOML text by hand: one pass, bounded nesting, the first fault ends it.
struct TomlReader {
    private static let maxDepth = 16
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    private init(_ text: String) { bytes = Array(text.utf8) }

    static func read(_ text: String) throws(TomlFault) -> TomlTable {
        var reader = TomlReader(text)
        return try reader.document()
    }

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func fault(_ reason: String) -> TomlFault { TomlFault(line: line, reason: reason) }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        at += 1
        return true
    }

    private mutating func document() throws(TomlFault) -> TomlTable {
        let root = TomlTable(line: 1)
        var current = root
        while true {
            try skipBlank()
            guard let byte = peek else { return root }
            if byte == UInt8(ascii: "[") {
                current = try header(root)
            } else {
                try pair(into: current, depth: 0)
            }
            try endOfLine()
        }
    }

    // MARK: Blanks

    private mutating func skipSpaces() {
        while peek == 0x20 || peek == 0x09 { at += 1 }
    }

    private mutating func skipComment() throws(TomlFault) {
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != 0x0A {
            guard byte >= 0x20 || byte == 0x09 || byte == 0x0D, byte != 0x7F else {
                throw fault("a comment holds a control character")
            }
            at += 1
        }
    }

    /// Spaces, comments and line ends.
    private mutating func skipBlank() throws(TomlFault) {
        while true {
            skipSpaces()
            try skipComment()
            guard try lineBreak() else { return }
        }
    }

    private mutating func lineBreak() throws(TomlFault) -> Bool {
        if peek == 0x0D {
            guard at + 1 < bytes.count, bytes[at + 1] == 0x0A else { throw fault("a carriage return stands alone") }
            at += 1
        }
        guard take(0x0A) else { return false }
        line += 1
        return true
    }

    private mutating func endOfLine() throws(TomlFault) {
        skipSpaces()
        try skipComment()
        guard try lineBreak() || peek == nil else { throw fault("something follows on the same line") }
    }

    // MARK: Keys and tables

    private mutating func key() throws(TomlFault) -> String {
        if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") { return try text() }
        let start = at
        while let byte = peek, Self.isBare(byte) { at += 1 }
        guard at > start else { throw fault("a key is expected") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }

    private mutating func path() throws(TomlFault) -> [String] {
        var path = [try key()]
        skipSpaces()
        while take(UInt8(ascii: ".")) {
            skipSpaces()
            path.append(try key())
            skipSpaces()
            guard path.count <= Self.maxDepth else { throw fault("a key is too long a path") }
        }
        return path
    }

    /// `[a.b]` and `[[a.b]]`: the table that the lines below belong to.
    private mutating func header(_ root: TomlTable) throws(TomlFault) -> TomlTable {
        at += 1
        let isList = take(UInt8(ascii: "["))
        skipSpaces()
        let path = try path()
        guard take(UInt8(ascii: "]")), !isList || take(UInt8(ascii: "]")) else { throw fault("`]` is expected") }
        let (parent, last) = try descend(root, path)
        if isList {
            let table = TomlTable(line: line)
            switch parent[last] {
            case nil: parent.set(last, .list([.table(table)], line: line))
            case .list(let items, let first)? where items.allSatisfy(Self.isOpenTable):
                parent.set(last, .list(items + [.table(table)], line: first))
            default: throw fault("`\(last)` stands there already, and is no list of tables")
            }
            return table
        }
        if case .table(let known)? = parent[last], !known.isClosed {
            known.isClosed = true
            return known
        }
        guard parent[last] == nil else { throw fault("`\(last)` stands there already") }
        let table = TomlTable(line: line)
        table.isClosed = true
        parent.set(last, .table(table))
        return table
    }

    private static func isOpenTable(_ value: TomlValue) -> Bool {
        if case .table(let table) = value { return !table.isClosed }
        return false
    }

    /// The table that holds the last part of a path; tables on the way are made, and of a list the last is meant.
    private mutating func descend(_ root: TomlTable, _ path: [String]) throws(TomlFault) -> (TomlTable, String) {
        var table = root
        for part in path.dropLast() {
            switch table[part] {
            case nil:
                let made = TomlTable(line: line)
                table.set(part, .table(made))
                table = made
            case .table(let known)?: table = known
            case .list(let items, _)?:
                guard case .table(let last)? = items.last else { throw fault("`\(part)` is no table") }
                table = last
            default: throw fault("`\(part)` is no table")
            }
        }
        return (table, path.last ?? "")
    }

    private mutating func pair(into table: TomlTable, depth: Int) throws(TomlFault) {
        let path = try path()
        guard take(UInt8(ascii: "=")) else { throw fault("`=` is expected") }
        skipSpaces()
        let (parent, last) = try descend(table, path)
        guard parent[last] == nil else { throw fault("`\(path.joined(separator: "."))` is given twice") }
        parent.set(last, try value(depth: depth))
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(TomlFault) -> TomlValue {
        guard depth < Self.maxDepth else { throw fault("values are nested too deeply") }
        let start = line
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .text(try text(), line: start)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "{"): return .table(try inlineTable(depth: depth))
        default: return try word()
        }
    }

    private mutating func list(depth: Int) throws(TomlFault) -> TomlValue {
        let start = line
        at += 1
        var items: [TomlValue] = []
        while true {
            try skipBlank()
            if take(UInt8(ascii: "]")) { return .list(items, line: start) }
            guard items.count < 10_000 else { throw fault("a list is too long") }
            items.append(try value(depth: depth + 1))
            try skipBlank()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw fault("`,` or `]` is expected") }
            return .list(items, line: start)
        }
    }

    private mutating func inlineTable(depth: Int) throws(TomlFault) -> TomlTable {
        at += 1
        let table = TomlTable(line: line)
        table.isClosed = true
        skipSpaces()
        if take(UInt8(ascii: "}")) { return table }
        while true {
            skipSpaces()
            try pair(into: table, depth: depth + 1)
            skipSpaces()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw fault("`,` or `}` is expected") }
            return table
        }
    }

    /// `true`, `false` and numbers.
    private mutating func word() throws(TomlFault) -> TomlValue {
        let start = at
        while let byte = peek,
            Self.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: ":")
        { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        switch text {
        case "": throw fault("a value is expected")
        case "true": return .flag(true, line: line)
        case "false": return .flag(false, line: line)
        default: break
        }
        let isPlain = !text.hasPrefix("_") && !text.hasSuffix("_") && !text.contains("__")
        let digits = text.filter { $0 != "_" }
        if isPlain, let number = Int64(digits),
            digits == "0" || !digits.drop(while: { $0 == "-" || $0 == "+" }).hasPrefix("0")
        {
            return .integer(number, line: line)
        }
        let isFloat = digits.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
        if isPlain, isFloat, text.contains(where: { "0123456789".contains($0) }), let number = Double(digits) {
            return .float(number, line: line)
        }
        throw fault("`\(text)` is no value that is read here; texts stand in quotes")
    }

    // MARK: Texts

    private mutating func text() throws(TomlFault) -> String {
        let quote = bytes[at]
        let isBasic = quote == UInt8(ascii: "\"")
        if at + 2 < bytes.count, bytes[at + 1] == quote, bytes[at + 2] == quote {
            at += 3
            _ = try lineBreak()
            return try multiline(quote, isBasic: isBasic)
        }
        at += 1
        var out: [UInt8] = []
        while let byte = peek, byte != 0x0A, byte != 0x0D {
            at += 1
            if byte == quote { return try decoded(out) }
            if isBasic, byte == UInt8(ascii: "\\") { try escape(into: &out) } else { out.append(try plain(byte)) }
        }
        throw fault("a text does not end on its line")
    }

    private mutating func multiline(_ quote: UInt8, isBasic: Bool) throws(TomlFault) -> String {
        var out: [UInt8] = []
        while let byte = peek {
            if byte == quote, at + 2 < bytes.count, bytes[at + 1] == quote, bytes[at + 2] == quote {
                at += 3
                return try decoded(out)
            }
            if try lineBreak() {
                out.append(0x0A)
                continue
            }
            at += 1
            if isBasic, byte == UInt8(ascii: "\\") {
                let before = at
                skipSpaces()
                if try lineBreak() {
                    try skipFolded()
                } else {
                    at = before
                    try escape(into: &out)
                }
            } else {
                out.append(try plain(byte))
            }
        }
        throw fault("a text does not end")
    }

    private mutating func skipFolded() throws(TomlFault) {
        repeat { skipSpaces() } while try lineBreak()
    }

    private func plain(_ byte: UInt8) throws(TomlFault) -> UInt8 {
        guard byte >= 0x20 || byte == 0x09, byte != 0x7F else { throw fault("a text holds a control character") }
        return byte
    }

    private func decoded(_ bytes: [UInt8]) throws(TomlFault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fault("a text is no UTF-8") }
        return text
    }

    private mutating func escape(into out: inout [UInt8]) throws(TomlFault) {
        guard let byte = peek else { throw fault("a text does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(byte)
        case UInt8(ascii: "u"): try scalar(4, into: &out)
        case UInt8(ascii: "U"): try scalar(8, into: &out)
        default: throw fault("a text holds an escape that there is not")
        }
    }

    private mutating func scalar(_ count: Int, into out: inout [UInt8]) throws(TomlFault) {
        let digits = bytes[at..<min(at + count, bytes.count)]
        at += digits.count
        guard digits.count == count, let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(number)
        else { throw fault("a text holds an escape that is no character") }
        out.append(contentsOf: Array(String(Character(scalar)).utf8))
    }
}
