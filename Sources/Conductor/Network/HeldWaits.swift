import Integrity
import NIOCore

/// Questions whether something is held, which are answered when it is, or when their time is up.
///
/// Confined to the conductor loop.
final class HeldWaits {
    private struct Wait {
        let isHeld: () throws(PlasmidError) -> Bool
        let reply: (Result<Bool, PlasmidError>) -> Void
    }

    private var waits: [UInt64: Wait] = [:]
    private var last: UInt64 = 0

    /// Questions that may wait at a time.
    static let maximum = 1_000

    /// Asks now, and again whenever something came.
    /// - Throws: `overloaded`, or what the question throws.
    func add(
        _ conductor: Conductor, milliseconds: Int64, _ isHeld: @escaping () throws(PlasmidError) -> Bool,
        _ reply: @escaping (Result<Bool, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        if try isHeld() { return reply(.success(true)) }
        guard milliseconds > 0 else { return reply(.success(false)) }
        guard waits.count < Self.maximum else {
            throw PlasmidError(.overloaded, "\(waits.count) questions wait already", hint: "ask for fewer at a time")
        }
        last += 1
        let number = last
        waits[number] = Wait(isHeld: isHeld, reply: reply)
        conductor.after(microseconds: milliseconds * 1_000) { [weak self] in
            self?.waits.removeValue(forKey: number)?.reply(.success(false))
        }
    }

    /// Something came: what is held now is answered.
    func look() {
        for (number, wait) in waits.sorted(by: { $0.key < $1.key }) {
            let result = Result { () throws(PlasmidError) in try wait.isHeld() }
            if case .success(false) = result { continue }
            waits[number] = nil
            wait.reply(result)
        }
    }
}

extension Conductor {
    /// `admin/held`: whether the node of an instance holds an action or entry, by now or within `timeout_ms`.
    func held(
        _ params: AdminParams, _ reply: @escaping (Result<MessagePackValue, PlasmidError>) -> Void
    ) throws(PlasmidError) {
        let instance = try params.text("instance_id")
        let hash = try AnyDhtHash(try params.text("hash"))
        let wait = Int64(try params.wholeNumber("timeout_ms") ?? 0)
        guard (0...600_000).contains(wait) else {
            throw PlasmidError(.badInput, "a wait of \(wait) ms is not possible", hint: "0 to 600,000 ms")
        }
        try heldWaits.add(self, milliseconds: wait, { () throws(PlasmidError) in try self.holds(hash, in: instance) }) {
            reply($0.map { .object(["held": .bool($0)]) })
        }
    }
}
