import Gossip
import Integrity
import NIOCore
import Transport

/// The members of a space find each other in Kad: each announces itself under a key that means nothing to those who lack the
/// space's, and changes every hour (docs/spec/discovery.md §3).
///
/// Confined to the conductor loop.
final class KadSeeker {
    private let rendezvous: Rendezvous
    private let kad: KadService
    private let conductor: Conductor
    private var pace = RendezvousPace()
    private var random = SystemRandomNumberGenerator()
    private var announced: [UInt8]?
    private var timer: Scheduled<Void>?
    private var isRunning = false

    /// How many peers of the space are known: few make rounds come soon.
    var known: () -> Int = { 0 }
    /// Whether there is an address to announce.
    var canBeReached: () -> Bool = { false }
    /// Takes peers that announced themselves as members: they still have to show it.
    var onFound: (PeerID, [Multiaddr]) -> Void = { _, _ in }

    /// The seeker of a space, under its identity: others see that this peer asks, not whether it serves anything.
    init(_ conductor: Conductor, host: TransportHost, identity: HostIdentity, rendezvous: Rendezvous) {
        self.conductor = conductor
        self.rendezvous = rendezvous
        kad = KadService(
            host: host, identity: identity, now: { conductor.networkNow }, random: SystemRandomNumberGenerator())
    }

    /// Learns of a server of Kad; with the first one it begins.
    func learned(_ server: PeerID, _ addresses: [Multiaddr]) {
        if !isRunning {
            isRunning = true
            kad.start(serves: false)
            // The server is asked something before it is believed to be one.
            schedule(microseconds: 1_000_000)
        }
        kad.learned(server, addresses: addresses)
    }

    func stop() {
        isRunning = false
        timer?.cancel()
        timer = nil
        kad.stop()
    }

    private func schedule(microseconds: Int64) {
        timer?.cancel()
        timer = conductor.after(microseconds: microseconds) { [weak self] in self?.round() }
    }

    private func round() {
        guard isRunning else { return }
        let now = conductor.networkNow
        announce(rendezvous.providerKey(epoch: Rendezvous.epoch(at: now)))
        let searches = Rendezvous.epochs(at: now).map { kad.findProviders(of: rendezvous.providerKey(epoch: $0)) }
        EventLoopFuture.whenAllComplete(searches, on: conductor.loop).assumeIsolated().whenComplete { [weak self] all in
            guard let self, isRunning else { return }
            for case .success(let finding) in (try? all.get()) ?? [] {
                for contact in finding.providers { onFound(contact.peer, contact.addresses) }
            }
            let start = conductor.networkNow
            let next = pace.nextRound(known: known(), now: start, using: &random)
            schedule(microseconds: max(0, next.microseconds - start.microseconds))
        }
    }

    /// With each round anew: servers forget, and addresses change.
    private func announce(_ key: [UInt8]) {
        guard canBeReached() else { return }
        if let announced, announced != key { kad.withdraw(announced) }
        announced = key
        _ = kad.provide(key)
    }
}
