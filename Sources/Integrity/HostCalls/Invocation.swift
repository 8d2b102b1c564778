/// What a module gets with an invocation: who called, and one MessagePack value.
public struct Invocation: Packable, Hashable {
    /// Who called: the provenance of a function call, the sender of a message; nil when the conductor calls.
    public var caller: AgentPubKey?
    /// One MessagePack value: the argument, the message, the ops to judge, the committed actions.
    public var payload: [UInt8]

    /// An invocation from its parts.
    public init(caller: AgentPubKey?, payload: [UInt8]) {
        self.caller = caller
        self.payload = payload
    }

    /// Writes `[caller or nil, payload as bin]`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        w.write(caller)
        w.writeBinary(payload)
    }

    /// Reads `[caller or nil, payload as bin]`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "An invocation")
        caller = try r.readOptional()
        payload = try r.readBytes()
    }
}

/// What crosses the zome boundary when something fails: the app's own error, or the host's answer with status 1.
public struct ModuleError: Packable, Hashable, Error {
    /// A stable name; the app's own, or one of ``PlasmidError/Code``.
    public var code: String
    /// Words for people.
    public var message: String

    /// An error from its parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The same words as a Plasmid error says, without its hint.
    public init(_ error: PlasmidError) { self.init(code: error.code.rawValue, message: error.message) }

    /// Writes `{code, message}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("code")
        w.writeString(code)
        w.writeString("message")
        w.writeString(message)
    }

    /// Reads `{code, message}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var code: String?
        var message: String?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "code": try r.read(into: &code)
            case "message": try r.read(into: &message)
            default: try r.skip()
            }
        }
        self.code = try r.require(code, "code", of: "ModuleError")
        self.message = try r.require(message, "message", of: "ModuleError")
    }
}
