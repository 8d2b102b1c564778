import Integrity
import Sodium

extension RowSpace {
    /// The agents against whom there are warrants, whatever came of them, in the order of their keys.
    public func warrantees() throws(PlasmidError) -> [AgentPubKey] {
        try rows.reading { () throws(PlasmidError) in
            var found: [AgentPubKey] = []
            try self.rows.scan(SpaceTables.warrants, RowRange(prefix: [])) { key, _ throws(PlasmidError) in
                guard key.count == 40, let core = Bytes32(key.prefix(32)) else {
                    throw StorageFault.damaged("A warrant's row is misshapen")
                }
                if found.last?.core != core { found.append(AgentPubKey(core: core)) }
                return true
            }
            return found
        }
    }
}
