import Chain
import Integrity
import Sodium

/// Grants that the operator replaces; the host operation of zomes does the same.
extension Conductor {
    /// `admin/grant/update`: the grant with an address, or the only one with a label. What is not given stays as it was, and
    /// of counted uses those that are left.
    func updateGrant(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let cell = try cell(try params.text("instance_id"))
        let update = try grantUpdate(params)
        cell.writeForOperator { call, scratch throws(PlasmidError) in
            let book = cell.grantBook(seenBy: call)
            let original = try cell.grant(update.original, in: book)
            return try cell.replace(original, by: update, in: book, call, &scratch).packed
        } _: { result in
            reply(
                result.flatMap { bytes in
                    Result { () throws(PlasmidError) in try GrantReceipt(packed: bytes) }
                }.map { receipt in
                    .object([
                        "address": .string(receipt.address.text),
                        "secret": receipt.secret.map { .binary($0.bytes.array) } ?? .null,
                    ])
                })
        }
    }

    private func grantUpdate(_ params: AdminParams) throws(PlasmidError) -> GrantUpdate {
        var update = GrantUpdate(
            original: try grantName(params), label: params.optionalText("new_label"),
            keepsSecret: params.flag("keep_secret", default: false))
        if let word = params.optionalText("access") { update.access = try accessWord(word) }
        if params.value("assignees") != nil { update.assignees = try params.agents("assignees") }
        if params.value("functions") != nil { update.functions = try functions(params) }
        let limits = try limits(params)
        if params.flag("unlimited", default: false) {
            guard limits.isNone else {
                throw PlasmidError(.badParameter, "`unlimited` excludes `expires_at`, `expiry_seconds` and `uses`")
            }
            update.limits = GrantLimits.none
        } else if !limits.isNone {
            update.limits = limits
        }
        return update
    }

    /// `address` or `label`: one of them.
    func grantName(_ params: AdminParams) throws(PlasmidError) -> GrantName {
        switch (params.optionalText("address"), params.label) {
        case (let address?, nil): return .address(try ActionHash(address))
        case (nil, let label?): return .label(label)
        default:
            throw PlasmidError(
                .badParameter, "`address` param not provided", hint: "name a grant by `address`, or by `label`")
        }
    }
}
