import Integrity

/// How every source chain begins (reference holochain.md §2.6).
public enum Genesis {
    /// How many actions genesis has: Dna, AgentValidationPkg, Create of the agent's key.
    public static let actionCount: UInt32 = 3

    /// The first three actions of `agent`'s chain in the space `dna`.
    /// - Throws: `tooLarge` for a membrane proof beyond what one call may commit.
    public static func scratch(
        dna: DnaHash, agent: AgentPubKey, membraneProof: [UInt8]?, now: Timestamp
    ) throws(PlasmidError) -> Scratch {
        var scratch = Scratch(author: agent, head: nil)
        try scratch.append(.dna(dna), now: now)
        try scratch.append(.agentValidationPkg(membraneProof: membraneProof), now: now)
        try scratch.create(.agentPubKey, .agent(agent), now: now)
        return scratch
    }

    /// Ends the `init` of a cell: written once, after everything that the `init` callbacks wrote.
    /// - Throws: `tooManyWrites` when the callbacks filled the scratch.
    @discardableResult
    public static func completeInit(_ scratch: inout Scratch, now: Timestamp) throws(PlasmidError) -> ActionHash {
        try scratch.append(.initZomesComplete, now: now)
    }
}
