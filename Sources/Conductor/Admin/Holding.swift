import Integrity
import NIOCore
import Storage

extension Conductor {
    /// Whether the node of a cell holds a record or an entry of its space, durably: what it could show to others. While
    /// conductors have no network between them, that is what the agents of this conductor wrote.
    /// - Parameter hash: the address of an action or an entry.
    /// - Throws: `unknownInstance`, `cellNotActive`, or the storage's errors.
    public func holds(_ hash: AnyDhtHash, in instanceID: String) throws(PlasmidError) -> Bool {
        loop.assertInEventLoop()
        let space = try cell(instanceID).space.store
        if let action = hash.action, try space.record(action) != nil { return true }
        guard let entry = hash.entry else { return false }
        return try space.entry(entry) != nil
    }
}
