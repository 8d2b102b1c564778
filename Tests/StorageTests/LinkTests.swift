import Integrity
import Testing

@testable import Storage

@Suite struct LinkTests {
    private let base = AnyLinkableHash(EntryHash(hashing: [1]))
    private let target = AnyLinkableHash(EntryHash(hashing: [2]))

    private func space(_ make: (inout TestAuthor) -> Void) throws -> (MemorySpace, TestAuthor) {
        var alice = TestAuthor("alice")
        alice.act(.dna(dna(1)))
        make(&alice)
        let space = MemorySpace()
        try space.commit(alice.take())
        return (space, alice)
    }

    @Test("a page of links has every field of its create, in the order of type, tag and creation")
    func fields() throws {
        var hashes: [ActionHash] = []
        let (space, alice) = try space { alice in
            hashes.append(alice.link(base, target, type: 1, tag: [5]))
            hashes.append(alice.link(base, target, type: 0, tag: [9]))
            hashes.append(alice.link(base, target, type: 0, tag: []))
            hashes.append(alice.link(base, target, type: 0, tag: []))
        }
        let page = try space.links(LinkRequest(base: base))
        #expect(page.links.map(\.createLinkHash) == [hashes[2], hashes[3], hashes[1], hashes[0]])
        #expect(page.next == nil)
        let record = try #require(try space.record(hashes[0]))
        #expect(page.links.last == Link(record.signedAction))
        #expect(page.links.allSatisfy { $0.author == alice.key && $0.base == base })
        let other = AnyLinkableHash(ActionHash(hashing: [1]))
        #expect(try space.links(LinkRequest(base: other)).links.isEmpty)
    }

    @Test("filters: types, tag prefix, author, time")
    func filters() throws {
        let (space, alice) = try space { alice in
            for type in UInt8(0)..<4 {
                for tag in ["a", "ab", "b", ""] { alice.link(base, target, type: type, tag: Array(tag.utf8)) }
            }
        }
        var request = LinkRequest(
            base: base, types: [LinkTypeNumber(zomeIndex: 0, linkType: 2), LinkTypeNumber(zomeIndex: 0, linkType: 1)],
            tagPrefix: Array("a".utf8))
        let page = try space.links(request)
        #expect(page.links.map(\.linkType) == [1, 1, 2, 2])
        #expect(page.links.map { String(decoding: $0.tag, as: UTF8.self) } == ["a", "ab", "a", "ab"])
        request.author = TestAuthor("bob").key
        #expect(try space.links(request).links.isEmpty)
        request.author = alice.key
        request.after = page.links[1].timestamp
        request.before = page.links[3].timestamp
        #expect(try space.links(request).links == Array(page.links[1...3]))
        #expect(try space.links(LinkRequest(base: base, types: [])).links.isEmpty)
    }

    @Test("pages joined by their cursors give every link once", arguments: [1, 2, 3, 7, 100])
    func paging(limit: Int) throws {
        let (space, _) = try space { alice in
            for index in 0..<20 {
                alice.link(base, target, type: UInt8(index % 3), tag: [UInt8](repeating: 1, count: index % 5))
            }
        }
        for types in [nil, [LinkTypeNumber(zomeIndex: 0, linkType: 2), LinkTypeNumber(zomeIndex: 0, linkType: 0)]] {
            let all = try space.links(LinkRequest(base: base, types: types)).links
            var request = LinkRequest(base: base, types: types, limit: limit)
            var joined: [Link] = []
            repeat {
                let page = try space.links(request)
                #expect(page.links.count <= limit)
                joined += page.links
                request.cursor = page.next
            } while request.cursor != nil
            #expect(joined == all)
        }
    }

    @Test("a link's place by tag is a cursor behind it, whether it was deleted or not; of another base it has none")
    func places() throws {
        var made: [ActionHash] = []
        let (space, _) = try space { alice in
            for index in 0..<9 {
                made.append(alice.link(base, target, type: 0, tag: [UInt8](repeating: 1, count: index % 3)))
            }
            alice.act(.deleteLink(base: base, linkAdd: made[4]))
        }
        let all = try space.links(LinkRequest(base: base, status: .all))
        #expect(all.links.count == 9)
        for (index, link) in all.links.enumerated() {
            let place = try #require(try space.tagPlace(of: link.createLinkHash, base: base))
            #expect(place == RowSpace.tagPlace(of: link))
            let rest = try space.links(LinkRequest(base: base, cursor: place, status: .all)).links
            #expect(rest == Array(all.links.dropFirst(index + 1)))
            #expect(try space.tagPlace(of: link.createLinkHash, base: AnyLinkableHash(EntryHash(hashing: [7]))) == nil)
        }
        #expect(try space.tagPlace(of: ActionHash(hashing: [7]), base: base) == nil)
    }

    @Test("tags that agree in their first 400 bytes are kept apart and given whole")
    func longTags() throws {
        let common = [UInt8](repeating: 7, count: 400)
        let tags = [
            common, common + [1], common + [UInt8](repeating: 2, count: 600), [UInt8](repeating: 7, count: 399),
        ]
        let (space, _) = try space { alice in for tag in tags { alice.link(base, target, tag: tag) } }
        let links = try space.links(LinkRequest(base: base)).links
        #expect(Set(links.map(\.tag)) == Set(tags))
        #expect(try space.links(LinkRequest(base: base, tagPrefix: common)).links.count == 3)
        #expect(try space.links(LinkRequest(base: base, tagPrefix: common + [2])).links.map(\.tag) == [tags[2]])
    }

    @Test("a deleted link is gone from pages; its deletes can be asked for")
    func deletes() throws {
        var link: ActionHash?
        var delete: ActionHash?
        let (space, _) = try space { alice in
            link = alice.link(base, target, tag: [1])
            alice.link(base, target, tag: [2])
            if let link { delete = alice.act(.deleteLink(base: base, linkAdd: link)) }
        }
        let create = try #require(link)
        #expect(try space.links(LinkRequest(base: base)).links.map(\.tag) == [[2]])
        #expect(try space.links(LinkRequest(base: base, status: .all)).links.map(\.tag) == [[1], [2]])
        #expect(try space.linkDeletes(of: create).map(\.hash) == [delete])
    }
}
