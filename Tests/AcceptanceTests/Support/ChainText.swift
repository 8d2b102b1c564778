import Conductor
import Integrity
import Sodium

/// The lines of a dump, as its reader wants them.
enum ChainText {
    static func header(_ dna: DnaHash, _ agent: AgentPubKey, _ length: Int, _ head: ActionHash) throws -> String {
        try ChainFile.header(
            dna: dna.text, agent: agent.text, length: Int64(length), head: head.text, includesPrivate: false)
    }

    static func line(_ action: [UInt8], _ entry: [UInt8]?) throws -> String {
        try ChainFile.line(action: Base64.encode(action), entry: entry.map { Base64.encode($0) }, sealed: nil)
    }

    static func footer(_ length: Int, _ before: [UInt8]) throws -> String {
        try ChainFile.footer(length: Int64(length), digest: Blake2b.hash256(before))
    }

    /// Why bytes are no dump; nil where they are one.
    static func code(_ bytes: [UInt8]) -> PlasmidError.Code? {
        do {
            _ = try ChainFile(bytes: bytes, name: "the dump")
            return nil
        } catch {
            return error.code
        }
    }
}
