import HDK

/// What the DNA's properties say of who may join.
struct Gate: Decodable, Sendable {
    /// The proof that the self-check wants; none when nil.
    var door: String?
    /// The proof that the validators want; none when nil.
    var hall: String?
    /// The self-check traps, throws or loops instead.
    var fault: String?
}

let rules = IntegrityZome("gate_integrity") {
    GenesisSelfCheck { proof, agent, host in
        guard let gate = try await host.properties(as: Gate?.self) else { return }
        switch gate.fault {
        case "trap": readAt([], 1)
        case "throw": throw ZomeError("lost", "the gatekeeper has lost the list")
        default: break
        }
        guard let door = gate.door else { return }
        guard proof.map({ String(decoding: $0, as: UTF8.self) }) == door else {
            throw Invalid("the door stays shut for \(agent)")
        }
    }
    ValidateActivity { action, host in
        guard case .agentValidationPkg(let proof) = action.action.data,
            let hall = try await host.properties(as: Gate?.self)?.hall
        else { return }
        guard proof.map({ String(decoding: $0, as: UTF8.self) }) == hall else {
            throw Invalid("nobody in the hall knows this proof")
        }
    }
}

/// Traps; the compiler does not see it coming.
private func readAt(_ numbers: [Int], _ index: Int) {
    _ = numbers[index]
}

/// What the host opens.
@c(plasmid_zome_open)
public func openModule(_ host: UnsafePointer<zome_host>?) -> UnsafePointer<zome_module>? {
    Module(rules).export(to: host)
}
