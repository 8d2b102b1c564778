import Glibc

/// Where a JSON value or string stands in a message: byte offsets, quotes included for strings.
struct JSONSpan: Equatable {
    var start: Int
    var end: Int
    static let none = JSONSpan(start: -1, end: -1)
    var isPresent: Bool { start >= 0 }
}

/// Why a text is not JSON, and at which byte.
struct JSONFault: Error, Equatable {
    var offset: Int
    var reason: String
}

/// Walks JSON text once, byte by byte, checking the grammar of RFC 8259 and remembering nothing: no trees, no copies, no
/// recursion (a text nested 10,000 deep costs a counter). The text must be UTF-8 already; see `UTF8Check`.
struct JSONScanner {
    /// Deeper texts are refused. Arguments are bound to 64 levels by the MessagePack codec anyway; an envelope adds three.
    static let maximumDepth = 128

    let bytes: UnsafeRawBufferPointer
    private(set) var at = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { at >= bytes.count }

    /// The byte under the cursor, 0 at the end (0 is no JSON outside strings, so nothing confuses the two).
    @inline(__always) var peek: UInt8 { at < bytes.count ? bytes[at] : 0 }

    func fault(_ reason: String) -> JSONFault {
        JSONFault(offset: at, reason: isAtEnd ? "the text ends too early" : reason)
    }

    @inline(__always) mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    /// Passes `byte` or throws.
    @inline(__always) mutating func expect(_ byte: UInt8, _ name: StaticString) throws(JSONFault) {
        guard peek == byte else { throw fault("expected \(name)") }
        at += 1
    }

    /// Passes one string, cursor on its opening quote.
    mutating func string() throws(JSONFault) -> JSONSpan {
        let start = at
        try expect(0x22, "a string")
        while at < bytes.count {
            at = TextRun.endOfPlain(bytes, from: at)
            switch peek {
            case 0x22:
                at += 1
                return JSONSpan(start: start, end: at)
            case 0x5C: try skipEscape()
            default: throw fault("a control character inside a string")
            }
        }
        throw fault("")
    }

