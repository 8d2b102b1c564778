import Integrity

/// What a page of an LMDB file is not.
struct PageFault: Error {
    let page: UInt64
    let what: String

    init(_ page: UInt64, _ what: String) {
        self.page = page
        self.what = what
    }

    /// `page 17 has …`
    var sentence: String { "page \(page) \(what)" }
}

/// LMDB 0.9's file on a 64-bit machine: integers in the machine's own order, pages of one size, the first two of which
/// say where the trees begin.
enum PageFormat {
    static let headerBytes = 16
    static let nodeBytes = 8
    static let magic: UInt32 = 0xBEEF_C0DE
    static let version: UInt32 = 1
    /// Bytes of a meta page that mean something.
    static let metaBytes = 152
    static let keyBytesMax = 511
    /// LMDB's cursors go no deeper.
    static let depthMax = 32
    /// The root of a tree without rows.
    static let none = UInt64.max
    /// The largest page size that a file may say.
    static let pageBytesMax = 32_768

    enum PageFlag {
        static let branch: UInt16 = 0x01
        static let leaf: UInt16 = 0x02
        static let overflow: UInt16 = 0x04
        static let meta: UInt16 = 0x08
    }

    enum NodeFlag {
        static let bigData: UInt16 = 0x01
        static let subDatabase: UInt16 = 0x02
    }

    /// A tree whose keys are integers: that of the free pages.
    static let integerKeys: UInt16 = 0x08

    /// The pages that a long value takes.
    static func overflowPages(_ valueBytes: Int, pageBytes: Int) -> Int {
        (headerBytes - 1 + valueBytes) / pageBytes + 1
    }
}

/// What LMDB keeps of a tree: 48 bytes.
struct TreeRecord: Equatable {
    static let bytes = 48

    /// In the record of the free pages: the page size.
    let pad: UInt32
    let flags: UInt16
    let depth: Int
    let branchPages: UInt64
    let leafPages: UInt64
    let overflowPages: UInt64
    let entries: UInt64
    let root: UInt64

    /// Reads the record at a byte offset; the caller has checked the bounds.
    init(_ bytes: UnsafeRawBufferPointer, _ at: Int) {
        pad = bytes.word32(at)
        flags = bytes.word16(at + 4)
        depth = Int(bytes.word16(at + 6))
        branchPages = bytes.word64(at + 8)
        leafPages = bytes.word64(at + 16)
        overflowPages = bytes.word64(at + 24)
        entries = bytes.word64(at + 32)
        root = bytes.word64(at + 40)
    }

    /// A tree without rows counts nothing.
    var isEmptyRight: Bool {
        depth == 0 && branchPages == 0 && leafPages == 0 && overflowPages == 0 && entries == 0
    }
}

/// One of the two pages that a file begins with. A commit writes the one whose turn it is.
struct MetaPage {
    let transaction: UInt64
    let lastPage: UInt64
    let mapBytes: UInt64
    let pageBytes: Int
    let free: TreeRecord
    let main: TreeRecord

    /// Reads the first bytes of a meta page.
    init(_ bytes: UnsafeRawBufferPointer, _ number: UInt64) throws(PageFault) {
        guard bytes.count >= PageFormat.metaBytes else { throw PageFault(number, "is not in the file") }
        guard bytes.word16(10) == PageFormat.PageFlag.meta, bytes.word64(0) == number else {
            throw PageFault(number, "is no meta page")
        }
        guard bytes.word32(16) == PageFormat.magic, bytes.word32(20) == PageFormat.version else {
            throw PageFault(number, "is no meta page of LMDB 0.9")
        }
        mapBytes = bytes.word64(32)
        free = TreeRecord(bytes, 40)
        main = TreeRecord(bytes, 40 + TreeRecord.bytes)
        lastPage = bytes.word64(136)
        transaction = bytes.word64(144)
        pageBytes = Int(free.pad)
        guard (512...PageFormat.pageBytesMax).contains(pageBytes), pageBytes & (pageBytes - 1) == 0 else {
            throw PageFault(number, "says pages of \(pageBytes) bytes")
        }
        guard free.flags == PageFormat.integerKeys, main.flags == 0, main.pad == 0 else {
            throw PageFault(number, "says that the trees are of another kind")
        }
        guard lastPage >= 1, lastPage < 1 << 47, transaction == 0 || transaction & 1 == number else {
            throw PageFault(number, "has an impossible page count or transaction number")
        }
        guard mapBytes >= (lastPage + 1) * UInt64(pageBytes) else {
            throw PageFault(number, "says a map that is smaller than its pages")
        }
    }
}

