public import Integrity

extension KadCore {
    /// Answers a request of a peer whose connection comes from an address of `group`. Nil where there is nothing to answer:
    /// announcements have none, and values are not kept here (the caller resets the stream then, unless it was an
    /// announcement).
    public mutating func answer(
        _ request: KadMessage, from peer: PeerID, group: AddressGroup, now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) -> KadMessage? {
        guard !request.key.isEmpty || request.kind == .ping else { return nil }
        switch request.kind {
        case .ping: return KadMessage(.ping)
        case .putValue: return nil
        case .addProvider:
            announced(request, by: peer, group: group, now: now, using: &random)
            return nil
        case .findNode:
            return KadMessage(.findNode, key: request.key, closer: closer(request.key, for: peer))
        case .getValue:
            return KadMessage(.getValue, key: request.key, closer: closer(request.key, for: peer))
        case .getProviders:
            let known = providers.providers(
                of: request.key, count: settings.providers.perKey, now: now, using: &random)
            return KadMessage(
                .getProviders, key: request.key, closer: closer(request.key, for: peer), providers: known)
        }
    }

    /// Only what a peer says of itself is kept; the rest of the list is somebody else's affair.
    private mutating func announced(
        _ request: KadMessage, by peer: PeerID, group: AddressGroup, now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) {
        guard let provider = request.providers.first(where: { $0.peer == peer }), !provider.addresses.isEmpty
        else { return }
        _ = providers.add(provider, key: request.key, group: group, now: now, using: &random)
    }

    /// The closest peers known, without the one that asks; this node first, where it is what was asked for or nobody else is
    /// known: who gets an empty answer takes this node for one that serves nothing.
    private func closer(_ key: [UInt8], for peer: PeerID) -> [KadContact] {
        let closest = table.closest(to: KadKey(key), count: settings.table.bucket, without: peer)
        guard key == me.bytes || closest.isEmpty else { return closest }
        return [KadContact(peer: me, addresses: addresses)] + closest.prefix(settings.table.bucket - 1)
    }
}
