import Integrity

/// One step from a schema version to the next: reads the old rows, gives the rows to put and the keys to delete. All of it
/// and the new version's number become durable in one transaction, or nothing.
struct SchemaUpgrade: Sendable {
    let rows: @Sendable (OverlayRows) throws(PlasmidError) -> WriteBatch

    /// The steps of a space's tables: the first leads from version 1 to 2.
    static let spaces = [linksByTime, linksInOneOrder]
    /// The steps of the conductor's tables.
    static let conductor: [SchemaUpgrade] = []

    /// Brings an environment to the newest version. What the journal held for it, in rows of the old version, has been
    /// applied before.
    static func run(_ steps: [SchemaUpgrade], on lmdb: LMDBEnvironment, _ id: [UInt8]) throws(PlasmidError) {
        let applier = RowApplier(environment: lmdb, meta: SpaceTables.meta, atSyncPoint: nil)
        while true {
            let identity = try EnvironmentIdentity(lmdb, expecting: id)
            guard identity.schema <= steps.count else { return }
            let reader = SnapshotReader(lmdb)
            defer { reader.close() }
            let source = OverlayRows(reader: reader)
            var batch = try source.reading { () throws(PlasmidError) in
                try steps[Int(identity.schema) - 1].rows(source)
            }
            var version: [UInt8] = []
            version.append(bigEndian: identity.schema + 1)
            batch.add(SpaceTables.meta, EnvironmentIdentity.schemaKey, version)
            try applier.apply([DurableCommit(lsn: identity.appliedLSN, payload: batch.bytes)])
        }
    }
}

extension SchemaUpgrade {
    /// Version 3: of links with equal tags time and hash decide, no longer the number of a row, which says what came here first.
    /// All else that is new begins empty: what was there is own chains, of which all ops are held.
    static let linksInOneOrder = SchemaUpgrade { old throws(PlasmidError) in
        var batch = WriteBatch()
        try old.scan(SpaceTables.links, RowRange(prefix: [])) { key, value throws(PlasmidError) in
            guard key.count >= SpaceKey.linkBaseBytes + 10 else {
                throw StorageFault.damaged("A link's key is too short")
            }
            let view = try LinkRow.View(value)
            let position = SpaceKey.linkPosition(view.time, try ActionHash(bytes39: view.createBytes))
            batch.add(SpaceTables.links, [UInt8](key), nil)
            batch.add(SpaceTables.links, [UInt8](key.slice(0, key.count - 8)) + [0] + position, [UInt8](value))
            return true
        }
        return batch
    }

    /// Version 2: links by time, made of the links by tag.
    static let linksByTime = SchemaUpgrade { old throws(PlasmidError) in
        var batch = WriteBatch()
        try old.scan(SpaceTables.links, RowRange(prefix: [])) { key, value throws(PlasmidError) in
            guard key.count >= SpaceKey.linkBaseBytes + 10 else {
                throw StorageFault.damaged("A link's key is too short")
            }
            let view = try LinkRow.View(value)
            let create = try ActionHash(bytes39: view.createBytes)
            let type = LinkTypeNumber(
                zomeIndex: key[SpaceKey.linkBaseBytes], linkType: key[SpaceKey.linkBaseBytes + 1])
            let base = [UInt8](key.slice(0, SpaceKey.linkBaseBytes))
            batch.add(
                SpaceTables.linkTimes, SpaceKey.linkTime(base, type, SpaceKey.linkPosition(view.time, create)),
                [UInt8](value))
            return true
        }
        return batch
    }
}
