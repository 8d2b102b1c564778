import Glibc

/// Walks the pages of an LMDB 0.9 file with plain reads, before LMDB itself follows pointers that may be wrong. LMDB has
/// no page checksums: this finds pages that cannot be what their parents say, the rows' own hashes find the rest.
struct PageWalk {
    private(set) var faults: [String] = []
    private(set) var pages = 0
    private let descriptor: Int32
    private let fileBytes: Int
    private static let pageBytes = 4096
    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let headerBytes = 16
    private static let none = UInt64.max

    private enum Flag {
        static let branch: UInt16 = 0x01
        static let leaf: UInt16 = 0x02
        static let overflow: UInt16 = 0x04
        static let meta: UInt16 = 0x08
    }

    private enum NodeFlag {
        static let bigData: UInt16 = 0x01
        static let subDatabase: UInt16 = 0x02
    }

    /// Walks every page of `path` that its newest meta page leads to.
    static func walk(_ path: String) -> (faults: [String], pages: Int) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return (["\(path) cannot be read"], 0) }
        defer { close(descriptor) }
        var status = stat()
        fstat(descriptor, &status)
        var walk = PageWalk(descriptor: descriptor, fileBytes: Int(status.st_size))
        walk.run()
        return (walk.faults, walk.pages)
    }

    private init(descriptor: Int32, fileBytes: Int) {
        self.descriptor = descriptor
        self.fileBytes = fileBytes
    }

    private mutating func run() {
        var newest: (transaction: UInt64, main: UInt64, free: UInt64)?
        for number in 0..<2 {
            guard let page = read(UInt64(number)) else { continue }
            let isMeta: (UInt64, UInt64, UInt64)? = page.withUnsafeBytes { bytes in
                // Header, then magic, version, address, map size, two tables of 48 bytes (root last), last page, number.
                guard bytes.word16(10) & Flag.meta != 0, bytes.word32(16) == Self.magic, bytes.word32(20) & 0xFFFF == 1
                else { return nil }
                let tables = Self.headerBytes + 24
                return (bytes.word64(tables + 104), bytes.word64(tables + 48 + 40), bytes.word64(tables + 40))
            }
            guard let meta = isMeta else {
                faults.append("meta page \(number) is none")
                continue
            }
            if newest.map({ $0.transaction < meta.0 }) ?? true { newest = meta }
        }
        guard let newest else { return }
        walk(newest.free, depth: 0, names: false)
        walk(newest.main, depth: 0, names: true)
    }

    private mutating func walk(_ number: UInt64, depth: Int, names: Bool) {
        guard number != Self.none, faults.count < 100 else { return }
        guard depth < 64, let page = read(number) else {
            faults.append("page \(number) is beyond the file or part of a circle")
            return
        }
        pages += 1
        var below: [(page: UInt64, names: Bool)] = []
        var long: [(page: UInt64, bytes: Int)] = []
        let fault = page.withUnsafeBytes { Self.nodes($0, number, names: names, &below, &long) }
        if let fault { return faults.append(fault) }
        for place in long { checkLong(place.page, place.bytes) }
        for place in below { walk(place.page, depth: depth + 1, names: place.names) }
    }

    /// What a page leads to; a sentence where it cannot be one.
    private static func nodes(
        _ bytes: UnsafeRawBufferPointer, _ number: UInt64, names: Bool, _ below: inout [(page: UInt64, names: Bool)],
        _ long: inout [(page: UInt64, bytes: Int)]
    ) -> String? {
        let flags = bytes.word16(10) & 0x0F
        guard bytes.word64(0) == number else { return "page \(number) calls itself \(bytes.word64(0))" }
        guard flags == Flag.branch || flags == Flag.leaf else { return "page \(number) is neither branch nor leaf" }
        let lower = Int(bytes.word16(12))
        let upper = Int(bytes.word16(14))
        guard lower >= headerBytes, lower % 2 == 0, lower <= upper, upper <= pageBytes else {
            return "page \(number) has impossible bounds"
        }
        for index in 0..<(lower - headerBytes) / 2 {
            let at = Int(bytes.word16(headerBytes + index * 2))
            guard at >= upper, at + 8 <= pageBytes else { return "page \(number) has a node outside it" }
            let low = UInt64(bytes.word16(at))
            let high = UInt64(bytes.word16(at + 2))
            let nodeFlags = bytes.word16(at + 4)
            let keyBytes = Int(bytes.word16(at + 6))
            guard at + 8 + keyBytes <= pageBytes else { return "page \(number) has a key that leaves it" }
            if flags == Flag.branch {
                below.append((low | high << 16 | UInt64(nodeFlags) << 32, names))
                continue
            }
            let valueBytes = Int(low | high << 16)
            let value = at + 8 + keyBytes
            let inside = nodeFlags & NodeFlag.bigData != 0 ? 8 : valueBytes
            guard value + inside <= pageBytes else { return "page \(number) has a value that leaves it" }
            if nodeFlags & NodeFlag.bigData != 0 { long.append((bytes.word64(value), valueBytes)) }
            if names, nodeFlags & NodeFlag.subDatabase != 0, valueBytes == 48 {
                below.append((bytes.word64(value + 40), false))
            }
        }
        return nil
    }

    private mutating func checkLong(_ number: UInt64, _ valueBytes: Int) {
        let needed = (Self.headerBytes + valueBytes + Self.pageBytes - 1) / Self.pageBytes
        guard let page = read(number), (Int(number) + needed) * Self.pageBytes <= fileBytes else {
            faults.append("the long value at page \(number) leaves the file")
            return
        }
        pages += needed
        let isRight = page.withUnsafeBytes { bytes in
            bytes.word64(0) == number && bytes.word16(10) & Flag.overflow != 0 && Int(bytes.word32(12)) == needed
        }
        if !isRight { faults.append("page \(number) does not hold the long value that it should") }
    }

    private func read(_ number: UInt64) -> [UInt8]? {
        guard number < UInt64(fileBytes / Self.pageBytes) else { return nil }
        var page = [UInt8](repeating: 0, count: Self.pageBytes)
        let offset = Int(number) * Self.pageBytes
        let got = page.withUnsafeMutableBytes { FileCalls.system.readAll(descriptor, $0, at: offset) }
        return got == Self.pageBytes ? page : nil
    }
}

extension UnsafeRawBufferPointer {
    // LMDB writes in the machine's own order.
    fileprivate func word16(_ at: Int) -> UInt16 { loadUnaligned(fromByteOffset: at, as: UInt16.self) }
    fileprivate func word32(_ at: Int) -> UInt32 { loadUnaligned(fromByteOffset: at, as: UInt32.self) }
    fileprivate func word64(_ at: Int) -> UInt64 { loadUnaligned(fromByteOffset: at, as: UInt64.self) }
}
