/// What makes a capability grant or claim sound: checked when it is asked for and again when it is validated.
///
/// Grants are private entries, so only their author's node ever checks them, against the coordinator zomes it runs.
public enum GrantRules {
    /// Checks what a zome or an administrator asks to grant.
    /// - Throws: `badCapability`, `unknownZome` or `unknownFunction`; the sentence says what is wrong.
    public static func check(_ request: GrantRequest, dna: DnaDefinition) throws(PlasmidError) {
        switch (request.access, request.assignees.isEmpty) {
        case (.assigned, true): throw withoutAssignees
        case (.public, false), (.transferable, false):
            throw PlasmidError(
                .badCapability,
                "A \(request.access.rawValue) grant is for nobody in particular, yet it names assignees.",
                hint: "leave the assignees out, or make the grant an assigned one")
        case (.assigned, false), (.public, true), (.transferable, true): break
        }
        try check(tag: request.tag, assignees: request.assignees, request.functions, dna)
    }

    /// Checks a grant as it stands on a chain.
    /// - Throws: `badCapability`, `unknownZome` or `unknownFunction`; the sentence says what is wrong.
    public static func check(_ grant: ZomeCallCapGrant, dna: DnaDefinition) throws(PlasmidError) {
        var assignees: [AgentPubKey] = []
        if case .assigned(_, let named) = grant.access {
            if named.isEmpty { throw withoutAssignees }
            assignees = named
        }
        try check(tag: grant.tag, assignees: assignees, grant.functions, dna)
    }

    /// Checks a claim as it stands on a chain.
    /// - Throws: `badCapability`.
    public static func check(_ claim: CapClaim) throws(PlasmidError) { try check(tag: claim.tag) }

    private static var withoutAssignees: PlasmidError {
        PlasmidError(
            .badCapability, "An assigned grant names nobody, so nobody could use it.",
            hint: "list the agents that may use it, or make the grant a transferable one")
    }

    private static func check(tag: String) throws(PlasmidError) {
        guard tag.utf8.count <= Limits.capTagBytes else {
            throw PlasmidError(
                .badCapability,
                "The tag of a capability has \(tag.utf8.count) bytes; at most \(Limits.capTagBytes) are allowed.")
        }
    }

    private static func check(
        tag: String, assignees: [AgentPubKey], _ functions: GrantedFunctions, _ dna: DnaDefinition
    ) throws(PlasmidError) {
        try check(tag: tag)
        guard assignees.count <= Limits.capAssignees else {
            throw PlasmidError(
                .badCapability, "A grant names \(assignees.count) agents; at most \(Limits.capAssignees) are allowed.")
        }
        guard case .listed(let listed) = functions else { return }
        guard !listed.isEmpty else {
            throw PlasmidError(.badCapability, "A grant lists no function, so it opens nothing.")
        }
        guard listed.count <= Limits.capFunctions else {
            throw PlasmidError(
                .badCapability, "A grant lists \(listed.count) functions; at most \(Limits.capFunctions) are allowed.")
        }
        for each in listed { try check(each, dna) }
    }

    private static func check(_ each: ZomeFunction, _ dna: DnaDefinition) throws(PlasmidError) {
        guard let zome = dna.coordinatorZome(named: each.zome) else {
            throw PlasmidError(.unknownZome, "A grant names the zome '\(each.zome)', which the app does not have.")
        }
        guard let function = zome.function(named: each.function) else {
            throw PlasmidError(
                .unknownFunction,
                "A grant names the function '\(each.function)', which the zome '\(each.zome)' does not have.")
        }
        if function.access == .author {
            throw PlasmidError(
                .badCapability, "A grant names the function '\(each.function)', which only the author may call.",
                hint: "give the function `access: granted` in the DNA's manifest")
        }
    }
}
