import Sodium

/// A record's entry, as far as the holder has it.
public enum RecordEntry: Hashable, Sendable {
    /// Here it is.
    case present(Entry)
    /// Private, and withheld.
    case hidden
    /// The action has no entry.
    case notApplicable
    /// There is one, but it is not held here.
    case notStored

    /// The entry, if it is here.
    public var entry: Entry? {
        if case .present(let entry) = self { return entry }
        return nil
    }
}

extension RecordEntry: Packable {
    /// Writes `{"Present": …}`, `"Hidden"`, `"NA"` or `"NotStored"`.
    public func pack(into w: inout MessagePackWriter) {
        switch self {
        case .present(let entry):
            w.writeMapHeader(1)
            w.writeString("Present")
            entry.pack(into: &w)
        case .hidden: w.writeString("Hidden")
        case .notApplicable: w.writeString("NA")
        case .notStored: w.writeString("NotStored")
        }
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        if r.peekType() == .map {
            let key = try r.expectVariant("RecordEntry")
            guard "Present" ~= key else { throw r.unknownCase(key, of: "RecordEntry") }
            self = .present(try r.read())
            return
        }
        let key = try r.readKey()
        switch key {
        case "Hidden": self = .hidden
        case "NA": self = .notApplicable
        case "NotStored": self = .notStored
        default: throw r.unknownCase(key, of: "RecordEntry")
        }
    }
}

/// An action with its address and its author's signature (SignedActionHashed of Holochain).
public struct SignedAction: Hashable, Sendable, Packable {
    /// The action.
    public var action: Action
    /// Its address. What came from outside may lie: see ``hasTrueHash``.
    public var hash: ActionHash
    /// The signature over the action's canonical bytes.
    public var signature: Signature

    /// A signed action whose address is known.
    public init(action: Action, hash: ActionHash, signature: Signature) {
        self.action = action
        self.hash = hash
        self.signature = signature
    }

    /// A signed action; computes the address.
    public init(action: Action, signature: Signature) {
        self.init(action: action, hash: action.hash, signature: signature)
    }

    /// True when the address is the action's own.
    public var hasTrueHash: Bool { action.hash == hash }

    /// True when the signature is that of the action's ``Action/signer``.
    public var hasTrueSignature: Bool {
        var writer = MessagePackWriter()
        action.pack(into: &writer)
        let signer = action.signer
        return writer.withUnsafeBytes { Ed25519.verify(signature.bytes, $0, by: signer.core) }
    }

    /// Writes `{hashed: {content, hash}, signature}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("hashed")
        w.writeMapHeader(2)
        w.writeString("content")
        action.pack(into: &w)
        w.writeString("hash")
        hash.pack(into: &w)
        w.writeString("signature")
        signature.pack(into: &w)
    }

    /// Reads `{hashed: {content, hash}, signature}`; the address is taken as it comes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var action: Action?
        var hash: ActionHash?
        var signature: Signature?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "hashed":
                for _ in 0..<(try r.readMapHeader()) {
                    switch try r.readKey() {
                    case "content": try r.read(into: &action)
                    case "hash": try r.read(into: &hash)
                    default: try r.skip()
                    }
                }
            case "signature": try r.read(into: &signature)
            default: try r.skip()
            }
        }
        self.action = try r.require(action, "content", of: "SignedAction")
        self.hash = try r.require(hash, "hash", of: "SignedAction")
        self.signature = try r.require(signature, "signature", of: "SignedAction")
    }
}

/// An action and, where the holder has it, its entry.
public struct Record: Hashable, Sendable, Packable {
    /// The action.
    public var signedAction: SignedAction
    /// Its entry.
    public var entry: RecordEntry

    /// A record from its parts.
    public init(signedAction: SignedAction, entry: RecordEntry) {
        self.signedAction = signedAction
        self.entry = entry
    }

    /// The action.
    public var action: Action { signedAction.action }
    /// The record's address.
    public var hash: ActionHash { signedAction.hash }

    /// Writes `{signed_action, entry}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("signed_action")
        signedAction.pack(into: &w)
        w.writeString("entry")
        entry.pack(into: &w)
    }

    /// Reads `{signed_action, entry}`.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var signedAction: SignedAction?
        var entry: RecordEntry?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "signed_action": try r.read(into: &signedAction)
            case "entry": try r.read(into: &entry)
            default: try r.skip()
            }
        }
        self.signedAction = try r.require(signedAction, "signed_action", of: "Record")
        self.entry = try r.require(entry, "entry", of: "Record")
    }
}
