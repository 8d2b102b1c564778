import Foundation
import Testing

@testable import plasmid

@Suite("the demo that README begins with", .timeLimit(.minutes(3)))
struct DemoTests {
    @Test("the demo of the network: three conductors, a kill, messages, a patched node")
    func network() throws {
        let demo = try Spoken([Spoken.plasmid, "demo", "network"], in: Spoken.root)
        let status = demo.end()
        let said = demo.lines.joined(separator: "\n")
        #expect(status == 0, "\(said)")
        #expect(said.count { $0 == "✓" } >= 19)
        #expect(!said.contains("✗"), "\(said)")
    }

    @Test("every step of it holds, twice over")
    func holds() throws {
        for _ in 0..<2 {
            let demo = try Spoken([Spoken.plasmid, "demo"], in: Spoken.root)
            let status = demo.end()
            let said = demo.lines.joined(separator: "\n")
            #expect(status == 0, "\(said)")
            #expect(said.contains("steps held"))
            #expect(said.count { $0 == "✓" } >= 20)
            #expect(!said.contains("✗"), "\(said)")
        }
    }
}
