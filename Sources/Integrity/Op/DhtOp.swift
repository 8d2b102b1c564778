/// Everything that nodes keep for each other: an action in one of its nine ways, or a warrant.
public enum DhtOp: Hashable, Sendable {
    /// An action, seen from one of its bases.
    case chainOp(ChainOp)
    /// The proof that an agent broke the rules, kept where that agent's key lies. There are few, and they are large.
    indirect case warrant(SignedWarrant)

    /// The op's address. Computed at every use.
    public var hash: DhtOpHash {
        switch self {
        case .chainOp(let op): op.hash
        case .warrant(let signed): signed.warrant.hash
        }
    }

    /// Where on the ring it lives; nil when its action gives no op of this type, which makes the op invalid.
    public var location: UInt32? {
        switch self {
        case .chainOp(let op): op.basis?.location
        case .warrant(let signed): signed.warrant.warrantee.location
        }
    }
}

extension DhtOp: Packable {
    /// Writes `{"ChainOp": …}` or `{"WarrantOp": …}`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .chainOp(let op): op.pack(into: &w)
        case .warrant(let signed):
            w.writeMapHeader(1)
            w.writeString("WarrantOp")
            signed.pack(into: &w)
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        let outer = try r.expectVariant("DhtOp")
        switch outer {
        case "ChainOp": self = .chainOp(try ChainOp(body: &r))
        case "WarrantOp": self = .warrant(try r.read())
        default: throw r.unknownCase(outer, of: "DhtOp")
        }
    }
}
