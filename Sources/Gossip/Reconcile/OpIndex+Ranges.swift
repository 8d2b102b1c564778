import Integrity

// What is asked of the index.
extension OpIndex {
    /// Whether an op is here.
    public func contains(_ key: OpKey) -> Bool {
        var node = root
        for _ in 0..<height {
            let branch = branches[Int(node)]
            node = branch.children[branch.child(of: key)]
        }
        let leaf = leaves[Int(node)]
        let place = leaf.place(of: key)
        return place < leaf.count && leaf[place] == key
    }

    /// Count and sum of the ops before `key`.
    public func tally(before key: OpKey) -> OpTally {
        var tally = OpTally.zero
        var node = root
        for _ in 0..<height {
            let branch = branches[Int(node)]
            let child = branch.child(of: key)
            for index in 0..<child { tally.add(branch.tallies[index]) }
            node = branch.children[child]
        }
        let leaf = leaves[Int(node)]
        let place = leaf.place(of: key)
        tally.count += place
        for index in 0..<place { tally.sum.add(leaf.cores[index]) }
        return tally
    }

    /// Count and sum of the ops in a range.
    public func tally(in range: OpRange) -> OpTally {
        if let upper = range.upper, upper <= range.lower { return .zero }
        let end = range.upper.map { tally(before: $0) } ?? total
        return end.minus(tally(before: range.lower))
    }

    /// How many ops lie in a range.
    public func count(in range: OpRange) -> Int { tally(in: range).count }

    /// How many ops lie at these locations.
    public func count(in locations: ClosedRange<UInt32>) -> Int { count(in: OpRange(locations)) }

    /// The key with `position` keys before it; nil beyond the end.
    public func key(at position: Int) -> OpKey? {
        guard position >= 0, position < total.count else { return nil }
        var left = position
        var node = root
        for _ in 0..<height {
            let branch = branches[Int(node)]
            var child = 0
            while child < branch.tallies.count - 1, left >= branch.tallies[child].count {
                left -= branch.tallies[child].count
                child += 1
            }
            node = branch.children[child]
        }
        let leaf = leaves[Int(node)]
        return left < leaf.count ? leaf[left] : nil
    }

    /// Calls `body` with every op of a range in order, until it returns false.
    public func forEach(in range: OpRange, _ body: (OpKey) -> Bool) {
        _ = visit(root, height, range, body)
    }

    /// The ops of a range in order, at most `limit`.
    public func keys(in range: OpRange, limit: Int = .max) -> [OpKey] {
        var keys: [OpKey] = []
        guard limit > 0 else { return keys }
        forEach(in: range) { key in
            keys.append(key)
            return keys.count < limit
        }
        return keys
    }

    private func visit(_ node: Int32, _ level: Int, _ range: OpRange, _ body: (OpKey) -> Bool) -> Bool {
        if level == 0 {
            let leaf = leaves[Int(node)]
            for index in leaf.place(of: range.lower)..<leaf.count {
                let key = leaf[index]
                if let upper = range.upper, key >= upper { return false }
                if !body(key) { return false }
            }
            return true
        }
        let branch = branches[Int(node)]
        for index in branch.child(of: range.lower)..<branch.children.count {
            if index > 0, let upper = range.upper, branch.separators[index] >= upper { return false }
            if !visit(branch.children[index], level - 1, range, body) { return false }
        }
        return true
    }

    /// Bytes of memory that the blocks take, allocators' heads not counted.
    public var byteCount: Int {
        let leafBytes = leaves.reduce(0) { $0 + $1.locations.capacity * 4 + $1.cores.capacity * 32 + 64 }
        let branchBytes = branches.reduce(0) {
            $0 + $1.children.capacity * 4
                + $1.tallies.capacity * MemoryLayout<OpTally>.stride
                + $1.separators.capacity * MemoryLayout<OpKey>.stride + 96
        }
        return leafBytes + branchBytes + leaves.capacity * MemoryLayout<Leaf>.stride
    }
}
