import Gossip
import Testing

@Suite("Arcs")
struct ArcTests {
    @Test("an arc that passes the top contains what lies on both sides of it")
    func wraps() {
        let arc = Arc(start: 0xffff_fff0, length: 32)
        #expect(arc.contains(0xffff_fff0))
        #expect(arc.contains(0xffff_ffff))
        #expect(arc.contains(0))
        #expect(arc.contains(15))
        #expect(!arc.contains(16))
        #expect(!arc.contains(0xffff_ffef))
        #expect(arc.ranges == [0...15, 0xffff_fff0...0xffff_ffff])
    }

    @Test("the full arc contains every location and the empty one none")
    func ends() {
        for location in [0, 1, 0x7fff_ffff, 0xffff_ffff] as [UInt32] {
            #expect(Arc.full.contains(location))
            #expect(!Arc.empty.contains(location))
        }
        #expect(Arc(start: 7, length: .max) == .full)
        #expect(Arc(start: 7, length: 0) == .empty)
        #expect(Arc.full.ranges == [0...UInt32.max])
        #expect(Arc.empty.ranges.isEmpty)
        #expect(Arc(start: 5, length: Arc.ring - 5).ranges == [5...UInt32.max])
    }
}
