import Integrity

/// The `id` of a request, kept as it stood.
struct RPCID {
    /// Raw JSON; nil for a notification, which is never answered. Short ids live inside the String, without allocation.
    let text: String?

    static let null = RPCID(text: "null")

    private init(text: String?) { self.text = text }

    /// - Throws: a fault to be answered with a null id, because no id could be told.
    init(_ request: RequestScan, _ scanner: JSONScanner) throws(RPCFault) {
        guard request.id.isPresent else {
            text = nil
            return
        }
        switch scanner.kind(request.id) {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "t"), UInt8(ascii: "f"):
            throw .invalidRequest("`id` is a string, a number or null")
        default: break
        }
        guard request.id.end - request.id.start <= RPCSession.maximumID else {
            throw .invalidRequest("`id` is longer than \(RPCSession.maximumID) bytes")
        }
        text = String(decoding: scanner.raw(request.id), as: UTF8.self)
    }

    /// The id under which a faulty request is answered: the standard wants null where there is none.
    var orNull: RPCID { text == nil ? .null : self }
}

/// What a request is answered with when nothing went wrong on the way.
enum RPCAnswer {
    /// A JSON value.
    case json([UInt8])
    /// A zome call's outcome: becomes a JSON *string* that holds `{"Ok":…}` or `{"Err":…}`, as in 2019.
    case outcome(CallOutcome)

    /// Writes one whole response object.
    static func write(_ answer: Result<RPCAnswer, RPCFault>, id: String, to writer: inout JSONWriter) {
        do throws(RPCFault) {
            try write(try answer.get(), id: id, to: &writer)
        } catch {
            write(error, id: id, to: &writer)
        }
    }

    private static func write(_ answer: RPCAnswer, id: String, to writer: inout JSONWriter) throws(RPCFault) {
        switch answer {
        case .json(let json):
            writer.raw(#"{"jsonrpc":"2.0","result":"#)
            writer.raw(json)
            writer.raw(#","id":"#)
        case .outcome(.ok(let value)):
            let json: [UInt8]
            do throws(PlasmidError) {
                json = try JSONText.json(fromMessagePack: value)
            } catch {
                throw RPCFault(.invalidParams, error)
            }
            writer.raw(#"{"jsonrpc":"2.0","result":"{\"Ok\":"#)
            writer.escaped(json)
            writer.raw(#"}","id":"#)
        case .outcome(.err(let kind, let code, let message)):
            var inner = JSONWriter()
            inner.string(kind.rawValue)
            inner.raw(":")
            inner.string(message)
            inner.raw(#","code":"#)
            inner.string(code)
            writer.raw(#"{"jsonrpc":"2.0","result":"{\"Err\":{"#)
            writer.escaped(inner.bytes)
            writer.raw(#"}}","id":"#)
        }
        writer.raw(id)
        writer.raw("}")
    }

    private static func write(_ fault: RPCFault, id: String, to writer: inout JSONWriter) {
        writer.raw(#"{"jsonrpc":"2.0","error":{"code":"#)
        writer.integer(fault.number.rawValue)
        writer.raw(#","message":"#)
        writer.string(fault.message)
        writer.raw(#","data":{"code":"#)
        writer.string(fault.code)
        if let hint = fault.hint {
            writer.raw(#","hint":"#)
            writer.string(hint)
        }
        if let cause = fault.cause {
            writer.raw(#","cause":"#)
            writer.string(cause)
        }
        writer.raw(#"}},"id":"#)
        writer.raw(id)
        writer.raw("}")
    }
}

/// The answers to one batch, gathered until the last of them is there.
final class RPCBatch {
    private var waiting: Int
    private var gathered: [UInt8] = []

    init(waiting: Int) { self.waiting = waiting }

    /// Adds one answer, empty for a notification's.
    /// - Returns: the whole array once nothing is waited for any more, empty if all were notifications; nil before.
    func add(_ answer: [UInt8]) -> [UInt8]? {
        waiting -= 1
        if !answer.isEmpty {
            gathered.append(gathered.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            gathered.append(contentsOf: answer)
        }
        guard waiting == 0 else { return nil }
        if !gathered.isEmpty { gathered.append(UInt8(ascii: "]")) }
        return gathered
    }
}
