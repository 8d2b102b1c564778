/// Reads JSON and writes MessagePack as it goes.
struct JSONScanner {
    private let base: UnsafeRawPointer
    private let end: Int
    private var at = 0
    private var scratch: [UInt8] = []

    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress ?? MessagePackReader.nowhere
        end = bytes.count
    }

    @inline(__always)
    private func byte(_ index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }

    /// The next byte that is not white space, or 0 at the end.
    @inline(__always)
    private mutating func next() -> UInt8 {
        while at < end {
            let byte = byte(at)
            if byte > 0x20 { return byte }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            at &+= 1
        }
        return 0
    }

    mutating func finish() throws(PlasmidError) {
        _ = next()
        if at != end { throw fault("something stands after the value") }
    }

    mutating func value(into w: inout MessagePackWriter, depth: Int) throws(PlasmidError) {
        switch next() {
        case UInt8(ascii: "\""): try string(into: &w)
        case UInt8(ascii: "{"): try object(into: &w, depth: depth)
        case UInt8(ascii: "["): try array(into: &w, depth: depth)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): try number(into: &w)
        case UInt8(ascii: "t"):
            try literal("true")
            w.writeBool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            w.writeBool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            w.writeNil()
        default: throw fault(at < end ? "a value is expected" : "the text ends where a value is expected")
        }
    }

    private mutating func literal(_ word: StaticString) throws(PlasmidError) {
        let count = word.utf8CodeUnitCount
        guard end - at >= count else { throw fault("a value is expected") }
        for index in 0..<count where byte(at + index) != word.utf8Start[index] {
            throw fault("a value is expected")
        }
        at += count
    }

    private mutating func object(into w: inout MessagePackWriter, depth: Int) throws(PlasmidError) {
        guard depth > 0 else { throw tooDeep() }
        at &+= 1
        let start = w.beginContainer()
        var count = 0
        if next() == UInt8(ascii: "}") {
            at &+= 1
            return w.endMap(start, count: 0)
        }
        while true {
            guard next() == UInt8(ascii: "\"") else { throw fault("a key in quotes is expected") }
            try string(into: &w)
            guard next() == UInt8(ascii: ":") else { throw fault("a colon is expected") }
            at &+= 1
            try value(into: &w, depth: depth - 1)
            count &+= 1
            let separator = next()
            guard separator == UInt8(ascii: ",") || separator == UInt8(ascii: "}") else {
                throw fault("a comma or a closing brace is expected")
            }
            at &+= 1
            if separator == UInt8(ascii: "}") { return w.endMap(start, count: count) }
        }
    }

    private mutating func array(into w: inout MessagePackWriter, depth: Int) throws(PlasmidError) {
        guard depth > 0 else { throw tooDeep() }
        at &+= 1
        let start = w.beginContainer()
        var count = 0
        if next() == UInt8(ascii: "]") {
            at &+= 1
            return w.endArray(start, count: 0)
        }
        while true {
            try value(into: &w, depth: depth - 1)
            count &+= 1
            let separator = next()
            guard separator == UInt8(ascii: ",") || separator == UInt8(ascii: "]") else {
                throw fault("a comma or a closing bracket is expected")
            }
            at &+= 1
            if separator == UInt8(ascii: "]") { return w.endArray(start, count: count) }
        }
    }

    // MARK: Text

    private mutating func string(into w: inout MessagePackWriter) throws(PlasmidError) {
        at &+= 1
        let start = at
        var high: UInt8 = 0
        while at < end {
            if end &- at >= 8 {
                let word = base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                if !JSONBytes.needsCare(word) {
                    if word & 0x8080_8080_8080_8080 != 0 { high = 0x80 }
                    at &+= 8
                    continue
                }
            }
            let byte = byte(at)
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeRawBufferPointer(start: base + start, count: at &- start)
                if high & 0x80 != 0, !UTF8Check.isValid(text) { throw fault("the text is not UTF-8") }
                w.writeString(utf8: text)
                at &+= 1
                return
            }
            if byte == UInt8(ascii: "\\") { return try escaped(from: start, into: &w) }
            if byte < 0x20 { throw fault("a control character must be escaped") }
            high |= byte
            at &+= 1
        }
        throw fault("the text ends inside a string")
    }

    /// The slow way, for strings with escapes: gathers the bytes first.
    private mutating func escaped(from start: Int, into w: inout MessagePackWriter) throws(PlasmidError) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: UnsafeRawBufferPointer(start: base + start, count: at - start))
        while at < end {
            let byte = byte(at)
            at += 1
            if byte == UInt8(ascii: "\"") {
                let valid = scratch.withUnsafeBytes { UTF8Check.isValid($0) }
                guard valid else { throw fault("the text is not UTF-8") }
                scratch.withUnsafeBytes { w.writeString(utf8: $0) }
                return
            }
            if byte < 0x20 { throw fault("a control character must be escaped") }
            if byte != UInt8(ascii: "\\") {
                scratch.append(byte)
                continue
            }
            try escape()
        }
        throw fault("the text ends inside a string")
    }

    private mutating func escape() throws(PlasmidError) {
        guard at < end else { throw fault("the text ends inside a string") }
        let letter = byte(at)
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(letter)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw fault("there is no such escape")
        }
    }

    private mutating func unicodeEscape() throws(PlasmidError) {
        var code = try hexDigits()
        if (0xD800..<0xDC00).contains(code) {
            guard end - at >= 2, byte(at) == UInt8(ascii: "\\"), byte(at + 1) == UInt8(ascii: "u") else {
                throw fault("half of a surrogate pair is missing")
            }
            at += 2
            let low = try hexDigits()
            guard (0xDC00..<0xE000).contains(low) else { throw fault("half of a surrogate pair is missing") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair is missing") }
        scratch.append(contentsOf: Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
    }

    private mutating func hexDigits() throws(PlasmidError) -> UInt32 {
        guard end - at >= 4 else { throw fault("four hexadecimal digits are expected") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit = byte(at)
            at += 1
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): code = code << 4 | (UInt32(digit) - 48)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): code = code << 4 | (UInt32(digit) - 87)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): code = code << 4 | (UInt32(digit) - 55)
            default: throw fault("four hexadecimal digits are expected")
            }
        }
        return code
    }

    // MARK: Numbers

    @inline(__always)
    private func digit(_ index: Int) -> UInt64? {
        guard index < end else { return nil }
        let value = byte(index) &- 48
        return value < 10 ? UInt64(value) : nil
    }

    private mutating func number(into w: inout MessagePackWriter) throws(PlasmidError) {
        let start = at
        let negative = byte(at) == UInt8(ascii: "-")
        if negative { at &+= 1 }
        guard let first = digit(at) else { throw fault("a digit is expected") }
        at &+= 1
        var value = first
        var exact = true
        while let more = digit(at) {
            if first == 0, at &- start == (negative ? 2 : 1) { throw fault("a number has no leading zero") }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(more)
            if overflow || carry { exact = false }
            value = sum
            at &+= 1
        }
        var whole = true
        if at < end, byte(at) == UInt8(ascii: ".") {
            whole = false
            at += 1
            try digits()
        }
        if at < end, byte(at) | 0x20 == UInt8(ascii: "e") {
            whole = false
            at += 1
            if at < end, byte(at) == UInt8(ascii: "+") || byte(at) == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        if whole, exact {
            if !negative { return w.writeUInt(value) }
            if value <= UInt64(Int64.max) + 1 { return w.writeInt(Int64(truncatingIfNeeded: 0 &- value)) }
        }
        try float(from: start, into: &w)
    }

    private mutating func digits() throws(PlasmidError) {
        guard digit(at) != nil else { throw fault("a digit is expected") }
        while digit(at) != nil { at += 1 }
    }

    private func float(from start: Int, into w: inout MessagePackWriter) throws(PlasmidError) {
        let text = String(decoding: UnsafeRawBufferPointer(start: base + start, count: at - start), as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw PlasmidError(.notRepresentable, "The number at byte \(start) is beyond what a double holds.")
        }
        w.writeDouble(number)
    }

    // MARK: Errors

    @inline(never)
    private func fault(_ what: StaticString) -> PlasmidError {
        PlasmidError(.malformedJSON, "Not JSON at byte \(at): \(what).")
    }

    @inline(never)
    private func tooDeep() -> PlasmidError {
        PlasmidError(.tooDeep, "Arrays and objects nest deeper than \(Limits.messagePackDepth) at byte \(at).")
    }
}
