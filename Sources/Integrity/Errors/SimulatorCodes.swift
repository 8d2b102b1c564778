// The simulator; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A simulation that cannot be run as it was asked for.
    public static let simulationRefused = Self(rawValue: "simulationRefused")
    /// An invariant did not hold in a simulation.
    public static let simulationFailed = Self(rawValue: "simulationFailed")
}