    private mutating func skipEscape() throws(JSONFault) {
        at += 1
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        case UInt8(ascii: "u"):
            at += 1
            for _ in 0..<4 {
                guard hexValue(peek) != nil else { throw fault("a \\u escape needs four hexadecimal digits") }
                at += 1
            }
        default: throw fault("an unknown escape inside a string")
        }
    }

    /// Passes one value of any kind and says where it stood.
    mutating func value() throws(JSONFault) -> JSONSpan {
        let start = at
        switch peek {
        case UInt8(ascii: "{"), UInt8(ascii: "["): try skipContainer()
        default: try skipScalar()
        }
        return JSONSpan(start: start, end: at)
    }

    private mutating func skipScalar() throws(JSONFault) {
        switch peek {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
        default: throw fault("expected a value")
        }
    }

    private mutating func skipWord(_ word: StaticString) throws(JSONFault) {
        guard spans(JSONSpan(start: at, end: min(at + word.utf8CodeUnitCount, bytes.count)), equal: word) else {
            throw fault("expected a value")
        }
        at += word.utf8CodeUnitCount
    }

    private mutating func skipNumber() throws(JSONFault) {
        if peek == UInt8(ascii: "-") { at += 1 }
        if peek == UInt8(ascii: "0") {
            at += 1
        } else {
            try skipDigits()
        }
        if peek == UInt8(ascii: ".") {
            at += 1
            try skipDigits()
        }
        if peek | 0x20 == UInt8(ascii: "e") {
            at += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { at += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONFault) {
        let start = at
        while isDigit(peek) { at += 1 }
        if at == start { throw fault("expected a digit") }
    }

    private enum Step { case opened, member, ended }

    /// Passes an object or array with everything in it. One bit a level says which of the two it is.
    private mutating func skipContainer() throws(JSONFault) {
        var kinds: UInt128 = 0
        var depth = 0
        var step = Step.member
        try push(&kinds, &depth, &step)
        while true {
            skipSpace()
            let inObject = kinds & 1 == 1
            let closing = inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
            if step != .member, peek == closing {
                at += 1
                depth -= 1
                kinds >>= 1
                step = .ended
                if depth == 0 { return }
                continue
            }
            if step == .ended {
                try expect(UInt8(ascii: ","), inObject ? "',' or '}'" : "',' or ']'")
                step = .member
                continue
            }
            if inObject {
                _ = try string()
                try separator()
            }
            if peek == UInt8(ascii: "{") || peek == UInt8(ascii: "[") {
                try push(&kinds, &depth, &step)
            } else {
                try skipScalar()
                step = .ended
            }
        }
    }

    private mutating func push(_ kinds: inout UInt128, _ depth: inout Int, _ step: inout Step) throws(JSONFault) {
        guard depth < Self.maximumDepth else {
            throw fault("nested deeper than \(Self.maximumDepth) levels")
        }
        kinds = kinds << 1 | (peek == UInt8(ascii: "{") ? 1 : 0)
        depth += 1
        at += 1
        step = .opened
    }

    /// Passes the `:` between a key and its value, and the space around it.
    @inline(__always) mutating func separator() throws(JSONFault) {
        skipSpace()
        try expect(UInt8(ascii: ":"), "':'")
        skipSpace()
    }

    /// Walks the members of the object under the cursor; `member` must pass the value.
    mutating func object(
        _ member: (_ key: JSONSpan, _ scanner: inout JSONScanner) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try expect(UInt8(ascii: "{"), "'{'")
        skipSpace()
        if peek == UInt8(ascii: "}") {
            at += 1
            return
        }
        while true {
            skipSpace()
            let key = try string()
            try separator()
            try member(key, &self)
            skipSpace()
            if peek == UInt8(ascii: "}") {
                at += 1
                return
            }
            try expect(UInt8(ascii: ","), "',' or '}'")
        }
    }

    // MARK: Reading what was found

    @inline(__always) func spans(_ span: JSONSpan, equal text: StaticString) -> Bool {
        let count = span.end - span.start
        guard count == text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base + span.start, text.utf8Start, count) == 0
    }

    /// The bytes of a value as they stand.
    func raw(_ span: JSONSpan) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[span.start..<span.end])
    }

    /// First byte of a value, which tells its kind; 0 if it is missing.
    func kind(_ span: JSONSpan) -> UInt8 {
        span.isPresent ? bytes[span.start] : 0
    }

    func isNull(_ span: JSONSpan) -> Bool {
        kind(span) == UInt8(ascii: "n")
    }

    /// The text of a string value; nil if it is no string, or holds half of a surrogate pair.
    func text(_ span: JSONSpan) -> String? {
        guard kind(span) == UInt8(ascii: "\"") else { return nil }
        let inner = UnsafeRawBufferPointer(rebasing: bytes[(span.start + 1)..<(span.end - 1)])
        if let base = inner.baseAddress, memchr(base, 0x5C, inner.count) == nil {
            return String(decoding: inner, as: UTF8.self)
        }
        return JSONEscapes.decode(inner).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A whole number without fraction or exponent that fits 64 bits; nil otherwise.
    func integer(_ span: JSONSpan) -> Int64? {
        guard span.isPresent, span.end - span.start <= 20 else { return nil }
        return Int64(String(decoding: raw(span), as: UTF8.self))
    }

    /// The elements of an array value, at most `limit` of them; nil if it is no array or has more.
    func elements(_ span: JSONSpan, atMost limit: Int) -> [JSONSpan]? {
        guard kind(span) == UInt8(ascii: "[") else { return nil }
        var inner = JSONScanner(bytes)
        inner.at = span.start + 1
        var found: [JSONSpan] = []
        inner.skipSpace()
        while inner.peek != UInt8(ascii: "]") {
            guard found.count < limit, let element = try? inner.value() else { return nil }
            found.append(element)
            inner.skipSpace()
            if inner.peek == UInt8(ascii: ",") { inner.at += 1 }
            inner.skipSpace()
        }
        return found
    }

    /// A scanner of the same text, further on.
    func moved(to offset: Int) -> JSONScanner {
        var other = self
        other.at = offset
        return other
    }
}

@inline(__always) func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10
}

/// Value of a hexadecimal digit.
@inline(__always) func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
