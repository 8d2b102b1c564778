// Reconciliation between nodes; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A message of reconciliation that is not what docs/spec/gossip.md says.
    public static let syncMalformed = Self(rawValue: "syncMalformed")
    /// A message of reconciliation, or a part of one, that nothing had asked for.
    public static let syncOutOfTurn = Self(rawValue: "syncOutOfTurn")
    /// A peer answered so little at a time that the round would not end.
    public static let syncStalled = Self(rawValue: "syncStalled")
    /// A peer said that ranges differ which do not, or asked for what it was never offered.
    public static let syncLied = Self(rawValue: "syncLied")
    /// A peer opened more questions than one round may have.
    public static let syncTooMuch = Self(rawValue: "syncTooMuch")
    /// Two nodes whose arcs have nothing in common, or do not agree on what they have.
    public static let syncNothingShared = Self(rawValue: "syncNothingShared")
    /// The peer ended the round.
    public static let syncRefused = Self(rawValue: "syncRefused")
}
