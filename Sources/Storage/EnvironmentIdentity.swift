import CLMDB
import Integrity

/// Which environment this is: what its meta table says, and how the journal names it.
struct EnvironmentIdentity {
    /// The DNA hash core, or 32 zeros for the conductor's own.
    let journalID: [UInt8]
    /// A number drawn when the environment was made: rows of an earlier one of the same name are not its own.
    let generation: UInt64
    let schema: UInt32
    let appliedLSN: UInt64

    static let conductorID = [UInt8](repeating: 0, count: 32)
    static let schemaKey = Array("schema".utf8)
    static let generationKey = Array("generation".utf8)
    static let identityKey = Array("environment".utf8)

    /// The rows that make a new environment.
    static func firstRows(_ journalID: [UInt8], generation: UInt64, schema: UInt32) -> WriteBatch {
        var batch = WriteBatch()
        var value: [UInt8] = []
        value.append(bigEndian: schema)
        batch.add(SpaceTables.meta, schemaKey, value)
        batch.add(SpaceTables.meta, generationKey, SpaceKey.number(generation))
        batch.add(SpaceTables.meta, identityKey, journalID)
        return batch
    }

    /// Reads the meta table of an environment and holds it against the name it was opened by.
    init(_ lmdb: LMDBEnvironment, expecting journalID: [UInt8]) throws(PlasmidError) {
        let reader = SnapshotReader(lmdb)
        try reader.enter()
        defer {
            reader.leave()
            reader.close()
        }
        func value(_ key: [UInt8], _ count: Int) throws(PlasmidError) -> UnsafeRawBufferPointer {
            let found = try key.withBytes { key throws(PlasmidError) in try reader.get(SpaceTables.meta, key) }
            guard let found, found.count == count else {
                let name = String(decoding: key, as: UTF8.self)
                throw StorageFault.damaged("\(lmdb.folder) does not say its \(name)")
            }
            return found
        }
        schema = try value(Self.schemaKey, 4).bigEndian(0)
        generation = try value(Self.generationKey, 8).bigEndian(0)
        appliedLSN = try value(RowApplier.appliedKey, 8).bigEndian(0)
        self.journalID = [UInt8](try value(Self.identityKey, 32))
        guard self.journalID == journalID else {
            throw StorageFault.damaged("\(lmdb.folder) holds another space than its name says")
        }
    }
}
