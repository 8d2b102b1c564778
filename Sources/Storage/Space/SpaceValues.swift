import Integrity

/// The row of an action: kind 1, flags, the entry's number (0 for none), then the packed `SignedAction`.
enum ActionRow {
    static let kind: UInt8 = 1
    static let hasEntry: UInt8 = 1
    static let isPrivate: UInt8 = 2
    /// It came op by op: the hash index says which of its ops are held.
    static let isInParts: UInt8 = 4
    private static let headerBytes = 10

    struct Header {
        let flags: UInt8
        let entryNumber: UInt64
    }

    static func value(_ record: CommittedRecord, entryNumber: UInt64) -> [UInt8] {
        value(record.signedAction, record.actionBytes, entryNumber: entryNumber, inParts: false)
    }

    static func value(
        _ signed: SignedAction, _ actionBytes: [UInt8], entryNumber: UInt64, inParts: Bool
    ) -> [UInt8] {
        let flags = Self.flags(of: signed.action) | (inParts ? isInParts : 0)
        var writer = MessagePackWriter(reserving: actionBytes.count + 160)
        writer.writeMapHeader(2)
        writer.writeString("hashed")
        writer.writeMapHeader(2)
        writer.writeString("content")
        writer.writeRaw(actionBytes)
        writer.writeString("hash")
        writer.write(signed.hash)
        writer.writeString("signature")
        writer.write(signed.signature)
        var value: [UInt8] = []
        value.reserveCapacity(headerBytes + writer.count)
        value.append(kind)
        value.append(flags)
        value.append(bigEndian: entryNumber)
        writer.withUnsafeBytes { value.append(contentsOf: $0) }
        return value
    }

    /// What the row's flags are, but for `isInParts`: the action says it too, and is held by its hash.
    static func flags(of action: Action) -> UInt8 {
        guard let type = action.entryType else { return 0 }
        return type.visibility == .private ? hasEntry | isPrivate : hasEntry
    }

