import Integrity

/// The ops that a node holds, in the order of reconciliation: what a fingerprint of any range is made from.
///
/// A B+ tree of blocks of fixed size: leaves of up to 128 keys of 36 bytes, branches of up to 64 children with the count and
/// the sum of hashes below each. Insert, remove, and count and sum of any range take O(log n); a sum is taken from the one
/// before the range's end less the one before its start, since sums modulo 2²⁵⁶ form a group. About 42 bytes an op after a
/// bulk build, about 55 after random inserts. A value: a round keeps a copy, and only the blocks that change meanwhile exist twice.
public struct OpIndex: Sendable {
    struct Leaf: Sendable {
        var locations: [UInt32] = []
        var cores: [Word256] = []
    }

    struct Branch: Sendable {
        var children: [Int32] = []
        var tallies: [OpTally] = []
        /// At `i`, a key that is above all of child `i - 1` and at most the lowest of child `i`; at 0 nothing that counts.
        var separators: [OpKey] = []
    }

    static let leafCapacity = 128
    static let branchCapacity = 64
    /// How full a bulk build makes blocks, so that the inserts that follow do not split each of them.
    private static let leafFill = 112
    private static let branchFill = 56

    var leaves: [Leaf] = [Leaf()]
    var branches: [Branch] = []
    var freeLeaves: [Int32] = []
    var freeBranches: [Int32] = []
    /// The branch at the top, or the only leaf when ``height`` is 0.
    var root: Int32 = 0
    /// How many levels of branches stand above the leaves.
    var height = 0
    /// Count and sum of everything.
    public internal(set) var total = OpTally.zero

    /// An index of nothing.
    public init() {}

    /// An index of these ops, in any order, each counted once.
    public init(_ keys: [OpKey]) {
        var sorted = keys
        if !Self.isAscending(sorted) {
            sorted.sort()
            var kept = 0
            for index in sorted.indices where kept == 0 || sorted[index] != sorted[kept - 1] {
                sorted[kept] = sorted[index]
                kept += 1
            }
            sorted.removeLast(sorted.count - kept)
        }
        build(sorted)
    }

    private static func isAscending(_ keys: [OpKey]) -> Bool {
        guard keys.count > 1 else { return true }
        for index in 1..<keys.count where keys[index - 1] >= keys[index] { return false }
        return true
    }

    private mutating func build(_ keys: [OpKey]) {
        guard !keys.isEmpty else { return }
        leaves = []
        var level: [(node: Int32, first: OpKey, tally: OpTally)] = []
        for piece in Self.pieces(keys.count, of: Self.leafFill) {
            var leaf = Leaf()
            leaf.reserve()
            for index in piece { leaf.append(keys[index]) }
            level.append((Int32(leaves.count), keys[piece.lowerBound], leaf.tally))
            leaves.append(leaf)
        }
        while level.count > 1 {
            var above: [(node: Int32, first: OpKey, tally: OpTally)] = []
            for piece in Self.pieces(level.count, of: Self.branchFill) {
                var branch = Branch()
                for (node, first, tally) in level[piece] { branch.append(node, first, tally) }
                above.append((Int32(branches.count), level[piece.lowerBound].first, branch.tally))
                branches.append(branch)
            }
            level = above
            height += 1
        }
        root = level[0].node
        total = level[0].tally
    }

    /// `count` things in even pieces of at most `size`.
    private static func pieces(_ count: Int, of size: Int) -> [Range<Int>] {
        let number = (count + size - 1) / size
        return (0..<number).map { count * $0 / number..<count * ($0 + 1) / number }
    }

    /// How many ops.
    public var count: Int { total.count }

    /// Whether there are none.
    public var isEmpty: Bool { total.count == 0 }

    // MARK: Insert

    /// Adds an op; false when it is here already.
    @discardableResult
    public mutating func insert(_ key: OpKey) -> Bool {
        let result = insert(key, into: root, height)
        guard result.isNew else { return false }
        total.add(OpTally(count: 1, sum: key.core))
        guard let split = result.split else { return true }
        var top = Branch()
        top.append(root, key, tally(of: root, height))
        top.append(split.node, split.first, tally(of: split.node, height))
        root = store(top)
        height += 1
        return true
    }

    private typealias Inserted = (isNew: Bool, split: (node: Int32, first: OpKey)?)

