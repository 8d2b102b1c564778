import Gossip
import Integrity

/// What a malicious node does.
enum SimMalice: Int, CaseIterable, Sendable {
    /// It writes what the rules forbid, and pushes it.
    case invalid
    /// It sends forged signatures, receipts and warrants.
    case forger
    /// It claims everything, signs for everything, keeps nothing and answers nothing.
    case dropper
    /// It lies in reconciliation.
    case liar
    /// It writes two actions in one place of its chain.
    case forker

    /// What it claims to hold, where that is a lie.
    var claims: Arc? { self == .dropper ? .full : nil }
    var fakesReceipts: Bool { self == .dropper }
    var lies: Bool { self == .liar }
    var isIdle: Bool { self == .dropper }

    func isSilent(to message: SimMessage) -> Bool {
        guard self == .dropper else { return false }
        switch message {
        case .round, .fetch: return true
        default: return false
        }
    }

    /// Another message of a round than the honest one.
    func twist(_ reply: ReconcileMessage?, _ random: inout SimRandom) -> ReconcileMessage? {
        guard case .turn(let settled, let replies, let idBytes)? = reply else { return reply }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .turn(settled: max(0, settled - 1), replies: replies, idBytes: idBytes)
        case 1:
            let lie = ReconcileItem(offset: 0, reply: .split(cuts: [], asks: [.fingerprint(random.next())]))
            return .turn(settled: settled, replies: settled > 0 ? [lie] : [], idBytes: idBytes)
        case 2:
            let lie = ReconcileItem(offset: 0, reply: .answer(wanted: [random.next() >> 16], giving: 1 << 30))
            return .turn(settled: settled, replies: settled > 0 ? [lie] : [], idBytes: idBytes)
        default: return reply
        }
    }
}
