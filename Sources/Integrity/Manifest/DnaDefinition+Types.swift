// From names to indexes and back. An index counts the types of one integrity zome, in file order.

extension IntegritySection {
    /// The place of the integrity zome with this name; 0 for nil, and 0 when the DNA has at most one zome.
    public func zomeIndex(_ name: String?) -> UInt8? {
        guard zomes.count > 1, let name else { return 0 }
        return zomes.firstIndex { $0.name == name }.flatMap { UInt8(exactly: $0) }
    }

    /// The definition that an action carries for the entry type with this name; nil when there is none, and
    /// for the one place that is the system's own (``EntryType/capNote``).
    public func appEntryDef(named name: String) -> AppEntryDef? {
        guard let at = entryTypes.firstIndex(where: { $0.name == name }), let zome = zomeIndex(entryTypes[at].zome)
        else { return nil }
        let before = entryTypes[..<at].count { zomeIndex($0.zome) == zome }
        guard let index = UInt8(exactly: before) else { return nil }
        let definition = AppEntryDef(entryIndex: index, zomeIndex: zome, visibility: entryTypes[at].visibility)
        return EntryType.app(definition) == .capNote ? nil : definition
    }

    /// The entry type that an action's indexes mean; nil when they are out of range. The visibility is not compared.
    public func entryType(zomeIndex zome: UInt8, entryIndex: UInt8) -> EntryTypeDef? {
        var index = Int(entryIndex)
        for type in entryTypes where zomeIndex(type.zome) == zome {
            if index == 0 { return type }
            index -= 1
        }
        return nil
    }

    /// The indexes that an action carries for the link type with this name; nil when there is none.
    public func linkIndexes(named name: String) -> (zomeIndex: UInt8, linkType: UInt8)? {
        guard let at = linkTypes.firstIndex(where: { $0.name == name }), let zome = zomeIndex(linkTypes[at].zome)
        else { return nil }
        let before = linkTypes[..<at].count { zomeIndex($0.zome) == zome }
        return UInt8(exactly: before).map { (zome, $0) }
    }

    /// The link type that an action's indexes mean; nil when they are out of range.
    public func linkType(zomeIndex zome: UInt8, linkType: UInt8) -> LinkTypeDef? {
        var index = Int(linkType)
        for type in linkTypes where zomeIndex(type.zome) == zome {
            if index == 0 { return type }
            index -= 1
        }
        return nil
    }
}
