import Integrity
import Storage

extension Conductor {
    /// `admin/warrants`: the warrants against an agent (against every known one where none is named) that were found to hold,
    /// by now or as soon as there is one within `timeout_ms`.
    func warrants(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let store = try cell(try params.text("instance_id")).space.store
        let agent = try params.optionalText("agent").map { text throws(PlasmidError) in try AgentPubKey(text) }
        let wait = Int64(try params.wholeNumber("timeout_ms") ?? 0)
        guard (0...600_000).contains(wait) else {
            throw PlasmidError(.badInput, "a wait of \(wait) ms is not possible", hint: "0 to 600,000 ms")
        }
        func found() throws(PlasmidError) -> [StoredWarrant] {
            var all: [StoredWarrant] = []
            let agents = if let agent { [agent] } else { try store.warrantees() }
            for one in agents {
                all += try store.warrants(against: one, includingRejected: false)
            }
            return all
        }
        try heldWaits.add(self, milliseconds: wait, { () throws(PlasmidError) in try !found().isEmpty }) { result in
            reply(
                Result { () throws(PlasmidError) in
                    _ = try result.get()
                    return .array(try found().map(Self.view))
                })
        }
    }

    private static func view(_ stored: StoredWarrant) -> MessagePackValue {
        let warrant = stored.signed.warrant
        var fields: [MessagePackValue.Pair] = [
            .init(key: "warrantee", value: .string(warrant.warrantee.text)),
            .init(key: "author", value: .string(warrant.author.text)),
            .init(key: "issued_at", value: .number(warrant.timestamp.microseconds)),
        ]
        func add(_ key: String, _ value: MessagePackValue) { fields.append(.init(key: .string(key), value: value)) }
        switch warrant.proof {
        case .invalidChainOp(_, let action, let type, let reason):
            add("kind", "invalid_op")
            add("action", .string(action.hash.text))
            add("op", .string("\(type.name)"))
            add("reason", .string(reason))
        case .chainFork(_, let first, let second, let seq):
            add("kind", "fork")
            add("action", .string(first.hash.text))
            add("other", .string(second.hash.text))
            add("reason", .string("two actions have the number \(seq)"))
        }
        return .map(fields)
    }
}
