import Integrity

/// Answers one kind of call: from the payload (one MessagePack value) to the result (one MessagePack value).
typealias Handler = @Sendable (_ call: LiveCall, _ payload: [UInt8]) async throws -> [UInt8]

/// Everything that a module answers, by kind and name.
struct CallTable: Sendable {
    let zome: String
    var functions: [String: Handler] = [:]
    var scheduled: [String: Handler] = [:]
    var callbacks: [InvocationKind: Handler] = [:]
    /// The packed ModuleDescription.
    var description: [UInt8] = []

    /// Who answers a call of this kind and name.
    func handler(_ kind: UInt32, _ name: String) -> Handler? {
        guard let kind = UInt8(exactly: kind).flatMap(InvocationKind.init(rawValue:)) else { return nil }
        switch kind {
        case .function: return functions[name]
        case .scheduled: return scheduled[name]
        default: return callbacks[kind]
        }
    }
}
