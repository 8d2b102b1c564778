/// What a genesis self-check is asked: the payload of an invocation of that kind.
public struct GenesisCheckInput: Packable, Hashable {
    /// What the installation was given as proof of membership: bytes of the app's own.
    public var membraneProof: [UInt8]?
    /// Who would join.
    public var agentKey: AgentPubKey

    /// An input from its parts.
    public init(membraneProof: [UInt8]?, agentKey: AgentPubKey) {
        self.membraneProof = membraneProof
        self.agentKey = agentKey
    }

    /// Writes `{membrane_proof: bin or nil, agent_key}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("membrane_proof")
        if let membraneProof { w.writeBinary(membraneProof) } else { w.writeNil() }
        w.writeString("agent_key")
        w.write(agentKey)
    }

    /// Reads a map; the proof may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
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
        agentKey = try r.require(agent, "agent_key", of: "GenesisCheckInput")
    }
}