    static func header(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> Header {
        guard value.count > headerBytes, value[0] == kind else {
            throw StorageFault.damaged("Row \(number) is not an action")
        }
        return Header(flags: value[1], entryNumber: value.bigEndian(2))
    }

    /// The action's canonical bytes, its hash and signature, where ``value(_:_:entryNumber:inParts:)`` puts them.
    static func parts(
        _ value: UnsafeRawBufferPointer, _ number: UInt64
    ) throws(PlasmidError) -> (
        action: UnsafeRawBufferPointer, hash: UnsafeRawBufferPointer, signature: UnsafeRawBufferPointer
    ) {
        // {"hashed": {"content": …, "hash": bin 39}, "signature": bin 64}
        let before = headerBytes + 1 + 7 + 1 + 8
        let behind = 5 + 2 + 39 + 10 + 2 + 64
        guard value.count > before + behind, value[headerBytes] == 0x82, value[headerBytes + 8] == 0x82,
            value[value.count - behind] == 0xA4, value[value.count - 66] == 0xC4, value[value.count - 65] == 64
        else { throw StorageFault.damaged("The action in row \(number) cannot be read") }
        let action = value.slice(before, value.count - before - behind)
        return (action, value.slice(value.count - 115, 39), value.from(value.count - 64))
    }

    static func action(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> SignedAction {
        do throws(PlasmidError) {
            return try SignedAction(packed: value.from(headerBytes))
        } catch {
            throw error.wrapped(
                .storageCorrupt, "The action in row \(number) cannot be read", hint: StorageFault.checkHint)
        }
    }
}

/// The row of an entry: kind 2, flags, the 39-byte hash, then the packed `Entry` where its content is held.
enum EntryRow {
    static let kind: UInt8 = 2
    static let hasContent: UInt8 = 1
    private static let headerBytes = 41

    static func value(_ hash: EntryHash, _ content: [UInt8]?) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(headerBytes + (content?.count ?? 0))
        value.append(kind)
        value.append(content == nil ? 0 : hasContent)
        value.append(contentsOf: hash.bytes)
        if let content { value.append(contentsOf: content) }
        return value
    }

    /// The entry's packed bytes; nil where only its hash is known.
    static func content(
        _ value: UnsafeRawBufferPointer, _ number: UInt64
    ) throws(PlasmidError) -> UnsafeRawBufferPointer? {
        guard value.count >= headerBytes, value[0] == kind else {
            throw StorageFault.damaged("Row \(number) is not an entry")
        }
        // An entry whose content is held is never without bytes, nor the other way round.
        guard value[1] == (value.count > headerBytes ? hasContent : 0) else {
            throw StorageFault.damaged("Row \(number) says otherwise of its content than it has")
        }
        return value.count > headerBytes ? value.from(headerBytes) : nil
    }

    static func entry(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> Entry? {
        guard let content = try content(value, number) else { return nil }
        do throws(PlasmidError) {
            return try Entry(packed: content)
        } catch {
            throw error.wrapped(
                .storageCorrupt, "The entry in row \(number) cannot be read", hint: StorageFault.checkHint)
        }
    }

    /// The word by which a held entry says what it is (`App`, `Agent`, …), without reading the rest of it.
    static func kind(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> String? {
        guard let content = try content(value, number) else { return nil }
        do throws(PlasmidError) {
            var reader = MessagePackReader(content)
            for _ in 0..<(try reader.readMapHeader()) {
                if case "entry_type" = try reader.readKey() { return try reader.readString() }
                try reader.skip()
            }
        } catch {
            throw error.wrapped(
                .storageCorrupt, "The entry in row \(number) cannot be read", hint: StorageFault.checkHint)
        }
        throw StorageFault.damaged("The entry in row \(number) does not say what it is")
    }

    static func hash(_ value: UnsafeRawBufferPointer, _ number: UInt64) throws(PlasmidError) -> EntryHash {
        guard value.count >= headerBytes, value[0] == kind else {
            throw StorageFault.damaged("Row \(number) is not an entry")
        }
        return try EntryHash(bytes39: value.slice(2, 39))
    }
}

/// The value of a link: flags, target, author and create hash (39 bytes each), time, then the whole tag. A page of links
/// needs nothing else.
enum LinkRow {
    static let isDeleted: UInt8 = 1
    private static let headerBytes = 1 + 39 * 3 + 8

    static func value(
        target: AnyLinkableHash, author: AgentPubKey, create: ActionHash, time: Timestamp, tag: [UInt8], deleted: Bool
    ) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(headerBytes + tag.count)
        value.append(deleted ? isDeleted : 0)
        value.append(contentsOf: target.bytes)
        value.append(contentsOf: author.bytes)
        value.append(contentsOf: create.bytes)
        value.append(bigEndian: time.microseconds)
        value.append(contentsOf: tag)
        return value
    }

    /// What a request looks at before the whole link is made.
    struct View {
        let value: UnsafeRawBufferPointer

        init(_ value: UnsafeRawBufferPointer) throws(PlasmidError) {
            guard value.count >= headerBytes else { throw StorageFault.damaged("A link's row is too short") }
            self.value = value
        }

        var isDeleted: Bool { value[0] & LinkRow.isDeleted != 0 }
        var time: Timestamp { Timestamp(microseconds: value.bigEndian(118)) }
        var tag: UnsafeRawBufferPointer { value.from(headerBytes) }
        var authorBytes: UnsafeRawBufferPointer { value.slice(40, 39) }
        var createBytes: UnsafeRawBufferPointer { value.slice(79, 39) }

        func link(_ base: AnyLinkableHash, zome: UInt8, type: UInt8) throws(PlasmidError) -> Link {
            Link(
                author: try AgentPubKey(bytes39: authorBytes), base: base,
                target: try AnyLinkableHash(bytes39: value.slice(1, 39)), timestamp: time, zomeIndex: zome,
                linkType: type, tag: [UInt8](tag), createLinkHash: try ActionHash(bytes39: createBytes))
        }
    }
}
