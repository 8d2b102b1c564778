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
        let request = GrantRequest(
            tag: try params.text("tag"), access: try accessWord(try params.text("access")),
            assignees: try params.agents("assignees"), functions: try functions(params))
        let (grant, secret) = try cell.makeGrant(request)
        cell.writeForOperator { scratch throws(PlasmidError) in
            try scratch.create(.capGrant, .capGrant(grant), now: cell.conductor.options.clock()).packed
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

    func revoke(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let cell = try cell(try params.text("instance_id"))
        let address = try ActionHash(try params.text("address"))
        cell.writeForOperator { scratch throws(PlasmidError) in
            try cell.revoke(address, in: &scratch).packed
        } _: { result in
            reply(result.map { _ in .success })
        }
    }

    private func accessWord(_ word: String) throws(PlasmidError) -> GrantAccess {
        guard let access = GrantAccess(rawValue: word) else {
            throw PlasmidError(
                .badParameter, "`\(word)` is no kind of access", hint: "public, transferable or assigned")
        }
        return access
    }

    /// `"all"`, or an array of `zome/function` texts.
    private func functions(_ params: AdminParams) throws(PlasmidError) -> GrantedFunctions {
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
        _ write: @escaping (inout Scratch) throws(PlasmidError) -> [UInt8],
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

    /// The grant that a request describes, with a fresh secret where it takes one.
    /// - Throws: what `GrantRules` finds wrong with it.
    func makeGrant(_ request: GrantRequest) throws(PlasmidError) -> (ZomeCallCapGrant, CapSecret?) {
        guard let secret = CapSecret(conductor.options.randomBytes(64)) else {
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
        return (grant, access.secret)
    }

    /// Deletes a grant: calls that begin after this commit are refused.
    func revoke(_ address: ActionHash, in scratch: inout Scratch) throws(PlasmidError) -> ActionHash {
        let known = scratch.action(address)?.action
        let stored = try space.store.record(address)?.signedAction.action
        guard let action = known ?? stored, action.header.author == id.agent, action.entryType == .capGrant,
            let entry = action.entryHash
        else {
            throw PlasmidError(
                .notFound, "\(address) is no grant of \(instanceID)",
                hint: "`plasmid admin grants \(instanceID)` lists them")
        }
        return try scratch.delete(address, entry: entry, now: conductor.options.clock())
    }
}
