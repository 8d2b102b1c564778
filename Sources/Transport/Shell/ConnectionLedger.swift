import Integrity

/// A place that a connection takes, from the accepted or dialled socket to its end.
struct ConnectionSlot: Hashable, Sendable {
    let number: UInt64
}

/// Counts connections against the bounds of the settings.
struct ConnectionLedger {
    private struct Entry {
        /// Nil for those we dialled.
        var address: [UInt8]?
        var isInbound: Bool
        var isUpgrading = true
    }

    let settings: TransportSettings
    private var entries: [ConnectionSlot: Entry] = [:]
    private var byAddress: [[UInt8]: Int] = [:]
    private var inbound = 0
    private var upgradingInbound = 0
    private var next: UInt64 = 0

    init(settings: TransportSettings) { self.settings = settings }

    var count: Int { entries.count }

    /// A place for a connection that we make.
    mutating func takeDialSlot() throws(PlasmidError) -> ConnectionSlot {
        guard entries.count < settings.connections else {
            throw PlasmidError(.peerUnreachable, "\(settings.connections) connections are open, and no more are made")
        }
        return take(Entry(address: nil, isInbound: false))
    }

    /// A place for a socket that was accepted; refused beyond the bounds of all, of its address, and of handshakes under way.
    /// Nil for an address: none that is counted.
    mutating func takeAcceptSlot(from address: Multiaddr?) throws(PlasmidError) -> ConnectionSlot {
        guard entries.count < settings.connections, inbound < settings.inboundConnections,
            upgradingInbound < settings.upgrading
        else { throw Self.full }
        var entry = Entry(address: nil, isInbound: true)
        if let ip = address.flatMap({ AddressGroup.ip(of: $0.bytes) }), settings.countsLoopback || !Self.isLoopback(ip)
        {
            let group = AddressGroup(ip: ip).host
            guard byAddress[group, default: 0] < settings.connectionsPerAddress else { throw Self.full }
            byAddress[group, default: 0] += 1
            entry.address = group
        }
        inbound += 1
        upgradingInbound += 1
        return take(entry)
    }

    private mutating func take(_ entry: Entry) -> ConnectionSlot {
        next += 1
        let slot = ConnectionSlot(number: next)
        entries[slot] = entry
        return slot
    }

    /// Its handshake is done.
    mutating func upgraded(_ slot: ConnectionSlot) {
        guard let entry = entries[slot], entry.isUpgrading else { return }
        entries[slot]?.isUpgrading = false
        if entry.isInbound { upgradingInbound -= 1 }
    }

    /// It is gone.
    mutating func free(_ slot: ConnectionSlot) {
        upgraded(slot)
        guard let entry = entries.removeValue(forKey: slot) else { return }
        if entry.isInbound { inbound -= 1 }
        guard let address = entry.address else { return }
        let left = byAddress[address, default: 1] - 1
        byAddress[address] = left > 0 ? left : nil
    }

    private static var full: PlasmidError {
        PlasmidError(.peerUnreachable, "there are connections enough")
    }

    /// Whether an address is this machine's own.
    private static func isLoopback(_ ip: [UInt8]) -> Bool {
        if ip.count == 4 { return ip[0] == 127 }
        if AddressGroup(ip: ip).host.count == 4 { return ip[12] == 127 }
        return ip[..<15].allSatisfy { $0 == 0 } && ip[15] == 1
    }
}
