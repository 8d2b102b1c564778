// The internally tagged map of an action's data: `type` first, then the fields of that kind in the order of the reference.

extension ActionData: Packable {
    /// Writes a map whose first key is `type`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(fieldCount)
        w.writeString("type")
        w.writeString(type.name)
        switch self {
        case .dna(let hash):
            w.writeString("dna_hash")
            hash.pack(into: &w)
        case .agentValidationPkg(let proof):
            w.writeString("membrane_proof")
            if let proof { w.writeBinary(proof) } else { w.writeNil() }
        case .initZomesComplete:
            break
        case .create(let entryType, let entryHash):
            packEntry(entryType, entryHash, into: &w)
        case .update(let originalAction, let originalEntry, let entryType, let entryHash):
            w.writeString("original_action_address")
            originalAction.pack(into: &w)
            w.writeString("original_entry_address")
            originalEntry.pack(into: &w)
            packEntry(entryType, entryHash, into: &w)
        case .delete(let action, let entry):
            w.writeString("deletes_address")
            action.pack(into: &w)
            w.writeString("deletes_entry_address")
            entry.pack(into: &w)
        case .createLink(let base, let target, let zomeIndex, let linkType, let tag):
            w.writeString("base_address")
            base.pack(into: &w)
            w.writeString("target_address")
            target.pack(into: &w)
            w.writeString("zome_index")
            w.writeUInt(zomeIndex)
            w.writeString("link_type")
            w.writeUInt(linkType)
            w.writeString("tag")
            w.writeBinary(tag)
        case .deleteLink(let base, let linkAdd):
            w.writeString("base_address")
            base.pack(into: &w)
            w.writeString("link_add_address")
            linkAdd.pack(into: &w)
        case .closeChain(let target):
            w.writeString("new_target")
            w.write(target)
        case .openChain(let target, let close):
            w.writeString("prev_target")
            target.pack(into: &w)
            w.writeString("close_hash")
            close.pack(into: &w)
        }
    }

    private func packEntry(_ entryType: EntryType, _ entryHash: EntryHash, into w: inout MessagePackWriter) {
        w.writeString("entry_type")
        entryType.pack(into: &w)
        w.writeString("entry_hash")
        entryHash.pack(into: &w)
    }

    private var fieldCount: Int {
        switch self {
        case .initZomesComplete: 1
        case .dna, .agentValidationPkg, .closeChain: 2
        case .create, .delete, .deleteLink, .openChain: 3
        case .update: 5
        case .createLink: 6
        }
    }

    /// Reads a map with a `type` and that type's fields, in any order.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var fields = ActionFields()
        try fields.read(from: &r)
        self = try fields.finish(r)
    }
}

extension ActionType {
    /// The type with this name, if there is one.
    init?(_ key: MessagePackKey) {
        switch key {
        case "Dna": self = .dna
        case "AgentValidationPkg": self = .agentValidationPkg
        case "InitZomesComplete": self = .initZomesComplete
        case "Create": self = .create
        case "Update": self = .update
        case "Delete": self = .delete
        case "CreateLink": self = .createLink
        case "DeleteLink": self = .deleteLink
        case "CloseChain": self = .closeChain
        case "OpenChain": self = .openChain
        default: return nil
        }
    }
}

/// All fields that any kind of action may have, gathered before it is known which they must be.
private struct ActionFields {
    var type: ActionType?
    var dna: DnaHash?
    var proof: [UInt8]?
    var entryType: EntryType?
    var entryHash: EntryHash?
    var firstAction: ActionHash?
    var firstEntry: EntryHash?
    var base: AnyLinkableHash?
    var target: AnyLinkableHash?
    var zomeIndex: UInt8?
    var linkType: UInt8?
    var tag: [UInt8]?
    var migration: MigrationTarget?

    mutating func read(from r: inout MessagePackReader) throws(PlasmidError) {
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "type":
                if type != nil { throw r.duplicate() }
                let name = try r.readKey()
                guard let known = ActionType(name) else { throw r.unknownCase(name, of: "Action") }
                type = known
            case "entry_type": try r.read(into: &entryType)
            case "entry_hash": try r.read(into: &entryHash)
            case "dna_hash": try r.read(into: &dna)
            case "membrane_proof": proof = try r.readOptionalBytes()
            case "original_action_address", "deletes_address", "link_add_address", "close_hash":
                try r.read(into: &firstAction)
            case "original_entry_address", "deletes_entry_address": try r.read(into: &firstEntry)
            case "base_address": try r.read(into: &base)
            case "target_address": try r.read(into: &target)
            case "zome_index": zomeIndex = try r.readUInt8()
            case "link_type": linkType = try r.readUInt8()
            case "tag": tag = try r.readBytes()
            case "new_target", "prev_target": migration = try r.readOptional()
            default: try r.skip()
            }
        }
    }

    func finish(_ r: MessagePackReader) throws(PlasmidError) -> ActionData {
        switch try r.require(type, "type", of: "Action") {
        case .dna: return .dna(try r.require(dna, "dna_hash", of: "Dna"))
        case .agentValidationPkg: return .agentValidationPkg(membraneProof: proof)
        case .initZomesComplete: return .initZomesComplete
        case .create:
            return .create(
                entryType: try r.require(entryType, "entry_type", of: "Create"),
                entryHash: try r.require(entryHash, "entry_hash", of: "Create"))
        case .update:
            return .update(
                originalAction: try r.require(firstAction, "original_action_address", of: "Update"),
                originalEntry: try r.require(firstEntry, "original_entry_address", of: "Update"),
                entryType: try r.require(entryType, "entry_type", of: "Update"),
                entryHash: try r.require(entryHash, "entry_hash", of: "Update"))
        case .delete:
            return .delete(
                deletesAction: try r.require(firstAction, "deletes_address", of: "Delete"),
                deletesEntry: try r.require(firstEntry, "deletes_entry_address", of: "Delete"))
        case .createLink:
            return .createLink(
                base: try r.require(base, "base_address", of: "CreateLink"),
                target: try r.require(target, "target_address", of: "CreateLink"),
                zomeIndex: try r.require(zomeIndex, "zome_index", of: "CreateLink"),
                linkType: try r.require(linkType, "link_type", of: "CreateLink"),
                tag: try r.require(tag, "tag", of: "CreateLink"))
        case .deleteLink:
            return .deleteLink(
                base: try r.require(base, "base_address", of: "DeleteLink"),
                linkAdd: try r.require(firstAction, "link_add_address", of: "DeleteLink"))
        case .closeChain: return .closeChain(migration)
        case .openChain:
            return .openChain(
                try r.require(migration, "prev_target", of: "OpenChain"),
                try r.require(firstAction, "close_hash", of: "OpenChain"))
        }
    }
}