    private mutating func insert(_ key: OpKey, into node: Int32, _ level: Int) -> Inserted {
        guard level > 0 else { return insert(key, intoLeaf: Int(node)) }
        let place = branches[Int(node)].child(of: key)
        let child = branches[Int(node)].children[place]
        let result = insert(key, into: child, level - 1)
        guard result.isNew else { return result }
        guard let split = result.split else {
            branches[Int(node)].tallies[place].add(OpTally(count: 1, sum: key.core))
            return (true, nil)
        }
        branches[Int(node)].tallies[place] = tally(of: child, level - 1)
        let tally = tally(of: split.node, level - 1)
        branches[Int(node)].insert(split.node, split.first, tally, at: place + 1)
        guard branches[Int(node)].children.count > Self.branchCapacity else { return (true, nil) }
        let half = branches[Int(node)].children.count / 2
        let upper = branches[Int(node)].cut(from: half)
        let first = upper.separators[0]
        return (true, (store(upper), first))
    }

    private mutating func insert(_ key: OpKey, intoLeaf leaf: Int) -> Inserted {
        let place = leaves[leaf].place(of: key)
        if place < leaves[leaf].count, leaves[leaf][place] == key { return (false, nil) }
        guard leaves[leaf].count == Self.leafCapacity else {
            leaves[leaf].insert(key, at: place)
            return (true, nil)
        }
        // What comes in order fills the left block, so that a load in order leaves full blocks behind.
        let middle = place == Self.leafCapacity ? Self.leafFill : Self.leafCapacity / 2
        var upper = leaves[leaf].cut(from: middle)
        if place > middle { upper.insert(key, at: place - middle) } else { leaves[leaf].insert(key, at: place) }
        let first = upper[0]
        return (true, (store(upper), first))
    }

    private mutating func store(_ leaf: Leaf) -> Int32 {
        guard let free = freeLeaves.popLast() else {
            leaves.append(leaf)
            return Int32(leaves.count - 1)
        }
        leaves[Int(free)] = leaf
        return free
    }

    private mutating func store(_ branch: Branch) -> Int32 {
        guard let free = freeBranches.popLast() else {
            branches.append(branch)
            return Int32(branches.count - 1)
        }
        branches[Int(free)] = branch
        return free
    }

    func tally(of node: Int32, _ level: Int) -> OpTally {
        level == 0 ? leaves[Int(node)].tally : branches[Int(node)].tally
    }

    // MARK: Remove

    /// Takes an op away; false when it was not here.
    @discardableResult
    public mutating func remove(_ key: OpKey) -> Bool {
        guard remove(key, from: root, height) else { return false }
        total = total.minus(OpTally(count: 1, sum: key.core))
        while height > 0, branches[Int(root)].children.count == 1 {
            let child = branches[Int(root)].children[0]
            release(root, height)
            root = child
            height -= 1
        }
        return true
    }

    private mutating func remove(_ key: OpKey, from node: Int32, _ level: Int) -> Bool {
        guard level > 0 else { return leaves[Int(node)].remove(key) }
        let place = branches[Int(node)].child(of: key)
        let child = branches[Int(node)].children[place]
        guard remove(key, from: child, level - 1) else { return false }
        let left = branches[Int(node)].tallies[place].minus(OpTally(count: 1, sum: key.core))
        branches[Int(node)].tallies[place] = left
        mend(place, of: Int(node), level)
        return true
    }

    /// Joins the child at `place` with a neighbour when both are nearly empty, so that blocks stay at least a quarter full on
    /// the whole.
    private mutating func mend(_ place: Int, of branch: Int, _ level: Int) {
        let count = branches[branch].children.count
        guard count > 1 else { return }
        let capacity = level == 1 ? Self.leafCapacity : Self.branchCapacity
        let size = size(of: branches[branch].children[place], level - 1)
        guard size < capacity / 4 else { return }
        let left = place == count - 1 ? place - 1 : place
        let one = branches[branch].children[left]
        let other = branches[branch].children[left + 1]
        let together = self.size(of: one, level - 1) + self.size(of: other, level - 1)
        guard together <= (size == 0 ? capacity : capacity * 3 / 4) else { return }
        if level == 1 {
            let moved = leaves[Int(other)]
            leaves[Int(one)].append(moved)
        } else {
            var moved = branches[Int(other)]
            moved.separators[0] = branches[branch].separators[left + 1]
            branches[Int(one)].append(moved)
        }
        release(other, level - 1)
        let gone = branches[branch].tallies[left + 1]
        branches[branch].tallies[left].add(gone)
        branches[branch].remove(at: left + 1)
    }

    private func size(of node: Int32, _ level: Int) -> Int {
        level == 0 ? leaves[Int(node)].count : branches[Int(node)].children.count
    }

    private mutating func release(_ node: Int32, _ level: Int) {
        if level == 0 {
            leaves[Int(node)] = Leaf()
            freeLeaves.append(node)
        } else {
            branches[Int(node)] = Branch()
            freeBranches.append(node)
        }
    }
}
