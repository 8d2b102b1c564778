import Integrity

// The conductor's own error codes; docs/errors.md explains each.

extension PlasmidError.Code {
    /// A cell whose app is disabled, or that was stopped.
    public static let cellNotActive = Self(rawValue: "cellNotActive")
    /// A cell whose `init` still runs and waits for another agent.
    public static let cellNotReady = Self(rawValue: "cellNotReady")
    /// A cell whose `init` refused or failed; nothing was written.
    public static let initFailed = Self(rawValue: "initFailed")
    /// A host operation for a call that has ended.
    public static let callOver = Self(rawValue: "callOver")
    /// An agent that this space does not know.
    public static let agentNotFound = Self(rawValue: "agentNotFound")
    /// A `receive` callback that threw, trapped or ran out of time.
    public static let receiveFailed = Self(rawValue: "receiveFailed")
    /// A call of another agent's function that failed there.
    public static let remoteCallFailed = Self(rawValue: "remoteCallFailed")
    /// A module that is not where it should be.
    public static let moduleNotFound = Self(rawValue: "moduleNotFound")
    /// An installed cell whose chain is not in storage.
    public static let chainMissing = Self(rawValue: "chainMissing")
    /// A DNA that an app with the same agent already runs.
    public static let cellExists = Self(rawValue: "cellExists")
    /// An app id or key name with characters that are not allowed.
    public static let badName = Self(rawValue: "badName")
    /// An administrative method that this conductor does not have.
    public static let unknownMethod = Self(rawValue: "unknownMethod")
    /// A parameter whose value makes no sense.
    public static let badParameter = Self(rawValue: "badParameter")
    /// A method that exists in test mode only.
    public static let testModeOnly = Self(rawValue: "testModeOnly")
}
