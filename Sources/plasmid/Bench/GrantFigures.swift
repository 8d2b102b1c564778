import Chain
import Foundation
import Integrity
import Keystore
import Sodium

/// The check of a call against a chain with 10,000 grants.
enum GrantFigures {
    private static let grants = 10_000

    static func measure(_ place: BenchPlace) throws -> [Figure] {
        let keystore = try Keystore.create(
            at: place.folder + "/keystore", passphrase: BenchConductor.passphrase, cost: .forTests)
        var chain = GrantedChain(grants)
        try chain.delegate(keystore)
        let checks = place.count(200_000, quick: 50_000)
        var (direct, passedOn, floors) = ([Double](), [Double](), [Double]())
        for _ in 0..<place.rounds {
            floors.append(try chain.lookUps(checks))
            direct.append(try chain.checks(checks))
            passedOn.append(try chain.delegatedChecks(checks / 50))
        }
        let floor = median(floors)
        return [
            Figure(
                name: "grants.check", unit: "µs", value: median(direct), floor: floor,
                floorName: "one BLAKE2b of the secret and one look-up by it", budget: .atMost(20)),
            Figure(
                name: "grants.check.delegated", unit: "µs", value: median(passedOn), floor: floor,
                floorName: "one BLAKE2b of the secret and one look-up by it", budget: .none),
        ]
    }
}

/// Grants of all sorts on one chain, and somebody who may use each.
private struct GrantedChain {
    private let author = GrantedChain.agent(0)
    private let dna = DnaHash(hashing: Array("dna".utf8))
    private let function = ZomeFunction(zome: "blog", function: "post")
    private let now = Timestamp(microseconds: 1_000)
    private var book = GrantBook()
    private var secrets: [CapSecret] = []
    private var callers: [AgentPubKey] = []
    private var floor: [Fingerprint: Int] = [:]
    private var delegated: CapabilityRequest?

    private static func agent(_ number: Int) -> AgentPubKey {
        EntryHash(hashing: Array("agent \(number)".utf8)).agent
    }

    init(_ count: Int) {
        let functions = (0..<10).map { ZomeFunction(zome: "blog", function: "f\($0)") } + [function]
        for number in 0..<count {
            let secret = CapSecret.random()
            let caller = Self.agent(number)
            let assignees = number % 3 == 0 ? [caller] + (1...20).map { Self.agent(number + $0) } : nil
            let limits = GrantLimits(
                expiresAt: number % 2 == 0 ? Timestamp(microseconds: 1_000_000) : nil,
                uses: number % 5 == 0 ? 1_000_000 : nil)
            book.add(
                ZomeCallCapGrant(
                    tag: "grant \(number)",
                    access: assignees.map { .assigned(secret: secret, assignees: $0) } ?? .transferable(secret: secret),
                    functions: .listed(functions)),
                limits: limits, at: ActionHash(hashing: Array("grant \(number)".utf8)))
            secrets.append(secret)
            callers.append(caller)
            floor[secret.fingerprint] = number
        }
    }

    /// Microseconds of one check of a good secret, its use counted where it is.
    mutating func checks(_ count: Int) throws -> Double {
        var allowed = 0
        let start = DispatchTime.now()
        for number in 0..<count {
            let place = number &* 7_919 % secrets.count
            let verdict = CapabilityCheck.decide(
                CapabilityRequest(provenance: callers[place], secret: secrets[place], function: function),
                author: author, dna: dna, access: .granted, grants: book, now: now)
            if verdict.allows { allowed += 1 }
            _ = book.spend(verdict)
        }
        return try microseconds(since: start, count, allowed)
    }

    /// The same of a secret that was passed on once: two signatures' worth of hashing and one signature.
    mutating func delegatedChecks(_ count: Int) throws -> Double {
        guard let request = delegated else { throw PlasmidError(.internal, "nothing was passed on") }
        var allowed = 0
        let start = DispatchTime.now()
        for _ in 0..<count {
            let verdict = CapabilityCheck.decide(
                request, author: author, dna: dna, access: .granted, grants: book, now: now)
            if verdict.allows { allowed += 1 }
        }
        return try microseconds(since: start, count, allowed)
    }

    /// Somebody who holds a secret passes it on.
    mutating func delegate(_ keystore: Keystore) throws {
        let holder = try keystore.newAgent(tag: "holder", createdAt: now)
        let caller = Self.agent(1_000_000)
        var certificate = Delegation(
            dna: dna, grantor: author, parent: secrets[1].fingerprint, from: holder,
            to: caller, functions: nil, limits: .none, salt: Array(repeating: 1, count: Delegation.saltBytes),
            signature: Signature(Bytes64()))
        certificate.signature = try keystore.sign(certificate.signedBytes, by: holder)
        delegated = CapabilityRequest(
            provenance: caller, secret: secrets[1].derived(for: certificate), function: function,
            certificates: [certificate])
    }

    /// Microseconds of what no check can do without.
    func lookUps(_ count: Int) throws -> Double {
        var found = 0
        let start = DispatchTime.now()
        for number in 0..<count where floor[secrets[number &* 7_919 % secrets.count].fingerprint] != nil { found += 1 }
        return try microseconds(since: start, count, found)
    }

    private func microseconds(since start: DispatchTime, _ count: Int, _ done: Int) throws -> Double {
        let nanoseconds = DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds
        guard done == count else { throw PlasmidError(.internal, "a check of the bench was refused") }
        return Double(nanoseconds) / 1_000 / Double(count)
    }
}
