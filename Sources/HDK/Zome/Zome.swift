import Integrity

/// A coordinator zome: the functions that clients and other agents may call, and what happens on messages and commits.
///
/// ```swift
/// let messenger = Zome("messenger") {
///     Function("write") { (note: Note, host: Host) in try await host.create(note) }
///     Receive { (from: AgentKey, text: String, host: Host) in "heard" }
/// }
/// ```
/// Who may call a function is said by the DNA manifest, not here.
public struct Zome: Sendable {
    /// The zome's name, as the DNA manifest has it.
    public let name: String
    let table: CallTable

    /// A zome of these functions and callbacks.
    public init(_ name: String, @ZomeBuilder _ parts: () -> [ZomePart]) {
        self.name = name
        var table = CallTable(zome: name)
        var functions: [String] = []
        var callbacks: [String] = []
        var scheduled: [String] = []
        for part in parts() {
            switch part.role {
            case .function(let function):
                functions.append(function)
                table.functions[function] = part.handler
            case .scheduled(let function):
                scheduled.append(function)
                table.scheduled[function] = part.handler
            case .callback(let kind, let word):
                callbacks.append(word)
                table.callbacks[kind] = part.handler
            }
        }
        table.description =
            ModuleDescription(
                abi: zomeABI, hdk: hdkVersion, zome: name, kind: .coordinator, functions: functions,
                callbacks: callbacks, scheduled: scheduled
            ).packed
        self.table = table
    }
}

/// One function or callback of a zome, as the builder collects it.
public struct ZomePart: Sendable {
    enum Role: Sendable {
        case function(String)
        case scheduled(String)
        case callback(InvocationKind, String)
    }

    let role: Role
    let handler: Handler
}

/// Collects the parts of a `Zome`.
@resultBuilder
public enum ZomeBuilder {
    /// A function.
    public static func buildExpression(_ function: Function) -> [ZomePart] { [function.part] }
    /// A function that runs by itself.
    public static func buildExpression(_ scheduled: Scheduled) -> [ZomePart] { [scheduled.part] }
    /// What answers messages.
    public static func buildExpression(_ receive: Receive) -> [ZomePart] { [receive.part] }
    /// What runs first.
    public static func buildExpression(_ initialize: Init) -> [ZomePart] { [initialize.part] }
    /// What runs after a commit.
    public static func buildExpression(_ postCommit: PostCommit) -> [ZomePart] { [postCommit.part] }
    /// Parts that a function with this builder put together: a large zome in several files.
    public static func buildExpression(_ parts: [ZomePart]) -> [ZomePart] { parts }
    /// All of them.
    public static func buildBlock(_ parts: [ZomePart]...) -> [ZomePart] { parts.flatMap { $0 } }
    /// Parts that are there on a condition.
    public static func buildOptional(_ parts: [ZomePart]?) -> [ZomePart] { parts ?? [] }
    /// Parts of one branch.
    public static func buildEither(first parts: [ZomePart]) -> [ZomePart] { parts }
    /// Parts of the other branch.
    public static func buildEither(second parts: [ZomePart]) -> [ZomePart] { parts }
    /// Parts made by a loop.
    public static func buildArray(_ parts: [[ZomePart]]) -> [ZomePart] { parts.flatMap { $0 } }
}
