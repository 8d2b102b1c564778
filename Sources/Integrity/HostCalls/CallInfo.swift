/// Answer of ``HostOperation/callInfo``: how the running call came in.
public struct CallInfo: Packable, Hashable {
    /// Who called; nil when the conductor did.
    public var caller: AgentPubKey?
    /// The zome that runs.
    public var zome: String
    /// The function or callback that runs.
    public var function: String
    /// Whether the caller showed a capability secret.
    public var secretUsed: Bool
    /// The cell that called, when the call comes from a zome of this conductor or of the caller's; nil for clients.
    public var callerCell: CellAddress?
    /// That cell's instance id, when it is one of this conductor.
    public var callerInstance: String?
    /// The handle of the bridge that the call came over.
    public var bridge: String?
    /// The grant that allowed the call; nil for the author, and for functions that are open to everyone.
    public var grant: ActionHash?

    /// A value from its parts.
    public init(
        caller: AgentPubKey? = nil, zome: String, function: String, secretUsed: Bool, callerCell: CellAddress? = nil,
        callerInstance: String? = nil, bridge: String? = nil, grant: ActionHash? = nil
    ) {
        self.caller = caller
        self.zome = zome
        self.function = function
        self.secretUsed = secretUsed
        self.callerCell = callerCell
        self.callerInstance = callerInstance
        self.bridge = bridge
        self.grant = grant
    }

    /// Writes a map of 8 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(8)
        w.writeString("caller")
        w.write(caller)
        w.writeString("zome")
        w.writeString(zome)
        w.writeString("function")
        w.writeString(function)
        w.writeString("secret_used")
        w.writeBool(secretUsed)
        w.writeString("caller_cell")
        w.write(callerCell)
        w.writeString("caller_instance")
        w.write(callerInstance)
        w.writeString("bridge")
        w.write(bridge)
        w.writeString("grant")
        w.write(grant)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var caller: AgentPubKey?
        var zome: String?
        var function: String?
        var secretUsed: Bool?
        var callerCell: CellAddress?
        var callerInstance: String?
        var bridge: String?
        var grant: ActionHash?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "caller": caller = try r.readOptional()
            case "zome": try r.read(into: &zome)
            case "function": try r.read(into: &function)
            case "secret_used": try r.read(into: &secretUsed)
            case "caller_cell": callerCell = try r.readOptional()
            case "caller_instance": callerInstance = try r.readOptional()
            case "bridge": bridge = try r.readOptional()
            case "grant": grant = try r.readOptional()
            default: try r.skip()
            }
        }
        self.init(
            caller: caller, zome: try r.require(zome, "zome", of: "CallInfo"),
            function: try r.require(function, "function", of: "CallInfo"),
            secretUsed: try r.require(secretUsed, "secret_used", of: "CallInfo"), callerCell: callerCell,
            callerInstance: callerInstance, bridge: bridge, grant: grant)
    }
}
