import Integrity

/// The payload of a genesis self-check.
struct GenesisInput: Packable {
    /// What the installation was given as proof of membership.
    var membraneProof: [UInt8]?
    /// Who would join.
    var agentKey: AgentPubKey

    func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("membrane_proof")
        if let membraneProof { w.writeBinary(membraneProof) } else { w.writeNil() }
        w.writeString("agent_key")
        w.write(agentKey)
    }

    init(from r: inout MessagePackReader) throws(PlasmidError) {
        var proof: [UInt8]?
        var agent: AgentPubKey?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "membrane_proof": proof = try r.readOptionalBytes()
            case "agent_key": try r.read(into: &agent)
            default: try r.skip()
            }
        }
        membraneProof = proof
        agentKey = try r.require(agent, "agent_key", of: "GenesisInput")
    }
}
