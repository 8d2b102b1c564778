import Integrity

/// A conductor, as the client commands see it. They ask one thing at a time and wait.
protocol ConductorConnection: Sendable {
    /// The result of a JSON-RPC method.
    /// - Throws: what the conductor answered, or that it cannot be reached.
    func request(_ method: String, _ params: MessagePackValue) async throws -> MessagePackValue

    /// Hands over every signal that `params` asks for, until `each` says that it has enough or the conductor goes.
    /// - Parameter listening: called once with the conductor's answer, when no signal that comes can be missed any more.
    func signals(
        _ params: MessagePackValue, listening: @Sendable (MessagePackValue) -> Void,
        each: @escaping @Sendable (MessagePackValue) throws -> Bool
    ) async throws
}

/// `app/role`: an app and one of its cells.
struct InstanceID: Equatable {
    let app: String
    let role: String

    var text: String { "\(app)/\(role)" }

    init(_ text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw Failure.usage(
                "\"\(Words.harmless(text))\" does not name a cell",
                hint: "write app/role, as 'plasmid admin apps' lists them")
        }
        app = parts[0]
        role = parts[1]
    }
}
