// What can go wrong between the members of a space; docs/errors.md explains each.

extension PlasmidError.Code {
    /// What an agent says of itself, and is not believed.
    public static let agentRecordRefused = Self(rawValue: "agentRecordRefused")
    /// A frame between members that is too long, of an unknown kind, or out of place.
    public static let badFrame = Self(rawValue: "badFrame")
    /// A network address that cannot be listened on, dialled or understood.
    public static let badAddress = Self(rawValue: "badAddress")
    /// A peer that does not show what it has to show: membership, or an agent's key.
    public static let proofRefused = Self(rawValue: "proofRefused")
    /// An agent against which a warrant was found to be true: nothing goes to it or comes from it.
    public static let agentBlocked = Self(rawValue: "agentBlocked")
    /// The connection, with a peer or with a conductor's port, ended before the answer came; whether the request ran is
    /// unknown.
    public static let connectionLost = Self(rawValue: "connectionLost")
}
