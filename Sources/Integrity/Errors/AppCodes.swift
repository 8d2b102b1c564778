// What can go wrong between the cells of a conductor; docs/errors.md explains each.

extension PlasmidError.Code {
    /// Calls that call calls, beyond the depth or the number that one call may reach.
    public static let callTooDeep = Self(rawValue: "callTooDeep")
    /// A bridge handle that leads nowhere.
    public static let unknownBridge = Self(rawValue: "unknownBridge")
    /// A bridge between two cells that are bridged already, or under a handle that is taken.
    public static let bridgeExists = Self(rawValue: "bridgeExists")
    /// A role or a clone that an app does not have.
    public static let unknownRole = Self(rawValue: "unknownRole")
    /// A role whose manifest allows no further clone.
    public static let cloneLimitReached = Self(rawValue: "cloneLimitReached")
    /// A clone that has to be disabled first.
    public static let cloneEnabled = Self(rawValue: "cloneEnabled")
    /// An app that was installed without the membrane proofs that it needs.
    public static let awaitingMembraneProofs = Self(rawValue: "awaitingMembraneProofs")
    /// A genesis self-check or validator that does not let an agent begin a chain.
    public static let joinRefused = Self(rawValue: "joinRefused")
    /// A bridge that would lead back to where it starts.
    public static let bridgeCycle = Self(rawValue: "bridgeCycle")
}
