import Foundation
import Testing

@Suite("docs/spec/validation.md")
struct SpecificationTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    @Test("every rule that the code enforces stands on the page, each number once")
    func numbers() throws {
        let page = try String(contentsOf: root.appending(path: "docs/spec/validation.md"), encoding: .utf8)
        let told = page.split(separator: "\n").compactMap { line -> Int? in
            line.contains(". ") ? line.split(separator: ".").first.flatMap { Int($0) } : nil
        }
        #expect(told.count == Set(told).count)
        let folder = root.appending(path: "Sources/Validation/System")
        // Rule 3 rejects nothing: without the previous action the verdict is "missing". Rule 19 is of warrants (Pipeline/WarrantChecks).
        var enforced: Set<Int> = [3, 19]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let source = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            for match in source.matches(of: /(?:reject\(|rule: )\s*(\d+)/) {
                if let number = Int(match.1) { enforced.insert(number) }
            }
        }
        #expect(enforced == Set(told))
    }
}
