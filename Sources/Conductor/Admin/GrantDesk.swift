import Chain
import Integrity
import Sodium
import Storage

/// Grants that the operator makes and revokes for a cell, on the cell's own chain.
extension Conductor {
    func grant(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let cell = try cell(try params.text("instance_id"))
        guard let label = params.label else { throw PlasmidError(.badParameter, "`label` param not provided") }
        let request = GrantRequest(
            tag: label, access: try accessWord(try params.text("access")),
            assignees: try params.agents("assignees"), functions: try functions(params), limits: try limits(params))
        let (grant, secret) = try cell.makeGrant(request)
        cell.writeForOperator { _, scratch throws(PlasmidError) in
            try scratch.grant(grant, limits: request.limits, now: cell.conductor.options.clock()).packed
        } _: { result in
            reply(
                result.flatMap { bytes in
                    Result { () throws(PlasmidError) in try ActionHash(packed: bytes) }
                }.map { address in
                    .object([
                        "address": .string(address.text),
                        "secret": secret.map { .binary($0.bytes.array) } ?? .null,
                    ])
                })
        }
    }

    /// Takes back the grant with an address, or every one with a label.
    func revoke(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let cell = try cell(try params.text("instance_id"))
        let name = try grantName(params)
        cell.writeForOperator { call, scratch throws(PlasmidError) in
            try cell.revoke(name, seenBy: call, in: &scratch).packed
        } _: { result in
            reply(
                result.flatMap { bytes in
                    Result { () throws(PlasmidError) in try [ActionHash](packed: bytes) }
                }.map { .object(["success": .bool(true), "revoked": .array($0.map { .string($0.text) })]) })
        }
    }

    /// `expiry_seconds` from now or `expires_at`, and `uses`; each may be missing or null.
    func limits(_ params: AdminParams) throws(PlasmidError) -> GrantLimits {
        var limits = GrantLimits()
        if let seconds = try params.wholeNumber("expiry_seconds") {
            guard (1...3_155_760_000).contains(seconds) else {
                throw PlasmidError(
                    .badParameter, "`expiry_seconds` of \(seconds) makes no sense", hint: "1 second to 100 years")
            }
            limits.expiresAt = options.clock().advanced(byMicroseconds: Int64(seconds) * 1_000_000)
        }
        if let time = try params.wholeNumber("expires_at") {
            guard limits.expiresAt == nil else {
                throw PlasmidError(.badParameter, "`expires_at` and `expiry_seconds` exclude each other")
            }
            limits.expiresAt = Timestamp(microseconds: Int64(time))
        }
        if let uses = try params.wholeNumber("uses") {
            guard let count = UInt32(exactly: uses) else {
                throw PlasmidError(
                    .badParameter, "`uses` of \(uses) makes no sense", hint: "1 to \(UInt32.max), or leave it out")
            }
            limits.uses = count
        }
        return limits
    }

    func accessWord(_ word: String) throws(PlasmidError) -> GrantAccess {
        guard let access = GrantAccess(rawValue: word) else {
            throw PlasmidError(
                .badParameter, "`\(word)` is no kind of access", hint: "public, transferable or assigned")
        }
        return access
    }

    /// `"all"`, or an array of `zome/function` texts.
    func functions(_ params: AdminParams) throws(PlasmidError) -> GrantedFunctions {
        switch params.value("functions") {
        case .string("all")?: return .all
        case .array(let items)?:
            var listed: [ZomeFunction] = []
            for item in items {
                guard case .string(let text) = item, let slash = text.firstIndex(of: "/") else {
                    throw PlasmidError(.badParameter, "`functions` lists texts of the form zome/function")
                }
                listed.append(
                    ZomeFunction(zome: String(text[..<slash]), function: String(text[text.index(after: slash)...])))
            }
            return .listed(listed)
        default:
            throw PlasmidError(.badParameter, "`functions` is \"all\" or an array of zome/function texts")
        }
    }
}

extension Cell {
    /// A commit that no module makes: ordered, validated and made durable like a call's.
    func writeForOperator(
        _ write: @escaping ActiveCall.Epilogue,
        _ done: @escaping (Result<[UInt8], PlasmidError>) -> Void
    ) {
        initialise { [self] result in
            if case .failure(let error) = result {
                done(.failure(error))
                return
            }
            start(
                ActiveCall(
                    number: conductor.nextCall(), cell: self, steps: [], caller: id.agent, epilogue: write
                ) { outcome in
                    switch outcome {
                    case .success(.ok(let bytes)): done(.success(bytes))
                    case .success(.appError(let error)):
                        done(.failure(PlasmidError(.validationFailed, error.message)))
                    case .failure(let error): done(.failure(error))
                    }
                })
        }
    }

    /// The grant that a request describes, with a fresh secret where it takes one, or the one given.
    /// - Throws: what `GrantRules` finds wrong with it.
    func makeGrant(
        _ request: GrantRequest, secret kept: CapSecret? = nil
    ) throws(PlasmidError) -> (ZomeCallCapGrant, CapSecret?) {
        guard let secret = kept ?? CapSecret(conductor.options.randomBytes(64)) else {
            throw PlasmidError(.internal, "the system gave fewer random bytes than asked for")
        }
        let access: CapAccess
        switch request.access {
        case .public: access = .unrestricted
        case .transferable: access = .transferable(secret: secret)
        case .assigned: access = .assigned(secret: secret, assignees: request.assignees)
        }
        if request.access != .assigned, !request.assignees.isEmpty {
            throw PlasmidError(
                .badParameter, "a \(request.access.rawValue) grant names no assignees",
                hint: "use access `assigned`, or leave `assignees` out")
        }
        let grant = ZomeCallCapGrant(tag: request.tag, access: access, functions: request.functions)
        try GrantRules.check(grant, dna: definition)
        try request.limits.check(now: conductor.options.clock())
        return (grant, access.secret)
    }

    /// Deletes a grant, or every grant with a label: calls that begin after this commit are refused.
    /// - Throws: `notFound`.
    func revoke(
        _ name: GrantName, seenBy call: ActiveCall, in scratch: inout Scratch
    ) throws(PlasmidError) -> [ActionHash] {
        // With those of calls that stand before this one in the line and are not committed yet.
        let book = grantBook(seenBy: call)
        var found: [GrantBook.Grant] = []
        if case .label(let label) = name { found = book.grants(label: label) }
        if found.isEmpty { found = [try grant(name, in: book)] }
        for grant in found { _ = try scratch.revokeGrant(grant, now: conductor.options.clock()) }
        return found.map(\.address)
    }
}
