import HDK

/// What two agents agreed, with the signatures of both. `Plugins/Agreement` writes it with the same fields.
struct Agreement: EntryValue {
    static let type: EntryTypeName = "agreement"
    /// 32 random hexadecimal digits: what tells two agreements over the same terms apart.
    var id: String
    var terms: String
    var proposer: AgentKey
    var accepter: AgentKey
    var proposerSignature: Signature
    var accepterSignature: Signature

    /// What both signed. The host adds DNA and zome; the label and every field are in it with their lengths, so that no
    /// signature means something in another agreement, with other roles or for other terms.
    var signedBytes: [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array("agreement".utf8), Array(id.utf8), Array(terms.utf8), proposer.bytes, accepter.bytes] {
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
            bytes += part
        }
        return bytes
    }
}

/// The zome in which the signatures are made.
let signingZome = "agreement"

let rules = IntegrityZome("agreement_integrity") {
    Validate(Agreement.self) { agreement, op in
        guard agreement.proposer != agreement.accepter else { throw Invalid("nobody agrees with themselves") }
        guard op.author == agreement.proposer || op.author == agreement.accepter else {
            throw Invalid("an agreement is entered by one of the two who made it")
        }
        let isHexadecimal = agreement.id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isHexadecimal else { throw Invalid("an id has the digits 0 to 9 and a to f") }
        let bytes = agreement.signedBytes
        for (name, agent, signature) in [
            ("proposer", agreement.proposer, agreement.proposerSignature),
            ("accepter", agreement.accepter, agreement.accepterSignature),
        ] {
            guard try await op.host.verify(signature, of: bytes, by: agent, zome: signingZome) else {
                throw Invalid("the \(name)'s signature is not one under these terms, this id and these two")
            }
        }
    }
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
