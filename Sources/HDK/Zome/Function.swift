import Integrity

/// A function of a zome, called by name from clients, other zomes and other agents.
///
/// Its input is one `Decodable` value, its result one `Encodable` value; a function that returns nothing answers nil.
/// What it throws reaches the caller as a `ZomeError`, and nothing of what it wrote is kept.
public struct Function: Sendable {
    let part: ZomePart

    /// A function with an input and a result.
    public init<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String, _ body: @escaping @Sendable (_ input: Input, _ host: Host) async throws -> Output
    ) {
        part = ZomePart(role: .function(name)) { call, payload in
            let input = try ValueCodec.input(Input.self, payload)
            return try ValueCodec.output(try await body(input, Host(call)))
        }
    }

    /// A function with an input that answers nil.
    public init<Input: Decodable & Sendable>(
        _ name: String, _ body: @escaping @Sendable (_ input: Input, _ host: Host) async throws -> Void
    ) {
        part = ZomePart(role: .function(name)) { call, payload in
            try await body(try ValueCodec.input(Input.self, payload), Host(call))
            return ValueCodec.null
        }
    }

    /// A function without input. Whatever is handed to it is ignored.
    public init<Output: Encodable & Sendable>(
        _ name: String, _ body: @escaping @Sendable (_ host: Host) async throws -> Output
    ) {
        part = ZomePart(role: .function(name)) { call, _ in
            try ValueCodec.output(try await body(Host(call)))
        }
    }

    /// A function without input that answers nil.
    public init(_ name: String, _ body: @escaping @Sendable (_ host: Host) async throws -> Void) {
        part = ZomePart(role: .function(name)) { call, _ in
            try await body(Host(call))
            return ValueCodec.null
        }
    }
}
