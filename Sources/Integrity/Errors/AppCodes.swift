// What can go wrong between the cells of a conductor; docs/errors.md explains each.

extension PlasmidError.Code {
    /// Calls that call calls, beyond the depth or the number that one call may reach.
    public static let callTooDeep = Self(rawValue: "callTooDeep")
    /// A bridge handle that leads nowhere.
    public static let unknownBridge = Self(rawValue: "unknownBridge")
    /// A bridge between two cells that are bridged already, or under a handle that is taken.
    public static let bridgeExists = Self(rawValue: "bridgeExists")
    /// A bridge that would lead back to where it starts.
    public static let bridgeCycle = Self(rawValue: "bridgeCycle")
}
