import Chain
import Integrity
import Testing

@Suite("patterns of names")
struct NameGlobTests {
    private let names = ["post", "blog/post", "blog/comment", "blog/de/post", "%dna", "%link_add", "größe", ""]

    private func matching(_ pattern: String) throws -> [String] {
        let glob = try NameGlob(pattern)
        return names.filter { glob.matches($0) }
    }

    @Test("§11.52 names, stars within a part and beyond, single characters, sets and choices")
    func patterns() throws {
        #expect(try matching("post") == ["post"])
        #expect(try matching("*") == ["post", "%dna", "%link_add", "größe", ""])
        #expect(try matching("**") == names)
        #expect(try matching("blog/*") == ["blog/post", "blog/comment"])
        #expect(try matching("blog/**") == ["blog/post", "blog/comment", "blog/de/post"])
        #expect(try matching("**/post") == ["blog/post", "blog/de/post"])
        #expect(try matching("p?st") == ["post"] && matching("gr??e") == ["größe"])
        #expect(try matching("[!%]*") == ["post", "größe"])
        #expect(try matching("%[a-l]*") == ["%dna", "%link_add"])
        #expect(try matching("{post,blog/comment}") == ["post", "blog/comment"])
        #expect(try matching("{,blog/}post") == ["post", "blog/post"])
        #expect(try NameGlob("post").isPlain && !NameGlob("p*").isPlain && !NameGlob("{a,b}").isPlain)
    }

    @Test(
        "patterns that are none are errors, and none takes long",
        arguments: ["[", "[]", "[!]", "{a", "a}", "[z-a]", "{a,{b}}"])
    func faulty(pattern: String) {
        #expect(throws: PlasmidError.self) { try NameGlob(pattern) }
    }

    @Test("a pattern of many stars on a long name is decided at once")
    func stars() throws {
        let glob = try NameGlob(String(repeating: "*a", count: 120) + "b")
        #expect(!glob.matches(String(repeating: "a", count: 128)))
        #expect(throws: PlasmidError.self) { try NameGlob(String(repeating: "{a,b}", count: 20)) }
        #expect(throws: PlasmidError.self) { try NameGlob(String(repeating: "a", count: 10_000)) }
    }
}
