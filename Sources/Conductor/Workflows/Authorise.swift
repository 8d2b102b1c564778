import Chain
import Integrity

/// Who may call what: the one place where the conductor asks `CapabilityCheck`.
extension Cell {
    /// The zome's index, if `caller` may call `function`.
    /// - Throws: `unknownZome`, `unknownFunction`, or one of the capability codes.
    func authorise(
        zome: String, function: String, caller: AgentPubKey, secret: CapSecret?
    ) throws(PlasmidError) -> Int {
        guard let index = zomeIndex(zome) else {
            throw PlasmidError(
                .unknownZome, "Zome '\(zome)' not found",
                hint: "\(instanceID) has \(zomes.map(\.name).joined(separator: ", "))")
        }
        guard let declared = zomes[index].functions.first(where: { $0.name == function }) else {
            throw PlasmidError(
                .unknownFunction, "Zome function '\(function)' not found in Zome '\(zome)'",
                hint: "it has \(zomes[index].functions.map(\.name).joined(separator: ", "))")
        }
        let wanted = ZomeFunction(zome: zome, function: function)
        let verdict = CapabilityCheck.decide(
            CapabilityRequest(provenance: caller, secret: secret, function: wanted), author: id.agent,
            access: declared.access, grants: grants)
        if case .refused(let refusal) = verdict { throw refusal.error(wanted, caller: caller) }
        return index
    }
}
