import Integrity

/// Walks every page of an LMDB 0.9 file that its newest meta page leads to, with plain reads, before LMDB follows pointers
/// that may be wrong. LMDB has no page checksums: a file that passes cannot lead LMDB out of its pages, and no row can hide
/// behind a wrong order; whether a value is what was written, the rows' own hashes say (`SpaceCheck`).
///
/// Memory: one bit for each page, and one page for each level of a tree. No input makes it crash, circle or grow.
final class PageWalk {
    /// What a walk found.
    struct Result: Equatable {
        /// Sentences that name the page; as many as were asked for at most.
        var faults: [String] = []
        /// The pages looked at.
        var pages = 0
    }

    private let file: PageFile
    private let tables: [TableID]
    private let faultsMax: Int
    private var result = Result()
    private var meta: MetaPage
    private var filePages = 0
    private var seen = PageSet(pages: 0)
    private var isReadAhead = false
    /// The trees that the main tree names.
    private var named: [(name: [UInt8], record: TreeRecord)] = []
    /// One page for each level, then the sizes of a page's nodes.
    private let levels: UnsafeMutableRawBufferPointer
    private let tiles: UnsafeMutableBufferPointer<UInt16>

    /// How many pages a file may lack at its end: those that a transaction took and gave back were never written.
    private static let missingPagesMax: UInt64 = 1 << 21

    /// Walks a file.
    /// - Parameter tables: the tables that this version knows.
    static func walk(_ path: String, tables: [TableID], faultsMax: Int = 100) -> Result {
        var result = Result()
        guard let file = PageFile(path) else {
            result.faults = ["\(path) is no file that can be read"]
            return result
        }
        do throws(PageFault) {
            let walk = PageWalk(file, try newest(file), tables, faultsMax)
            walk.run()
            result = walk.result
        } catch {
            result.faults = [error.sentence]
        }
        return result
    }

    /// Refuses a folder whose `data.mdb` has any fault.
    /// - Throws: `storageCorrupt`, with file and page.
    static func require(_ folder: String, tables: [TableID]) throws(PlasmidError) {
        let path = folder + "/data.mdb"
        let result = walk(path, tables: tables, faultsMax: 1)
        if let fault = result.faults.first { throw StorageFault.damaged("\(path) is damaged: \(fault)") }
    }

    private init(_ file: PageFile, _ meta: MetaPage, _ tables: [TableID], _ faultsMax: Int) {
        self.file = file
        self.meta = meta
        self.tables = tables
        self.faultsMax = faultsMax
        levels = .allocate(byteCount: meta.pageBytes * (PageFormat.depthMax + 1), alignment: 8)
        tiles = .allocate(capacity: meta.pageBytes / 2)
        tiles.initialize(repeating: 0)
    }

    deinit {
        levels.deallocate()
        tiles.deallocate()
    }

