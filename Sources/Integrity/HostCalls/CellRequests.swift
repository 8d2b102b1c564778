// Inputs and answers of the host operations that reach other cells of the same conductor.

/// A cell by its two parts: one agent in one DNA.
public struct CellAddress: Packable, Hashable {
    /// The network.
    public var dna: DnaHash
    /// Whose chain.
    public var agent: AgentPubKey

    /// A cell from its parts.
    public init(dna: DnaHash, agent: AgentPubKey) {
        self.dna = dna
        self.agent = agent
    }

    /// Writes `[dna, agent]`, as Holochain does.
    public func pack(into w: inout MessagePackWriter) {
        w.writeArrayHeader(2)
        dna.pack(into: &w)
        agent.pack(into: &w)
    }

    /// Reads `[dna, agent]`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        try r.expectArray(2, "CellAddress")
        dna = try r.read()
        agent = try r.read()
    }
}

/// Which cell a call goes to.
public enum CallTarget: Packable, Hashable {
    /// The cell that calls. What the function writes is one commit with what the caller writes.
    case here
    /// A role of the same app, or a clone of one: `profiles`, `room.0`.
    case role(String)
    /// Any cell of the same conductor.
    case cell(CellAddress)
    /// What a bridge leads to, by the bridge's handle.
    case bridge(String)

    /// Writes `"Local"`, `{"OtherRole": name}`, `{"OtherCell": [dna, agent]}` (Holochain's words) or `{"Bridge": handle}`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .here: w.writeString("Local")
        case .role(let name):
            w.writeMapHeader(1)
            w.writeString("OtherRole")
            w.writeString(name)
        case .cell(let cell):
            w.writeMapHeader(1)
            w.writeString("OtherCell")
            cell.pack(into: &w)
        case .bridge(let handle):
            w.writeMapHeader(1)
            w.writeString("Bridge")
            w.writeString(handle)
        }
    }

    /// Reads one of the four forms.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if case .string? = r.peekType() {
            let word = try r.readKey()
            guard "Local" ~= word else { throw r.unknownCase(word, of: "CallTarget") }
            self = .here
            return
        }
        let key = try r.expectVariant("CallTarget")
        switch key {
        case "OtherRole": self = .role(try r.readString())
        case "OtherCell": self = .cell(try r.read())
        case "Bridge": self = .bridge(try r.readString())
        default: throw r.unknownCase(key, of: "CallTarget")
        }
    }
}

/// Input of ``HostOperation/callCell``; the answer is the result's value.
public struct CallCellRequest: Packable, Hashable {
    /// Which cell.
    public var target: CallTarget
    /// The zome's name.
    public var zome: String
    /// The function's name.
    public var function: String
    /// The argument: one MessagePack value.
    public var payload: [UInt8]
    /// The secret of a claim.
    public var secret: CapSecret?
    /// Calls as somebody whom nobody knows: what is not open to everyone is refused, the own functions too.
    public var asStranger: Bool
    /// How long to wait for the result.
    public var timeoutMilliseconds: UInt32

    /// A request from its parts.
    public init(
        target: CallTarget, zome: String, function: String, payload: [UInt8], secret: CapSecret? = nil,
        asStranger: Bool = false, timeoutMilliseconds: UInt32
    ) {
        self.target = target
        self.zome = zome
        self.function = function
        self.payload = payload
        self.secret = secret
        self.asStranger = asStranger
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Writes a map of 7 fields.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(7)
        w.writeString("target")
        target.pack(into: &w)
        w.writeString("zome")
        w.writeString(zome)
        w.writeString("function")
        w.writeString(function)
        w.writeString("payload")
        w.writeRaw(payload)
        w.writeString("secret")
        w.write(secret)
        w.writeString("as_stranger")
        w.writeBool(asStranger)
        w.writeString("timeout_ms")
        w.writeUInt(timeoutMilliseconds)
    }

    /// Reads a map; what has a default may be left out.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var target: CallTarget?
        var zome: String?
        var function: String?
        var payload: [UInt8]?
        var secret: CapSecret?
        var asStranger: Bool?
        var timeoutMilliseconds: UInt32?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "target": try r.read(into: &target)
            case "zome": try r.read(into: &zome)
            case "function": try r.read(into: &function)
            case "payload": payload = try r.rawBytes()
            case "secret": secret = try r.readOptional()
            case "as_stranger": try r.read(into: &asStranger)
            case "timeout_ms": try r.read(into: &timeoutMilliseconds)
            default: try r.skip()
            }
        }
        self.target = try r.require(target, "target", of: "CallCellRequest")
        self.zome = try r.require(zome, "zome", of: "CallCellRequest")
        self.function = try r.require(function, "function", of: "CallCellRequest")
        self.payload = try r.require(payload, "payload", of: "CallCellRequest")
        self.secret = secret
        self.asStranger = asStranger ?? false
        self.timeoutMilliseconds = try r.require(timeoutMilliseconds, "timeout_ms", of: "CallCellRequest")
    }
}
