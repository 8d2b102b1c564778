/// The parameters that the service reads itself; admin methods' parameters go to the handler whole.
enum KnownParam: Int, CaseIterable {
    case instanceID, zome, function, args, token, provenance, nonce, expiresAt, name

    var key: StaticString {
        switch self {
        case .instanceID: "instance_id"
        case .zome: "zome"
        case .function: "function"
        case .args: "args"
        case .token: "token"
        case .provenance: "provenance"
        case .nonce: "nonce"
        case .expiresAt: "expires_at"
        case .name: "name"
        }
    }
}

/// One request as it stands in its message: offsets only, found in one pass.
struct RequestScan {
    private(set) var version = JSONSpan.none
    private(set) var id = JSONSpan.none
    private(set) var method = JSONSpan.none
    private(set) var params = JSONSpan.none
    private(set) var known = InlineArray<9, JSONSpan>(repeating: .none)
    /// A key of the envelope, or a known parameter, that stood twice: two readers might disagree about such a request.
    private(set) var repeated: StaticString?
    private(set) var paramsRepeat: StaticString?

    /// Reads the object under the cursor and leaves the cursor after it.
    init(_ scanner: inout JSONScanner) throws(JSONFault) {
        var found = RequestScan()
        try scanner.object { key, scanner throws(JSONFault) in
            try found.member(key, &scanner)
        }
        self = found
    }

    private init() {}

    func value(_ param: KnownParam) -> JSONSpan { known[param.rawValue] }

    private mutating func member(_ key: JSONSpan, _ scanner: inout JSONScanner) throws(JSONFault) {
        if Self.matches(scanner, key, "params") {
            if params.isPresent { repeated = "params" }
            params = try paramsValue(&scanner)
            return
        }
        let span = try scanner.value()
        if Self.matches(scanner, key, "id") {
            if id.isPresent { repeated = "id" }
            id = span
        } else if Self.matches(scanner, key, "method") {
            if method.isPresent { repeated = "method" }
            method = span
        } else if Self.matches(scanner, key, "jsonrpc") {
            if version.isPresent { repeated = "jsonrpc" }
            version = span
        }
    }

    private mutating func paramsValue(_ scanner: inout JSONScanner) throws(JSONFault) -> JSONSpan {
        guard scanner.peek == UInt8(ascii: "{") else { return try scanner.value() }
        let start = scanner.at
        try scanner.object { key, scanner throws(JSONFault) in
            let span = try scanner.value()
            guard let param = Self.param(scanner, key) else { return }
            if known[param.rawValue].isPresent { paramsRepeat = param.key }
            known[param.rawValue] = span
        }
        return JSONSpan(start: start, end: scanner.at)
    }

    private static func param(_ scanner: JSONScanner, _ key: JSONSpan) -> KnownParam? {
        let candidates: [KnownParam]
        switch key.end - key.start - 2 {
        case 4:
            return matches(scanner, key, "zome")
                ? .zome
                : matches(scanner, key, "args")
                    ? .args
                    : matches(scanner, key, "name") ? .name : nil
        case 5: return matches(scanner, key, "token") ? .token : matches(scanner, key, "nonce") ? .nonce : nil
        case 8: return matches(scanner, key, "function") ? .function : nil
        case 10:
            return matches(scanner, key, "provenance")
                ? .provenance
                : matches(scanner, key, "expires_at") ? .expiresAt : nil
        case 11: return matches(scanner, key, "instance_id") ? .instanceID : nil
        case 12...66: candidates = KnownParam.allCases
        default: return nil
        }
        // Longer than any known key: only one written with escapes can still be one.
        return candidates.first { matches(scanner, key, $0.key) }
    }

    /// Whether a key is `name`, escapes included (`"z\u006fme"` is `zome`).
    private static func matches(_ scanner: JSONScanner, _ key: JSONSpan, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        let inner = JSONSpan(start: key.start + 1, end: key.end - 1)
        if inner.end - inner.start == count { return scanner.spans(inner, equal: name) }
        // A key with escapes is longer than its text, at most six times.
        guard inner.end - inner.start > count, inner.end - inner.start <= count * 6,
            scanner.raw(inner).contains(0x5C), let text = scanner.text(key)
        else { return false }
        return text == name.description
    }
}
