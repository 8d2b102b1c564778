import Integrity

/// Values that strangers leave here for a while, under a name that many may share, each in a slot of its own. Bounded in all,
/// per name and per machine; where a bound is reached, whoever has most loses first, so that a flood from few addresses
/// displaces itself. Pure.
struct FairStore<Name: Hashable & Sendable, Slot: Hashable & Sendable, Value: Sendable>: Sendable {
    struct Settings: Sendable {
        /// Values under one name.
        var perName: Int
        /// Values of one machine under one name.
        var perNameAndHost: Int
        /// Values of one machine.
        var perHost: Int
        /// What all values may cost together, in the unit of ``put(_:in:under:cost:from:until:using:)``.
        var cost: Int
    }

    private struct Key: Hashable {
        var name: Name
        var slot: Slot
    }

    private struct Kept {
        var value: Value
        var cost: Int
        var expires: Timestamp
        var host: [UInt8]
        /// Where its key stands in `order`.
        var index: Int
    }

    private let settings: Settings
    private var kept: [Key: Kept] = [:]
    /// Every key once, in no order: random ones are drawn from here, and the sweep walks it.
    private var order: [Key] = []
    private var names: [Name: [Slot]] = [:]
    private var valuesOfHost: [[UInt8]: Int] = [:]
    private var cursor = 0
    /// What the values cost together.
    private(set) var cost = 0

    init(settings: Settings) { self.settings = settings }

    /// Values kept, those included that have expired since the last sweep.
    var count: Int { kept.count }
    /// Names with values.
    var nameCount: Int { names.count }
    /// Machines with values.
    var hostCount: Int { valuesOfHost.count }

    /// Keeps a value, in place of the one in the same slot; false where a bound forbids it.
    mutating func put(
        _ value: Value, in slot: Slot, under name: Name, cost: Int, from host: [UInt8], until expires: Timestamp,
        using random: inout some RandomNumberGenerator
    ) -> Bool {
        let key = Key(name: name, slot: slot)
        if kept[key]?.host != host, !makeRoom(under: name, for: host, replaces: kept[key] != nil, using: &random) {
            return false
        }
        remove(key)
        while self.cost + cost > settings.cost {
            guard let victim = victim(using: &random) else { return false }
            remove(victim)
        }
        kept[key] = Kept(value: value, cost: cost, expires: expires, host: host, index: order.count)
        order.append(key)
        names[name, default: []].append(slot)
        valuesOfHost[host, default: 0] += 1
        self.cost += cost
        return true
    }

    /// At most `count` live values under a name, drawn at random where there are more.
    func values(
        under name: Name, count: Int, now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> [(slot: Slot, value: Value)] {
        guard let slots = names[name] else { return [] }
        let live = slots.compactMap { slot -> (slot: Slot, value: Value)? in
            guard let entry = kept[Key(name: name, slot: slot)], entry.expires > now else { return nil }
            return (slot, entry.value)
        }
        return live.count <= count ? live : Array(live.shuffled(using: &random).prefix(count))
    }

    /// Forgets what has expired among the next `budget` values.
    mutating func sweep(now: Timestamp, budget: Int) {
        for _ in 0..<min(budget, order.count) {
            if cursor >= order.count { cursor = 0 }
            guard cursor < order.count else { return }
            let key = order[cursor]
            if let entry = kept[key], entry.expires <= now { remove(key) } else { cursor += 1 }
        }
    }

    /// False where the newcomer has to be refused; otherwise a value of the greediest under the name went, if one had to.
    private mutating func makeRoom(
        under name: Name, for host: [UInt8], replaces: Bool, using random: inout some RandomNumberGenerator
    ) -> Bool {
        guard valuesOfHost[host, default: 0] < settings.perHost else { return false }
        let slots = names[name] ?? []
        var uses: [[UInt8]: Int] = [:]
        for slot in slots { if let entry = kept[Key(name: name, slot: slot)] { uses[entry.host, default: 0] += 1 } }
        guard uses[host, default: 0] < settings.perNameAndHost else { return false }
        guard !replaces, slots.count >= settings.perName else { return true }
        let most = uses.values.max() ?? 0
        let candidates = slots.filter { slot in
            guard let entry = kept[Key(name: name, slot: slot)] else { return false }
            return uses[entry.host] == most
        }
        guard let victim = candidates.randomElement(using: &random) else { return false }
        remove(Key(name: name, slot: victim))
        return true
    }

    /// Of some values drawn at random the one whose machine has most: finding the true maximum would cost a flooded server
    /// a walk per request.
    private func victim(using random: inout some RandomNumberGenerator) -> Key? {
        var worst: (key: Key, uses: Int)?
        for _ in 0..<16 {
            guard let key = order.randomElement(using: &random), let entry = kept[key] else { return worst?.key }
            let uses = valuesOfHost[entry.host, default: 0]
            if uses > (worst?.uses ?? 0) { worst = (key, uses) }
        }
        return worst?.key
    }

    private mutating func remove(_ key: Key) {
        guard let entry = kept.removeValue(forKey: key) else { return }
        cost -= entry.cost
        let last = order.removeLast()
        if last != key {
            order[entry.index] = last
            kept[last]?.index = entry.index
        }
        names[key.name]?.removeAll { $0 == key.slot }
        if names[key.name]?.isEmpty == true { names[key.name] = nil }
        let left = valuesOfHost[entry.host, default: 1] - 1
        valuesOfHost[entry.host] = left == 0 ? nil : left
    }
}