/// A branch or leaf whose header has been held against what it must be.
struct TreePage {
    let bytes: UnsafeRawBufferPointer
    let number: UInt64
    let isLeaf: Bool
    /// The nodes.
    let count: Int
    private let upper: Int

    init(_ bytes: UnsafeRawBufferPointer, _ number: UInt64) throws(PageFault) {
        let flags = bytes.word16(10)
        guard bytes.word64(0) == number else { throw PageFault(number, "calls itself page \(bytes.word64(0))") }
        guard flags == PageFormat.PageFlag.branch || flags == PageFormat.PageFlag.leaf else {
            throw PageFault(number, "is neither branch nor leaf")
        }
        let lower = Int(bytes.word16(12))
        upper = Int(bytes.word16(14))
        guard lower > PageFormat.headerBytes, lower % 2 == 0, upper % 2 == 0, lower <= upper, upper <= bytes.count
        else { throw PageFault(number, "has impossible bounds") }
        self.bytes = bytes
        self.number = number
        isLeaf = flags == PageFormat.PageFlag.leaf
        count = (lower - PageFormat.headerBytes) / 2
    }

    /// A row, or the way to a page below.
    struct Node {
        let at: Int
        let flags: UInt16
        let keyBytes: Int
        /// Of a leaf: the value's length.
        let valueBytes: Int
        /// Of a branch: the page below.
        let child: UInt64
        /// How many bytes of the page it takes.
        let size: Int

        /// Where the value begins, or the number of the page that has it.
        var valueAt: Int { at + PageFormat.nodeBytes + keyBytes }
        var isLong: Bool { flags & PageFormat.NodeFlag.bigData != 0 }
    }

    /// A node, all of it inside the page.
    @inline(__always)
    func node(_ index: Int) throws(PageFault) -> Node {
        let at = Int(bytes.word16(PageFormat.headerBytes + index * 2))
        guard at >= upper, at % 2 == 0, at + PageFormat.nodeBytes <= bytes.count else {
            throw PageFault(number, "has a node outside of it")
        }
        let (low, high) = (bytes.word16(at), bytes.word16(at + 2))
        let (flags, keyBytes) = (bytes.word16(at + 4), Int(bytes.word16(at + 6)))
        let valueBytes = isLeaf ? Int(low) | Int(high) << 16 : 0
        let inside = isLeaf && flags & PageFormat.NodeFlag.bigData != 0 ? 8 : valueBytes
        let size = (PageFormat.nodeBytes + keyBytes + inside + 1) & ~1
        guard keyBytes <= PageFormat.keyBytesMax, at + size <= bytes.count else {
            throw PageFault(number, "has a node that leaves it")
        }
        if isLeaf {
            guard keyBytes > 0 else { throw PageFault(number, "has a row without a key") }
            return Node(at: at, flags: flags, keyBytes: keyBytes, valueBytes: valueBytes, child: 0, size: size)
        }
        guard index == 0 || keyBytes > 0 else { throw PageFault(number, "has a branch without a key") }
        let child = UInt64(low) | UInt64(high) << 16 | UInt64(flags) << 32
        return Node(at: at, flags: 0, keyBytes: keyBytes, valueBytes: 0, child: child, size: size)
    }

    @inline(__always)
    func key(_ node: Node) -> UnsafeRawBufferPointer {
        bytes.slice(node.at + PageFormat.nodeBytes, node.keyBytes)
    }

    /// Whether the nodes, whose sizes stand in `tiles` by half their offsets, fill the page from its upper bound to its
    /// end, each byte once: LMDB moves them about by that, and writes behind the page where it is not so.
    func checkTiles(_ tiles: UnsafeMutableBufferPointer<UInt16>) throws(PageFault) {
        var (at, found) = (upper, 0)
        while at < bytes.count {
            let size = Int(tiles[at / 2])
            guard size > 0 else { throw PageFault(number, "has a gap between its nodes") }
            at += size
            found += 1
        }
        guard at == bytes.count, found == count else { throw PageFault(number, "has nodes that overlap") }
    }
}

extension UnsafeRawBufferPointer {
    // LMDB writes in the machine's own order. The caller has checked the bounds.
    @inline(__always)
    func word16(_ at: Int) -> UInt16 { loadUnaligned(fromByteOffset: at, as: UInt16.self) }
    @inline(__always)
    func word32(_ at: Int) -> UInt32 { loadUnaligned(fromByteOffset: at, as: UInt32.self) }
    @inline(__always)
    func word64(_ at: Int) -> UInt64 { loadUnaligned(fromByteOffset: at, as: UInt64.self) }
}
