import Integrity
import NIOCore
import Transport

/// Joining the other conductors.
extension Conductor {
    /// Begins to listen and joins the spaces of the running cells, if the options say that there is a network.
    /// - Parameter done: the addresses that peers may come to, ports filled in; none without a network. Fails with
    ///   `badAddress` where one cannot be listened on.
    public func startNetwork(_ done: @escaping (Result<[String], PlasmidError>) -> Void) {
        loop.assertInEventLoop()
        guard let options = options.network else { return done(.success([])) }
        do throws(PlasmidError) {
            let desk = try NetworkDesk(self, options)
            network = desk
            desk.whenChanged = { [weak self] in
                self?.heldWaits.look()
                self?.networkListener?()
            }
            desk.listen { result in
                if case .success(let addresses) = result {
                    self.networkAddresses = addresses.map(\.description)
                    desk.settle()
                }
                done(result.map { $0.map(\.description) })
            }
        } catch {
            done(.failure(error))
        }
    }

    /// Has `listener` called on the loop whenever something came over the network: a peer, an op, a record of an agent.
    public func hearNetwork(_ listener: @escaping () -> Void) {
        loop.assertInEventLoop()
        networkListener = listener
    }

    /// Ops that the spaces on the network hold, those of agents here among them: what is compared with others.
    public var heldOps: Int {
        loop.assertInEventLoop()
        return network?.spaces.values.reduce(0) { $0 + $1.heldOps } ?? 0
    }
}
