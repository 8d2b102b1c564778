import Testing

/// The rules, held against this repository. Each failure names file and line and what to do.
@Suite("the repository")
struct RepositoryTests {
    private let repository = Repository.here

    private func hold(_ findings: [Finding]) {
        for finding in findings { Issue.record("\(finding.description)") }
    }

    @Test("the checkout was found")
    func found() {
        #expect(repository.paths.contains("Makefile"))
        #expect(repository.swiftFiles.contains { $0.path.hasPrefix("Sources/") })
    }

    @Test("targets import what the table of CONTRIBUTING.md allows")
    func imports() throws {
        let table = ImportTable(markdown: try #require(repository.file("CONTRIBUTING.md")).text)
        #expect(table.allowed.count >= 15, "the table was not found")
        hold(repository.swiftFiles.flatMap(table.check))
    }

    @Test("files and functions stay short")
    func lengths() {
        hold(repository.swiftFiles.flatMap { Lengths.checkFile($0) + Lengths.checkFunctions($0) })
    }

    @Test("no banned text stands in the sources")
    func bannedTexts() {
        hold(repository.swiftFiles.flatMap { BannedText.check($0) })
    }

    @Test("unchecked promises are explained")
    func promises() {
        hold(repository.swiftFiles.flatMap(Explanations.checkPromises))
    }

    @Test("files named for tests hold tests that expect something")
    func testFiles() {
        hold(repository.swiftFiles.flatMap(Explanations.checkTests))
    }

    @Test("no file names a path of one machine")
    func machinePaths() {
        hold(repository.files(".swift", ".md", ".yaml", ".yml", ".sh").flatMap(Explanations.checkMachinePaths))
    }

    @Test("no large file is tracked")
    func sizes() {
        hold(repository.paths.flatMap { path in Explanations.checkSize(path, bytes: repository.size(path) ?? 0) })
    }

    @Test("signing domains come from the one list, signatures from the keystore")
    func signing() {
        hold(repository.swiftFiles.flatMap(Signing.check))
    }

    @Test("every error code is documented")
    func errorCodes() throws {
        let document = try #require(repository.file(ErrorCodes.document))
        let sources = repository.swiftFiles.filter { $0.path.hasPrefix("Sources/") }
        hold(ErrorCodes.check(sources: sources, document: document))
    }

    @Test("every host operation has a method, a row in docs/hdk.md and one in the specification")
    func hostOperations() throws {
        hold(
            HostOperations.check(
                list: try #require(repository.file(HostOperations.list)),
                document: try #require(repository.file(HostOperations.document)),
                specification: try #require(repository.file(HostOperations.specification)),
                hdk: repository.swiftFiles.filter { $0.path.hasPrefix("Sources/HDK/") }))
    }

    @Test("links in documents lead somewhere")
    func links() {
        hold(repository.files(".md").flatMap { Documents.checkLinks($0, exists: repository.exists) })
        let shipped = repository.swiftFiles.filter { !$0.path.hasPrefix("Tests/") }
        hold(shipped.flatMap { Documents.checkMentions($0, exists: repository.exists) })
    }

    @Test("documents name make targets and commands that exist")
    func commands() throws {
        let targets = Documents.targets(makefile: try #require(repository.file("Makefile")))
        let commands = Documents.commands(sources: repository.swiftFiles)
        hold(repository.files(".md").flatMap { Documents.checkCommands($0, targets: targets, commands: commands) })
    }
}
