// The two kinds of block. Nothing in here knows of the tree.

extension OpIndex.Leaf {
    var count: Int { locations.count }

    subscript(index: Int) -> OpKey { OpKey(location: locations[index], core: cores[index]) }

    var tally: OpTally {
        var sum = Word256.zero
        for core in cores { sum.add(core) }
        return OpTally(count: cores.count, sum: sum)
    }

    /// Room for a whole block at once: arrays that double would end up with twice what a block can hold.
    mutating func reserve() {
        if locations.capacity < OpIndex.leafCapacity { locations.reserveCapacity(OpIndex.leafCapacity) }
        if cores.capacity < OpIndex.leafCapacity { cores.reserveCapacity(OpIndex.leafCapacity) }
    }

    mutating func append(_ key: OpKey) {
        locations.append(key.location)
        cores.append(key.core)
    }

    mutating func append(_ other: Self) {
        reserve()
        locations.append(contentsOf: other.locations)
        cores.append(contentsOf: other.cores)
    }

    mutating func insert(_ key: OpKey, at place: Int) {
        reserve()
        locations.insert(key.location, at: place)
        cores.insert(key.core, at: place)
    }

    mutating func remove(_ key: OpKey) -> Bool {
        let place = place(of: key)
        guard place < count, self[place] == key else { return false }
        locations.remove(at: place)
        cores.remove(at: place)
        return true
    }

    /// Takes everything from `middle` on into a new block.
    mutating func cut(from middle: Int) -> Self {
        var upper = Self()
        upper.reserve()
        upper.locations.append(contentsOf: locations[middle...])
        upper.cores.append(contentsOf: cores[middle...])
        locations.removeLast(locations.count - middle)
        cores.removeLast(cores.count - middle)
        return upper
    }

    /// How many keys here lie before `key`.
    func place(of key: OpKey) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension OpIndex.Branch {
    var tally: OpTally {
        var sum = OpTally.zero
        for tally in tallies { sum.add(tally) }
        return sum
    }

    /// The child in whose stretch `key` lies.
    func child(of key: OpKey) -> Int {
        var low = 1
        var high = separators.count
        while low < high {
            let middle = (low + high) / 2
            if separators[middle] <= key { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    mutating func append(_ node: Int32, _ first: OpKey, _ tally: OpTally) {
        children.append(node)
        separators.append(first)
        tallies.append(tally)
    }

    mutating func append(_ other: Self) {
        children.append(contentsOf: other.children)
        separators.append(contentsOf: other.separators)
        tallies.append(contentsOf: other.tallies)
    }

    mutating func insert(_ node: Int32, _ first: OpKey, _ tally: OpTally, at place: Int) {
        children.insert(node, at: place)
        separators.insert(first, at: place)
        tallies.insert(tally, at: place)
    }

    mutating func remove(at place: Int) {
        children.remove(at: place)
        separators.remove(at: place)
        tallies.remove(at: place)
    }

    mutating func cut(from middle: Int) -> Self {
        var upper = Self()
        upper.children = Array(children[middle...])
        upper.separators = Array(separators[middle...])
        upper.tallies = Array(tallies[middle...])
        children.removeLast(children.count - middle)
        separators.removeLast(separators.count - middle)
        tallies.removeLast(tallies.count - middle)
        return upper
    }
}
