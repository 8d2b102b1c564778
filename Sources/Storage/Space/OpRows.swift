import Integrity
import Sodium

/// The row of a rejected op: packed `[when, reason, entry]`, the entry as it came or nil.
enum RejectedRow {
    static func value(_ rejected: RejectedOp) -> [UInt8] {
        // Whatever the reason, a private entry is nobody's to keep.
        let isPrivate = rejected.op.signedAction.action.entryType?.visibility == .private
        var writer = MessagePackWriter()
        writer.writeArrayHeader(3)
        rejected.when.pack(into: &writer)
        writer.writeString(cut(rejected.reason))
        if let entry = rejected.op.entryBytes, !isPrivate { writer.writeBinary(entry) } else { writer.writeNil() }
        return writer.bytes
    }

    /// As much of a reason as is kept, cut between two characters.
    private static func cut(_ reason: String) -> String {
        guard reason.utf8.count > Limits.warrantReasonBytes else { return reason }
        var kept = ""
        var count = 0
        for character in reason {
            count += character.utf8.count
            if count > Limits.warrantReasonBytes { break }
            kept.append(character)
        }
        return kept
    }

    static func read(
        _ value: UnsafeRawBufferPointer
    ) throws(PlasmidError) -> (when: Timestamp, reason: String, entry: [UInt8]?) {
        do throws(PlasmidError) {
            var reader = MessagePackReader(value)
            try reader.expectArray(3, "A rejected op")
            let when: Timestamp = try reader.read()
            let reason = try reader.readString()
            let entry: [UInt8]? = reader.readNil() ? nil : try reader.readBytes()
            try reader.finish()
            return (when, reason, entry)
        } catch {
            throw error.wrapped(.storageCorrupt, "A rejected op cannot be read", hint: StorageFault.checkHint)
        }
    }
}

/// The row of a warrant in `rows`: kind 3, its standing, when that was found, the op's hash39, then the packed `SignedWarrant`.
enum WarrantRow {
    static let kind: UInt8 = 3
    /// What stands for the op type in `ops` and in names of ops: a number that no type of an action's op has.
    static let opType: UInt8 = 10
    private static let headerBytes = 49

    static func value(_ warrant: StoredWarrant, _ hash: DhtOpHash) -> [UInt8] {
        var value: [UInt8] = [kind, warrant.standing.rawValue]
        value.append(bigEndian: warrant.when.microseconds)
        value += hash.bytes
        return value + warrant.signed.packed
    }

    static func hash(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> DhtOpHash {
        guard value.count > headerBytes, value[0] == kind else {
            throw StorageFault.damaged("Row \(number) is not a warrant")
        }
        return try DhtOpHash(bytes39: value.slice(10, 39))
    }

    static func warrant(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> StoredWarrant {
        guard value.count > headerBytes, value[0] == kind, let standing = OpStanding(rawValue: value[1]) else {
            throw StorageFault.damaged("Row \(number) is not a warrant")
        }
        do throws(PlasmidError) {
            return StoredWarrant(
                signed: try SignedWarrant(packed: value.from(headerBytes)), standing: standing,
                when: Timestamp(microseconds: value.bigEndian(2)))
        } catch {
            throw error.wrapped(
                .storageCorrupt, "The warrant in row \(number) cannot be read", hint: StorageFault.checkHint)
        }
    }
}

/// The row of a parked op: packed `[since, [missing…], op]`.
enum ParkedRow {
    static func value(_ op: ParkedOp) -> [UInt8] {
        var writer = MessagePackWriter()
        writer.writeArrayHeader(3)
        op.since.pack(into: &writer)
        writer.writeArrayHeader(op.missing.count)
        for hash in op.missing { hash.pack(into: &writer) }
        op.op.pack(into: &writer)
        return writer.bytes
    }

    static func read(_ value: UnsafeRawBufferPointer, _ core: [UInt8]) throws(PlasmidError) -> ParkedOp {
        do throws(PlasmidError) {
            var reader = MessagePackReader(value)
            try reader.expectArray(3, "A parked op")
            let since: Timestamp = try reader.read()
            var missing: [AnyDhtHash] = []
            for _ in 0..<(try reader.readArrayHeader()) { missing.append(try reader.read()) }
            let op: DhtOp = try reader.read()
            try reader.finish()
            guard let hash = DhtOpHash(coreBytes: core) else { throw StorageFault.damaged("A parked op has no hash") }
            return ParkedOp(op: op, hash: hash, missing: missing, since: since)
        } catch {
            throw error.wrapped(.storageCorrupt, "A parked op cannot be read", hint: StorageFault.checkHint)
        }
    }
}
