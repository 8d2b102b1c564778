import Sodium

/// What a validator says to an op's author once it holds the op durably.
public struct ValidationReceipt: Hashable, Sendable {
    /// The op.
    public var op: DhtOpHash
    /// `valid` or `rejected`; nothing else is ever told.
    public var status: ValidationStatus
    /// Who validated it.
    public var validator: AgentPubKey
    /// When it was taken in.
    public var whenIntegrated: Timestamp

    /// A receipt from its parts.
    public init(op: DhtOpHash, status: ValidationStatus, validator: AgentPubKey, whenIntegrated: Timestamp) {
        self.op = op
        self.status = status
        self.validator = validator
        self.whenIntegrated = whenIntegrated
    }

    /// What the validator signs.
    public var signedBytes: [UInt8] { SigningDomain.receipt.message([packed]) }
}

/// A receipt and its validator's signature.
public struct SignedReceipt: Hashable, Sendable {
    /// What is said.
    public var receipt: ValidationReceipt
    /// The validator's signature over ``ValidationReceipt/signedBytes``.
    public var signature: Signature

    /// A signed receipt from its parts.
    public init(receipt: ValidationReceipt, signature: Signature) {
        self.receipt = receipt
        self.signature = signature
    }

    /// True when the validator that the receipt names signed it.
    public var hasTrueSignature: Bool { signature.verifies(receipt.signedBytes, by: receipt.validator) }
}

extension ValidationReceipt: Packable {
    /// Writes `{dht_op_hash, validation_status, validator, when_integrated}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(4)
        w.writeString("dht_op_hash")
        op.pack(into: &w)
        w.writeString("validation_status")
        status.pack(into: &w)
        w.writeString("validator")
        validator.pack(into: &w)
        w.writeString("when_integrated")
        whenIntegrated.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes; the status `Abandoned` is refused, since it is no verdict.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var op: DhtOpHash?
        var status: ValidationStatus?
        var validator: AgentPubKey?
        var when: Timestamp?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "dht_op_hash": try r.read(into: &op)
            case "validation_status": try r.read(into: &status)
            case "validator": try r.read(into: &validator)
            case "when_integrated": try r.read(into: &when)
            default: try r.skip()
            }
        }
        self.init(
            op: try r.require(op, "dht_op_hash", of: "ValidationReceipt"),
            status: try r.require(status, "validation_status", of: "ValidationReceipt"),
            validator: try r.require(validator, "validator", of: "ValidationReceipt"),
            whenIntegrated: try r.require(when, "when_integrated", of: "ValidationReceipt"))
        if self.status == .abandoned {
            throw PlasmidError(.malformedMessagePack, "A receipt says `Abandoned`, which is no verdict.")
        }
    }
}

extension SignedReceipt: Packable {
    /// Writes `{receipt, signature}`.
    public func pack(into w: inout MessagePackWriter) {
        w.writeMapHeader(2)
        w.writeString("receipt")
        receipt.pack(into: &w)
        w.writeString("signature")
        signature.pack(into: &w)
    }

    /// Reads what ``pack(into:)`` writes.
    public init(from r: inout MessagePackReader) throws(PlasmidError) {
        var receipt: ValidationReceipt?
        var signature: Signature?
        for _ in 0..<(try r.readMapHeader()) {
            switch try r.readKey() {
            case "receipt": try r.read(into: &receipt)
            case "signature": try r.read(into: &signature)
            default: try r.skip()
            }
        }
        self.init(
            receipt: try r.require(receipt, "receipt", of: "SignedReceipt"),
            signature: try r.require(signature, "signature", of: "SignedReceipt"))
    }
}
