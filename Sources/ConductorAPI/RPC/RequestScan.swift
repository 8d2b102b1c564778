/// The parameters that the service reads itself; admin methods' parameters go to the handler whole.
enum KnownParam: Int, CaseIterable {
    case instanceID, zome, function, args, token, certificates, provenance, nonce, expiresAt, name

    var key: StaticString {
        switch self {
        case .instanceID: "instance_id"
        case .zome: "zome"
        case .function: "function"
        case .args: "args"
        case .token: "token"
        case .certificates: "certificates"
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
    private(set) var known = InlineArray<10, JSONSpan>(repeating: .none)
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
        switch key.end - key.start - 2 {
        case 4:
            if matches(scanner, key, "zome") { return .zome }
            if matches(scanner, key, "args") { return .args }
            if matches(scanner, key, "name") { return .name }
        case 5:
            if matches(scanner, key, "token") { return .token }
            if matches(scanner, key, "nonce") { return .nonce }
        case 8:
            if matches(scanner, key, "function") { return .function }
        case 10:
            if matches(scanner, key, "provenance") { return .provenance }
            if matches(scanner, key, "expires_at") { return .expiresAt }
        case 11:
            if matches(scanner, key, "instance_id") { return .instanceID }
        case 12:
            if matches(scanner, key, "certificates") { return .certificates }
        default: break
        }
        // Of another length, or another word: only a key written with escapes can still be a known one.
        let inner = JSONSpan(start: key.start + 1, end: key.end - 1)
        guard inner.end - inner.start <= 66, scanner.raw(inner).contains(0x5C) else { return nil }
        return KnownParam.allCases.first { matches(scanner, key, $0.key) }
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
