import Integrity

/// The administrative methods for clones; the host operations of zomes do the same for their own app.
extension Conductor {
    func clone(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let order = CloneOrder(
            role: try params.text("role"), name: params.optionalText("name"),
            modifiers: DnaModifiers(
                networkSeed: params.optionalText("network_seed"), properties: params.value("properties")),
            membraneProof: try params.membraneProof())
        let appID = try params.text("app_id")
        try clone(appID, order) { [self] in reply($0.map { cloneView($0, appID) }) }
    }

    func changeClone(
        _ method: String, _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let (appID, id) = (try params.text("app_id"), try params.text("clone"))
        switch method {
        case "admin/app/clone/delete": deleteClone(appID, id) { reply($0.map { .success }) }
        default:
            try setCloneEnabled(appID, id, method == "admin/app/clone/enable") { [self] in
                reply($0.map { cloneView($0, appID) })
            }
        }
    }

    private func cloneView(_ cloned: ClonedCell, _ appID: String) -> MessagePackValue {
        .object([
            "clone": .string(cloned.clone), "role": .string(cloned.role), "name": .string(cloned.name),
            "instance_id": .string("\(appID)/\(cloned.clone)"), "dna": .string(cloned.cell.dna.text),
            "agent": .string(cloned.cell.agent.text), "network_seed": .string(cloned.networkSeed),
            "enabled": .bool(cloned.isEnabled),
        ])
    }
}
