import HDK

struct NewClone: Decodable, Sendable {
    var role: String
    var name: String?
    var seed: String?
    var proof: String?
}

struct Cloned: Encodable, Sendable {
    var clone: String
    var name: String
    var dna: DnaHash
    var enabled: Bool

    init(_ cell: ClonedCell) {
        clone = cell.clone
        name = cell.name
        dna = cell.cell.dna
        enabled = cell.isEnabled
    }
}

struct CloneChange: Decodable, Sendable {
    var clone: String
    var change: String
}

@ZomeBuilder
func clones() -> [ZomePart] {
    Function("create_clone") { (wanted: NewClone, host: Host) in
        Cloned(
            try await host.createClone(
                of: wanted.role, name: wanted.name, networkSeed: wanted.seed,
                membraneProof: wanted.proof.map { Array($0.utf8) }))
    }
    Function("change_clone") { (wanted: CloneChange, host: Host) -> Bool? in
        switch wanted.change {
        case "enable": return try await host.enableClone(wanted.clone).isEnabled
        case "disable": try await host.disableClone(wanted.clone)
        default: try await host.deleteClone(wanted.clone)
        }
        return nil
    }
    // Makes clones until it is told to stop, and answers how many it got.
    Function("flood_clones") { (wanted: NewClone, host: Host) -> Int in
        for number in 0..<1_000 {
            do {
                _ = try await host.createClone(of: wanted.role, networkSeed: "\(wanted.seed ?? "flood") \(number)")
            } catch let error as ZomeError where error.code.rawValue == "cloneLimitReached" {
                return number
            }
        }
        return 1_000
    }
}
