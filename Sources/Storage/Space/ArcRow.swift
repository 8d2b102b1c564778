import Integrity

/// What an agent here keeps, in table `marks`.
enum ArcRow {
    private static let name = Array("arc".utf8)

    static func key(_ agent: AgentPubKey) -> [UInt8] { name + agent.coreBytes }

    static func value(_ arc: KeptArc) -> [UInt8] {
        var value: [UInt8] = []
        value.append(bigEndian: arc.start)
        value.append(bigEndian: arc.length)
        return value
    }
}

extension RowSpace {
    /// What an agent here kept when that was last written; nil for one that never did.
    public func keptArc(of agent: AgentPubKey) throws(PlasmidError) -> KeptArc? {
        try rows.reading { () throws(PlasmidError) in
            try self.rows.get(SpaceTables.marks, ArcRow.key(agent)) { value throws(PlasmidError) in
                guard let value else { return nil }
                guard value.count == 12 else { throw StorageFault.damaged("The arc of \(agent) is misshapen") }
                return KeptArc(agent: agent, start: value.bigEndian(0), length: value.bigEndian(4))
            }
        }
    }
}
