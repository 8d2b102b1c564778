import Integrity

extension RequestScan {
    /// What is wrong with the envelope (JSON-RPC 2.0 §4), if anything.
    func envelopeFault(_ scanner: JSONScanner) -> RPCFault? {
        if let repeated { return .invalidRequest("`\(repeated)` is given twice") }
        guard version.isPresent, scanner.spans(version, equal: "\"2.0\"") else {
            return .invalidRequest(#"`jsonrpc` has to be "2.0""#)
        }
        guard method.isPresent, scanner.text(method) != nil else {
            return .invalidRequest("`method` has to be a string")
        }
        switch scanner.kind(params) {
        case 0, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "n"): return nil
        default: return .invalidRequest("`params` has to be an object")
        }
    }

    /// Throws unless the parameters are an object in which no known key stands twice.
    func expectMap(_ scanner: JSONScanner) throws(RPCFault) {
        guard scanner.kind(params) == UInt8(ascii: "{") else { throw .expectedMap }
        if let paramsRepeat { throw .bad(paramsRepeat.description, "is given twice") }
    }

    /// A parameter that must be there and be a string.
    func string(_ param: KnownParam, _ scanner: JSONScanner) throws(RPCFault) -> String {
        guard value(param).isPresent else { throw .missing(param.key.description) }
        guard let text = scanner.text(value(param)) else { throw .notString(param.key.description) }
        return text
    }

    /// A parameter that may be missing or null, and is a string otherwise.
    func optionalString(_ param: KnownParam, _ scanner: JSONScanner) throws(RPCFault) -> String? {
        guard value(param).isPresent, !scanner.isNull(value(param)) else { return nil }
        return try string(param, scanner)
    }

    /// Base64 of exactly `count` bytes.
    func bytes(_ param: KnownParam, _ count: Int, _ scanner: JSONScanner) throws(RPCFault) -> [UInt8]? {
        guard let text = try optionalString(param, scanner) else { return nil }
        guard let bytes = Base64.decode(text), bytes.count == count else {
            throw .bad(param.key.description, "has to be base64 of \(count) bytes")
        }
        return bytes
    }
}

extension ZomeCallRequest {
    /// Reads the parameters of `call`, in the order in which 2019 named the first fault.
    init(_ request: RequestScan, _ scanner: JSONScanner, scope: APIScope) throws(RPCFault) {
        try request.expectMap(scanner)
        self.scope = scope
        instanceID = try request.string(.instanceID, scanner)
        zome = try request.string(.zome, scanner)
        function = try request.string(.function, scanner)
        capSecret = try request.bytes(.token, 64, scanner)
        certificates = try Self.certificates(request, scanner)
        provenance = try CallProvenance(request, scanner)
        let given = request.value(.args)
        guard given.isPresent, !scanner.isNull(given) else {
            args = [0x80]
            return
        }
        do throws(PlasmidError) {
            args = try JSONText.messagePack(fromJSON: scanner.raw(given))
        } catch {
            throw RPCFault(.invalidParams, error)
        }
    }
}

extension ZomeCallRequest {
    /// Bytes of certificates that are read at most: eight, each with as many functions as it may list.
    private static let certificateBytes = 1 << 22

    private static func certificates(
        _ request: RequestScan, _ scanner: JSONScanner
    ) throws(RPCFault) -> [UInt8]? {
        guard let text = try request.optionalString(.certificates, scanner) else { return nil }
        guard text.utf8.count <= certificateBytes / 3 * 4, let bytes = Base64.decode(text) else {
            throw .bad("certificates", "has to be base64 of at most \(certificateBytes) bytes")
        }
        return bytes
    }
}

extension CallProvenance {
    /// Nil if the call has none, which means the app's own agent.
    init?(_ request: RequestScan, _ scanner: JSONScanner) throws(RPCFault) {
        let given = request.value(.provenance)
        guard given.isPresent, !scanner.isNull(given) else { return nil }
        guard let parts = scanner.elements(given, atMost: 2), parts.count == 2,
            let agentText = scanner.text(parts[0]), let signatureText = scanner.text(parts[1])
        else { throw Self.invalid("has to be [agent, base64 signature]") }
        guard let signature = Base64.decode(signatureText), signature.count == 64 else {
            throw Self.invalid("has a signature that is not base64 of 64 bytes")
        }
        do throws(PlasmidError) {
            agent = try AgentPubKey(agentText)
        } catch {
            throw Self.invalid("names no agent: \(error.message)")
        }
        self.signature = signature
        guard let nonce = try request.bytes(.nonce, 32, scanner) else {
            throw Self.invalid("needs `nonce` and `expires_at` beside it")
        }
        guard request.value(.expiresAt).isPresent else { throw Self.invalid("needs `expires_at` beside it") }
        guard let expiry = scanner.integer(request.value(.expiresAt)) else {
            throw .bad("expires_at", "has to be an integer", hint: "microseconds since 1970")
        }
        self.nonce = nonce
        expiresAt = expiry
    }

    private static func invalid(_ reason: String) -> RPCFault {
        RPCFault(
            .invalidParams, "invalidProvenance", "invalid provenance: it \(reason)",
            hint: "a signature covers the whole call, its nonce and its end; the form of 2019 is not accepted")
    }
}