    /// The meta page that LMDB would go by. Both have to be good: LMDB reads both, and the next commit overwrites the other.
    private static func newest(_ file: PageFile) throws(PageFault) -> MetaPage {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: PageFormat.metaBytes, alignment: 8)
        defer { bytes.deallocate() }
        func read(_ number: UInt64, _ offset: Int) throws(PageFault) -> MetaPage {
            guard file.read(offset, into: bytes) else { throw PageFault(number, "is not in the file") }
            return try MetaPage(UnsafeRawBufferPointer(bytes), number)
        }
        let first = try read(0, 0)
        let second = try read(1, first.pageBytes)
        guard first.pageBytes == second.pageBytes else { throw PageFault(1, "says another page size than page 0") }
        let isFirst = first.transaction > second.transaction
        let (new, old) = isFirst ? (first, second) : (second, first)
        guard new.transaction - old.transaction <= 1 else {
            throw PageFault(isFirst ? 1 : 0, "is not of the transaction before the newest")
        }
        return new
    }

    private func run() {
        let number = meta.transaction & 1
        filePages = file.bytes / meta.pageBytes
        guard meta.lastPage + 1 <= UInt64(filePages) + Self.missingPagesMax else {
            return note(PageFault(number, "says more pages than the file has"), in: nil)
        }
        seen = PageSet(pages: max(Int(meta.lastPage) + 1, 2))
        for page in 0..<2 { _ = seen.insert(page) }
        result.pages = 2
        isReadAhead = file.readAhead()
        walk(Tree("free pages", .free, meta.free))
        walk(Tree("tables", .main, meta.main))
        for (name, record) in named { walk(Tree("'\(String(decoding: name, as: UTF8.self))'", .table, record)) }
        guard result.faults.isEmpty else { return }
        checkNames()
        // What the file lacks was never written: then it has to be free.
        for page in stride(from: filePages, through: Int(meta.lastPage), by: 1) where !seen.contains(page) {
            return note(PageFault(UInt64(page), "is not in the file, and not free"), in: nil)
        }
    }

    /// A name that nobody knows in the place of one that is missing: LMDB would make that table anew, without rows.
    private func checkNames() {
        let known = Set(tables.map { Array($0.name.utf8) })
        let found = Set(named.map(\.name))
        guard !tables.isEmpty, found.count >= 1, !found.isSubset(of: known),
            let missing = known.subtracting(found).first
        else { return }
        let name = String(decoding: missing, as: UTF8.self)
        note(PageFault(meta.main.root, "has the name of an unknown table, and table '\(name)' is missing"), in: nil)
    }

    private func note(_ fault: PageFault, in tree: Tree?) {
        tree?.isFaulty = true
        guard result.faults.count < faultsMax else { return }
        result.faults.append(tree.map { "\(fault.sentence) (\($0.name))" } ?? fault.sentence)
    }

    // MARK: One tree

    /// A tree, and what was found of it so far.
    private final class Tree {
        enum Kind { case free, main, table }

        let name: String
        let kind: Kind
        let record: TreeRecord
        var branchPages: UInt64 = 0
        var leafPages: UInt64 = 0
        var overflowPages: UInt64 = 0
        var entries: UInt64 = 0
        var isFaulty = false
        /// The last key so far, or what a branch says of the keys to come.
        private var bound: [UInt8] = []
        private var isKey = false

        init(_ name: String, _ kind: Kind, _ record: TreeRecord) {
            self.name = name
            self.kind = kind
            self.record = record
        }

        /// Whether a key may follow what came before.
        func admits(_ key: UnsafeRawBufferPointer) -> Bool {
            if bound.isEmpty { return true }
            let order = kind == .free ? compareIntegers(key) : key.compareTo(bound)
            return isKey ? order > 0 : order >= 0
        }

        func raise(to key: UnsafeRawBufferPointer, isKey: Bool) {
            bound.removeAll(keepingCapacity: true)
            bound.append(contentsOf: key)
            self.isKey = isKey
        }

        private func compareIntegers(_ key: UnsafeRawBufferPointer) -> Int {
            guard key.count == 8, bound.count == 8 else { return -1 }
            let (left, right) = (key.word64(0), bound.withUnsafeBytes { $0.word64(0) })
            return left < right ? -1 : left == right ? 0 : 1
        }
    }

    private func walk(_ tree: Tree) {
        let record = tree.record
        guard record.root != PageFormat.none else {
            if !record.isEmptyRight { note(PageFault(meta.transaction & 1, "counts rows of an empty tree"), in: tree) }
            return
        }
        guard (1...PageFormat.depthMax).contains(record.depth) else {
            return note(PageFault(record.root, "is the root of a tree of depth \(record.depth)"), in: tree)
        }
        descend(tree, record.root, level: 1)
        guard !tree.isFaulty, result.faults.count < faultsMax else { return }
        guard tree.branchPages == record.branchPages, tree.leafPages == record.leafPages,
            tree.overflowPages == record.overflowPages, tree.entries == record.entries
        else {
            let (found, said) = (
                "\(tree.branchPages)+\(tree.leafPages)+\(tree.overflowPages) pages with \(tree.entries) rows",
                "\(record.branchPages)+\(record.leafPages)+\(record.overflowPages) with \(record.entries)"
            )
            return note(PageFault(record.root, "is the root of \(found); said are \(said)"), in: tree)
        }
    }

    private func descend(_ tree: Tree, _ number: UInt64, level: Int) {
        guard result.faults.count < faultsMax else { return }
        do throws(PageFault) {
            let bytes = UnsafeMutableRawBufferPointer(
                rebasing: levels[(level - 1) * meta.pageBytes..<level * meta.pageBytes])
            try take(number, 1)
            guard file.read(Int(number) * meta.pageBytes, into: bytes) else {
                throw PageFault(number, "cannot be read")
            }
            result.pages += 1
            let page = try TreePage(UnsafeRawBufferPointer(bytes), number)
            guard page.isLeaf == (level == tree.record.depth) else {
                throw PageFault(number, "is a \(page.isLeaf ? "leaf" : "branch") at a depth where none can be")
            }
            if page.isLeaf { try leaf(tree, page) } else { try branch(tree, page, level) }
        } catch {
            note(error, in: tree)
        }
    }

    private func branch(_ tree: Tree, _ page: TreePage, _ level: Int) throws(PageFault) {
        tree.branchPages += 1
        // LMDB ends the process where a branch leads to one page only.
        guard page.count >= (tree.kind == .free ? 1 : 2) else {
            throw PageFault(page.number, "is a branch to one page")
        }
        tiles.update(repeating: 0)
        for index in 0..<page.count {
            let node = try page.node(index)
            tiles[node.at / 2] = UInt16(truncatingIfNeeded: node.size)
            guard tree.kind != .free || index == 0 || node.keyBytes == 8 else {
                throw PageFault(page.number, "has a key of \(node.keyBytes) bytes")
            }
            if !isReadAhead, level + 1 == tree.record.depth, node.child < UInt64(filePages) {
                file.announce(Int(node.child) * meta.pageBytes, meta.pageBytes)
            }
        }
        try page.checkTiles(tiles)
        for index in 0..<page.count {
            let node = try page.node(index)
            if index > 0 {
                guard tree.admits(page.key(node)) else { throw PageFault(page.number, "has keys out of order") }
                tree.raise(to: page.key(node), isKey: false)
            }
            descend(tree, node.child, level: level + 1)
        }
    }

    private func leaf(_ tree: Tree, _ page: TreePage) throws(PageFault) {
        tree.leafPages += 1
        tree.entries += UInt64(page.count)
        tiles.update(repeating: 0)
        var last = UnsafeRawBufferPointer(start: nil, count: 0)
        for index in 0..<page.count {
            let node = try page.node(index)
            tiles[node.at / 2] = UInt16(truncatingIfNeeded: node.size)
            let key = page.key(node)
            let isInOrder: Bool
            if index == 0 || tree.kind == .free {
                if index > 0 { tree.raise(to: last, isKey: true) }
                isInOrder = tree.admits(key) && (tree.kind != .free || key.count == 8)
            } else {
                isInOrder = last.compare(key) < 0
            }
            guard isInOrder else { throw PageFault(page.number, "has keys out of order") }
            last = key
            let allowed = tree.kind == .main ? PageFormat.NodeFlag.subDatabase : PageFormat.NodeFlag.bigData
            guard node.flags & ~allowed == 0 else { throw PageFault(page.number, "has a row of an unknown kind") }
            if node.isLong { try longValue(tree, page, node) }
            switch tree.kind {
            case .table: break
            case .main: try name(page, node)
            case .free: try freePages(page, node)
            }
        }
        tree.raise(to: last, isKey: true)
        try page.checkTiles(tiles)
    }

    /// A row of the main tree: a table's name, and where its tree begins.
    private func name(_ page: TreePage, _ node: TreePage.Node) throws(PageFault) {
        guard node.flags == PageFormat.NodeFlag.subDatabase, node.valueBytes == TreeRecord.bytes else {
            throw PageFault(page.number, "has a row that is no table")
        }
        let record = TreeRecord(page.bytes, node.valueAt)
        guard record.flags == 0, record.pad == 0 else { throw PageFault(page.number, "has a table of an unknown kind") }
        named.append(([UInt8](page.key(node)), record))
    }

    // MARK: Values outside of the tree's pages

    /// Takes the pages of a value that stands by itself.
    private func longValue(_ tree: Tree, _ page: TreePage, _ node: TreePage.Node) throws(PageFault) {
        let number = page.bytes.word64(node.valueAt)
        guard number >= 2, number < UInt64(filePages), number <= meta.lastPage else {
            throw PageFault(page.number, "has a long value at page \(number), which is not in the file")
        }
        var header: (UInt64, UInt64) = (0, 0)
        let isThere = withUnsafeMutableBytes(of: &header) { file.read(Int(number) * meta.pageBytes, into: $0) }
        guard isThere else { throw PageFault(number, "cannot be read") }
        let (own, flags, count) = withUnsafeBytes(of: &header) { ($0.word64(0), $0.word16(10), $0.word32(12)) }
        // A value that was overwritten by a shorter one in the same transaction keeps its pages.
        guard own == number, flags == PageFormat.PageFlag.overflow,
            Int(count) >= PageFormat.overflowPages(node.valueBytes, pageBytes: meta.pageBytes)
        else { throw PageFault(number, "does not hold the long value that it should") }
        try take(number, UInt64(count))
        tree.overflowPages += UInt64(count)
        result.pages += Int(count)
    }

    /// The pages that a transaction gave back: a count, then their numbers, falling. Each must be free indeed.
    private func freePages(_ page: TreePage, _ node: TreePage.Node) throws(PageFault) {
        let fault = PageFault(page.number, "has a list of free pages that is none")
        guard page.key(node).word64(0) <= meta.transaction, node.valueBytes >= 8, node.valueBytes % 8 == 0 else {
            throw fault
        }
        var count: UInt64?
        var (left, last) = (0, UInt64.max)
        try value(page, node) { bytes throws(PageFault) in
            for at in stride(from: 0, to: bytes.count, by: 8) {
                let word = bytes.word64(at)
                guard count != nil else {
                    guard word <= UInt64(node.valueBytes / 8 - 1) else { throw fault }
                    count = word
                    left = Int(word)
                    continue
                }
                guard left > 0 else { return }
                guard word < last, word >= 2, word <= meta.lastPage else { throw fault }
                guard seen.insert(Int(word)) else { throw PageFault(word, "is free, and used or free once more") }
                (last, left) = (word, left - 1)
            }
        }
    }

    /// Gives a value in pieces of whole words.
    private func value(
        _ page: TreePage, _ node: TreePage.Node, _ body: (UnsafeRawBufferPointer) throws(PageFault) -> Void
    ) throws(PageFault) {
        guard node.isLong else { return try body(page.bytes.slice(node.valueAt, node.valueBytes)) }
        let number = page.bytes.word64(node.valueAt)
        let start = Int(number) * meta.pageBytes + PageFormat.headerBytes
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(node.valueBytes, 1 << 16), alignment: 8)
        defer { piece.deallocate() }
        var done = 0
        while done < node.valueBytes {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, node.valueBytes - done)])
            guard file.read(start + done, into: part) else { throw PageFault(number, "cannot be read") }
            try body(UnsafeRawBufferPointer(part))
            done += part.count
        }
    }

    /// Takes pages that must be in the file, and belong to nothing else.
    private func take(_ number: UInt64, _ count: UInt64) throws(PageFault) {
        guard number >= 2, number <= meta.lastPage, count <= meta.lastPage + 1 - number,
            number + count <= UInt64(filePages)
        else { throw PageFault(number, "is not in the file") }
        for page in Int(number)..<Int(number + count) {
            guard seen.insert(page) else { throw PageFault(UInt64(page), "belongs to two parents") }
        }
    }
}
