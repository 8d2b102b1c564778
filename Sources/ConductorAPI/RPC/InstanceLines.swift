import Integrity

extension InstanceInfo {
    /// The result of `info/instances`. Beside an alias, or the ids of 2019, stands what they mean: nothing is hidden.
    static func json(_ instances: [InstanceInfo]) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw("[")
        for (index, instance) in instances.enumerated() {
            if index > 0 { writer.raw(",") }
            instance.write(to: &writer)
        }
        writer.raw("]")
        return writer.bytes
    }

    private func write(to writer: inout JSONWriter) {
        writer.raw(#"{"id":"#)
        writer.string(id)
        writer.raw(#","dna":"#)
        writer.string(registered?.dna ?? dna.text)
        writer.raw(#","agent":"#)
        writer.string(registered?.agent ?? agent.text)
        if registered != nil {
            writer.raw(#","dna_hash":"#)
            writer.string(dna.text)
            writer.raw(#","agent_address":"#)
            writer.string(agent.text)
        }
        if let alias {
            writer.raw(#","alias":"#)
            writer.string(alias)
        }
        writer.raw("}")
    }
}
