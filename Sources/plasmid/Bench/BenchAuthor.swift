import Chain
import Foundation
import Gossip
import Integrity
import Keystore
import NIOCore

/// A keystore for agents of figures that live on no conductor.
enum BenchKeys {
    static func make(_ place: BenchPlace) throws -> Keystore {
        try Keystore.create(
            at: place.folder + "/keys-" + UUID().uuidString, passphrase: BenchConductor.passphrase, cost: .forTests)
    }
}

/// Somebody who writes notes of a hundred bytes and lives on no conductor: a chain for others to judge.
final class BenchAuthor {
    /// An action as it was signed.
    struct Signed {
        let bytes: [UInt8]
        let signature: Signature
        let agent: AgentPubKey

        var isTrue: Bool { signature.verifies(bytes, by: agent) }
    }

    private let keystore: Keystore
    private let space: DnaHash
    let agent: AgentPubKey
    private var head: ChainHead?
    /// Every action so far.
    private(set) var actions: [Signed] = []
    private let type = EntryType.app(AppEntryDef(entryIndex: 0, zomeIndex: 0, visibility: .public))

    init(space: DnaHash, keystore: Keystore) throws {
        agent = try keystore.newAgent(tag: UUID().uuidString)
        self.keystore = keystore
        self.space = space
    }

    /// So many actions, genesis among them where the chain begins.
    /// - Returns: their ops, all of an action side by side.
    func write(_ count: Int, now: Timestamp) throws -> [[UInt8]] {
        var ops: [[UInt8]] = []
        var left = count
        if head == nil {
            ops += try sign(try Genesis.scratch(dna: space, agent: agent, membraneProof: nil, now: now))
            left -= Int(Genesis.actionCount)
        }
        while left > 0 {
            var scratch = Scratch(author: agent, head: head)
            for _ in 0..<min(left, 500) {
                var text = "note \(actions.count + scratch.actions.count) of \(agent): "
                text += String(repeating: "x", count: max(0, 100 - text.utf8.count))
                let note = Entry.app(MessagePackValue.object(["text": .string(text)]).packed)
                try scratch.create(type, note, now: now)
            }
            left -= scratch.actions.count
            ops += try sign(scratch)
        }
        return ops
    }

    private func sign(_ scratch: Scratch) throws -> [[UInt8]] {
        var ops: [[UInt8]] = []
        for pending in scratch.actions {
            let signature = try keystore.sign(pending.actionBytes, by: agent)
            actions.append(Signed(bytes: pending.actionBytes, signature: signature, agent: agent))
            let signed = SignedAction(action: pending.action, hash: pending.hash, signature: signature)
            let record = Record(
                signedAction: signed, entry: pending.entry.map { .present($0) } ?? .notApplicable)
            ops += ChainOp.ops(for: record).map { DhtOp.chainOp($0).packed }
        }
        head = scratch.head
        return ops
    }

    /// Ops in frames as full as may be, with the number of ops in each.
    static func frames(_ ops: [[UInt8]]) -> [(frame: ByteBuffer, ops: Int)] {
        // Those of one action (three) stay together.
        let most = OpsBody.opsMaximum / 3 * 3
        return stride(from: 0, to: ops.count, by: most).map { start in
            let part = Array(ops[start..<min(ops.count, start + most)])
            return (BenchLink.buffer(Frame(.ops, body: OpsBody(receiptsWanted: false, ops: part).packed)), part.count)
        }
    }

    /// Signatures that one thread verifies in a second, over this chain's last actions.
    func verifyRate(_ count: Int) throws -> Double {
        let start = monotonicSeconds()
        let last = actions.suffix(count)
        for action in last where !action.isTrue {
            throw PlasmidError(.badSignature, "an action of the figure is not signed by its author")
        }
        return Double(last.count) / (monotonicSeconds() - start)
    }
}
