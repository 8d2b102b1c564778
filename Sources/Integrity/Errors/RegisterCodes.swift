// What the register of DNAs, instances, agents and interfaces refuses; docs/errors.md explains each.

extension PlasmidError.Code {
    /// An id that another thing of its kind has.
    public static let duplicateID = Self(rawValue: "duplicateID")
    /// An id that nothing of its kind has.
    public static let unknownID = Self(rawValue: "unknownID")
    /// An instance that is to be started and runs.
    public static let alreadyActive = Self(rawValue: "alreadyActive")
    /// An instance that is to be stopped and does not run.
    public static let notActive = Self(rawValue: "notActive")
    /// `properties` for a DNA that is not to be copied.
    public static let propertiesNeedCopy = Self(rawValue: "propertiesNeedCopy")
    /// A word for a kind of storage that there is not.
    public static let badStorage = Self(rawValue: "badStorage")
    /// A private entry where only public ones are shown.
    public static let privateEntry = Self(rawValue: "privateEntry")
}
