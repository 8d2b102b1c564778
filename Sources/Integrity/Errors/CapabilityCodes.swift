// Why a capability was refused, finer than `capabilityDenied`; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A call without a capability secret to a function that needs one.
    public static let capabilityMissing = Self(rawValue: "capabilityMissing")
    /// A capability secret that belongs to no grant in effect.
    public static let capabilityWrong = Self(rawValue: "capabilityWrong")
    /// A capability secret of a grant that names other agents.
    public static let capabilityNotAssigned = Self(rawValue: "capabilityNotAssigned")
    /// A capability whose grant does not cover the function.
    public static let capabilityNotForFunction = Self(rawValue: "capabilityNotForFunction")
    /// A capability whose time has ended.
    public static let capabilityExpired = Self(rawValue: "capabilityExpired")
    /// A capability of which every use was made.
    public static let capabilitySpent = Self(rawValue: "capabilitySpent")
    /// A capability that was passed on although its grant is not a transferable one.
    public static let capabilityNotTransferable = Self(rawValue: "capabilityNotTransferable")
    /// A label that several grants in effect bear, where one is meant.
    public static let capabilityAmbiguous = Self(rawValue: "capabilityAmbiguous")
}
