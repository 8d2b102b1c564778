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
}
