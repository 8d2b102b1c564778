import Integrity

extension PlasmidError.Code {
    /// Nothing answers at the conductor's address.
    public static let conductorUnreachable = Self(rawValue: "conductorUnreachable")
    /// What came back is no JSON-RPC answer.
    public static let badAnswer = Self(rawValue: "badAnswer")
}

/// What a zome call's `result` string holds: the app's answer, taken out of its envelope.
public enum CallReply: Sendable, Hashable {
    /// The function's result, as JSON.
    case ok([UInt8])
    /// The app's error as JSON: `{"Internal":"…","code":"…"}` and its kind.
    case err([UInt8])

    /// Reads the `result` of `call`.
    /// - Throws: `badAnswer` if it is no string holding `{"Ok":…}` or `{"Err":…}`.
    public init(result: [UInt8]) throws(PlasmidError) {
        let inner = result.withUnsafeBytes { bytes -> [UInt8]? in
            guard bytes.count >= 2, bytes.first == 0x22, bytes.last == 0x22 else { return nil }
            return JSONEscapes.decode(UnsafeRawBufferPointer(rebasing: bytes[1..<(bytes.count - 1)]))
        }
        guard let inner, let members = JSONMembers(inner) else {
            throw PlasmidError(.badAnswer, "the result of the call is no string of JSON")
        }
        if let value = members.raw("Ok") {
            self = .ok(value)
        } else if let value = members.raw("Err") {
            self = .err(value)
        } else {
            throw PlasmidError(.badAnswer, "the result of the call has neither Ok nor Err")
        }
    }
}

/// The members of one JSON object, found in one pass.
struct JSONMembers {
    private let text: [UInt8]
    private var spans: [String: JSONSpan] = [:]

    /// Nil if `text` is no JSON object.
    init?(_ text: [UInt8]) {
        self.text = text
        let found = text.withUnsafeBytes { bytes -> [String: JSONSpan]? in
            var scanner = JSONScanner(bytes)
            var spans: [String: JSONSpan] = [:]
            do throws(JSONFault) {
                scanner.skipSpace()
                try scanner.object { key, scanner throws(JSONFault) in
                    let name = scanner.text(key) ?? ""
                    spans[name] = try scanner.value()
                }
                return spans
            } catch {
                return nil
            }
        }
        guard let found else { return nil }
        spans = found
    }

    func raw(_ key: String) -> [UInt8]? {
        spans[key].map { Array(text[$0.start..<$0.end]) }
    }

    func string(_ key: String) -> String? {
        guard let span = spans[key] else { return nil }
        return text.withUnsafeBytes { JSONScanner($0).text(span) }
    }

    func integer(_ key: String) -> Int64? {
        guard let span = spans[key] else { return nil }
        return text.withUnsafeBytes { JSONScanner($0).integer(span) }
    }
}

/// One JSON-RPC answer as the client sees it.
struct RPCReply {
    /// The number of the request; nil if the answer names none of ours.
    var id: Int64?
    var outcome: Result<[UInt8], PlasmidError>

    /// Nil if the text is no answer: a signal, for instance.
    init?(_ members: JSONMembers) {
        id = members.integer("id")
        if let error = members.raw("error") {
            outcome = .failure(Self.error(error))
        } else if let result = members.raw("result") {
            outcome = .success(result)
        } else {
            return nil
        }
    }

    private static func error(_ text: [UInt8]) -> PlasmidError {
        let members = JSONMembers(text)
        let data = members?.raw("data").flatMap { JSONMembers($0) }
        let number = members?.integer("code").map { "rpc\($0)" } ?? "rpc"
        return PlasmidError(
            PlasmidError.Code(rawValue: data?.string("code") ?? number),
            members?.string("message") ?? "the conductor refused the request", hint: data?.string("hint"),
            cause: data?.string("cause"))
    }

    static func request(_ id: Int64, _ method: String, _ params: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"jsonrpc":"2.0","id":"#)
        writer.integer(id)
        writer.raw(#","method":"#)
        writer.string(method)
        writer.raw(#","params":"#)
        writer.raw(params.isEmpty ? [0x7B, 0x7D] : params)
        writer.raw("}")
        return writer.bytes
    }
}
