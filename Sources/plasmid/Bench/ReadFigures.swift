import Foundation
import Integrity
import NIOCore
import NIOPosix
import Storage

/// Reads of a space with many rows, as a host operation makes them: found in the tables, decoded.
enum ReadFigures {
    /// - Parameters:
    ///   - sample: addresses of notes, packed.
    ///   - base: the address of a note with ten thousand answers, packed.
    static func measure(_ place: BenchPlace, folder: String, sample: [[UInt8]], base: [UInt8]) throws -> [Figure] {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let hashes = try sample.map { try ActionHash(packed: $0) }
        let base = try ActionHash(packed: base)
        let count = place.count(20_000, quick: 5_000)
        let figures = try loop.submit {
            let database = try Database(folder: folder) { work in loop.execute(work) }
            defer { database.close() }
            guard let dna = try database.spaces().first else {
                throw PlasmidError(.notFound, "\(folder) holds no space")
            }
            let space = try database.space(dna)
            return [try get(space, hashes, count)] + (try links(space, base, place))
        }.wait()
        return figures
    }

    private static func get(_ space: Space, _ hashes: [ActionHash], _ count: Int) throws -> Figure {
        var (latency, floors) = (Samples(), Samples())
        var sizes = 0
        for index in 0..<count {
            let hash = AnyDhtHash(hashes[index % hashes.count])
            let start = monotonicSeconds()
            let found = try space.liveRecord(hash)
            latency.add(monotonicSeconds() - start)
            guard let bytes = found?.record.packed else {
                throw PlasmidError(.notFound, "\(hash) was acknowledged and is not there")
            }
            let decode = monotonicSeconds()
            sizes += try Record(packed: bytes).signedAction.action.header.author.bytes.count
            floors.add(monotonicSeconds() - decode)
        }
        guard sizes > 0 else { throw PlasmidError(.notFound, "no record was read") }
        return Figure(
            name: "reads.get", unit: "µs", value: latency.median * 1e6, p50: latency.median * 1e6,
            p99: latency.quantile(0.99) * 1e6, floor: floors.median * 1e6,
            floorName: "decoding the record from memory", budget: .atMost(10))
    }

    private static func links(_ space: Space, _ base: ActionHash, _ place: BenchPlace) throws -> [Figure] {
        var (pages, newest, alls, floors) = (Samples(), Samples(), Samples(), Samples())
        let page = LinkRequest(base: AnyLinkableHash(base), limit: 100)
        let latest = LinkRequest(base: AnyLinkableHash(base), limit: 100, order: .newestFirst)
        let all = LinkRequest(base: AnyLinkableHash(base), limit: 1_000_000)
        for _ in 0..<place.count(500, quick: 200) {
            let start = monotonicSeconds()
            let found = try space.links(page)
            pages.add(monotonicSeconds() - start)
            guard found.links.count == 100 else { throw PlasmidError(.notFound, "the first page is not full") }
            let packed = found.links.map(\.packed)
            let decode = monotonicSeconds()
            for link in packed { _ = try Link(packed: link) }
            floors.add(monotonicSeconds() - decode)
            let byTime = monotonicSeconds()
            let last = try space.links(latest).links.count
            newest.add(monotonicSeconds() - byTime)
            guard last == 100 else { throw PlasmidError(.notFound, "the newest page is not full") }
        }
        for _ in 0..<place.count(30, quick: 10) {
            let start = monotonicSeconds()
            let found = try space.links(all).links.count
            alls.add(monotonicSeconds() - start)
            guard found == 10_000 else { throw PlasmidError(.notFound, "\(found) links in place of 10,000") }
        }
        let floorName = "decoding the links from memory"
        return [
            Figure(
                name: "reads.links.page", unit: "µs", value: pages.median * 1e6, p50: pages.median * 1e6,
                p99: pages.quantile(0.99) * 1e6, floor: floors.median * 1e6, floorName: floorName,
                budget: .atMost(200)),
            Figure(
                name: "reads.links.newest", unit: "µs", value: newest.median * 1e6, p50: newest.median * 1e6,
                p99: newest.quantile(0.99) * 1e6, floor: floors.median * 1e6, floorName: floorName,
                budget: .atMost(200)),
            Figure(
                name: "reads.links.all", unit: "ms", value: alls.median * 1e3, p50: alls.median * 1e3,
                p99: alls.quantile(0.99) * 1e3, floor: floors.median * 1e5, floorName: floorName,
                budget: .atMost(10)),
        ]
    }
}
